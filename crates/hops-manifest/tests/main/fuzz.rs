//! Any input gives diagnostics inside its files, in order, and never a panic.

use std::{fs, path::Path};

use hops_manifest::{Reading, not_yet, read, render};
use hops_model::Environment;
use proptest::prelude::*;

use crate::support::{reading, several};

/// What holds for every reading.
fn check(reading: &Reading) -> Result<(), TestCaseError> {
    prop_assert_eq!(reading.app.is_none(), reading.has_errors());
    for diagnostic in &reading.diagnostics {
        let text = reading.files.get(&diagnostic.file).expect("diagnostics are about files that were read");
        let excerpt = text.get(diagnostic.span.clone());
        prop_assert!(excerpt.is_some(), "{diagnostic:?} is outside of its file");
        prop_assert!(!diagnostic.message.contains(char::is_control), "{:?}", diagnostic.message);
        let before = &text[..diagnostic.span.start];
        prop_assert_eq!(diagnostic.line as usize, before.matches('\n').count() + 1);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        prop_assert_eq!(diagnostic.column as usize, before[line_start..].chars().count() + 1);
    }
    let same_file = |pair: &[hops_manifest::Diagnostic]| pair[0].file == pair[1].file;
    for pair in reading.diagnostics.windows(2).filter(|pair| same_file(pair)) {
        prop_assert!(pair[0].span.start <= pair[1].span.start);
    }
    render(&reading.diagnostics, &reading.files, true);
    if let Some(app) = &reading.app {
        not_yet(app, Environment::Prod);
        let record = serde_json::to_string(app).unwrap();
        prop_assert_eq!(&serde_json::from_str::<hops_model::App>(&record).unwrap(), app);
    }
    Ok(())
}

/// The corpus' files.
fn files() -> Vec<Vec<u8>> {
    fn collect(directory: &Path, files: &mut Vec<Vec<u8>>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => collect(&path, files),
                Some(extension) if extension == "toml" => files.push(fs::read(&path).unwrap()),
                _ => {}
            }
        }
    }
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"), &mut files);
    files
}

/// Pieces that files are made of, well and badly put together.
fn fragment() -> impl Strategy<Value = String> {
    let names: Vec<String> = hops_manifest::keys::KEYS.iter().map(|key| key.path.to_owned()).collect();
    let values = [
        "80",
        "-1",
        "true",
        "'x'",
        "\"/x\"",
        "['web']",
        "{}",
        "{ encrypted = 'eHg' }",
        "1979-05-27",
        "{ a",
        "\"\"\"",
        "1e9",
        "[[[",
        "",
    ];
    let fixed = [
        "\n",
        "[env.common]",
        "[[files.prod]]",
        "\u{FEFF}",
        "\r\n",
        "# é",
        "A.B.C = 1",
        "\"\" = 1",
        "'🗿' = 2",
    ];
    prop_oneof![
        (prop::sample::select(names.clone()), prop::sample::select(values.to_vec()))
            .prop_map(|(name, value)| format!("{name} = {value}\n")),
        prop::sample::select(names)
            .prop_map(|name| format!("[{}]\n", name.replace("<environment>", "prod").replace("<name>", "x"))),
        prop::sample::select(fixed.to_vec()).prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn arbitrary_text(text in "\\PC{0,200}") {
        check(&reading(text))?;
    }

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&reading(bytes))?;
    }

    #[test]
    fn keys_and_values_in_any_combination(fragments in prop::collection::vec(fragment(), 0..12)) {
        let text = fragments.concat();
        check(&reading(text.as_str()))?;
        let tree = several(&[("iterapp.toml", "applings = ['web', 'api']"), ("web/iterapp.toml", &text), ("api/iterapp.toml", &text)]);
        check(&read(&tree, Some("shop")))?;
    }

    #[test]
    fn real_files_with_a_piece_changed(
        file in prop::sample::select(files()),
        at in any::<prop::sample::Index>(),
        length in 0..8_usize,
        piece in prop_oneof![prop::collection::vec(any::<u8>(), 0..4), "[\\[\\]{}=\"'.,#\n\r ]{0,4}".prop_map(String::into_bytes)],
    ) {
        let mut file = file;
        let start = at.index(file.len().max(1)).min(file.len());
        let end = (start + length).min(file.len());
        file.splice(start..end, piece);
        check(&reading(file))?;
    }

    #[test]
    fn any_repository_name(name in "\\PC{0,80}") {
        check(&read(&crate::support::single(""), Some(&name)))?;
    }
}
