//! Directories of the image that are served beside the app.

use hops_model::{HttpPath, app::StaticFiles};

use super::files::absolute_directory;
use crate::{
    not_yet,
    table::{Field, Table},
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
            table.required("local_dir").and_then(Field::text).and_then(|text| absolute_directory(&text));
        let path = table.required("url_path").and_then(|field| field.parsed(HttpPath::parse));
        Some(StaticFiles { local_dir: directory?, url_path: path? })
    };
    tables.iter().filter_map(read).collect()
}
