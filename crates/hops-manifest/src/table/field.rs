//! A key and its value.

use std::{borrow::Cow, fmt::Display, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::Table;
use crate::{
    Code,
    document::Document,
    keys::{self, Key, Kind},
    superseded,
};

/// A key and its value.
#[derive(Debug)]
pub(crate) struct Field<'d> {
    document: &'d Document,
    key: Option<&'static Key>,
    kind: Kind,
    name: &'d str,
    /// The path as written, for messages.
    shown: String,
    key_span: Range<usize>,
    value: &'d Spanned<DeValue<'d>>,
}

/// A text of a file, with its place.
#[derive(Debug)]
pub(crate) struct Text<'d> {
    document: &'d Document,
    content: &'d str,
    span: Range<usize>,
}

impl<'d> Field<'d> {
    pub(super) fn new(
        document: &'d Document,
        table: &'static str,
        shown_table: &str,
        key: &'d Spanned<Cow<'d, str>>,
        value: &'d Spanned<DeValue<'d>>,
    ) -> Self {
        let name: &str = key.get_ref();
        let path = keys::join(table, name);
        let known = keys::find(&path)
            .filter(|key| !key.is_any_name())
            .or_else(|| keys::of_table(table).find(|key| key.is_any_name()));
        let kind = known.map(|key| key.kind).or_else(|| superseded::find(&path).map(|old| old.kind));
        Self {
            document,
            key: known,
            kind: kind.unwrap_or(Kind::Text),
            name,
            shown: keys::join(shown_table, name),
            key_span: key.span(),
            value,
        }
    }

