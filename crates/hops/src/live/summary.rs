//! How a deploy ended: one line an appling, with cause, proof and fix where it failed.

use hops_model::{ApplingOutcome, ApplingResult, Cause, Outcome};

use super::wording::{clean, live};
use crate::printer::style;

/// The outcome for people.
pub(crate) fn summary(outcome: &Outcome) -> String {
    let width = outcome.applings.iter().map(|appling| appling.name.as_str().len()).max().unwrap_or_default();
    let whole = outcome.cause.iter().map(|cause| format!("{}\n", failure("", cause)));
    let applings = outcome.applings.iter();
    let applings = applings.map(|appling| format!("{:width$}  {}\n", appling.name, line(appling, width + 2)));
    whole.chain(applings).collect()
}

fn line(appling: &ApplingOutcome, indent: usize) -> String {
    let (good, dim) = (style::GOOD, style::DIM);
    match appling.result {
        ApplingResult::Live => {
            let text = live(appling.url.as_deref(), appling.duration_ms);
            format!("{good}live{good:#}{}", text.trim_start_matches("live"))
        }
        ApplingResult::Unchanged => {
            let place = appling.url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
            format!("{dim}unchanged{dim:#}{place}")
        }
        ApplingResult::Failed => {
            let indent = " ".repeat(indent);
            let text = match &appling.cause {
                Some(cause) => failure(&indent, cause),
                None => format!("{0}failed{0:#}", style::ERROR),
            };
            match appling.restored {
                Some(release) => format!("{text}\n{indent}it is back at release {release}"),
                None => text,
            }
        }
    }
}

/// `failed: message`, its proof and its fix on lines of their own, all below each other.
fn failure(indent: &str, cause: &Cause) -> String {
    let (error, hint, dim) = (style::ERROR, style::HINT, style::DIM);
    let message = clean(&cause.message);
    let first = message.lines().take(1).map(|line| format!("{error}failed{error:#}: {line}"));
    let rest = message.lines().skip(1).map(str::to_owned);
    let proof = cause.proof.lines().map(|line| format!("  {dim}{}{dim:#}", clean(line)));
    let help = clean(&cause.help);
    let help = help.lines().enumerate().map(|(index, line)| match index {
        0 => format!("{hint}hint{hint:#}: {line}"),
        _ => format!("  {line}"),
    });
    let lines: Vec<String> = first.chain(rest).chain(proof).chain(help).collect();
    lines.join(&format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use hops_model::{ApplingName, CauseCode, ReleaseNumber};

    use super::*;

    fn appling(name: &str, result: ApplingResult) -> ApplingOutcome {
        ApplingOutcome {
            name: ApplingName::parse(name).unwrap(),
            result,
            url: None,
            duration_ms: None,
            cause: None,
            restored: None,
        }
    }

    #[test]
    fn one_line_an_appling_and_the_cause_below_a_failed_one() {
        let cause =
            Cause::new(CauseCode::NothingListens, "nothing listens on port 3030", "set `port = 8080`")
                .with_proof("127.0.0.1:8080 is listened on\nby python3");
        let outcome = Outcome {
            release: Some(ReleaseNumber(12)),
            applings: vec![
                ApplingOutcome {
                    url: Some("https://shop.example.com".into()),
                    duration_ms: Some(2_100),
                    ..appling("web", ApplingResult::Live)
                },
                ApplingOutcome {
                    cause: Some(cause),
                    restored: Some(ReleaseNumber(11)),
                    ..appling("backend", ApplingResult::Failed)
                },
                appling("worker", ApplingResult::Unchanged),
            ],
            cause: None,
        };
        expect![[r"
            web      live at https://shop.example.com in 2.1 s
            backend  failed: nothing listens on port 3030
                       127.0.0.1:8080 is listened on
                       by python3
                     hint: set `port = 8080`
                     it is back at release 11
            worker   unchanged
        "]]
        .assert_eq(&anstream::adapter::strip_str(&summary(&outcome)).to_string());
    }

    #[test]
    fn a_deploy_that_fails_as_a_whole_says_why() {
        let cause =
            Cause::new(CauseCode::EngineUnavailable, "cannot reach kubernetes", "see whether it runs");
        expect![[r"
            failed: cannot reach kubernetes
            hint: see whether it runs
        "]]
        .assert_eq(&anstream::adapter::strip_str(&summary(&Outcome::failed(cause))).to_string());
    }
}
