//! One file: its text, its TOML, and what is wrong with it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    ops::Range,
};

use hops_model::RepoPath;
use toml::de::DeTable;

use crate::{Code, Diagnostic, Entry, MAX_FILE_BYTES, Severity, position::Lines};

/// A file that is being read. Diagnostics are collected here while the tree borrows its text.
#[derive(Debug)]
pub(crate) struct Document {
    path: RepoPath,
    text: String,
    lines: Lines,
    diagnostics: RefCell<Vec<Diagnostic>>,
    /// How many diagnostics there were beyond [`MOST_DIAGNOSTICS`], and the worst severity among them.
    unshown: Cell<Option<(usize, Severity)>>,
}

/// More of them about one file help nobody: it is hostile, or no `iterapp.toml` at all.
const MOST_DIAGNOSTICS: usize = 500;

impl Document {
    /// Makes text of a tree's entry. Whatever is wrong with it is reported and leaves an empty document.
    pub(crate) fn new(path: RepoPath, entry: Entry) -> Self {
        match entry {
            Entry::File(bytes) if bytes.len() as u64 > MAX_FILE_BYTES => {
                let size = bytes.len() as u64;
                Self::new(path, Entry::TooLarge { size })
            }
            Entry::File(bytes) => Self::decode(path, &bytes),
            Entry::TooLarge { size } => {
                let mebibyte = MAX_FILE_BYTES;
                let message = format!("the file has {size} bytes; at most {mebibyte} (1 MiB) are read");
                let help = "settings belong here, data into files of the image";
                Self::failed(path, Code::TooLarge, message, help)
            }
            Entry::Symlink => {
                let message = format!("`{path}` is a symbolic link");
                Self::failed(
                    path,
                    Code::MissingFile,
                    message,
                    "put a file in its place; links are not followed",
                )
            }
            Entry::Directory => {
                let message = format!("`{path}` is a directory");
                Self::failed(path, Code::MissingFile, message, "put a file in its place")
            }
            Entry::Missing => {
                let message = format!("there is no `{path}`");
                let help = "create it; an empty file is enough and means all defaults";
                Self::failed(path, Code::MissingFile, message, help)
            }
        }
    }

