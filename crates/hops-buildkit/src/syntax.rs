//! The `# syntax=` line of a Dockerfile.
//!
//! `BuildKit`'s built-in frontend reads a Dockerfile's first lines, and where they name an image, pulls that and
//! forwards the whole build to it. It does so unless the frontend option `cmdline` is set, which is how the
//! image itself, the same program, is told that it is the one; the build argument `BUILDKIT_SYNTAX` overrides
//! the line but can only name another image. (`frontend/dockerfile/builder/build.go` of `BuildKit` 0.34;
//! unchanged in this since 0.9.)
//!
//! The built-in frontend of `BuildKit` 0.N is syntax 1.(N - 6), since 0.10. On an older daemon the line is how a
//! Dockerfile gets what the built-in frontend lacks, so it is left alone there.

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

/// A Dockerfile that says `1` and no more is promised the newest syntax. All flags that are on the stable
/// channel today were there with this one.
const NEW_ENOUGH: u32 = 20;

/// The minor version that an image promises, if it is Docker's own frontend, major version 1, stable channel.
pub(crate) fn stable_minor(image: &str) -> Option<u32> {
    let name = image.strip_prefix("docker.io/").unwrap_or(image);
    match name.strip_prefix("docker/dockerfile")? {
        "" | ":latest" | ":1" => Some(NEW_ENOUGH),
        tag => {
            // A digest pins one build of the frontend, and a suffix is another channel (`1-labs`).
            let mut parts = tag.strip_prefix(":1.")?.split('.').map(str::parse);
            match (parts.next()?, parts.next(), parts.next()) {
                (Ok(minor), None | Some(Ok(_)), None) => Some(minor),
                _ => None,
            }
        }
    }
}

/// Whether the frontend built into a daemon of a version knows syntax 1.`minor`. One that was built without being
/// told its version (`v0.0.0+unknown`) is somebody's own build, and taken to be new.
pub(crate) fn is_built_in(minor: u32, version: &str) -> bool {
    let mut parts =
        version.trim_start_matches('v').split(['.', '-', '+']).map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(0), Some(0)) | (None, _) | (_, None) => true,
        (Some(0), Some(daemon)) => daemon >= 10 && daemon - 6 >= minor,
        (Some(_), Some(_)) => true,
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
    fn only_dockers_own_stable_syntax_has_a_version() {
        for (image, expected) in [
            ("docker/dockerfile:1", Some(20)),
            ("docker/dockerfile", Some(20)),
            ("docker/dockerfile:latest", Some(20)),
            ("docker.io/docker/dockerfile:1.7.1", Some(7)),
            ("docker/dockerfile:1.4", Some(4)),
            ("docker/dockerfile:1-labs", None),
            ("docker/dockerfile:1.4-labs", None),
            ("docker/dockerfile:1.4@sha256:00", None),
            ("docker/dockerfile:1.", None),
            ("docker/dockerfile:1.2.3.4", None),
            ("docker/dockerfile:2", None),
            ("docker/dockerfile:experimental", None),
            ("docker/dockerfile-upstream:1", None),
            ("example.org/docker/dockerfile:1", None),
        ] {
            assert_eq!(stable_minor(image), expected, "{image}");
        }
    }

    #[test]
    fn a_daemon_reads_the_syntax_that_it_is_new_enough_for() {
        for (minor, version, expected) in [
            (20, "v0.34.2", true),
            (20, "v0.26.0-rc1", true),
            (20, "v0.25.9", false),
            (4, "v0.10.0", true),
            (4, "v0.9.3", false),
            (7, "0.12.4+something", false),
            (20, "v0.0.0+unknown", true),
            (20, "v1.0.0", true),
            (20, "", true),
        ] {
            assert_eq!(is_built_in(minor, version), expected, "{minor} {version}");
        }
    }
}
