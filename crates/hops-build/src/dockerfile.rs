//! The little that is read of a Dockerfile here: which build arguments it declares.

/// Whether a Dockerfile declares a build argument, in any `ARG`, before or after `FROM`.
///
/// Text in a heredoc that looks like an `ARG` counts too; that costs a build, and spoils none.
pub(crate) fn declares(dockerfile: &str, argument: &str) -> bool {
    let escape = if has_backtick_escape(dockerfile) { '`' } else { '\\' };
    let mut instruction = String::new();
    for line in dockerfile.lines() {
        let line = line.trim();
        // Comments and empty lines may stand between the parts of an instruction.
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if let Some(part) = line.strip_suffix(escape) {
            instruction.push_str(part);
            instruction.push(' ');
            continue;
        }
        instruction.push_str(line);
        if is_declaration(&instruction, argument) {
            return true;
        }
        instruction.clear();
    }
    is_declaration(&instruction, argument)
}

fn is_declaration(instruction: &str, argument: &str) -> bool {
    let mut words = instruction.split_whitespace();
    let is_arg = words.next().is_some_and(|word| word.eq_ignore_ascii_case("ARG"));
    let name = |word: &str| word.split('=').next().unwrap_or_default().trim_matches(['"', '\'']) == argument;
    is_arg && words.any(name)
}

/// The `# escape=` directive, which stands among the first lines.
fn has_backtick_escape(dockerfile: &str) -> bool {
    let directives =
        dockerfile.lines().map_while(|line| line.trim_start().strip_prefix('#')?.split_once('='));
    directives
        .into_iter()
        .any(|(key, value)| key.trim().eq_ignore_ascii_case("escape") && value.trim() == "`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_found_however_they_are_written() {
        for text in [
            "ARG HOPS_GIT_SHA",
            "FROM x\narg HOPS_GIT_SHA\nENV V=$HOPS_GIT_SHA",
            "FROM x\n\tArg\tHOPS_GIT_SHA=none",
            "ARG A=1 HOPS_GIT_SHA B",
            "ARG A=1 \\\n  # why\n\n  HOPS_GIT_SHA=\"x\"",
            "# escape=`\nARG A `\n HOPS_GIT_SHA",
            "ARG \"HOPS_GIT_SHA\"",
            "FROM x\r\nARG HOPS_GIT_SHA\r\n",
            "ARG A \\\nHOPS_GIT_SHA \\",
        ] {
            assert!(declares(text, "HOPS_GIT_SHA"), "{text}");
        }
        for text in [
            "",
            "FROM x\nENV HOPS_GIT_SHA=1",
            "# ARG HOPS_GIT_SHA",
            "ARG HOPS_GIT_SHA2\nARG X=HOPS_GIT_SHA",
            "RUN echo ARG HOPS_GIT_SHA",
            "RUN echo \\\n ARG HOPS_GIT_SHA",
        ] {
            assert!(!declares(text, "HOPS_GIT_SHA"), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text: String) {
            let _ = declares(&text, "A");
        }
    }
}