    fn decode(path: RepoPath, bytes: &[u8]) -> Self {
        // A byte order mark is what some Windows editors put in front; it is no part of the text.
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let (text, invalid_at) = match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), None),
            Err(error) => (String::from_utf8_lossy(bytes).into_owned(), Some(error.valid_up_to())),
        };
        let document = Self::with_text(path, text);
        if let Some(at) = invalid_at {
            let message = format!("byte 0x{:02X} is not UTF-8", bytes[at]);
            let replacement = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
            document.error(Code::NotUtf8, replacement, message, Some("save the file as UTF-8".to_owned()));
        }
        document
    }

    fn with_text(path: RepoPath, text: String) -> Self {
        Self {
            path,
            lines: Lines::new(&text),
            text,
            diagnostics: RefCell::default(),
            unshown: Cell::default(),
        }
    }

    fn failed(path: RepoPath, code: Code, message: String, help: &str) -> Self {
        let document = Self::with_text(path, String::new());
        document.error(code, 0..0, message, Some(help.to_owned()));
        document
    }

    /// The file's TOML, as much as can be understood; syntax errors are reported.
    pub(crate) fn parse(&self) -> DeTable<'_> {
        if !self.is_readable() {
            return DeTable::new();
        }
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        let mut broken = BTreeSet::new();
        for error in errors {
            let span = self.within(error.span().unwrap_or(self.text.len()..self.text.len()));
            let line = self.lines.line(span.start);
            // What follows on the same line is mostly the parser finding its feet again.
            if !broken.insert(line) {
                continue;
            }
            let help = if self.is_full() {
                None
            } else {
                syntax_help(self.lines.text(&self.text, line), error.message())
            };
            self.error(Code::Syntax, span, format!("not valid TOML: {}", error.message()), help);
        }
        table.into_inner()
    }

    /// Reports a mistake.
    pub(crate) fn error(&self, code: Code, span: Range<usize>, message: String, help: Option<String>) {
        self.report(Severity::Error, code, span, message, help);
    }

    /// Reports something to know.
    pub(crate) fn warning(&self, code: Code, span: Range<usize>, message: String, help: Option<String>) {
        self.report(Severity::Warning, code, span, message, help);
    }

    fn report(
        &self,
        severity: Severity,
        code: Code,
        span: Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        if self.is_full() {
            let worst = self.unshown.get().map_or(severity, |(_, worst)| worst.min(severity));
            self.unshown.set(Some((self.unshown.get().map_or(1, |(count, _)| count + 1), worst)));
            return;
        }
        let diagnostic = self.diagnostic(severity, code, span, message, help);
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    fn diagnostic(
        &self,
        severity: Severity,
        code: Code,
        span: Range<usize>,
        message: String,
        help: Option<String>,
    ) -> Diagnostic {
        let span = self.within(span);
        let (line, column) = self.lines.position(&self.text, span.start);
        let (message, help) = (printable(message), help.map(printable));
        Diagnostic { severity, code, file: self.path.clone(), line, column, span, message, help }
    }

    /// Whether further diagnostics are only counted, so that their words need not be looked for.
    pub(crate) fn is_full(&self) -> bool {
        self.diagnostics.borrow().len() == MOST_DIAGNOSTICS
    }

    /// Whether there is text to understand.
    pub(crate) fn is_readable(&self) -> bool {
        !self.has(|d| matches!(d.code, Code::MissingFile | Code::TooLarge | Code::NotUtf8))
    }

    /// Whether it is not TOML throughout.
    pub(crate) fn is_broken(&self) -> bool {
        self.has(|d| d.code == Code::Syntax)
    }

    /// The file's path.
    pub(crate) fn path(&self) -> &RepoPath {
        &self.path
    }

    /// The line of an offset, from 1.
    pub(crate) fn line_number(&self, offset: usize) -> u32 {
        self.lines.position(&self.text, offset).0
    }

    /// How a key at this place is written: `port`, `[requests]` or `[[static]]`.
    pub(crate) fn shown(&self, key: &str, key_span: &Range<usize>) -> String {
        let line = self.lines.text(&self.text, self.lines.line(key_span.start)).trim_start();
        match line {
            _ if line.starts_with("[[") => format!("[[{key}]]"),
            _ if line.starts_with('[') => format!("[{key}]"),
            _ => key.to_owned(),
        }
    }

    /// The file's text and its diagnostics in the order of their places.
    pub(crate) fn finish(self) -> (RepoPath, String, Vec<Diagnostic>) {
        let mut diagnostics = self.diagnostics.take();
        let broken = self.broken_lines(&diagnostics);
        // On a broken line, and about what is absent, nothing can be said: it may be what did not parse.
        diagnostics.retain(|d| {
            let lines = self.lines.line(d.span.start)..=self.lines.line(d.span.end);
            let is_blurred = broken.range(lines).next().is_some();
            d.code == Code::Syntax || !(is_blurred || d.code == Code::MissingKey && !broken.is_empty())
        });
        diagnostics.sort_by_key(|d| (d.span.start, d.severity, d.span.end));
        diagnostics.dedup();
        if let Some((count, worst)) = self.unshown.get() {
            let end = self.text.len()..self.text.len();
            let message = format!("{count} more mistakes are not shown");
            let help = "mend those above first".to_owned();
            diagnostics.push(self.diagnostic(worst, Code::TooMany, end, message, Some(help)));
        }
        (self.path, self.text, diagnostics)
    }

    /// Lines that did not parse, and those below a header that did not: they have ended up in another table.
    fn broken_lines(&self, diagnostics: &[Diagnostic]) -> BTreeSet<usize> {
        let is_header = |line: usize| self.lines.text(&self.text, line).trim_start().starts_with('[');
        let mut broken = BTreeSet::new();
        for diagnostic in diagnostics.iter().filter(|d| d.code == Code::Syntax) {
            let line = self.lines.line(diagnostic.span.start);
            broken.insert(line);
            if is_header(line) {
                broken.extend((line + 1..self.lines.count()).take_while(|line| !is_header(*line)));
            }
        }
        broken
    }

    fn has(&self, predicate: impl Fn(&Diagnostic) -> bool) -> bool {
        self.diagnostics.borrow().iter().any(predicate)
    }

    /// The span cut to the text and to whole characters: errors at the end of a file may point behind it.
    fn within(&self, span: Range<usize>) -> Range<usize> {
        let floor = |at: usize| self.text.floor_char_boundary(at.min(self.text.len()));
        let start = floor(span.start);
        start..floor(span.end).max(start)
    }
}

/// Names and values of a file end up in messages, and messages on terminals and in logs: what would steer a terminal,
/// end a line or turn the direction of writing is shown as its escape.
fn printable(text: String) -> String {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if !text.contains(steers) {
        return text;
    }
    text.chars().flat_map(|c| if steers(c) { c.escape_unicode().collect() } else { vec![c] }).collect()
}

/// What to write instead, for the slips seen in real files.
fn syntax_help(line: &str, message: &str) -> Option<String> {
    let compact: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    if compact.contains("=\"{") {
        let name = line.split('=').next().unwrap_or_default().trim();
        return Some(format!("no quotes around `{{ … }}`; write `{name} = {{ encrypted = \"…\" }}`"));
    }
    if message.contains("duplicate key") {
        return Some("a key stands once in a table, and a table once in a file; keep one of them".to_owned());
    }
    let Some((key, value)) = line.split_once('=') else {
        let (key, value) = line.split_once(':')?;
        return Some(format!("write `{} = {}`", key.trim(), value.trim()));
    };
    let value = value.trim();
    let bare = value.starts_with(|c: char| c.is_alphabetic() || c == '/') && !value.contains(['"', '\'']);
    bare.then(|| format!("texts stand in quotes; write `{} = \"{value}\"`", key.trim()))
}
