//! Keys that are not known where they stand.

use super::Field;
use crate::{
    Code,
    keys::{self, Key, Kind},
    suggest,
};

/// Reports an unknown key of a table, with what was probably meant.
pub(super) fn report(field: &Field<'_>, table: &str, shown_table: &str) {
    if field.document().is_full() {
        field.document().error(Code::UnknownKey, field.key_span(), String::new(), None);
        return;
    }
    if !table.is_empty() && report_swallowed(field, shown_table) {
        return;
    }
    let name = field.name();
    let here = if table.is_empty() { String::new() } else { format!(" in `[{shown_table}]`") };
    let written = if table.is_empty() { field.written() } else { name.to_owned() };
    let known = || keys::of_table(table).filter(|key| !key.is_any_name());
    let help = if let Some(near) = suggest::nearest(name, known().map(Key::name)) {
        let key = known().find(|key| key.name() == near);
        format!("did you mean `{}`?", key.map_or_else(|| near.to_owned(), shown_key))
    } else if let Some(key) = elsewhere(name) {
        format!("did you mean `{}` in `[{}]`?", key.name(), key.table())
    } else {
        let names: Vec<_> = known().map(|key| format!("`{}`", shown_key(key))).collect();
        match names.as_slice() {
            [] => format!("`[{shown_table}]` takes no such keys; take it out"),
            _ => format!("known here: {}", names.join(", ")),
        }
    };
    field.document().error(
        Code::UnknownKey,
        field.key_span(),
        format!("unknown key `{written}`{here}"),
        Some(help),
    );
}

/// Reports a key of the top of the file that a table header above it has swallowed.
pub(crate) fn report_swallowed(field: &Field<'_>, shown_table: &str) -> bool {
    let name = field.name();
    let is_top =
        keys::of_table("").any(|key| key.name() == name && !matches!(key.kind, Kind::Table | Kind::Tables));
    if is_top {
        let message = format!("`{name}` stands inside `[{shown_table}]`, where it means nothing");
        let help = "move it above the first table header: a header holds until the next one".to_owned();
        field.document().error(Code::MisplacedKey, field.key_span(), message, Some(help));
    }
    is_top
}

/// A key of that name in some table.
fn elsewhere(name: &str) -> Option<&'static Key> {
    let simple = |key: &&Key| !key.table().is_empty() && !key.table().contains('<') && !key.is_any_name();
    let names = keys::KEYS.iter().filter(simple).map(Key::name);
    let near = suggest::nearest(name, names)?;
    keys::KEYS.iter().filter(simple).find(|key| key.name() == near)
}

/// A key of this table as it would be written.
fn shown_key(key: &Key) -> String {
    match key.kind {
        Kind::Table => format!("[{}]", key.path),
        Kind::Tables => format!("[[{}]]", key.path.trim_end_matches("[]")),
        _ => key.name().to_owned(),
    }
}
