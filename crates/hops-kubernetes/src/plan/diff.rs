//! Field by field: what HOPS wants, against what is there.
//!
//! What HOPS does not render is not its business, and the API server's defaults are such fields. Two kinds of other
//! fields do count: what HOPS rendered before and no longer does, and what somebody added by hand inside a `spec`.
//! The object's own record of who set which field (`managedFields`) tells both from defaults.

use hops_engine::Change;
use serde_json::Value;

use super::{
    owned::Owners,
    path::{Path, find, key_of},
    quantity::{is_quantity, same_amount},
};

/// The differing fields.
pub(super) fn changes(wanted: &Value, live: &Value, manager: &str) -> Vec<Change> {
    let owners = Owners::new(live, manager);
    let mut changes = Vec::new();
    for fields in [&["metadata", "labels"][..], &["metadata", "annotations"], &["spec"]] {
        let path = fields.iter().fold(Path::default(), |path, field| path.field(field));
        let at = |object: &Value| {
            fields.iter().try_fold(object.clone(), |value, field| value.get(*field).cloned())
        };
        if let Some(wanted) = at(wanted) {
            compare(&path, &wanted, at(live).as_ref(), &owners, &mut changes);
        }
    }
    for (path, before, changed_by) in owners.extra(wanted, live) {
        // Several may have touched one field; it is one change.
        if !changes.iter().any(|change| change.path == path.to_string()) {
            changes.push(Change { path: path.to_string(), before: Some(before), after: None, changed_by });
        }
    }
    changes
}

fn compare(
    path: &Path,
    wanted: &Value,
    live: Option<&Value>,
    owners: &Owners<'_>,
    changes: &mut Vec<Change>,
) {
    match (wanted, live) {
        (Value::Object(wanted), Some(live @ Value::Object(_))) => {
            for (name, wanted) in wanted {
                compare(&path.field(name), wanted, live.get(name), owners, changes);
            }
        }
        (Value::Array(items), Some(live @ Value::Array(_))) if !path.keys().is_empty() => {
            for wanted in items {
                let key = key_of(wanted, path.keys());
                let live = find(live, &key);
                compare(&path.item(key), wanted, live, owners, changes);
            }
        }
        _ if is_same(path, wanted, live) => {}
        _ => changes.push(Change {
            path: path.to_string(),
            before: live.cloned(),
            after: Some(wanted.clone()),
            changed_by: live.and_then(|_| owners.other(path)),
        }),
    }
}

/// Whether what is there says the same, defaults inside it aside.
fn is_same(path: &Path, wanted: &Value, live: Option<&Value>) -> bool {
    match (wanted, live) {
        // An empty text is left out by the API server.
        (Value::String(wanted), None) => wanted.is_empty(),
        (_, None) => false,
        (Value::Object(wanted), Some(live @ Value::Object(_))) => {
            wanted.iter().all(|(name, wanted)| is_same(&path.field(name), wanted, live.get(name)))
        }
        (Value::Array(wanted), Some(Value::Array(live))) => {
            wanted.len() == live.len()
                && wanted.iter().zip(live).all(|(wanted, live)| is_same(path, wanted, Some(live)))
        }
        (Value::String(wanted), Some(Value::String(live))) if is_quantity(path) => same_amount(wanted, live),
        (wanted, Some(live)) => wanted == live,
    }
}
