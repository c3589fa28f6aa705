//! What the platform provides beside the app.

use hops_model::app::Postgres;

use crate::{
    not_yet,
    table::{Field, Table},
};

/// Reads `[postgres]`.
pub(crate) fn postgres(table: &Table<'_>) -> Option<Postgres> {
    let field = table.field("postgres")?;
    let table = field.table()?;
    not_yet::warn(field);
    let mut extensions: Vec<String> = Vec::new();
    for text in table.field("extensions").map(Field::texts).unwrap_or_default() {
        if is_extension(text.as_str()) {
            if !extensions.iter().any(|name| name == text.as_str()) {
                extensions.push(text.as_str().to_owned());
            }
        } else {
            let message = format!("\"{}\" cannot be the name of a PostgreSQL extension", text.as_str());
            text.invalid(message, Some("names look like \"pg_trgm\" and \"uuid-ossp\"".to_owned()));
        }
    }
    if let Some(field) = table.field("feature_auto_create_db") {
        field.flag();
    }
    Some(Postgres { extensions })
}

/// Reads `[nats]`.
pub(crate) fn nats(table: &Table<'_>) -> bool {
    let Some(field) = table.field("nats") else { return false };
    if field.table().is_none() {
        return false;
    }
    not_yet::warn(field);
    true
}

fn is_extension(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(allowed)
}
