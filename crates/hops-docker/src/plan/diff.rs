//! Fields that differ between two values of plain data.

use std::collections::BTreeSet;

use hops_engine::Change;
use serde_json::Value;

/// The differing fields, in the order of their names. Lists of named things are compared by name, other lists are one
/// value.
pub(super) fn changes(path: &str, before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(path, Some(before), Some(after), &mut changes);
    changes
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    let (before, after) = (before.filter(|value| !is_empty(value)), after.filter(|value| !is_empty(value)));
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) if !is_choice(before, after) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                compare(&format!("{path}.{name}"), before.get(name), after.get(name), changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) if are_named(before) && are_named(after) => {
            let names: BTreeSet<&str> = before.iter().chain(after).filter_map(name).collect();
            for of in names {
                let find = |list: &'_ [Value]| list.iter().find(|item| name(item) == Some(of)).cloned();
                compare(&format!("{path}[{of}]"), find(before).as_ref(), find(after).as_ref(), changes);
            }
        }
        (before, after) => changes.push(Change {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
            changed_by: None,
        }),
    }
}

/// Unset fields, empty lists and empty objects say the same.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Whether these are different cases of one choice, such as a text and a reference to a Secret.
fn is_choice(before: &serde_json::Map<String, Value>, after: &serde_json::Map<String, Value>) -> bool {
    before.len() == 1 && after.len() == 1 && before.keys().ne(after.keys())
}

fn are_named(list: &[Value]) -> bool {
    list.iter().all(|item| name(item).is_some())
}

fn name(item: &Value) -> Option<&str> {
    item.get("name")?.as_str()
}
