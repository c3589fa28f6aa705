//! Real files of the original platform's users; their expected readings are in `snapshots/` and reviewed.

use std::{fs, path::Path};

use hops_manifest::{MemoryTree, read};

use crate::support::{path, shown};

#[test]
fn every_real_app_reads_as_reviewed() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut apps: Vec<_> = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    apps.retain(|app| app.is_dir());
    apps.sort();
    assert!(apps.len() > 25);
    for app in apps {
        let directory = app.file_name().unwrap().to_str().unwrap();
        let (_, repository) = directory.split('@').next().unwrap().split_once("__").unwrap();
        let reading = read(&load(&app, "", MemoryTree::new()), Some(repository));
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(directory, shown(&reading));
        });
    }
}

/// The files below a directory, with the Dockerfile that the corpus leaves out beside each.
fn load(directory: &Path, prefix: &str, mut tree: MemoryTree) -> MemoryTree {
    tree = tree.with_file(path(&format!("{prefix}Dockerfile")), "FROM scratch\n");
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        tree = if entry.file_type().unwrap().is_dir() {
            load(&entry.path(), &format!("{name}/"), tree)
        } else {
            tree.with_file(path(&name), fs::read(entry.path()).unwrap())
        };
    }
    tree
}
