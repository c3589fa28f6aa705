//! Environment variables.

use std::collections::BTreeMap;

use hops_model::{Port, VariableName, VariableValue, app::PerEnvironment};
use toml::de::DeValue;

use super::environments;
use crate::{
    Code, keys,
    table::{Field, Table, report_swallowed},
    value,
};

type Variables = BTreeMap<VariableName, VariableValue>;

/// Reads `[env.…]`. `port` is where requests go, which `PORT` had better say too.
pub(super) fn read(table: &Table<'_>, port: Port) -> PerEnvironment<Variables> {
    let Some(env) = table.field("env").and_then(Field::table) else { return PerEnvironment::default() };
    environments::read(&env, |part, variables: &mut Variables| {
        for field in part.table().iter().flat_map(Table::named) {
            if let Some((name, value)) = read_variable(field, part.shown(), port) {
                variables.insert(name, value);
            }
        }
    })
}

fn read_variable(field: &Field<'_>, table: &str, port: Port) -> Option<(VariableName, VariableValue)> {
    if matches!(field.value(), DeValue::Array(_)) && report_swallowed(field, table) {
        return None;
    }
    let name = VariableName::parse(field.name())
        .map_err(|fault| {
            let help = fitting(field.name()).map(|name| format!("write for example `{name}`"));
            field.document().error(Code::InvalidValue, field.key_span(), fault.to_string(), help);
        })
        .ok()?;
    if keys::of_table("").any(|key| key.name() == field.name()) {
        let message =
            format!("`{}` stands inside `[{table}]` and becomes an environment variable", field.name());
        let help = "if the setting is meant, move it above the first table header".to_owned();
        field.document().warning(Code::MisplacedKey, field.key_span(), message, Some(help));
    }
    let value = value::read(field, "the container")?;
    if let ("PORT", VariableValue::Literal(text)) = (name.as_str(), &value)
        && *text != port.to_string()
    {
        let message =
            format!("the container is told to listen on {text}, but requests go to `port`, which is {port}");
        let help =
            format!("write `port = {text}` at the top, or take `PORT` out: it is set to `port` by itself");
        field.document().warning(Code::ConflictingKeys, field.value_span(), message, Some(help));
    }
    Some((name, value))
}

/// The nearest name that a shell could set.
fn fitting(text: &str) -> Option<String> {
    let name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name };
    (name.contains(|c: char| c.is_ascii_alphabetic()) && VariableName::parse(&name).is_ok()).then_some(name)
}
