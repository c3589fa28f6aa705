//! The generated pages are the committed ones.

use expect_test::expect_file;
use hops_manifest::{reference_markdown, schema, schema_text};
use serde_json::Value;

#[test]
fn the_committed_schema_is_the_generated_one() {
    expect_file!["../../../../docs/reference/iterapp.schema.json"].assert_eq(&schema_text());
}

#[test]
fn the_committed_reference_is_the_generated_one() {
    expect_file!["../../../../docs/reference/iterapp-toml.md"].assert_eq(&reference_markdown());
}

#[test]
fn the_schema_knows_exactly_the_keys_that_are_read() {
    let mut described = Vec::new();
    walk(&schema(), "", &mut described);
    let mut read: Vec<String> =
        hops_manifest::keys::KEYS.iter().map(|key| key.path.replace("[]", "")).collect();
    described.sort();
    described.dedup();
    read.sort();
    assert_eq!(described, read);
}

#[test]
fn every_table_of_the_schema_is_closed_or_says_what_its_keys_hold() {
    fn check(schema: &Value) {
        if let Value::Object(fields) = schema {
            if fields.contains_key("properties") {
                assert!(fields["additionalProperties"] != Value::Bool(true), "{schema}");
            }
            fields.values().for_each(check);
        }
    }
    check(&schema());
}

/// The paths of a schema's keys, written as in the table of keys, without the deprecated ones.
fn walk(schema: &Value, path: &str, found: &mut Vec<String>) {
    let environments = ["common", "prod", "test", "local"];
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["deprecated"] == Value::Bool(true) {
            continue;
        }
        let is_environment = environments.contains(&name.as_str()) || name.starts_with("snap");
        let path = join(if is_environment { "<environment>" } else { name });
        found.push(path.clone());
        walk(property, &path, found);
        walk(&property["items"], &path, found);
    }
    let any = &schema["additionalProperties"];
    if any.is_object() {
        found.push(join("<name>"));
        walk(any, &join("<name>"), found);
    }
}
