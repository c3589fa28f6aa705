//! The `# syntax=` line of a Dockerfile.
//!
//! `BuildKit`'s built-in frontend reads a Dockerfile's first lines, and where they name an image, pulls that and
//! forwards the whole build to it. It does so unless the frontend option `cmdline` is set, which is how the
//! image itself, the same program, is told that it is the one; the build argument `BUILDKIT_SYNTAX` overrides
//! the line but can only name another image. (`frontend/dockerfile/builder/build.go` of `BuildKit` 0.34;
//! unchanged in this since 0.9.)

/// The image that a Dockerfile's `# syntax=` line names.
pub(crate) fn image(dockerfile: &str) -> Option<&str> {
    let text = dockerfile.strip_prefix('\u{feff}').unwrap_or(dockerfile);
    let text = match text.strip_prefix("#!") {
        Some(rest) => rest.split_once('\n')?.1,
        None => text,
    };
    // Directives end at the first line that is none, be it a comment.
    for line in text.lines() {
        let (key, value) = line.strip_prefix('#')?.trim_start().split_once('=')?;
        match key.trim_end().to_ascii_lowercase().as_str() {
            "syntax" => return value.split_whitespace().next(),
            "escape" | "check" => {}
            _ => return None,
        }
    }
    None
}

/// Whether an image is Docker's own frontend of major version 1 on the stable channel.
pub(crate) fn is_stable(image: &str) -> bool {
    let name = image.strip_prefix("docker.io/").unwrap_or(image);
    let Some(tag) = name.strip_prefix("docker/dockerfile") else { return false };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match tag.strip_prefix(':') {
        None => tag.is_empty(),
        Some("latest") => true,
        // A digest pins one build of the frontend, and a suffix is another channel (`1-labs`).
        Some(version) => (version == "1" || version.starts_with("1.")) && version.split('.').all(is_number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_line_is_found_where_the_frontend_finds_it() {
        for (text, expected) in [
            ("# syntax=docker/dockerfile:1\nFROM x", Some("docker/dockerfile:1")),
            ("#SYNTAX = docker/dockerfile:1.4  \r\nFROM x", Some("docker/dockerfile:1.4")),
            ("\u{feff}# syntax=a/b", Some("a/b")),
            ("#!/usr/bin/env buildctl\n# syntax=a/b", Some("a/b")),
            ("# escape=`\n# check=skip=all\n# syntax=a/b arg", Some("a/b")),
            ("# a comment\n# syntax=a/b", None),
            ("\n# syntax=a/b", None),
            ("FROM x\n# syntax=a/b", None),
            ("# syntax=", None),
            ("", None),
        ] {
            assert_eq!(image(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_dockers_own_stable_syntax_is_built_in() {
        for image in ["docker/dockerfile:1", "docker.io/docker/dockerfile:1.7.1", "docker/dockerfile"] {
            assert!(is_stable(image), "{image}");
        }
        for image in
            ["docker/dockerfile:1-labs", "docker/dockerfile:1.4@sha256:00", "docker/dockerfile:2",
             "docker/dockerfile-upstream:1", "docker/dockerfile:master", "example.org/docker/dockerfile:1",
             "docker/dockerfile:experimental", "docker/dockerfile:1."]
        {
            assert!(!is_stable(image), "{image}");
        }
    }
}
