//! Every key of `iterapp.toml`: the one description behind reading, suggestions, the JSON Schema and the reference page.

mod kind;
mod list;

pub use kind::Kind;
pub use list::KEYS;

/// What [`Key::default`] says of a key that its table cannot be without.
pub(crate) const REQUIRED: &str = "has to be there";

/// A key of `iterapp.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Tables and key, joined by dots. A part in `<…>` stands for any name, `[]` marks an array of tables.
    pub path: &'static str,
    /// Which files it may stand in.
    pub place: Place,
    /// What it takes.
    pub kind: Kind,
    /// What holds without it, for the reference; empty where that is nothing.
    pub default: &'static str,
    /// What it does, in one or two sentences.
    pub meaning: &'static str,
    /// How it is written, as a whole file.
    pub example: &'static str,
    /// Whether this release acts on it.
    pub effect: Effect,
}

/// Which files a key may stand in, where the root file lists `applings`. Without `applings`, all keys stand in the root file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The root file alone: it is about the app.
    Root,
    /// An appling's own file.
    Appling,
    /// Either. In the root file it holds for every appling that does not have it itself.
    Inherited,
}

/// Whether a key is put into effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is.
    Now,
    /// It is read and checked; a deploy that would need it is refused.
    NotYet,
}

impl Key {
    /// The last part of the path, without the mark of an array.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path).trim_end_matches("[]")
    }

    /// The tables it stands in; empty at the top of a file.
    pub fn table(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Whether its table cannot be without it.
    pub fn is_required(&self) -> bool {
        self.default == REQUIRED
    }

    /// The default as JSON, where it is a value.
    pub(crate) fn default_value(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.default.trim_matches('`')).ok()
    }

    /// Whether the last part stands for any name.
    pub fn is_any_name(&self) -> bool {
        self.name().starts_with('<')
    }
}

/// The key at a path.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path.trim_end_matches("[]") == path)
}

/// The keys of a table, the top of a file being `""`.
pub(crate) fn of_table(table: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.table() == table)
}

/// The path of a key in a table.
pub(crate) fn join(table: &str, name: &str) -> String {
    if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") }
}
