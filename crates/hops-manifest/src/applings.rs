//! The list of applings: which directories, and whether they hold what an appling needs.

use std::ops::Range;

use hops_model::{ApplingName, RepoPath, name};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{Code, Entry, FILE_NAME, Tree, document::Document};

/// An appling as the root file lists it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) name: ApplingName,
    pub(crate) directory: RepoPath,
    /// Where it is listed.
    pub(crate) span: Range<usize>,
}

/// The usable applings of the root file; nothing where it has no `applings`. Others are reported.
pub(crate) fn list(tree: &dyn Tree, root: &Document, toml: &DeTable<'_>) -> Option<Vec<Listed>> {
    let value = toml.get("applings").or_else(|| swallowed(toml))?;
    let directories = "write for example `applings = [\"front\", \"api\"]`";
    let DeValue::Array(items) = value.get_ref() else {
        let help = match value.get_ref() {
            DeValue::String(text) => format!("write `applings = [\"{text}\"]`"),
            _ => directories.to_owned(),
        };
        let message = "`applings` has to be an array of directories".to_owned();
        root.error(Code::WrongType, value.span(), message, Some(help));
        return Some(Vec::new());
    };
    if items.is_empty() {
        let help = "list directories, or take it out: then the root directory is the only appling".to_owned();
        root.error(Code::InvalidValue, value.span(), "`applings` lists nothing".to_owned(), Some(help));
    }
    let mut listed: Vec<Listed> = Vec::new();
    for item in items {
        let DeValue::String(text) = item.get_ref() else {
            let message = "`applings` has to be an array of directories, each a text".to_owned();
            root.error(Code::WrongType, item.span(), message, Some(directories.to_owned()));
            continue;
        };
        let Some(candidate) = check(tree, root, text, item.span()) else { continue };
        let twin = listed.iter().find(|other| other.name.dns() == candidate.name.dns());
        match twin {
            Some(twin) => report_twin(root, twin, &candidate),
            None => listed.push(candidate),
        }
    }
    Some(listed)
}

/// The list where a table header above it has swallowed it. That is reported elsewhere; what it lists is meant all the
/// same, and without it the root directory would be taken for an appling.
fn swallowed<'d>(toml: &'d DeTable<'_>) -> Option<&'d Spanned<DeValue<'d>>> {
    toml.values().filter_map(|value| value.get_ref().as_table()).find_map(|table| {
        let list = table.get("applings").filter(|value| value.get_ref().is_array());
        list.or_else(|| swallowed(table))
    })
}

/// Reports a directory without a Dockerfile. A link counts as one: the builder follows it.
pub(crate) fn check_dockerfile(tree: &dyn Tree, root: &Document, directory: &RepoPath, span: Range<usize>) {
    let dockerfile = directory.join("Dockerfile");
    let lower_case = directory.join("dockerfile");
    let (message, help) = match tree.entry(&dockerfile) {
        Entry::File(_) | Entry::TooLarge { .. } | Entry::Symlink => return,
        Entry::Directory => {
            (format!("`{dockerfile}` is a directory"), "put a Dockerfile in its place".to_owned())
        }
        Entry::Missing if matches!(tree.entry(&lower_case), Entry::File(_)) => {
            (format!("there is no `{dockerfile}`"), format!("rename `{lower_case}` to `{dockerfile}`"))
        }
        Entry::Missing => (
            format!("there is no `{dockerfile}`"),
            "add one; its build context is the repository's root".to_owned(),
        ),
    };
    root.error(Code::MissingDockerfile, span, message, Some(help));
}

/// Stands in for a name that could not be had, while the rest is checked.
pub(crate) fn placeholder_name() -> ApplingName {
    ApplingName::parse("appling").expect("a lower-case word is a name")
}

/// Whether a listed directory can be an appling.
fn check(tree: &dyn Tree, root: &Document, text: &str, span: Range<usize>) -> Option<Listed> {
    let error = |code, message: String, help: &str| {
        root.error(code, span.clone(), message, (!help.is_empty()).then(|| help.to_owned()));
    };
    let directory = match RepoPath::parse(text) {
        Ok(directory) => directory,
        Err(fault) => {
            error(
                Code::InvalidValue,
                fault.to_string(),
                "list directories of this repository, such as \"front\"",
            );
            return None;
        }
    };
    let Some(last) = directory.file_name() else {
        let help =
            "without `applings` the root directory is the only appling; beside others it cannot be one";
        error(Code::InvalidValue, format!("\"{text}\" is the root directory, which has no name"), help);
        return None;
    };
    match tree.entry(&directory) {
        Entry::Directory => {}
        Entry::Symlink => {
            let help = "list the directory that it leads to";
            error(Code::MissingDirectory, format!("`{directory}` is a symbolic link, or behind one"), help);
            return None;
        }
        Entry::File(_) | Entry::TooLarge { .. } => {
            error(
                Code::MissingDirectory,
                format!("`{directory}` is a file, not a directory"),
                "list its directory",
            );
            return None;
        }
        Entry::Missing => {
            let help = "mind upper and lower case, and whether the directory is committed";
            error(Code::MissingDirectory, format!("there is no directory `{directory}`"), help);
            return None;
        }
    }
    check_dockerfile(tree, root, &directory, span.clone());
    let file = directory.join(FILE_NAME);
    match tree.entry(&file) {
        Entry::File(_) | Entry::TooLarge { .. } => {}
        Entry::Missing => {
            let help = "create it; an empty file is enough and means all defaults";
            error(Code::MissingFile, format!("there is no `{file}`"), help);
            return None;
        }
        Entry::Directory | Entry::Symlink => {
            let help = "put a file in its place; links are not followed";
            error(Code::MissingFile, format!("`{file}` is not a file"), help);
            return None;
        }
    }
    match ApplingName::parse(last) {
        Ok(name) => Some(Listed { name, directory, span }),
        Err(fault) => {
            let fitting = name::fitting_name(last, name::APPLING_NAME_MAX);
            let help = format!("rename the directory, for example to `{fitting}`");
            error(Code::UnfitName, format!("an appling is named like its directory: {fault}"), &help);
            None
        }
    }
}

fn report_twin(root: &Document, twin: &Listed, listed: &Listed) {
    let line = root.line_number(twin.span.start);
    let (message, help) = if twin.directory == listed.directory {
        (format!("`{}` is listed twice, first in line {line}", listed.directory), "take one of them out")
    } else {
        let message = format!(
            "`{}` and `{}` would both be called `{}`",
            twin.directory,
            listed.directory,
            twin.name.dns()
        );
        (
            message,
            "an appling is named by the last part of its directory, `_` and `-` being the same; rename one",
        )
    };
    root.error(Code::DuplicateAppling, listed.span.clone(), message, Some(help.to_owned()));
}
