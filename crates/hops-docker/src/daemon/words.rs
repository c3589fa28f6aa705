//! What Docker's words mean. They are no contract, so every unknown one is an error of the daemon, not of the app.

use bollard::errors::Error;
use hops_model::{Cause, CauseCode, ImageRef};

use crate::{disk, error};

/// Why a container did not start.
pub(super) enum Start {
    /// It can only fail again.
    Cause(Cause),
    /// The daemon lacks something.
    Lacking(&'static str),
    /// Its network was removed, as `docker network prune` does while nothing runs. It cannot be started any more.
    WithoutNetwork,
}

/// Why a container cannot be made as described.
pub(super) fn creation(image: &ImageRef, error: &Error) -> Option<Cause> {
    let (status, words) = error::answer(error)?;
    let lower = words.to_ascii_lowercase();
    if let Some(cause) = disk::written_full(words) {
        return Some(cause);
    }
    if status == 404 && lower.contains("no such image") {
        return Some(crate::images::missing(image));
    }
    if lower.contains("no command specified") {
        let help = "end its Dockerfile with `CMD` or `ENTRYPOINT`";
        let message = format!("the image {image} says nothing of what to start");
        return Some(Cause::new(CauseCode::CannotStart, message, help));
    }
    // What the daemon calls a bad request is the description of a container that cannot be.
    (status == 400).then(|| {
        let help = "change what Docker names in the app's file, then deploy again";
        Cause::new(CauseCode::CannotStart, "Docker does not accept the container as described", help)
            .with_proof(innermost(words))
    })
}

/// Why a container that exists did not start.
pub(super) fn start(name: &str, error: &Error) -> Option<Start> {
    let (status, words) = error::answer(error)?;
    let lower = words.to_ascii_lowercase();
    if let Some(cause) = disk::written_full(words) {
        return Some(Start::Cause(cause));
    }
    if status == 404 && lower.contains("network") && lower.contains("not found") {
        return Some(Start::WithoutNetwork);
    }
    let has = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    // The network that it shares went with its owner's process, which is started again.
    if has(&["namespace path", "of a non running container"]) {
        return None;
    }
    if has(&["docker-init"]) {
        return Some(Start::Lacking("`docker-init`, which containers begin with"));
    }
    let inner = innermost(words);
    let cannot = |help: &str| {
        let cause = Cause::new(CauseCode::CannotStart, format!("container {name} cannot be started"), help);
        Some(Start::Cause(cause.with_proof(inner)))
    };
    if has(&["no available ipv4 addresses", "no available addresses"]) {
        let message = format!("the app's network has no address left for container {name}");
        let help = "run fewer replicas, or set a smaller `subnet_prefix` in HOPS' configuration, remove the app and deploy it again";
        return Some(Start::Cause(Cause::new(CauseCode::DoesNotFit, message, help).with_proof(words)));
    }
    if has(&["oom-killed", "memory limit too low"]) {
        let message = format!("container {name} has too little memory to start");
        let cause = Cause::new(CauseCode::OutOfMemory, message, "raise the memory limit in the file");
        return Some(Start::Cause(cause.with_proof(inner)));
    }
    if has(&["unable to find user", "unable to find group", "no matching entries in passwd"]) {
        return cannot("make the user in the Dockerfile (`RUN adduser …`), or name it by number in `USER`");
    }
    if has(&["exec format error"]) {
        return cannot(FORMAT);
    }
    if has(&["mounting", "mount source", "bind source"]) {
        return cannot("see that nothing else stands where a secret is mounted");
    }
    if has(&["no such file or directory", "executable file not found", "not a directory"]) {
        return cannot(PATH);
    }
    if has(&["permission denied"]) {
        return cannot(PERMISSION);
    }
    None
}

const FORMAT: &str = "see that the program is built for this machine's processor (linux/amd64), and that a script begins with `#!/bin/sh`";
const PATH: &str = "see that `ENTRYPOINT` and `CMD` in the Dockerfile name a file that is in the image; a script also needs the interpreter that its first line names";
const PERMISSION: &str = "make the file executable in the Dockerfile (`RUN chmod +x …`)";

/// Reads the init's last words, where the container's own program could not be started: the daemon has started the
/// init, and so sees an ordinary exit.
pub(crate) fn init_failure(name: &str, exit_code: i64, lines: &[String]) -> Option<Cause> {
    // As a shell says it: 126 cannot be executed, 127 cannot be found.
    if !matches!(exit_code, 126 | 127) {
        return None;
    }
    let line =
        lines.iter().rev().find(|line| line.starts_with("[FATAL tini (") && line.contains("] exec "))?;
    let words = line.split_once("] ")?.1;
    let lower = words.to_ascii_lowercase();
    let help = if lower.contains("exec format error") {
        FORMAT
    } else if lower.contains("permission denied") {
        PERMISSION
    } else {
        PATH
    };
    let cause = Cause::new(CauseCode::CannotStart, format!("container {name} cannot be started"), help);
    Some(cause.with_proof(words))
}

/// What the container's runtime says, without the layers that it came through.
fn innermost(words: &str) -> &str {
    let layers = [
        "failed to create shim task: ",
        "failed to create task for container: ",
        "OCI runtime create failed: ",
        "runc create failed: ",
        "starting container process caused: ",
        "unable to start container process: ",
    ];
    let inner =
        layers.iter().fold(words, |words, layer| words.rsplit_once(layer).map_or(words, |(_, rest)| rest));
    inner.strip_suffix(": unknown").unwrap_or(inner)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn refused(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    fn check(message: &str, expected: &Expect) {
        let shown = match start("web", &refused(400, message)) {
            Some(Start::Cause(cause)) => format!("{}\n{}\n{}", cause.code, cause.proof, cause.help),
            Some(Start::Lacking(what)) => format!("lacking {what}"),
            Some(Start::WithoutNetwork) => "without its network".to_owned(),
            None => "not certain".to_owned(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn what_can_only_fail_again_is_told_with_a_fix() {
        check(
            "OCI runtime create failed: container_linux.go:380: starting container process caused: exec: \"/nope\": stat /nope: no such file or directory: unknown",
            &expect![[r#"
                cannot-start
                exec: "/nope": stat /nope: no such file or directory
                see that `ENTRYPOINT` and `CMD` in the Dockerfile name a file that is in the image; a script also needs the interpreter that its first line names"#]],
        );
        check(
            "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec /run.sh: exec format error: unknown",
            &expect![[r"
                cannot-start
                exec /run.sh: exec format error
                see that the program is built for this machine's processor (linux/amd64), and that a script begins with `#!/bin/sh`"]],
        );
        check(
            "unable to find user app: no matching entries in passwd file",
            &expect![[r"
                cannot-start
                unable to find user app: no matching entries in passwd file
                make the user in the Dockerfile (`RUN adduser …`), or name it by number in `USER`"]],
        );
    }

    #[test]
    fn what_the_daemon_lacks_is_not_the_apps_fault() {
        check(
            "exec: \"docker-init\": executable file not found in $PATH: unknown",
            &expect!["lacking `docker-init`, which containers begin with"],
        );
        check("cannot join network of a non running container: 0123", &expect!["not certain"]);
        check(
            "unable to create new parent process: namespace path: lstat /proc/21248/ns/net: no such file or directory",
            &expect!["not certain"],
        );
    }

    #[test]
    fn the_inits_last_words_are_read_from_the_log() {
        let lines = [
            "starting".to_owned(),
            "[FATAL tini (7)] exec /nope failed: No such file or directory".to_owned(),
        ];
        let cause = init_failure("web", 127, &lines).unwrap();
        assert_eq!(cause.proof, "exec /nope failed: No such file or directory");
        assert_eq!(init_failure("web", 1, &lines), None);
        assert_eq!(init_failure("web", 127, &lines[..1]), None);
    }
}
