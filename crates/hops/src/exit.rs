//! Exit status: part of the command line's contract (design.md 8).

use std::process::ExitCode;

use hops_model::{Cause, Outcome};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done, and healthy.
    Done = 0,
    /// The user's input or app is at fault.
    Users = 1,
    /// HOPS, or something it depends on, is at fault.
    Platforms = 2,
    /// The arguments are wrong (`EX_USAGE` of sysexits.h).
    Usage = 64,
    /// The user stopped watching: what a shell reports of a program that SIGINT ended (128 + 2).
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<&Cause> for Exit {
    fn from(cause: &Cause) -> Self {
        if cause.code.is_users() { Self::Users } else { Self::Platforms }
    }
}

impl From<&Outcome> for Exit {
    /// The platform's fault outweighs the app's: whoever reads 1 goes and looks at their own code first.
    fn from(outcome: &Outcome) -> Self {
        let worst = outcome.causes().map(Self::from).max();
        worst.unwrap_or(if outcome.is_success() { Self::Done } else { Self::Users })
    }
}

#[cfg(test)]
mod tests {
    use hops_model::CauseCode;

    use super::*;

    #[test]
    fn the_platforms_fault_outweighs_the_apps() {
        let mut outcome = Outcome { release: None, applings: Vec::new(), cause: None };
        assert_eq!(Exit::from(&outcome), Exit::Done);
        outcome.cause = Some(Cause::new(CauseCode::BuildFailed, "", ""));
        assert_eq!(Exit::from(&outcome), Exit::Users);
        outcome.cause = Some(Cause::new(CauseCode::BuilderUnavailable, "", ""));
        assert_eq!(Exit::from(&outcome), Exit::Platforms);
    }
}
