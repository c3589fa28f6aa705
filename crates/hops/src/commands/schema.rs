//! `hops schema`: the JSON Schema of `iterapp.toml`.

use super::Result;
use crate::{exit::Exit, printer::Printer};

/// Prints the schema, for `#:schema` in the first line of a file and for editors' settings.
pub(crate) fn run(printer: Printer) -> Result {
    printer.data(&hops_manifest::schema_text())?;
    Ok(Exit::Done)
}
