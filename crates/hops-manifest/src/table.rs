//! Reading a table of a file by the table of keys: unknown, misplaced and superseded keys are reported on opening,
//! wrong types on reading.

mod field;
mod unknown;

use std::ops::Range;

use hops_model::RepoPath;
use toml::de::DeTable;

pub(crate) use field::{Field, Text, number_text, type_words};
pub(crate) use unknown::report_swallowed;

use crate::{
    Code,
    document::Document,
    keys::{self, Place},
    superseded::{self, Fate, Superseded},
};

/// Which file a top table is of: decides which keys may stand in it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope<'s> {
    /// The root file of an app that is its own appling: all keys.
    Whole,
    /// The root file of an app that lists these applings.
    Listing(&'s [RepoPath]),
    /// An appling's file.
    Appling,
}

/// A table whose keys have been checked.
#[derive(Debug)]
pub(crate) struct Table<'d> {
    document: &'d Document,
    /// Its path in the table of keys.
    pattern: &'static str,
    /// Its path as written, for messages.
    shown: String,
    /// Where it is named.
    span: Range<usize>,
    fields: Vec<Field<'d>>,
}

impl<'d> Table<'d> {
    /// Opens a whole file.
    pub(crate) fn top(document: &'d Document, table: &'d DeTable<'d>, scope: Scope<'_>) -> Self {
        let opened = Self::open(document, table, "", String::new(), 0..0);
        opened.fields.iter().for_each(|field| check_place(field, scope));
        opened
    }

    fn open(
        document: &'d Document,
        table: &'d DeTable<'d>,
        pattern: &'static str,
        shown: String,
        span: Range<usize>,
    ) -> Self {
        let mut fields: Vec<_> =
            table.iter().map(|(key, value)| Field::new(document, pattern, &shown, key, value)).collect();
        fields.sort_by_key(|field| field.key_span().start);
        for field in &fields {
            match superseded::find(&keys::join(pattern, field.name())) {
                Some(old) => report_superseded(field, old),
                None if field.key().is_none() => unknown::report(field, pattern, &shown),
                None => {}
            }
        }
        Self { document, pattern, shown, span, fields }
    }

    /// The field of a key, if the file has it.
    pub(crate) fn field(&self, name: &str) -> Option<&Field<'d>> {
        debug_assert!(
            keys::find(&keys::join(self.pattern, name)).is_some()
                || superseded::find(&keys::join(self.pattern, name)).is_some(),
            "`{name}` of `{}` is not in the table of keys",
            self.pattern
        );
        self.fields.iter().find(|field| field.name() == name)
    }

    /// The field of a key that has to be there; its absence is reported.
    pub(crate) fn required(&self, name: &str) -> Option<&Field<'d>> {
        let field = self.field(name);
        if field.is_none() {
            let example =
                keys::find(&keys::join(self.pattern, name)).map(|key| key.example).unwrap_or_default();
            let line = example.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or(name);
            let message = format!("`{name}` is missing in `{}`", self.header());
            self.document.error(
                Code::MissingKey,
                self.span.clone(),
                message,
                Some(format!("add for example `{line}`")),
            );
        }
        field
    }

    /// All fields, in the file's order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field<'d>> {
        self.fields.iter()
    }

    /// The file it is in.
    pub(crate) fn document(&self) -> &'d Document {
        self.document
    }

    /// The fields whose names are free, in the file's order.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Field<'d>> {
        self.fields.iter().filter(|field| field.key().is_some_and(keys::Key::is_any_name))
    }

    /// How its header is written.
    pub(crate) fn header(&self) -> String {
        self.document.shown(&self.shown, &self.span)
    }

    /// Where it is named.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// Reports a top key that belongs into another file.
fn check_place(field: &Field<'_>, scope: Scope<'_>) {
    let name = field.name();
    let place = field.key().map(|key| key.place).or_else(|| superseded::find(name).map(|old| old.place));
    let (message, help) = match (scope, place) {
        (Scope::Appling, Some(Place::Root)) => (
            format!("`{}` is about the app and belongs into the root file", field.written()),
            "move it to the `iterapp.toml` at the repository's root, above the first table header".to_owned(),
        ),
        (Scope::Listing(directories), Some(Place::Appling)) => (
            format!("`{}` is about one appling, and the root file lists `applings`", field.written()),
            match directories {
                [] => "move it into the appling's own `iterapp.toml`".to_owned(),
                [first, ..] => {
                    format!("move it into the file of the appling it is for, such as `{first}/iterapp.toml`")
                }
            },
        ),
        _ => return,
    };
    field.document().error(Code::MisplacedKey, field.key_span(), message, Some(help));
}

fn report_superseded(field: &Field<'_>, old: &Superseded) {
    let written = field.written();
    let (message, help) = match old.fate {
        Fate::Renamed(new) => (
            format!("`{written}` is now called `{new}`; the old name still works"),
            format!("write `{new}` in its place"),
        ),
        // The table is reported by what is in it.
        Fate::Always(_) if field.is_filled_table() => return,
        Fate::Always(reason) => {
            (format!("`{written}` has no effect any more: {reason}"), "take it out".to_owned())
        }
    };
    field.document().warning(Code::SupersededKey, field.key_span(), message, Some(help));
}
