use std::collections::BTreeSet;

use expect_test::expect_file;
use serde_json::Value;

#[test]
fn the_committed_description_is_the_servers() {
    let text = hops_server::openapi().to_pretty_json().unwrap();
    expect_file!["../../../../docs/reference/openapi.json"].assert_eq(&(text + "\n"));
}

#[test]
fn every_schema_that_is_named_is_described() {
    let description = serde_json::to_value(hops_server::openapi()).unwrap();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let mut named = Vec::new();
    references(&description, &mut named);
    assert!(named.len() > 20);
    for name in named {
        let schema = name.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(schema), "{schema}");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_every_answer_a_description() {
    let description = serde_json::to_value(hops_server::openapi()).unwrap();
    let mut names = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name}");
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let words = answer["description"].as_str().unwrap_or_default();
                assert!(!words.is_empty(), "{method} {path}: {status}");
            }
        }
    }
    assert_eq!(names.len(), 13);
}

fn references(value: &Value, named: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            named.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| references(value, named));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, named)),
        _ => {}
    }
}
