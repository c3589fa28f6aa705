//! From a builder's error to a [`Cause`].

use std::{error::Error, time::Duration};

use hops_buildkit::{BuildError, Failure, Location, Refusal};
use hops_git::GitError;
use hops_model::{Cause, CauseCode, CommitId, RepoPath};

/// Why a build failed, in a form to act on.
pub(crate) fn of_build(error: BuildError, dockerfile: &RepoPath, commit: &CommitId) -> Cause {
    let message = error.to_string();
    match error {
        BuildError::Failed(failure) => failed(&failure, dockerfile),
        BuildError::NoDockerfile { .. } => no_dockerfile(dockerfile, commit),
        BuildError::Pull(refusal) => pull(&refusal, message),
        BuildError::Push(Refusal { is_transient: true, .. }) => Cause::new(
            CauseCode::RegistryUnavailable,
            message,
            "see that the registry runs and can be reached from the builder, then deploy again",
        ),
        BuildError::Push(refusal) => Cause::new(
            CauseCode::RegistryUnavailable,
            message,
            format!("see that HOPS has a login that may push `{}`, then deploy again", refusal.image),
        ),
        BuildError::Connect { ref address, .. } | BuildError::Lost { ref address, .. } => {
            let help = match address.strip_prefix("docker://") {
                Some(socket) => {
                    format!("see that Docker runs and that HOPS may use {socket}, then deploy again")
                }
                None => format!("see that BuildKit runs at {address}, then deploy again"),
            };
            Cause::new(CauseCode::BuilderUnavailable, message, help).with_proof(chain(&error))
        }
        BuildError::Daemon { .. } => Cause::new(
            CauseCode::BuilderUnavailable,
            message,
            "look at the builder's log and the room on its disk, then deploy again",
        ),
        BuildError::Source(_) => {
            Cause::new(CauseCode::Internal, message, "deploy again; if it stays, report it")
                .with_proof(chain(&error))
        }
        BuildError::Cancelled => Cause::new(CauseCode::Cancelled, message, "deploy again when it is wanted"),
    }
}

/// Why a commit's files cannot be read.
pub(crate) fn of_git(error: &GitError, commit: &CommitId) -> Cause {
    let message = error.to_string();
    match error {
        GitError::NoCommit { .. } => {
            Cause::new(CauseCode::CommitMissing, message, format!("push {} first", commit.short()))
        }
        GitError::PathNotUtf8 { .. } => {
            Cause::new(CauseCode::BuildFailed, message, "rename the file, commit, and deploy again")
        }
        _ => Cause::new(CauseCode::Internal, message, "look at the server's copy of the repository")
            .with_proof(chain(error)),
    }
}

/// There is no Dockerfile.
pub(crate) fn no_dockerfile(dockerfile: &RepoPath, commit: &CommitId) -> Cause {
    let message = format!("`{dockerfile}` is not in the commit {}", commit.short());
    let help = "write one and commit it; a file that is not committed, or is ignored by Git, is not part of a deploy";
    Cause::new(CauseCode::BuildFailed, message, help)
}

/// The build was stopped.
pub(crate) fn too_long(dockerfile: &RepoPath, limit: Duration) -> Cause {
    let message = format!("the build of `{dockerfile}` took longer than {} minutes", limit.as_secs() / 60);
    let help =
        "see in its log which step hangs; where builds are long by nature, raise `minutes` for the platform";
    Cause::new(CauseCode::TimedOut, message, help)
}

fn failed(failure: &Failure, dockerfile: &RepoPath) -> Cause {
    let help = match &failure.step {
        Some(_) => format!(
            "mend the step and commit; `docker build --file {dockerfile} .` at the repository's root shows the same"
        ),
        None if failure.is_reader_old => format!(
            "mend `{dockerfile}` and commit; if it is right, it may be newer than this builder, which knows neither heredocs \
             nor `COPY --link`: with `# syntax=docker/dockerfile:1` as its first line the builder fetches what does, and \
             Docker 23 and later have it"
        ),
        None => format!("mend `{dockerfile}` and commit"),
    };
    let mut proof: Vec<String> = failure.location.as_ref().map(excerpt).into_iter().flatten().collect();
    proof.extend(failure.log_tail.iter().cloned());
    Cause::new(CauseCode::BuildFailed, failure.to_string(), help).with_proof(proof.join("\n"))
}

