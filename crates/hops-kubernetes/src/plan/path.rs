//! Places in an object, and which lists are really maps.

use std::fmt;

use serde_json::Value;

/// One step on the way to a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Segment {
    /// A field of an object.
    Field(String),
    /// The item of a list that has these values.
    Item(Vec<(String, Value)>),
}

/// The way from an object's root to a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Path(pub(super) Vec<Segment>);

impl Path {
    pub(super) fn field(&self, name: &str) -> Self {
        self.with(Segment::Field(name.to_owned()))
    }

    pub(super) fn item(&self, key: Vec<(String, Value)>) -> Self {
        self.with(Segment::Item(key))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// Whether the path begins with these fields.
    pub(super) fn starts_with(&self, fields: &[&str]) -> bool {
        fields.len() <= self.0.len()
            && fields
                .iter()
                .zip(&self.0)
                .all(|(name, segment)| *segment == Segment::Field((*name).to_owned()))
    }

    /// The fields that tell the items of the list at this path apart; none where the list is one value. The same as
    /// `x-kubernetes-list-map-keys` in the API's description, for the lists that HOPS writes.
    pub(super) fn keys(&self) -> &'static [&'static str] {
        let Some(Segment::Field(list)) = self.0.last() else { return &[] };
        match list.as_str() {
            "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => &["name"],
            "volumeMounts" => &["mountPath"],
            "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
            "ports" if self.starts_with(&["spec", "template"]) => &["containerPort", "protocol"],
            "ports" if self.0.len() == 2 => &["port", "protocol"],
            _ => &[],
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                // Labels and annotations: their dots are no steps.
                Segment::Field(name) if name.contains(['.', '/']) => write!(f, "[{name}]")?,
                Segment::Field(name) if index == 0 => f.write_str(name)?,
                Segment::Field(name) => write!(f, ".{name}")?,
                Segment::Item(key) => {
                    let values: Vec<String> = key
                        .iter()
                        .map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                        .collect();
                    write!(f, "[{}]", values.join(","))?;
                }
            }
        }
        Ok(())
    }
}

/// The values of an item's key fields.
pub(super) fn key_of(item: &Value, keys: &[&str]) -> Vec<(String, Value)> {
    keys.iter().map(|key| ((*key).to_owned(), item[*key].clone())).collect()
}

/// The item of a list that has these values.
pub(super) fn find<'a>(list: &'a Value, key: &[(String, Value)]) -> Option<&'a Value> {
    list.as_array()?.iter().find(|item| key.iter().all(|(name, value)| item[name.as_str()] == *value))
}
