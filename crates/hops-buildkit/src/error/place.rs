//! Where in a Dockerfile it went wrong, for daemons that do not say: `BuildKit` has named places since 0.8, but the
//! Docker engines up to 20.10 keep that to themselves.

use super::{Failure, Location};

/// The place that a failure's words or its step lead to, if they lead to just one.
pub(super) fn of_failure(failure: &Failure, file: &str, dockerfile: &str) -> Option<Location> {
    let instructions = instructions(dockerfile);
    let found = match (&failure.step, parse_error(&failure.message)) {
        (None, Some(line)) => {
            instructions.into_iter().find(|found| (found.first_line..=found.last_line).contains(&line))?
        }
        (Some(step), _) => {
            let (_, command) = step.split_once("] ")?;
            only(instructions.into_iter().filter(|found| words(&found.text).eq(words(command))))?
        }
        (None, None) => return None,
    };
    Some(found.location(file, dockerfile))
}

/// A base image and the line that asks for it, if only one does; by the image's name, or, where no more of it is known, by
/// its host or nothing at all. The name is then as typed.
pub(super) fn of_base(image: &str, file: &str, dockerfile: &str) -> Option<(String, Location)> {
    let instructions = instructions(dockerfile);
    let stages: Vec<String> = instructions.iter().filter_map(|found| stage(&found.text)).collect();
    let (found, base) = only(instructions.into_iter().filter_map(|found| {
        let base = base(&found.text).filter(|base| !stages.contains(&base.to_ascii_lowercase()))?.to_owned();
        // As typed: Docker Hub's images have more to their names than people write.
        let is_it = image.strip_suffix(&base).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            || image.strip_suffix(":latest").is_some_and(|name| name.ends_with(&base))
            || image.is_empty()
            || (!image.contains('/') && image == host(&base));
        is_it.then_some((found, base))
    }))?;
    let name = if image.contains('/') { image.to_owned() } else { base };
    Some((name, found.location(file, dockerfile)))
}

/// What a `FROM` asks for.
fn base(instruction: &str) -> Option<&str> {
    let mut words = words(instruction);
    words.next().filter(|word| word.eq_ignore_ascii_case("FROM"))?;
    words.find(|word| !word.starts_with("--")).filter(|base| *base != "scratch")
}

/// The name that a `FROM` gives its stage, in lower case: stages are named without regard to it.
fn stage(instruction: &str) -> Option<String> {
    base(instruction)?;
    words(instruction).skip_while(|word| !word.eq_ignore_ascii_case("AS")).nth(1).map(str::to_ascii_lowercase)
}

fn host(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host == "localhost" || host.contains(['.', ':']) => host,
        _ => "docker.io",
    }
}

/// The line of `dockerfile parse error line N: WHAT`.
fn parse_error(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("dockerfile parse error")?;
    rest.split_once("line ")?.1.split_once(": ")?.0.parse().ok()
}

struct Instruction {
    first_line: usize,
    last_line: usize,
    text: String,
}

impl Instruction {
    fn location(self, file: &str, dockerfile: &str) -> Location {
        let Self { first_line, last_line, .. } = self;
        let lines: Vec<_> =
            dockerfile.lines().skip(first_line - 1).take(last_line + 1 - first_line).collect();
        Location { file: file.to_owned(), first_line, last_line, excerpt: lines.join("\n") }
    }
}

/// Instructions with their lines joined. A `# escape=` line is not honoured: then some are not found.
fn instructions(dockerfile: &str) -> Vec<Instruction> {
    let mut found = Vec::new();
    let mut open: Option<Instruction> = None;
    for (number, line) in (1..).zip(dockerfile.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut next =
            open.take().unwrap_or(Instruction { first_line: number, last_line: 0, text: String::new() });
        next.last_line = number;
        next.text.push_str(line.strip_suffix('\\').unwrap_or(line));
        if line.ends_with('\\') {
            open = Some(next);
        } else {
            found.push(next);
        }
    }
    found.extend(open);
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCKERFILE: &str = "\
# syntax=x
FROM node:18 AS a

RUN npm ci && \\
  # why
  npm test
RUN true
FROM --platform=linux/amd64 docker.io/library/debian
run true
RUM x
";

    fn check(step: Option<&str>, message: &str, expected: Option<(usize, usize, &str)>) {
        let failure =
            Failure { step: step.map(str::to_owned), message: message.to_owned(), ..Failure::default() };
        let place = of_failure(&failure, "Dockerfile", DOCKERFILE);
        let place = place.as_ref().map(|place| (place.first_line, place.last_line, &*place.excerpt));
        assert_eq!(place, expected);
    }

    #[test]
    fn a_step_is_found_by_its_words_where_only_one_has_them() {
        let lines = "RUN npm ci && \\\n  # why\n  npm test";
        check(Some("[a 2/3] RUN npm ci &&   npm test"), "exit code: 1", Some((4, 6, lines)));
        check(Some("[a 2/3] RUN npm ci"), "exit code: 1", None);
        check(Some("[a 3/3] RUN true"), "exit code: 1", Some((7, 7, "RUN true")));
        check(Some("odd"), "exit code: 1", None);
    }

    #[test]
    fn a_line_is_found_by_its_number() {
        check(None, "x: dockerfile parse error line 10: unknown instruction: RUM", Some((10, 10, "RUM x")));
        check(None, "dockerfile parse error on line 10: unknown instruction: RUM", Some((10, 10, "RUM x")));
        check(None, "dockerfile parse error line 99: odd", None);
        check(None, "odd", None);
    }

    #[test]
    fn a_base_image_is_found_by_what_people_write() {
        let found = |image, dockerfile| {
            of_base(image, "Dockerfile", dockerfile).map(|(image, place)| (image, place.first_line))
        };
        let line = |image: &str, line| Some((image.to_owned(), line));
        let hub = "docker.io/library/node:18";
        assert_eq!(found(hub, DOCKERFILE), line(hub, 2));
        let latest = "docker.io/library/debian:latest";
        assert_eq!(found(latest, DOCKERFILE), line(latest, 8));
        assert_eq!(found("example.org/xnode:18", DOCKERFILE), None);
        // Two are from there.
        assert_eq!(found("docker.io", DOCKERFILE), None);
        let two = "FROM r:5000/x AS a\nFROM scratch\nFROM node\n";
        assert_eq!(found("r:5000", two), line("r:5000/x", 1));
        assert_eq!(found("docker.io", two), line("node", 3));
        assert_eq!(found("", two), None);
        assert_eq!(found("", "FROM node as A\nFROM scratch\nFROM a\n"), line("node", 1));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text: String, step: String) {
            let failure = Failure { step: Some(step.clone()), ..Failure::default() };
            let _ = (of_failure(&failure, "f", &text), of_base(&step, "f", &text), parse_error(&text));
        }
    }
}