fn pull(refusal: &Refusal, message: String) -> Cause {
    let cause = if refusal.is_transient {
        let help = "see that the builder can reach the image's registry, then deploy again";
        Cause::new(CauseCode::RegistryUnavailable, message, help)
    } else {
        let help =
            format!("see that `{}` is spelled right and exists, and that HOPS may pull it", refusal.image);
        Cause::new(CauseCode::BaseImageMissing, message, help)
    };
    match &refusal.location {
        Some(location) => cause.with_proof(excerpt(location).join("\n")),
        None => cause,
    }
}

/// The lines of a Dockerfile, each with its number.
fn excerpt(location: &Location) -> Vec<String> {
    let lines = location.excerpt.lines().enumerate();
    lines.map(|(at, line)| format!("{}:{}: {line}", location.file, location.first_line + at)).collect()
}

/// What lies behind an error, one a line.
fn chain(error: &dyn Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        next = error.source();
    }
    words.join("\n")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(error: BuildError, expected: &Expect) {
        let commit = CommitId::parse(&"ab".repeat(20)).unwrap();
        let cause = of_build(error, &RepoPath::parse("api/Dockerfile").unwrap(), &commit);
        let Cause { code, message, proof, help } = cause;
        expected.assert_eq(&format!("{code}\n{message}\n--\n{proof}\n--\n{help}\n"));
    }

    fn location() -> Location {
        let excerpt = "RUN npm ci && \\\n    npm test".to_owned();
        Location { file: "api/Dockerfile".into(), first_line: 3, last_line: 4, excerpt }
    }

    #[test]
    fn a_failed_step_shows_its_line_and_its_last_words() {
        let failure = Failure {
            step: Some("[3/4] RUN npm ci && npm test".into()),
            message: "process did not complete".into(),
            exit_code: Some(1),
            log_tail: vec!["1 failing".into(), "Error: expected 2".into()],
            location: Some(location()),
            is_reader_old: false,
        };
        check(
            BuildError::Failed(Box::new(failure)),
            &expect![[r"
                build-failed
                api/Dockerfile:3: `[3/4] RUN npm ci && npm test` ended with exit code 1
                --
                api/Dockerfile:3: RUN npm ci && \
                api/Dockerfile:4:     npm test
                1 failing
                Error: expected 2
                --
                mend the step and commit; `docker build --file api/Dockerfile .` at the repository's root shows the same
            "]],
        );
    }

    #[test]
    fn a_base_image_that_is_not_there_is_the_authors_and_a_registry_that_is_away_is_not() {
        let refusal = Refusal {
            image: "docker.io/library/nodee:18".into(),
            reason: "not found".into(),
            is_transient: false,
            location: None,
        };
        check(
            BuildError::Pull(refusal.clone()),
            &expect![[r"
                base-image-missing
                cannot get the image `docker.io/library/nodee:18`: not found
                --

                --
                see that `docker.io/library/nodee:18` is spelled right and exists, and that HOPS may pull it
            "]],
        );
        check(
            BuildError::Pull(Refusal {
                is_transient: true,
                reason: "connection refused".into(),
                ..refusal.clone()
            }),
            &expect![[r"
                registry-unavailable
                cannot get the image `docker.io/library/nodee:18`: connection refused
                --

                --
                see that the builder can reach the image's registry, then deploy again
            "]],
        );
        check(
            BuildError::Push(Refusal { image: "r/shop/api".into(), reason: "denied".into(), ..refusal }),
            &expect![[r"
                registry-unavailable
                cannot push the image `r/shop/api`: denied
                --

                --
                see that HOPS has a login that may push `r/shop/api`, then deploy again
            "]],
        );
    }

    #[test]
    fn a_missing_dockerfile_is_named_with_the_commit() {
        check(
            BuildError::NoDockerfile { path: "api/Dockerfile".into() },
            &expect![[r"
                build-failed
                `api/Dockerfile` is not in the commit ababababab
                --

                --
                write one and commit it; a file that is not committed, or is ignored by Git, is not part of a deploy
            "]],
        );
    }
}
