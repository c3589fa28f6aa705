//! From the daemon's answer to a [`BuildError`].
//!
//! The message of a failed solve is a chain of Go errors; beside it travel typed details, as JSON, that name the
//! step, the exit code and the place in the Dockerfile. Old daemons send fewer of them.

use bollard_buildkit_proto::google::rpc;
use prost::Message;
use serde::Deserialize;
use tonic::{Code, Status};

use super::{BuildError, Failure, Location, Refusal, old};
use crate::progress::Tracker;

/// Explains why `Solve` failed.
pub(crate) fn explain(status: Status, tracker: &Tracker, address: &str) -> BuildError {
    let message = status.message();
    // A status made by the daemon has no source; one that this side's HTTP/2 made does.
    let is_ours = std::error::Error::source(&status).is_some();
    let is_stopping = status.code() == Code::Cancelled || message.ends_with("context canceled");
    if is_ours || is_stopping {
        return lost(status, address);
    }
    let details = Details::read(&status);
    if let Some((image, reason)) = push_refused(message) {
        return BuildError::Push(refusal(image, reason, None));
    }
    if let Some((image, reason)) = old::pull_refused(message) {
        return BuildError::Pull(refusal(&image, reason, None));
    }
    if let Some((image, reason)) = pull_refused(message) {
        return BuildError::Pull(refusal(image, reason, details.location));
    }
    if status.code() == Code::Unavailable || message.contains("no active session") {
        return lost(status, address);
    }
    let exit_code = details.exit_code.or_else(|| exit_code(message));
    let step = tracker.step(details.vertex.as_deref()).filter(|(step, _)| !step.is_internal());
    if exit_code.is_none() && is_lost_layer(message) {
        return BuildError::Daemon { message: message.to_owned(), is_transient: true };
    }
    let is_full = message.contains("no space left on device") && exit_code.is_none();
    // The frontend's own complaints (a target that is not there) come without a step and often without a place.
    let complaint = old::complaint(message);
    let is_complaint = complaint.is_some() || (details.is_from_frontend && details.vertex.is_none());
    let message = complaint.unwrap_or(message);
    if is_full || (step.is_none() && exit_code.is_none() && details.location.is_none() && !is_complaint) {
        return BuildError::Daemon { message: message.to_owned(), is_transient: false };
    }
    if let Some((step, _)) = &step
        && let Some((_, image)) = step.name.split_once("] FROM ")
        && exit_code.is_none()
    {
        return BuildError::Pull(refusal(image, message, details.location));
    }
    let (step, log_tail) =
        step.map(|(step, log_tail)| (Some(step.name.to_string()), log_tail)).unwrap_or_default();
    BuildError::Failed(Box::new(Failure {
        step,
        message: plain(message),
        exit_code,
        log_tail,
        location: details.location,
        is_reader_old: false,
    }))
}

/// In the words of the snapshotter, whatever step it happened in.
fn is_lost_layer(message: &str) -> bool {
    message.contains("snapshot ") && message.ends_with("does not exist: not found")
}

fn lost(status: Status, address: &str) -> BuildError {
    BuildError::Lost { address: address.to_owned(), source: Some(Box::new(status)) }
}

