//! A platform in a temporary directory, which can be stopped and started again.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use futures::StreamExt;
use hops_control::{Control, ControlError, Hosts, Parts};
use hops_model::{
    AppName, ApplingName, ApplingResult, CommitId, Deploy, DeployId, Environment, Event, Outcome, Target,
};
use hops_store::Store;

use crate::doubles::{TestBuilder, TestEngine};

pub(crate) struct Platform {
    directory: tempfile::TempDir,
    pub(crate) engine: Arc<TestEngine>,
    pub(crate) builder: Arc<TestBuilder>,
    pub(crate) store: Store,
    pub(crate) control: Control,
}

pub(crate) const ROOT: &str = "applings = [\"api\", \"web\"]\n";

pub(crate) fn shop() -> AppName {
    AppName::parse("shop").unwrap()
}

pub(crate) fn target() -> Target {
    Target::new(shop(), Environment::Test)
}

pub(crate) fn appling(name: &str) -> ApplingName {
    ApplingName::parse(name).unwrap()
}

/// `api live, web failed`
pub(crate) fn results(outcome: &Outcome) -> String {
    let result = |result| match result {
        ApplingResult::Live => "live",
        ApplingResult::Failed => "failed",
        ApplingResult::Unchanged => "unchanged",
    };
    let applings =
        outcome.applings.iter().map(|appling| format!("{} {}", appling.name, result(appling.result)));
    applings.collect::<Vec<_>>().join(", ")
}

impl Platform {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (engine, builder) = (TestEngine::new(), TestBuilder::new());
        let (store, control) = begin(directory.path(), &engine, &builder).await;
        Self { directory, engine, builder, store, control }
    }

    /// Stops in order, and starts again on the same state.
    pub(crate) async fn restart(self) -> Self {
        let Self { directory, engine, builder, store, control } = self;
        control.shut_down().await;
        drop(control);
        store.close().await.unwrap();
        let (store, control) = begin(directory.path(), &engine, &builder).await;
        Self { directory, engine, builder, store, control }
    }

    /// Ends as a process that is killed, and starts again on the same state.
    pub(crate) async fn crash(self) -> Self {
        let Self { directory, engine, builder, store, control } = self;
        store.close().await.unwrap();
        control.shut_down().await;
        drop(control);
        let (store, control) = begin(directory.path(), &engine, &builder).await;
        Self { directory, engine, builder, store, control }
    }

    /// Commits files into the server's copy of `shop`, with a Dockerfile for each appling.
    pub(crate) async fn commit(&self, root: &str, note: &str) -> CommitId {
        self.commit_to(&shop(), root, note).await
    }

    /// Commits files into the server's copy of an app.
    pub(crate) async fn commit_to(&self, app: &AppName, root: &str, note: &str) -> CommitId {
        let repository = self.control.repository(app).await.unwrap();
        let tree = self.directory.path().join("tree");
        let _ = std::fs::remove_dir_all(&tree);
        for (path, content) in [
            ("iterapp.toml", root),
            ("note", note),
            ("Dockerfile", "FROM scratch\n"),
            ("api/iterapp.toml", ""),
            ("api/Dockerfile", "FROM scratch\n"),
            ("web/iterapp.toml", ""),
            ("web/Dockerfile", "FROM scratch\n"),
        ] {
            let path = tree.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let git = |arguments: &[&str]| -> String {
            let mut command = Command::new("git");
            command.arg("--git-dir").arg(repository.path()).arg("--work-tree").arg(&tree).args(arguments);
            for variable in
                ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"]
            {
                command.env(variable, "test@example.com");
            }
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["add", "--all"]);
        let written = git(&["write-tree"]);
        CommitId::parse(&git(&["commit-tree", "-m", note, &written])).unwrap()
    }

    pub(crate) async fn deploy(&self, commit: &CommitId) -> Result<Deploy, ControlError> {
        self.control.deploy(&shop(), Some(Environment::Test), commit).await
    }

    /// A deploy that is being built, until the builder lets it pass.
    pub(crate) async fn building(&self, note: &str) -> Deploy {
        self.builder.building.close();
        let deploy = self.deploy(&self.commit(ROOT, note).await).await.unwrap();
        self.wait_for(deploy.id, |event| matches!(event, Event::BuildStarted { .. })).await;
        deploy
    }

    /// A deploy that is being rolled out, until the engine lets it pass.
    pub(crate) async fn rolling_out(&self, note: &str) -> Deploy {
        self.engine.applying.close();
        let deploy = self.deploy(&self.commit(ROOT, note).await).await.unwrap();
        self.wait_for(deploy.id, |event| matches!(event, Event::Rollout { .. })).await;
        deploy
    }

    /// Two releases, the second without `web`.
    pub(crate) async fn remove_web(&self) {
        self.deploy_to_end(&self.commit(ROOT, "one").await).await;
        self.deploy_to_end(&self.commit("applings = [\"api\"]\n", "two").await).await;
    }

    /// Waits until a deploy has its release.
    pub(crate) async fn wait_for_release(&self, id: DeployId) {
        while self.control.find_deploy(id).await.unwrap().release.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Deploys and waits for the end.
    pub(crate) async fn deploy_to_end(&self, commit: &CommitId) -> Outcome {
        let deploy = self.deploy(commit).await.unwrap();
        self.outcome(deploy.id).await
    }

    /// Waits for the end of a deploy.
    pub(crate) async fn outcome(&self, id: DeployId) -> Outcome {
        let mut events = self.control.events(id, 0);
        while let Some(event) = events.next().await {
            if let (_, Event::Outcome(outcome)) = event.unwrap() {
                assert!(events.next().await.is_none(), "the outcome is the last event");
                return outcome;
            }
        }
        panic!("the events ended without an outcome");
    }

    /// Waits until an event comes.
    pub(crate) async fn wait_for(&self, id: DeployId, wanted: impl Fn(&Event) -> bool) {
        let mut events = self.control.events(id, 0);
        while let Some(event) = events.next().await {
            if wanted(&event.unwrap().1) {
                return;
            }
        }
        panic!("the events ended without the wanted one");
    }

    /// The kinds of the events of a deploy that has ended, in their order.
    pub(crate) async fn kinds(&self, id: DeployId) -> Vec<String> {
        let events: Vec<_> = self.control.events(id, 0).collect().await;
        let kind = |event: &Event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
        events.into_iter().map(|event| kind(&event.unwrap().1)).collect()
    }
}

async fn begin(path: &Path, engine: &Arc<TestEngine>, builder: &Arc<TestBuilder>) -> (Store, Control) {
    let store = Store::open(&path.join("hops.db")).await.unwrap();
    let repositories: PathBuf = path.join("repositories");
    let parts = Parts {
        store: store.clone(),
        engine: engine.clone(),
        builder: builder.clone(),
        repositories,
        hosts: Hosts::default(),
        patience: Duration::from_millis(300),
    };
    (store, Control::start(parts).await.unwrap())
}
