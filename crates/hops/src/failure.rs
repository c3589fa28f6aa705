//! Why a command could not do what it was asked, and what to do about it.

use hops_model::{Cause, CauseCode};

use crate::exit::Exit;

/// A command's failure: what to print, and how to exit.
///
/// Whatever is passed on with `?` counts as the platform's fault; [`Blame::users`] says that it is not.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// What went wrong; its chain is printed, each link once. Nothing where everything was said already.
    pub(crate) error: Option<anyhow::Error>,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// The failure for programs, where more is known than what people are shown.
    pub(crate) cause: Option<Box<Cause>>,
}

impl Failure {
    /// A fault in what the user gave.
    pub(crate) fn users(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Users, error: Some(error.into()), hint: None, cause: None }
    }

    /// A fault in what the user gave, in words.
    pub(crate) fn users_fault(message: impl Into<String>) -> Self {
        Self::users(anyhow::Error::msg(message.into()))
    }

    /// Whoever read our output has gone, which is their good right: `hops logs | head`.
    pub(crate) fn reader_gone() -> Self {
        Self { exit: Exit::Done, error: None, hint: None, cause: None }
    }

    /// The same failure with something to do about it.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same failure, told to programs as this cause.
    #[must_use]
    pub(crate) fn told_as(self, cause: Cause) -> Self {
        Self { cause: Some(Box::new(cause)), ..self }
    }

    /// The failure for programs.
    pub(crate) fn cause(&self) -> Cause {
        if let Some(cause) = &self.cause {
            return Cause::clone(cause);
        }
        let code = match self.exit {
            Exit::Platforms => CauseCode::Internal,
            _ => CauseCode::Refused,
        };
        let mut chain = self.error.iter().flat_map(anyhow::Error::chain).map(ToString::to_string);
        let message = chain.next().unwrap_or_default();
        let proof: Vec<String> = chain.collect();
        Cause::new(code, message, self.hint.clone().unwrap_or_default()).with_proof(proof.join("\n"))
    }

    /// The failure for people: the error, its causes indented, the hint.
    pub(crate) fn render(&self, error_style: anstyle::Style, hint_style: anstyle::Style) -> String {
        let Some(error) = &self.error else { return String::new() };
        let mut told = error.to_string();
        let mut lines = vec![format!("{error_style}error{error_style:#}: {}\n", continued(&told))];
        for cause in error.chain().skip(1).map(ToString::to_string) {
            // Not every library keeps to saying each thing once.
            if !told.contains(&cause) {
                lines.push(format!("  caused by: {}\n", continued(&cause)));
                told = cause;
            }
        }
        let hint = self.hint.as_deref().map(continued);
        lines.extend(hint.map(|hint| format!("\n{hint_style}hint{hint_style:#}: {hint}\n")));
        lines.concat()
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: Exit::Platforms, error: Some(error.into()), hint: None, cause: None }
    }
}

/// Says whose fault an error is.
pub(crate) trait Blame<T> {
    /// The user's.
    fn users(self) -> Result<T, Failure>;
    /// With something to do about it.
    fn hint(self, hint: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Blame<T> for Result<T, E> {
    fn users(self) -> Result<T, Failure> {
        self.map_err(|error| Failure { exit: Exit::Users, ..error.into() })
    }

    fn hint(self, hint: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| error.into().hint(hint))
    }
}

/// Further lines of a message are indented, so that they are seen to belong to it.
fn continued(text: &str) -> String {
    text.trim_end().replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use expect_test::expect;

    use super::*;

    #[test]
    fn each_link_of_the_chain_is_printed_once() {
        let error = Err::<(), _>(anyhow::anyhow!("connection refused\n(os error 111)"))
            .context("cannot reach the server")
            .hint("is it running?")
            .unwrap_err();
        assert_eq!(error.exit, Exit::Platforms);
        expect![[r"
            error: cannot reach the server
              caused by: connection refused
              (os error 111)

            hint: is it running?
        "]]
        .assert_eq(&error.render(anstyle::Style::new(), anstyle::Style::new()));
    }
}
