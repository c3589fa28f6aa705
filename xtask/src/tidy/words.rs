//! What must not stand in a source: shells, other crates' worlds, paths of one machine.

use super::{Finding, Source};
use crate::paths;

/// A text that may stand only in some places.
struct Forbidden {
    texts: &'static [&'static str],
    /// Folders that may hold it.
    allowed: &'static [&'static str],
    why: &'static str,
}

const FORBIDDEN: [Forbidden; 4] = [
    Forbidden {
        texts: &["Command::new(\"sh\")", "Command::new(\"bash\")", "\"/bin/sh\"", "\"sh\", \"-c\""],
        allowed: &[],
        why: "programs are started by argument list, never through a shell",
    },
    Forbidden {
        texts: &["std::env::var", "env::var(", "env::var_os(", "env::vars"],
        allowed: &["crates/hops/", "xtask/"],
        why: "only the binary reads the process environment",
    },
    Forbidden {
        texts: &["process::exit(", "install_default()", "set_global_default("],
        allowed: &["crates/hops/", "xtask/"],
        why: "only the binary exits or installs global state",
    },
    Forbidden {
        texts: &["thread::sleep(", "time::sleep("],
        allowed: &["xtask/"],
        why: "waiting belongs to a watch, a channel or a condition",
    },
];

/// Words that a crate must not know, in any form.
const UNKNOWN: [(&str, &[&str]); 3] = [
    ("crates/hops-control/src", &["kubernetes", "docker::", "bollard", "kube::"]),
    ("crates/hops-model/src", &["async fn", "tokio", "std::fs", "Timestamp::now"]),
    ("crates/hops-manifest/src", &["async fn", "tokio", "std::fs", "Timestamp::now"]),
];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust() && !source.is_test()) {
        if source.path.ends_with("tidy/words.rs") {
            continue;
        }
        findings.extend(forbidden(source));
        findings.extend(unknown(source));
    }
    findings.extend(sources.iter().flat_map(machine_paths));
    findings
}

fn forbidden(source: &Source) -> Vec<Finding> {
    let applies = |rule: &&Forbidden| !rule.allowed.iter().any(|folder| source.is_below(folder));
    FORBIDDEN.iter().filter(applies).flat_map(|rule| find(source, rule.texts, rule.why)).collect()
}

fn unknown(source: &Source) -> Vec<Finding> {
    let applies = |(folder, _): &&(&str, &[&str])| source.is_below(folder);
    let rules = UNKNOWN.iter().filter(applies);
    rules
        .flat_map(|(folder, words)| find(source, words, &format!("{folder} must not know of this")))
        .collect()
}

/// A file is read on other machines than the one it was written on.
fn machine_paths(source: &Source) -> Vec<Finding> {
    let home = std::env::var("HOME").unwrap_or_default();
    let parent = paths::checkout().parent().map(|path| path.display().to_string()).unwrap_or_default();
    let mut findings = Vec::new();
    for path in [home, parent].into_iter().filter(|path| path.len() > 1) {
        let written = format!("{path}/");
        for (index, line) in source.text.lines().enumerate().filter(|(_, line)| line.contains(&written)) {
            // `/rootfs/`, `https://host/home/`: only a path that begins here is one of this machine.
            let begins =
                |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "/.-_}".contains(c));
            if line.match_indices(&written).any(|(at, _)| begins(at)) {
                findings.push(Finding {
                    place: format!("{}:{}", source.path.display(), index + 1),
                    message: format!("names `{written}`, a path of this machine alone"),
                });
            }
        }
    }
    findings
}

fn find(source: &Source, texts: &[&str], why: &str) -> Vec<Finding> {
    let code = source.code_lines().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let hit = |line: &str| texts.iter().find(|text| line.contains(**text)).copied();
    code.filter_map(|(number, line)| {
        hit(line).map(|text| Finding {
            place: format!("{}:{number}", source.path.display()),
            message: format!("`{text}`: {why}"),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        let source = Source { path: path.into(), text: text.to_owned() };
        forbidden(&source).len() + unknown(&source).len()
    }

    #[test]
    fn a_shell_is_found_wherever_it_is() {
        assert_eq!(findings("crates/hops/src/a.rs", "    Command::new(\"sh\")"), 1);
    }

    #[test]
    fn only_the_binary_reads_the_environment() {
        assert_eq!(findings("crates/hops-git/src/a.rs", "    env::var(\"HOME\")"), 1);
        assert_eq!(findings("crates/hops/src/a.rs", "    env::var(\"HOME\")"), 0);
    }

    #[test]
    fn control_does_not_name_an_engine_but_comments_and_tests_may() {
        assert_eq!(findings("crates/hops-control/src/a.rs", "use hops_kubernetes::Engine;"), 1);
        assert_eq!(
            findings("crates/hops-control/src/a.rs", "// not kubernetes\n#[cfg(test)]\nkubernetes"),
            0
        );
    }
}
