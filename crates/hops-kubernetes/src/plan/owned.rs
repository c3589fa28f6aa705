//! Who set which field: `metadata.managedFields`.

use serde_json::{Map, Value, json};

use super::path::{Path, Segment, find};

/// The record of an object.
pub(super) struct Owners<'a> {
    /// The fields that HOPS applied.
    ours: Vec<&'a Value>,
    /// The fields that others set, with their names.
    others: Vec<(&'a str, &'a Value)>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(live: &'a Value, manager: &str) -> Self {
        let mut owners = Self { ours: Vec::new(), others: Vec::new() };
        for entry in entries(live) {
            match ownership(entry, manager) {
                Ownership::Ours => owners.ours.push(&entry["fieldsV1"]),
                Ownership::Others(name) => owners.others.push((name, &entry["fieldsV1"])),
                Ownership::Nobodys => {}
            }
        }
        owners
    }

    /// Who else set the field at this path.
    pub(super) fn other(&self, path: &Path) -> Option<String> {
        let owns = |fields: &&(&str, &Value)| path.0.iter().try_fold(fields.1, descend).is_some();
        self.others.iter().find(owns).map(|(name, _)| (*name).to_owned())
    }

    /// Fields that are there and not wanted: ours from before, and those set by hand, with who did it.
    pub(super) fn extra(&self, wanted: &Value, live: &Value) -> Vec<(Path, Value, Option<String>)> {
        let mut extra = Vec::new();
        for fields in &self.ours {
            let mut found = Vec::new();
            unwanted(&Path::default(), fields, wanted, live, &mut found);
            extra.extend(found.into_iter().map(|(path, before)| (path, before, None)));
        }
        // A namespace's `spec` is not HOPS' at all.
        if wanted.get("spec").is_none() {
            return extra;
        }
        for (name, fields) in &self.others {
            let mut found = Vec::new();
            if let Some(spec) = fields.get("f:spec") {
                unwanted(&Path::default().field("spec"), spec, &wanted["spec"], &live["spec"], &mut found);
            }
            extra.extend(
                found
                    .into_iter()
                    .filter(|(path, _)| !is_everyones(path))
                    .map(|(path, before)| (path, before, Some((*name).to_owned()))),
            );
        }
        extra
    }
}

/// Annotations of pods are where tools leave notes, such as `kubectl rollout restart`; taking them back would restart
/// every pod once more.
fn is_everyones(path: &Path) -> bool {
    path.starts_with(&["spec", "template", "metadata"])
}

/// Collects the highest fields of the record that are there and not wanted.
fn unwanted(path: &Path, fields: &Value, wanted: &Value, live: &Value, found: &mut Vec<(Path, Value)>) {
    for (name, fields) in fields.as_object().into_iter().flatten() {
        let Some(segment) = segment(name) else { continue };
        let at = |object: &'_ Value| match &segment {
            Segment::Field(name) => object.get(name).cloned(),
            Segment::Item(key) => find(object, key).cloned(),
        };
        let path = match &segment {
            Segment::Field(name) => path.field(name),
            Segment::Item(key) => path.item(key.clone()),
        };
        // The pod template's annotations as a whole may be missing in what is wanted.
        match (at(live), at(wanted)) {
            (Some(live), None) => found.push((path, live)),
            (Some(live), Some(wanted)) => unwanted(&path, fields, &wanted, &live, found),
            (None, _) => {}
        }
    }
}

/// Hands fields of a `spec` that others own over to HOPS, so that applying without them removes them. Gives the
/// record to write; `None` where others own nothing there.
///
/// The way `kubectl` itself uses to move objects to server-side apply: the write changes no field, so nothing restarts
/// twice.
pub(crate) fn take_over(live: &Value, manager: &str) -> Option<Value> {
    let mut ours: Option<Value> = None;
    let mut taken = Map::new();
    let mut record = Vec::new();
    for entry in entries(live) {
        let mut entry = entry.clone();
        match ownership(&entry, manager) {
            Ownership::Ours => {
                ours = Some(entry);
                continue;
            }
            Ownership::Nobodys => {}
            Ownership::Others(_) => {
                if let Some(fields) = entry["fieldsV1"].as_object_mut()
                    && let Some(Value::Object(mut spec)) = fields.remove("f:spec")
                {
                    let kept = template_metadata(&mut spec);
                    merge(&mut taken, spec);
                    if let Some(kept) = kept {
                        fields.insert("f:spec".to_owned(), json!({"f:template": {"f:metadata": kept}}));
                    }
                }
            }
        }
        // An entry that owns nothing is refused.
        if entry["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty()) {
            record.push(entry);
        }
    }
    let mut ours = ours?;
    if taken.is_empty() {
        return None;
    }
    let mut all = ours["fieldsV1"].as_object()?.clone();
    merge(&mut all, Map::from_iter([("f:spec".to_owned(), Value::Object(taken))]));
    ours["fieldsV1"] = Value::Object(all);
    record.push(ours);
    Some(Value::Array(record))
}

/// Takes the pod template's metadata out of a record, see [`is_everyones`].
fn template_metadata(spec: &mut Map<String, Value>) -> Option<Value> {
    spec.get_mut("f:template")?.as_object_mut()?.remove("f:metadata")
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

enum Ownership<'a> {
    Ours,
    Others(&'a str),
    Nobodys,
}

fn ownership<'a>(entry: &'a Value, manager: &str) -> Ownership<'a> {
    let name = entry["manager"].as_str().unwrap_or("somebody");
    match (name == manager, entry["operation"].as_str(), entry["subresource"].as_str()) {
        (true, Some("Apply"), None | Some("")) => Ownership::Ours,
        // What admission added to a request of ours is recorded as an update of ours.
        (true, ..) | (_, _, Some("status")) => Ownership::Nobodys,
        (false, ..) => Ownership::Others(name),
    }
}

fn entries(live: &Value) -> impl Iterator<Item = &Value> {
    live["metadata"]["managedFields"].as_array().into_iter().flatten()
}

fn descend<'a>(fields: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Field(name) => fields.get(format!("f:{name}")),
        Segment::Item(key) => fields.as_object()?.iter().find_map(|(name, fields)| {
            let Some(Segment::Item(recorded)) = self::segment(name) else { return None };
            let has = |pair: &(String, Value)| recorded.contains(pair);
            key.iter().all(has).then_some(fields)
        }),
    }
}

/// A step in the record's own notation: `f:` for a field, `k:` for an item by its key. Values of sets (`v:`) and
/// the item itself (`.`) are no steps.
fn segment(name: &str) -> Option<Segment> {
    if let Some(field) = name.strip_prefix("f:") {
        return Some(Segment::Field(field.to_owned()));
    }
    let key: Map<String, Value> = serde_json::from_str(name.strip_prefix("k:")?).ok()?;
    Some(Segment::Item(key.into_iter().collect()))
}
