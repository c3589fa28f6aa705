//! An app to build: a working tree, the server's copy of it, and a builder.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use hops_build::{
    ApplingBuild, BuildKitBuilder, BuildMemory, BuildRequest, BuildResults, Builder, InputHash, Settings,
};
use hops_git::Repository;
use hops_model::{AppName, ApplingName, BuiltImage, Cause, CommitId, Event, ImageRef, ImageUser, RepoPath};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::daemon::{Daemon, variable};

pub(crate) struct Shop {
    daemon: Daemon,
    folder: TempDir,
    app: AppName,
    pub(crate) memory: Arc<Memory>,
    pub(crate) settings: Settings,
}

/// What one build came to.
pub(crate) struct Run {
    pub(crate) results: BuildResults,
    pub(crate) events: Vec<Event>,
}

/// As the store does it, in memory.
#[derive(Default)]
pub(crate) struct Memory(Mutex<HashMap<InputHash, BuiltImage>>);

#[async_trait]
impl BuildMemory for Memory {
    async fn image_for(&self, input: &InputHash) -> Option<BuiltImage> {
        self.0.lock().unwrap().get(input).cloned()
    }

    async fn remember(&self, input: &InputHash, image: &BuiltImage) {
        self.0.lock().unwrap().insert(input.clone(), image.clone());
    }
}

impl Shop {
    /// An app of a name that no other test uses, so that no image of another is in the way.
    pub(crate) fn new(daemon: Daemon) -> Self {
        let registry = format!("{}/hops-build", variable("HOPS_TEST_REGISTRY"));
        let settings = Settings {
            buildkit: daemon.address(),
            registry: daemon.engine().is_none().then_some(registry),
            retries: 2,
            ..Settings::default()
        };
        let app = AppName::parse(&format!("shop-{}", nonce())).unwrap();
        let shop =
            Self { daemon, folder: tempfile::tempdir().unwrap(), app, memory: Arc::default(), settings };
        fs::create_dir(shop.work()).unwrap();
        shop.git(&["init", "--quiet", "--initial-branch=main"]);
        shop
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// What all its images' names begin with.
    pub(crate) fn repositories(&self) -> &str {
        self.settings.registry.as_deref().unwrap_or("hops.local")
    }

    pub(crate) fn name(&self) -> &AppName {
        &self.app
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.work().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
            .args(args)
            .current_dir(self.work())
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub(crate) async fn copy(&self) -> Repository {
        Repository::open_or_init(self.folder.path().join("copy")).await.unwrap()
    }

    /// Commits all there is and brings it to the server's copy.
    pub(crate) async fn commit(&self) -> CommitId {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "Change"]);
        let copy = self.copy().await;
        self.git(&["push", "--quiet", copy.path().to_str().unwrap(), "+HEAD:refs/heads/main"]);
        CommitId::parse(&self.git(&["rev-parse", "HEAD"])).unwrap()
    }

    pub(crate) fn builder(&self) -> BuildKitBuilder {
        let memory: Arc<dyn BuildMemory> = Arc::clone(&self.memory) as Arc<dyn BuildMemory>;
        let (settings, logins) = (self.settings.clone(), Arc::new(BTreeMap::new()));
        match self.daemon.engine() {
            Some(engine) => {
                let repositories = format!("{}/", self.repositories());
                BuildKitBuilder::in_engine(settings, repositories, logins, memory, Arc::new(engine)).unwrap()
            }
            None => BuildKitBuilder::new(settings, logins, memory).unwrap(),
        }
    }

    pub(crate) async fn request(&self, commit: &CommitId, applings: &[&str]) -> BuildRequest {
        let build = |name: &&str| ApplingBuild {
            name: ApplingName::parse(name).unwrap(),
            dockerfile: RepoPath::parse(name).unwrap().join("Dockerfile"),
            secrets: BTreeMap::new(),
        };
        BuildRequest {
            app: self.app.clone(),
            repository: self.copy().await,
            commit: commit.clone(),
            applings: applings.iter().map(build).collect(),
        }
    }

    pub(crate) async fn build(&self, commit: &CommitId, applings: &[&str]) -> Run {
        run(&self.builder(), self.request(commit, applings).await).await
    }
}

pub(crate) async fn run(builder: &BuildKitBuilder, request: BuildRequest) -> Run {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let results = builder.build(request, sender).await;
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        events.push(event);
    }
    Run { results, events }
}

impl Run {
    fn of(&self, appling: &str) -> &Result<BuiltImage, Cause> {
        &self.results[&ApplingName::parse(appling).unwrap()]
    }

    #[track_caller]
    pub(crate) fn image(&self, appling: &str) -> &ImageRef {
        &self.built(appling).reference
    }

    #[track_caller]
    pub(crate) fn user(&self, appling: &str) -> &ImageUser {
        &self.built(appling).user
    }

    #[track_caller]
    fn built(&self, appling: &str) -> &BuiltImage {
        match self.of(appling) {
            Ok(image) => image,
            Err(cause) => panic!("{appling} failed: {cause:?}\n{:#?}", self.events),
        }
    }

    #[track_caller]
    pub(crate) fn cause(&self, appling: &str) -> &Cause {
        self.of(appling).as_ref().unwrap_err()
    }

    /// Whether an earlier image was taken, as the events say.
    pub(crate) fn is_reused(&self, appling: &str) -> bool {
        self.events.iter().any(|event| {
            matches!(event, Event::Built { appling: built, reused: true, .. } if built.as_str() == appling)
        })
    }

    pub(crate) fn log(&self, appling: &str) -> String {
        let line = |event: &Event| match event {
            Event::BuildLog { appling: of, line } if of.as_str() == appling => Some(format!("{line}\n")),
            _ => None,
        };
        self.events.iter().filter_map(line).collect()
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for event in &self.events {
            if let Event::Warning { message } = event {
                found.push(message.as_str());
            }
        }
        found
    }
}

/// A word that no other test run used: what contains it is in no cache.
pub(crate) fn nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..12].to_owned()
}
