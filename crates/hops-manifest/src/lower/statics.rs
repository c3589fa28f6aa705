//! Directories of the image that are served beside the app.

use hops_model::{HttpPath, app::StaticFiles};

use crate::{
    not_yet,
    table::{Field, Table, Text},
};

/// Reads `[[static]]`.
pub(super) fn read(table: &Table<'_>) -> Vec<StaticFiles> {
    let Some(field) = table.field("static") else { return Vec::new() };
    let tables = field.tables();
    if !tables.is_empty() {
        not_yet::warn(field);
    }
    let read = |table: &Table<'_>| {
        let directory =
            table.required("local_dir").and_then(Field::text).and_then(|text| image_directory(&text));
        let path = table.required("url_path").and_then(|field| field.parsed(HttpPath::parse));
        Some(StaticFiles { local_dir: directory?, url_path: path? })
    };
    tables.iter().filter_map(read).collect()
}

fn image_directory(text: &Text<'_>) -> Option<String> {
    let path = text.as_str();
    if path.is_empty() || path.contains('\0') || path.split('/').any(|part| part == "..") {
        let message = format!("`{path}` is no directory that an image can have");
        text.invalid(message, Some("write for example `local_dir = \"/app/assets\"`".to_owned()));
        return None;
    }
    Some(path.to_owned())
}