    /// Its entry in the table of keys; nothing for a superseded or unknown one.
    pub(crate) fn key(&self) -> Option<&'static Key> {
        self.key
    }

    /// The key as written.
    pub(crate) fn name(&self) -> &'d str {
        self.name
    }

    /// Tables and key, as written, in brackets where the file has it so.
    pub(crate) fn written(&self) -> String {
        self.document.shown(&self.shown, &self.key_span)
    }

    /// The path without brackets.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Where the key is.
    pub(crate) fn key_span(&self) -> Range<usize> {
        self.key_span.clone()
    }

    /// Where the value is.
    pub(crate) fn value_span(&self) -> Range<usize> {
        self.value.span()
    }

    /// The value itself.
    pub(crate) fn value(&self) -> &'d DeValue<'d> {
        self.value.get_ref()
    }

    /// The file it is in.
    pub(crate) fn document(&self) -> &'d Document {
        self.document
    }

    /// Whether it is a table with something in it.
    pub(crate) fn is_filled_table(&self) -> bool {
        self.value().as_table().is_some_and(|table| !table.is_empty())
    }

    /// Its text.
    pub(crate) fn text(&self) -> Option<Text<'d>> {
        let text = self.value().as_str();
        if text.is_none() {
            self.report_type();
        }
        text.map(|content| Text { document: self.document, content, span: self.value.span() })
    }

    /// Its text, parsed.
    pub(crate) fn parsed<T, E: Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        self.text()?.parsed(parse)
    }

    /// Its flag.
    pub(crate) fn flag(&self) -> Option<bool> {
        let flag = self.value().as_bool();
        if flag.is_none() {
            self.report_type();
        }
        flag
    }

    /// Its number, within the bounds of its kind.
    pub(crate) fn number(&self) -> Option<i64> {
        let Kind::Number(least, most) = self.kind else {
            unreachable!("only keys of kind `Number` are read as numbers");
        };
        let DeValue::Integer(integer) = self.value() else {
            self.report_type();
            return None;
        };
        // What does not fit 64 bits is out of bounds as well.
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let fitting = number.filter(|number| (least..=most).contains(number));
        if fitting.is_none() {
            let message = format!("`{}` is {integer}; it has to be {}", self.shown, self.kind.words());
            self.document.error(Code::InvalidValue, self.value_span(), message, self.example());
        }
        fitting
    }

    /// Its array of texts; items of other types are reported and left out.
    pub(crate) fn texts(&self) -> Vec<Text<'d>> {
        let Some(items) = self.value().as_array() else {
            self.report_type();
            return Vec::new();
        };
        let text = |item: &'d Spanned<DeValue<'d>>| {
            let text = item.get_ref().as_str();
            if text.is_none() {
                let found = type_words(item.get_ref());
                let message = format!("`{}` has to be {}; this is {found}", self.shown, self.kind.words());
                self.document.error(Code::WrongType, item.span(), message, self.example());
            }
            text.map(|content| Text { document: self.document, content, span: item.span() })
        };
        items.iter().filter_map(text).collect()
    }

    /// Its table.
    pub(crate) fn table(&self) -> Option<Table<'d>> {
        let table = self.value().as_table();
        if table.is_none() {
            self.report_type();
        }
        table.map(|table| self.open(table))
    }

    /// Its array of tables.
    pub(crate) fn tables(&self) -> Vec<Table<'d>> {
        let items = match self.value() {
            DeValue::Array(items) if items.iter().all(|item| item.get_ref().is_table()) => items,
            _ => {
                self.report_type();
                return Vec::new();
            }
        };
        items
            .iter()
            .filter_map(|item| item.get_ref().as_table().map(|table| self.open_at(table, item.span())))
            .collect()
    }

    fn open(&self, table: &'d DeTable<'d>) -> Table<'d> {
        self.open_at(table, self.key_span())
    }

    fn open_at(&self, table: &'d DeTable<'d>, span: Range<usize>) -> Table<'d> {
        let pattern =
            self.key.map(|key| key.path).or_else(|| superseded::find(self.name).map(|old| old.path));
        Table::open(self.document, table, pattern.unwrap_or_default(), self.shown.clone(), span)
    }

    /// Says that the value is of another type than the key takes.
    pub(crate) fn report_type(&self) {
        let found = type_words(self.value());
        let message = format!("`{}` has to be {}, not {found}", self.shown, self.kind.words());
        self.document.error(
            Code::WrongType,
            self.value_span(),
            message,
            self.conversion().or_else(|| self.example()),
        );
    }

    /// The same value as the type that the key takes, where that is evident.
    fn conversion(&self) -> Option<String> {
        let name = self.name;
        let write = match (self.kind, self.value()) {
            (Kind::Number(..), DeValue::String(text)) if text.trim().parse::<i64>().is_ok() => {
                format!("{name} = {}", text.trim())
            }
            (Kind::Flag, DeValue::String(text)) if matches!(text.as_ref(), "true" | "false") => {
                format!("{name} = {text}")
            }
            (Kind::Texts | Kind::Hosts | Kind::Directories, DeValue::String(text)) => {
                format!("{name} = [\"{text}\"]")
            }
            (Kind::Memory, DeValue::Integer(number)) => format!("{name} = \"{number}Mi\""),
            (Kind::Cpu, DeValue::Integer(_) | DeValue::Float(_)) => {
                let number = number_text(self.value())?;
                format!("{name} = \"{number}\"")
            }
            (Kind::Table, _) => format!("[{}]", self.shown),
            (Kind::Tables, _) => format!("[[{}]]", self.shown),
            _ => return None,
        };
        Some(format!("write `{write}`"))
    }

    /// How the key is written, from its example.
    fn example(&self) -> Option<String> {
        let line = self.key?.example.lines().find(|line| line.starts_with(self.name))?;
        Some(format!("write for example `{line}`"))
    }
}

impl<'d> Text<'d> {
    /// The text.
    pub(crate) fn as_str(&self) -> &'d str {
        self.content
    }

    /// Where it is.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The text, parsed; what the parser says against it is reported.
    pub(crate) fn parsed<T, E: Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        parse(self.content).map_err(|fault| self.invalid(fault.to_string(), None)).ok()
    }

    /// Reports the text as not possible.
    pub(crate) fn invalid(&self, message: String, help: Option<String>) {
        self.document.error(Code::InvalidValue, self.span(), message, help);
    }
}

/// A number as it is written, without the underscores between digits and a leading `+`.
pub(crate) fn number_text(value: &DeValue<'_>) -> Option<String> {
    let text = match value {
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.as_str().to_owned(),
        _ => return None,
    };
    Some(text.strip_prefix('+').unwrap_or(&text).replace('_', ""))
}

/// A value's type, with article.
pub(crate) fn type_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
