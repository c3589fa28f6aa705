//! The JSON Schema of `iterapp.toml`, made from the table of keys.

use serde_json::{Map, Value, json};

use crate::{
    keys::{self, Effect, Key, Kind},
    superseded::{Fate, SUPERSEDED},
};

/// The JSON Schema (draft 2020-12) of an `iterapp.toml`, of the root as of an appling.
pub fn schema() -> Value {
    let mut schema = table("");
    let head = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("title", json!("iterapp.toml")),
        (
            "description",
            json!(
                "How HOPS builds and runs an app: in the root of its repository, and in each appling's directory."
            ),
        ),
        ("$defs", json!({ "value": value(), "sealed": sealed() })),
    ];
    for (name, value) in head {
        schema.insert(name.to_owned(), value);
    }
    Value::Object(schema)
}

/// The schema as the text of a file.
pub fn schema_text() -> String {
    let mut text =
        serde_json::to_string_pretty(&schema()).expect("JSON made of texts and numbers can be written");
    text.push('\n');
    text
}

/// The schema of a table; `""` is the top of a file.
fn table(path: &str) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut any_name = json!(false);
    for key in keys::of_table(path) {
        match key.name() {
            "<environment>" => {
                let names = hops_model::Environment::all().map(|environment| environment.as_str());
                for name in std::iter::once("common").chain(names) {
                    properties.insert(name.to_owned(), property(key));
                }
            }
            _ if key.is_any_name() => any_name = property(key),
            name => {
                properties.insert(name.to_owned(), property(key));
            }
        }
    }
    for old in
        SUPERSEDED.iter().filter(|old| old.path.rsplit_once('.').map_or("", |(table, _)| table) == path)
    {
        let mut schema = match old.kind {
            Kind::Table => Value::Object(table(old.path)),
            kind => kind.schema(),
        };
        let description = match old.fate {
            Fate::Renamed(new) => format!("Now called `{new}`."),
            Fate::Always(reason) => format!("Has no effect any more: {reason}."),
        };
        schema["description"] = json!(description);
        schema["deprecated"] = json!(true);
        let name = old.path.rsplit('.').next().unwrap_or(old.path);
        properties.insert(name.to_owned(), schema);
    }
    let required: Vec<_> = keys::of_table(path).filter(|key| key.is_required()).map(Key::name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("additionalProperties".to_owned(), any_name);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = match key.kind {
        Kind::Table => Value::Object(table(key.path)),
        Kind::Tables => json!({ "type": "array", "items": table(key.path) }),
        Kind::Value => json!({ "$ref": "#/$defs/value" }),
        Kind::Sealed => json!({ "$ref": "#/$defs/sealed" }),
        kind => kind.schema(),
    };
    let not_yet = if key.effect == Effect::NotYet { " Not supported by this release yet." } else { "" };
    schema["description"] = json!(format!("{}{not_yet}", key.meaning));
    if let Some(default) = key.default_value() {
        schema["default"] = default;
    }
    schema
}

/// A text, a sealed value, or a key of a Secret. Numbers and flags are taken as texts, with a warning.
fn value() -> Value {
    json!({
        "oneOf": [
            { "type": ["string", "number", "boolean"] },
            { "$ref": "#/$defs/sealed" },
            {
                "type": "object",
                "description": "A key of a Secret that an operator made by hand in the namespace.",
                "properties": { "secret": Kind::SecretName.schema(), "key": { "type": "string", "minLength": 1 } },
                "required": ["secret", "key"],
                "additionalProperties": false,
            },
        ],
    })
}

fn sealed() -> Value {
    json!({
        "type": "object",
        "description": "A sealed value.",
        "properties": { "encrypted": { "type": "string", "pattern": "^[A-Za-z0-9_.-]+$" } },
        "required": ["encrypted"],
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use crate::keys::KEYS;

    #[test]
    fn every_key_is_described() {
        for key in KEYS {
            assert!(key.meaning.ends_with('.'), "{}", key.path);
            assert!(
                key.table().is_empty() || KEYS.iter().any(|table| table.path == key.table()),
                "{}",
                key.path
            );
        }
    }
}
