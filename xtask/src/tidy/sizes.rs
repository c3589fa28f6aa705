//! Small files: what fits on a few screens is understood whole.

use super::{Finding, Source};

const LONGEST: usize = 400;
/// Of a file of tests, which is a list and read one by one.
const LONGEST_TESTS: usize = 600;
const LONGEST_LIB: usize = 100;
const LONGEST_MAIN: usize = 70;

/// Files that may be longer, each with its reason.
const EARNED: [(&str, &str); 0] = [];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        sources.iter().filter(|source| source.is_rust()).filter_map(too_long).collect();
    for (path, _) in EARNED {
        if !sources.iter().any(|source| source.path.ends_with(path) && source.text.lines().count() > LONGEST)
        {
            let message = format!("need not be excused for its length any more, see {}", file!());
            findings.push(Finding { place: path.to_owned(), message });
        }
    }
    findings
}

fn too_long(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    let most = match source.path.file_name()?.to_str()? {
        "lib.rs" => LONGEST_LIB,
        "main.rs" if !source.is_test() => LONGEST_MAIN,
        _ if source.is_test() => LONGEST_TESTS,
        _ => LONGEST,
    };
    let earned = EARNED.iter().any(|(path, _)| source.path.ends_with(path));
    (lines > most && !earned).then(|| Finding {
        place: source.path.display().to_string(),
        message: format!(
            "has {lines} lines, at most {most} are wanted; divide it, or say in {} why not",
            file!()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, count: usize) -> Source {
        Source { path: path.into(), text: "//\n".repeat(count) }
    }

    #[test]
    fn a_long_file_is_found_and_a_short_one_is_not() {
        assert!(too_long(&lines("crates/a/src/b.rs", LONGEST)).is_none());
        assert!(too_long(&lines("crates/a/src/b.rs", LONGEST + 1)).is_some());
        assert!(too_long(&lines("crates/a/src/lib.rs", LONGEST_LIB + 1)).is_some());
    }
}
