//! The reference page of `iterapp.toml`, made from the table of keys.

use std::fmt::Write;

use crate::{
    keys::{Effect, KEYS, Key, Kind, Place},
    superseded::{Fate, SUPERSEDED},
};

const HEAD: &str = "\
# `iterapp.toml`

<!-- Generated from the table of keys in hops-manifest; `UPDATE_EXPECT=1 cargo test -p hops-manifest` writes it again. -->

How HOPS builds and runs an app. The file is TOML, in UTF-8, at most 1 MiB. An empty file is legal: everything has a default.
`hops check` says what is wrong with it, with line and column, and needs no server. For completion in an editor, begin the file with
`#:schema iterapp.schema.json`, the path being that of the schema beside this page.

## Which file

- An app **without `applings`** is its own single appling: all keys stand in the `iterapp.toml` at the repository's root, and the Dockerfile is beside it.
- An app **with `applings`** has an `iterapp.toml` and a Dockerfile in each listed directory, with what is about that appling. The root file holds what is about the app.
  `[postgres]` and `[nats]` may stand in either: in the root file they hold for every appling that does not have them itself. Variables and all other
  settings are not inherited: in the root file they are an error, never ignored.
- Keys without a table stand above the first `[table]` header, since a header holds until the next one.

An appling is named by the last part of its directory. Names are lower-case letters, digits, `-` and `_`; an app's has at most 52 characters.

## Values of variables and headers

- a text: `LOG = \"info\"`
- a key of a Secret that an operator made by hand in the namespace: `TOKEN = { secret = \"mail\", key = \"token\" }`
- a sealed value: `TOKEN = { encrypted = \"…\" }`

Numbers and flags are taken as texts, with a warning that shows the text.

## Environments

`prod`, `test`, `snap0` to `snap9` and `local`. `common` stands for all of them; what is said for one beats `common`.

";

/// The reference page: every key with type, default, meaning and example.
pub fn reference_markdown() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("## Keys\n\n| Key | Takes | Without it |\n| --- | --- | --- |\n");
    for key in KEYS {
        let default = if key.default.is_empty() { "–" } else { key.default };
        line(
            &mut page,
            format_args!("| [`{}`](#{}) | {} | {default} |", key.path, anchor(key), key.kind.words()),
        );
    }
    for key in KEYS {
        section(&mut page, key);
    }
    page.push_str("\n## Earlier keys\n\nThey are accepted with a warning.\n\n| Key | What became of it |\n| --- | --- |\n");
    for old in SUPERSEDED.iter().filter(|old| old.kind != Kind::Table) {
        let fate = match old.fate {
            Fate::Renamed(new) => format!("now `{new}`, with the same meaning"),
            Fate::Always(reason) => format!("no effect any more: {reason}"),
        };
        line(&mut page, format_args!("| `{}` | {fate} |", old.path));
    }
    page
}

fn section(page: &mut String, key: &Key) {
    line(page, format_args!("\n### `{}`\n\n{}\n", key.path, key.meaning));
    line(page, format_args!("- takes {}", key.kind.words()));
    if key.is_required() {
        page.push_str("- has to be there\n");
    } else if !key.default.is_empty() {
        line(page, format_args!("- without it: {}", key.default));
    }
    let place = match key.place {
        Place::Root => "the root file",
        Place::Appling => "the appling's file",
        Place::Inherited => "the root file, for all applings, or the appling's file",
    };
    line(page, format_args!("- in {place}"));
    if key.effect == Effect::NotYet {
        page.push_str(
            "- **not supported by this release yet**: checked, but a deploy that needs it is refused\n",
        );
    }
    if !key.example.is_empty() {
        line(page, format_args!("\n```toml\n{}\n```", key.example));
    }
}

/// The anchor that a heading of the key's path gets.
fn anchor(key: &Key) -> String {
    key.path
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .collect::<String>()
        .to_lowercase()
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(page, "{text}").expect("a String takes any text");
}
