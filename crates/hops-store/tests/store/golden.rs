//! What former versions wrote is read for ever: routes and releases must outlive an upgrade.
//!
//! `golden/N` holds a document of each kind as version N of it was written, with every field filled. Where this test says
//! that what is written today differs, add a folder with the new form (`UPDATE_EXPECT=1` writes the newest) and leave the
//! old ones as they are; a field that they lack needs a default.

use std::{collections::BTreeMap, fs, path::PathBuf};

use expect_test::expect_file;
use hops_model::{
    ApplingName, ApplingOutcome, Cause, CauseCode, Desired, DesiredAppling, Event, HostName, HttpPath,
    ImageUser, Outcome, Port, Release, ReleaseNumber, RepoPath, SecretName, VariableName,
    app::{Amounts, Resources},
    desired::{DesiredValue, SecretMount, Sidecar},
    event::StepState,
    quantity::{Cpu, Memory},
    release::Origin,
};
use serde::de::DeserializeOwned;

use crate::support::{at, commit, form, image, target};

fn resources() -> Resources {
    let amounts =
        || Amounts { memory: Some(Memory::parse("64Mi").unwrap()), cpu: Some(Cpu::parse("250m").unwrap()) };
    Resources { requests: amounts(), limits: amounts() }
}

fn full_form() -> DesiredAppling {
    let literal = || DesiredValue::Literal("warn".to_owned());
    let secret = SecretName::parse("payment").unwrap();
    let key = DesiredValue::SecretKey { secret: secret.clone(), key: "api-key".to_owned() };
    let variable = |name| VariableName::parse(name).unwrap();
    DesiredAppling {
        user: ImageUser::Name("ann".to_owned()),
        aliases: vec!["web".to_owned()],
        liveness_path: Some(HttpPath::parse("/alive").unwrap()),
        replicas: 2,
        variables: BTreeMap::from([(variable("LOG_LEVEL"), literal()), (variable("API_KEY"), key)]),
        secret_mounts: vec![SecretMount { secret, mount_path: "/secrets".to_owned() }],
        routes: vec![HostName::parse("shop.example.com").unwrap()],
        resources: resources(),
        sidecars: vec![Sidecar {
            name: ApplingName::parse("proxy").unwrap(),
            image: image("2"),
            arguments: vec!["--quiet".to_owned()],
            variables: BTreeMap::from([(variable("LOG_LEVEL"), literal())]),
            startup: Some((Port::DEFAULT, HttpPath::default_readiness())),
            resources: resources(),
        }],
        ..form("web", 12)
    }
}

fn cause() -> Cause {
    Cause::new(CauseCode::BuildFailed, "step 3 failed", "mend the Dockerfile").with_proof("exit 1")
}

fn release() -> Release {
    let web = full_form();
    Release {
        target: target("shop"),
        number: ReleaseNumber(12),
        commit: commit(),
        subject: "Sell more".to_owned(),
        created_at: at(2),
        origin: Origin::Rollback { to: ReleaseNumber(7) },
        files: BTreeMap::from([(RepoPath::parse("iterapp.toml").unwrap(), "port = 8080\n".to_owned())]),
        desired: Desired {
            target: target("shop"),
            release: ReleaseNumber(12),
            commit: commit(),
            applings: vec![web.clone()],
            last_good: BTreeMap::from([(web.name.clone(), web)]),
        },
        failed_builds: BTreeMap::from([(ApplingName::parse("api").unwrap(), cause())]),
    }
}

fn outcome() -> Outcome {
    let failed = ApplingOutcome {
        url: Some("https://shop.example.com".to_owned()),
        duration_ms: Some(1200),
        restored: Some(ReleaseNumber(7)),
        ..ApplingOutcome::failed(ApplingName::parse("web").unwrap(), cause())
    };
    Outcome { release: Some(ReleaseNumber(12)), applings: vec![failed], cause: Some(cause()) }
}

fn events() -> Vec<Event> {
    let appling = || ApplingName::parse("web").unwrap();
    vec![
        Event::Queued,
        Event::Started { commit: commit(), subject: "Sell more".to_owned(), resumed: true },
        Event::Warning { message: "iterapp.toml:1:1: old".to_owned() },
        Event::BuildStarted { appling: appling() },
        Event::BuildStep {
            appling: appling(),
            step: "RUN make".to_owned(),
            state: StepState::Cached,
            duration_ms: Some(12),
        },
        Event::BuildLog { appling: appling(), line: "made".to_owned() },
        Event::Built { appling: appling(), image: image("1"), reused: true, duration_ms: 12 },
        Event::Released { release: ReleaseNumber(12) },
        Event::Rollout { appling: appling(), ready: 1, wanted: 2, message: "1 of 2 ready".to_owned() },
        Event::Failed { appling: appling(), cause: cause() },
        Event::Live {
            appling: appling(),
            url: Some("https://shop.example.com".to_owned()),
            duration_ms: 600,
        },
        Event::Restored { appling: appling(), release: ReleaseNumber(7) },
        Event::Outcome(outcome()),
    ]
}

/// Every folder's document of a kind can be read, and the newest is what is written today.
fn check<T: DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug>(kind: &str, today: &T) {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/store/golden");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(&golden).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort_by_key(|folder| folder.file_name().unwrap().to_str().unwrap().parse::<u32>().unwrap());
    let newest = folders.last().unwrap().join(format!("{kind}.json"));
    expect_file![newest.clone()].assert_eq(&(serde_json::to_string_pretty(today).unwrap() + "\n"));
    for folder in folders {
        let Ok(text) = fs::read_to_string(folder.join(format!("{kind}.json"))) else { continue };
        let read: Result<T, _> = serde_json::from_str(&text);
        let read = read.unwrap_or_else(|error| panic!("{kind} of {}: {error}", folder.display()));
        if folder.join(format!("{kind}.json")) == newest {
            assert_eq!(read, *today);
        }
    }
}

#[test]
fn every_form_of_a_document_that_was_ever_written_is_read() {
    check("release", &release());
    check("form", &full_form());
    check("outcome", &outcome());
    check("events", &events());
}
