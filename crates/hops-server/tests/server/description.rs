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
