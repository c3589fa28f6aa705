//! Files that users of the original platform really wrote, rendered. The expected texts in `tests/corpus` are reviewed:
//! what is refused says why, and what is accepted is what its author meant.

use std::{
    fs,
    path::{Path, PathBuf},
};

use expect_test::expect_file;

use crate::run::Place;

/// Every app of the corpus, each a directory.
fn corpus() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hops-manifest/tests/corpus");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut apps: Vec<_> =
        folders.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).collect();
    apps.sort();
    apps
}

/// A place with the app's files, and with the Dockerfiles that the corpus leaves out.
fn place(folder: &Path) -> Place {
    let mut place = Place::new();
    for file in ["iterapp.toml".to_owned()].into_iter().chain(below(folder)) {
        place = place.with(&file, &fs::read_to_string(folder.join(&file)).unwrap());
        let dockerfile = Path::new(&file).with_file_name("Dockerfile");
        place = place.with(dockerfile.to_str().unwrap(), "FROM scratch\n");
    }
    place
}

/// The files of applings.
fn below(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().join("iterapp.toml").exists());
    folders.map(|entry| format!("{}/iterapp.toml", entry.file_name().to_str().unwrap())).collect()
}

#[test]
fn every_app_of_the_corpus_renders_as_reviewed() {
    let apps = corpus();
    assert_eq!(apps.len(), 27);
    for (name, folder) in apps {
        let output = place(&folder).hops(&["render", "--environment", "test"]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code().unwrap();
        let seen = format!("exit {code}\n{}{}", text(&output.stderr), text(&output.stdout));
        let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(format!("{name}.txt"));
        expect_file![expected].assert_eq(&seen);
    }
}
