//! `hops status`: what runs of an app in an environment.

use hops_api::TargetStatus;
use hops_model::{ApplingStatus, DeployState};
use jiff::Timestamp;

use super::Result;
use crate::{
    args::StatusArgs,
    connection::{Answered, Connection},
    exit::Exit,
    live::clean,
    printer::{Printer, style},
    repository, runtime,
    table::{ago, table},
};

/// Shows what runs. Like a deploy, it exits with 0 only if everything is healthy.
pub(crate) fn run(arguments: &StatusArgs, printer: Printer) -> Result {
    let target = repository::target(&arguments.target)?;
    let client = Connection::find(&arguments.connection)?.client;
    let mut status = runtime::small()?.block_on(client.status(&target)).answered()?;
    if let Some(appling) = &arguments.appling {
        status.applings.retain(|status| status.name == *appling);
    }
    if printer.is_json() {
        printer.json(&status)?;
    } else {
        printer.data(&text(&status, Timestamp::now()))?;
        if status.release.is_none() && status.under_way.is_none() {
            printer.hint("`hops deploy` puts it into effect for the first time");
        }
    }
    Ok(exit(&status))
}

/// A container that cannot take requests, and why, is what makes an app unhealthy. One that is on its way does not.
fn exit(status: &TargetStatus) -> Exit {
    let instances = status.applings.iter().flat_map(|appling| &appling.instances);
    instances.filter_map(|instance| instance.cause.as_ref()).map(Exit::from).max().unwrap_or(Exit::Done)
}

fn text(status: &TargetStatus, now: Timestamp) -> String {
    let release = match &status.release {
        Some(release) => {
            let age = ago(release.created_at, now);
            let (number, commit) = (release.number, release.commit.short());
            format!("{}: release {number} of {commit} {} ({age})\n", status.target, clean(&release.subject))
        }
        None => format!("{}: no release\n", status.target),
    };
    let under_way = status.under_way.as_ref().map(|deploy| {
        let state = if deploy.state == DeployState::Queued { "waits" } else { "is being done" };
        format!("Deploy {0} {state}; `hops watch {0}` follows it\n", deploy.id)
    });
    let rows: Vec<_> = status.applings.iter().map(row).collect();
    let applings = (!rows.is_empty())
        .then(|| format!("\n{}", table(&["Appling", "Ready", "Release", "Restarts", "URL"], rows)));
    let causes = status.applings.iter().map(causes);
    std::iter::once(release).chain(under_way).chain(applings).chain(causes).collect()
}

fn row(appling: &ApplingStatus) -> Vec<String> {
    let restarts: u32 = appling.instances.iter().map(|instance| instance.restarts).sum();
    vec![
        appling.name.to_string(),
        format!("{} of {}", appling.ready, appling.wanted),
        appling.release.to_string(),
        restarts.to_string(),
        appling.urls.first().cloned().unwrap_or_default(),
    ]
}

/// Why instances take no requests; several often have the same reason.
fn causes(appling: &ApplingStatus) -> String {
    let mut told = Vec::new();
    let mut lines = Vec::new();
    for instance in &appling.instances {
        let Some(cause) = instance.cause.as_ref().filter(|cause| !told.contains(cause)) else { continue };
        told.push(cause);
        let (error, hint) = (style::ERROR, style::HINT);
        lines.push(format!("\n{}: {error}{}{error:#}\n", instance.name, clean(&cause.message)));
        lines.extend(cause.proof.lines().map(|line| format!("  {}\n", clean(line))));
        lines.extend(
            (!cause.help.is_empty()).then(|| format!("{hint}hint{hint:#}: {}\n", clean(&cause.help))),
        );
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use hops_api::ReleaseSummary;
    use hops_model::{
        AppName, ApplingName, Cause, CauseCode, CommitId, DeployId, Environment, ImageRef, Instance,
        InstanceState, ReleaseNumber, Target, release::Origin,
    };

    use super::*;

    fn instance(name: &str, cause: Option<Cause>) -> Instance {
        Instance {
            name: name.into(),
            release: ReleaseNumber(11),
            state: InstanceState::Ready,
            restarts: 3,
            created_at: None,
            cause,
        }
    }

    #[test]
    fn the_same_reason_is_told_once_and_decides_the_exit_status() {
        let cause = Cause::new(CauseCode::ReadinessFailed, "`/health` answers 500", "see `hops logs`")
            .with_proof("500 Internal Server Error");
        let status = TargetStatus {
            target: Target::new(AppName::parse("shop").unwrap(), Environment::Test),
            release: Some(ReleaseSummary {
                number: ReleaseNumber(12),
                commit: CommitId::parse(&"ab".repeat(20)).unwrap(),
                subject: "Fix the cart".into(),
                origin: Origin::Deploy,
                deploy: DeployId(40),
                outcome: None,
                created_at: Timestamp::UNIX_EPOCH,
                finished_at: None,
            }),
            under_way: None,
            applings: vec![ApplingStatus {
                name: ApplingName::parse("api").unwrap(),
                release: ReleaseNumber(11),
                image: ImageRef::parse("r/shop/api:1").unwrap(),
                wanted: 2,
                ready: 1,
                urls: vec!["https://api.shop.example.com".into()],
                instances: vec![
                    instance("api-1", None),
                    instance("api-2", Some(cause.clone())),
                    instance("api-3", Some(cause)),
                ],
            }],
        };
        assert_eq!(exit(&status), Exit::Users);
        let text = text(&status, Timestamp::from_second(90).unwrap());
        expect![[r"
            shop in test: release 12 of ababababab Fix the cart (1 min ago)

            Appling  Ready   Release  Restarts  URL
            api      1 of 2  11       9         https://api.shop.example.com

            api-2: `/health` answers 500
              500 Internal Server Error
            hint: see `hops logs`
        "]]
        .assert_eq(&anstream::adapter::strip_str(&text).to_string());
    }
}