/// What the daemon tells beside its message.
#[derive(Debug, Default, PartialEq)]
struct Details {
    /// Digest of the step.
    vertex: Option<String>,
    /// Whether the program that reads the Dockerfile had a part in it.
    is_from_frontend: bool,
    exit_code: Option<u32>,
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Vertex {
    digest: String,
}

#[derive(Deserialize)]
struct Exit {
    #[serde(rename = "Code", default)]
    code: u32,
}

#[derive(Deserialize)]
struct Source {
    info: SourceInfo,
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Deserialize)]
struct SourceInfo {
    #[serde(default)]
    filename: String,
    /// Base64.
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct Range {
    start: Position,
    #[serde(default)]
    end: Position,
}

#[derive(Deserialize, Default)]
struct Position {
    #[serde(default)]
    line: usize,
}

impl Details {
    fn read(status: &Status) -> Self {
        let mut found = Self::default();
        let Ok(status) = rpc::Status::decode(status.details()) else { return found };
        for detail in status.details {
            let json = detail.value.as_slice();
            match detail.type_url.rsplit('/').next().unwrap_or_default() {
                // Inner errors come after outer ones, and the innermost step is the one that failed.
                "errdefs.Vertex+json" => {
                    found.vertex = serde_json::from_slice(json)
                        .ok()
                        .map(|vertex: Vertex| vertex.digest)
                        .or(found.vertex);
                }
                "errdefs.Frontend+json" => found.is_from_frontend = true,
                "gatewayapi.ExitMessage+json" => {
                    found.exit_code =
                        serde_json::from_slice(json).ok().map(|exit: Exit| exit.code).or(found.exit_code);
                }
                "errdefs.Source+json" => {
                    found.location = serde_json::from_slice(json)
                        .ok()
                        .and_then(|source: Source| source.location())
                        .or(found.location);
                }
                _ => {}
            }
        }
        found
    }
}

impl Source {
    fn location(self) -> Option<Location> {
        let first_line = self.ranges.iter().map(|range| range.start.line).filter(|line| *line > 0).min()?;
        let last_line = self.ranges.iter().map(|range| range.end.line.max(range.start.line)).max()?;
        let text = base64(&self.info.data);
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().skip(first_line - 1).take(last_line + 1 - first_line).collect();
        Some(Location { file: self.info.filename, first_line, last_line, excerpt: lines.join("\n") })
    }
}

/// Standard base64; what is not of its alphabet is skipped.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.bytes().filter_map(|byte| (0_u32..).zip(ALPHABET).find(|(_, known)| **known == byte)) {
        bits = bits << 6 | digit.0;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

/// `failed to push NAME: REASON`.
fn push_refused(message: &str) -> Option<(&str, &str)> {
    message.split_once("failed to push ")?.1.split_once(": ")
}

/// `NAME: failed to resolve source metadata for NAME: REASON`, and what comes of the layers.
fn pull_refused(message: &str) -> Option<(&str, &str)> {
    let (image, reason) = message.split_once("failed to resolve source metadata for ")?.1.split_once(": ")?;
    // The reason repeats the name.
    Some((image, reason.strip_prefix(image).map_or(reason, |reason| reason.trim_start_matches(": "))))
}

fn refusal(image: &str, reason: &str, location: Option<Location>) -> Refusal {
    const PASSING: &[&str] = &[
        "connection refused",
        "connection reset",
        "connection timed out",
        "network is unreachable",
        "no route to host",
        "server misbehaving",
        "broken pipe",
        "timeout",
        "deadline exceeded",
        "unexpected EOF",
        ": EOF",
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
        "429 Too Many Requests",
        "temporary failure in name resolution",
    ];
    let is_transient = PASSING.iter().any(|sign| reason.contains(sign));
    Refusal { image: image.to_owned(), reason: reason.to_owned(), is_transient, location }
}

/// Older daemons say it in words only.
fn exit_code(message: &str) -> Option<u32> {
    message.rsplit_once("exit code: ")?.1.trim().parse().ok()
}

/// The builder's words without its own innards: `failed to calculate checksum of ref a::b: "/x": not found`, or
/// `failed to walk /its/own/buildkit-mount1/x: lstat …: no such file or directory`.
fn plain(message: &str) -> String {
    let is_missing = |path: &str| format!("`{}` is not in the build context", path.trim_start_matches('/'));
    if let Some((_, rest)) = message.split_once("failed to calculate checksum of ref ")
        && let Some((_, reason)) = rest.split_once(": ")
    {
        return match reason.strip_suffix(": not found") {
            Some(path) => is_missing(path.trim_matches('"')),
            None => reason.to_owned(),
        };
    }
    let path = message
        .strip_suffix(": no such file or directory")
        .and_then(|rest| rest.rsplit_once("/buildkit-mount"));
    if let Some((_, path)) = path.and_then(|(_, path)| path.split_once('/')) {
        return is_missing(path);
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As explained without any progress having been seen.
    fn check(status: Status, expected: &str, is_retryable: bool) {
        let (progress, _) = tokio::sync::mpsc::channel(1);
        let error = explain(status, &Tracker::new(progress), "tcp://b:1");
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.is_retryable(), is_retryable);
    }

    #[test]
    fn messages_are_told_apart() {
        let lost = "BuildKit at tcp://b:1 went away during the build";
        check(Status::unavailable("closing transport"), lost, true);
        check(Status::unknown("no active session for x: context deadline exceeded"), lost, true);
        check(Status::cancelled("x"), lost, true);
        check(Status::unknown("failed to solve: context canceled"), lost, true);
        let layer = "failed to commit a to b during finalize: failed to stat active key during commit: snapshot a does \
            not exist: not found";
        check(Status::unknown(layer), &format!("BuildKit reports: {layer}"), true);
        check(Status::unknown("no space left on device"), "BuildKit reports: no space left on device", false);
        check(
            Status::unavailable(
                "failed to push r.io/a:1: unexpected status from PUT request: 503 Service Unavailable",
            ),
            "cannot push the image `r.io/a:1`: unexpected status from PUT request: 503 Service Unavailable",
            true,
        );
        check(
            Status::not_found("a: failed to resolve source metadata for r.io/a:1: r.io/a:1: not found"),
            "cannot get the image `r.io/a:1`: not found",
            false,
        );
    }

    #[test]
    fn base64_reads_what_go_writes() {
        for (text, expected) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("RlJPTSB4Cg==", "FROM x\n")]
        {
            assert_eq!(base64(text), expected.as_bytes());
        }
        assert_eq!(base64("/+8="), [0xff, 0xef]);
    }

    #[test]
    fn a_refused_push_names_the_image_and_the_registrys_words() {
        let message =
            "failed to push 127.0.0.1:5000/a/b:1: server message: insufficient_scope: authorization failed";
        let (image, reason) = push_refused(message).unwrap();
        assert_eq!(image, "127.0.0.1:5000/a/b:1");
        assert_eq!(reason, "server message: insufficient_scope: authorization failed");
        assert!(!refusal(image, reason, None).is_transient);
        assert!(refusal(image, "dial tcp 127.0.0.1:1: connect: connection refused", None).is_transient);
    }

    #[test]
    fn a_missing_file_is_said_without_the_builders_innards() {
        let message = r#"failed to compute cache key: failed to calculate checksum of ref q1::w2: "/no/such": not found"#;
        assert_eq!(plain(message), "`no/such` is not in the build context");
        let message = "failed to compute cache key: failed to walk /var/x/buildkit-mount31/no: lstat /var/x/buildkit-mount31/no: no such file or directory";
        assert_eq!(plain(message), "`no` is not in the build context");
        assert_eq!(plain("dockerfile parse error"), "dockerfile parse error");
    }

    #[test]
    fn a_place_is_read_from_the_details() {
        let source: Source = serde_json::from_str(
            r#"{"info":{"filename":"api/Dockerfile","data":"RlJPTSB4ClJVTiBmYWxzZQo="},"ranges":[{"start":{"line":2},"end":{"line":2}}]}"#,
        )
        .unwrap();
        let expected = Location {
            file: "api/Dockerfile".into(),
            first_line: 2,
            last_line: 2,
            excerpt: "RUN false".into(),
        };
        assert_eq!(source.location(), Some(expected));
    }
}
