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

/// The line that asks for a base image, if it is the only one that does.
pub(super) fn of_base(image: &str, file: &str, dockerfile: &str) -> Option<Location> {
    let asks = |found: &Instruction| {
        let mut words = words(&found.text);
        words.next().is_some_and(|word| word.eq_ignore_ascii_case("FROM"))
            // As typed: Docker Hub's images have more to their names than people write.
            && words.find(|word| !word.starts_with("--")).is_some_and(|base| {
                image.strip_suffix(base).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
                    || image.strip_suffix(":latest").is_some_and(|name| name.ends_with(base))
            })
    };
    only(instructions(dockerfile).into_iter().filter(asks)).map(|found| found.location(file, dockerfile))
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
        let line = |image| of_base(image, "Dockerfile", DOCKERFILE).map(|place| place.first_line);
        assert_eq!(line("docker.io/library/node:18"), Some(2));
        assert_eq!(line("docker.io/library/debian:latest"), Some(8));
        assert_eq!(line("example.org/xnode:18"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text: String, step: String) {
            let failure = Failure { step: Some(step.clone()), ..Failure::default() };
            let _ = (of_failure(&failure, "f", &text), of_base(&step, "f", &text), parse_error(&text));
        }
    }
}
