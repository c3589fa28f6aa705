//! Reading the file: every mistake with line, column, and what was meant.

use std::fmt;

use serde::Deserialize;
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue, Deserializer, Error},
};

use super::{Configuration, everything_set};

/// Tables whose keys are the operator's own.
const FREE: [&str; 3] = ["hosts.environments", "docker.logins", "kubernetes.ingress_annotations"];

/// How alike two keys have to be for one to be taken for the other.
const ALIKE: f64 = 0.8;

/// Something wrong at a place of the file.
#[derive(Debug)]
pub(super) struct Mistake {
    line: usize,
    column: usize,
    message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// Reads the text of a file.
pub(super) fn parse(text: &str) -> Result<Configuration, Vec<Mistake>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<Mistake> = errors.iter().map(|error| from_error(text, error)).collect();
    let span = root.span();
    let mut table = root.into_inner();
    // Of a file that is not TOML little is certain, so its keys are not judged.
    if mistakes.is_empty() {
        take_unknown(text, "", &mut table, &known_keys(), &mut mistakes);
    }
    let read = Configuration::deserialize(Deserializer::from(Spanned::new(span, table)));
    match read {
        Ok(configuration) if mistakes.is_empty() => return Ok(configuration),
        Err(error) if errors.is_empty() => mistakes.push(from_error(text, &error)),
        _ => {}
    }
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    Err(mistakes)
}

/// Takes out the keys that nobody knows and reports them, so that what is left can be read.
fn take_unknown(text: &str, path: &str, table: &mut DeTable<'_>, known: &Table, mistakes: &mut Vec<Mistake>) {
    let mut unknown = Vec::new();
    for (key, value) in table.iter_mut() {
        let name = key.get_ref().as_ref();
        let place = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match (known.get(name), value.get_mut()) {
            (Some(Value::Table(known)), DeValue::Table(table)) if !FREE.contains(&place.as_str()) => {
                take_unknown(text, &place, table, known, mistakes);
            }
            (Some(_), _) => {}
            (None, _) => {
                let table = if path.is_empty() { String::new() } else { format!(" in `[{path}]`") };
                let message = format!("there is no key `{name}`{table}{}", suggestion(name, known));
                mistakes.push(at(text, key.span().start, message));
                unknown.push(name.to_owned());
            }
        }
    }
    for name in unknown {
        table.remove(name.as_str());
    }
}

fn suggestion(name: &str, known: &Table) -> String {
    let scored = known.keys().map(|key| (strsim::jaro_winkler(name, key), key));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((score, key)) if score >= ALIKE => format!("; did you mean `{key}`?"),
        _ => {
            let keys: Vec<String> = known.keys().map(|key| format!("`{key}`")).collect();
            format!("; there are {}", keys.join(", "))
        }
    }
}

/// Every key there is, by table.
fn known_keys() -> Table {
    everything_set().parse().expect("the default file is part of the program, and tested to be TOML")
}

fn from_error(text: &str, error: &Error) -> Mistake {
    let start = error.span().map_or(0, |span| span.start);
    at(text, start, error.message().replace('\n', " "))
}

fn at(text: &str, offset: usize, message: String) -> Mistake {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    Mistake { line, column: before[line_start..].chars().count() + 1, message }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: &Expect) {
        let mistakes: Vec<String> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
        expected.assert_eq(&mistakes.join("\n"));
    }

    #[test]
    fn unknown_keys_are_all_told_with_what_was_meant() {
        check(
            "listn = \"127.0.0.1:1\"\n[build]\nregistri = \"r\"\n[kubernetes.tls]\nfoo = 1\n[kuberntes]\n",
            &expect![[r"
                1:1: there is no key `listn`; did you mean `listen`?
                3:1: there is no key `registri` in `[build]`; did you mean `registry`?
                5:1: there is no key `foo` in `[kubernetes.tls]`; there are `cluster_issuer`, `wildcard`
                6:2: there is no key `kuberntes`; did you mean `kubernetes`?"]],
        );
    }

    #[test]
    fn values_are_told_at_their_place_beside_unknown_keys() {
        check(
            "prot = 1\n[kubernetes]\n  drain_s = \"long\"\n",
            &expect![[r#"
                1:1: there is no key `prot`; did you mean `ports`?
                3:13: invalid type: string "long", expected u32"#]],
        );
        check(
            "[hosts]\ndefault = \"app.example.com\"\n",
            &expect!["2:11: `app.example.com` has to contain `{name}`, or all apps would get the same host"],
        );
    }

    #[test]
    fn what_is_not_toml_is_told_as_such() {
        check(
            "listen = 127.0.0.1:7070\n[log\n",
            &expect![[r"
            1:15: invalid float, expected nothing
            2:5: unclosed table, expected `]`"]],
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(text in "(\\[(build|kubernetes|x)\\]\n|listen|[a-zé=\"' .{}\\[\\]\n#0-9]){0,40}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn an_operators_own_keys_are_free() {
        let configuration = parse("[kubernetes.ingress_annotations]\n\"a/b\" = \"c\"\n").unwrap();
        assert_eq!(configuration.kubernetes.ingress_annotations["a/b"], "c");
    }
}
