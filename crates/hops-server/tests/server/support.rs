//! A platform on a directory of its own, and a repository to push to it.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use futures::{Stream, StreamExt};
use hops_api::{Client, Token};
use hops_control::{Control, Hosts, Parts};
use hops_git::{PushTarget, WorkTree, keeping_reference};
use hops_model::{AppName, CommitId, Deploy, Environment, Event, Target};
use hops_server::{AccessToken, Settings, serve};
use hops_store::Store;
use hops_testkit::address;
use tempfile::TempDir;
use tokio::{net::TcpListener, process::Command, sync::oneshot, task::JoinHandle, time::timeout};

use crate::doubles::{DoubleBuilder, DoubleEngine};

/// No test waits for anything longer, also on a busy machine.
const TOO_LONG: Duration = Duration::from_mins(1);

pub(crate) struct Platform {
    pub(crate) engine: Arc<DoubleEngine>,
    pub(crate) directory: TempDir,
    pub(crate) address: SocketAddr,
    settings: Settings,
    running: Option<Running>,
}

struct Running {
    store: Store,
    control: Control,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Platform {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        // Its own, so that nobody else listens there while the server is stopped.
        let listener = TcpListener::bind((address::own().unwrap(), 0)).await.unwrap();
        let mut platform = Self {
            engine: DoubleEngine::new(),
            directory: tempfile::tempdir().unwrap(),
            address: listener.local_addr().unwrap(),
            settings,
            running: None,
        };
        platform.serve(listener).await;
        platform
    }

    async fn serve(&mut self, listener: TcpListener) {
        let state = self.directory.path();
        let store = Store::open(&state.join("hops.db")).await.unwrap();
        let parts = Parts {
            store: store.clone(),
            engine: self.engine.clone(),
            builder: Arc::new(DoubleBuilder),
            repositories: state.join("repositories"),
            hosts: Hosts::default(),
            patience: Duration::from_millis(300),
        };
        let control = Control::start(parts).await.unwrap();
        let access = AccessToken::open(state).unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap_or(()) };
        let server = tokio::spawn(serve(listener, control.clone(), access, self.settings.clone(), shutdown));
        self.running = Some(Running { store, control, stop, server });
    }

    /// Stops the server as an operator would.
    pub(crate) async fn stop(&mut self) {
        let Running { store, control, stop, server } = self.running.take().unwrap();
        stop.send(()).unwrap();
        soon(server).await.unwrap();
        soon(control.shut_down()).await;
        soon(store.close()).await.unwrap();
    }

    /// Starts it again, on the same state and address.
    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener).await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(AccessToken::file(self.directory.path())).unwrap().trim().to_owned()
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url(""), Token::parse(&self.token()).unwrap()).unwrap()
    }

    /// Pushes a new commit of the app.
    pub(crate) async fn push(&self, app: &AppName) -> CommitId {
        let repository = Repository::new().await;
        repository.push(&self.client(), app, &self.token()).await.unwrap();
        repository.commit
    }

    /// A deploy of a new commit.
    pub(crate) async fn deploy(&self, target: &Target) -> Deploy {
        let commit = self.push(&target.app).await;
        self.client().deploy(&target.app, Some(target.environment), &commit).await.unwrap()
    }

    /// A deploy of a new commit that has ended well.
    pub(crate) async fn deployed(&self, target: &Target) -> Deploy {
        let deploy = self.deploy(target).await;
        self.engine.may_end.add_permits(1);
        let events: Vec<_> = soon(self.client().events(deploy.id, 0).map(Result::unwrap).collect()).await;
        assert!(
            matches!(&events.last().unwrap().1, Event::Outcome(outcome) if outcome.is_success()),
            "{events:?}"
        );
        self.client().find_deploy(deploy.id).await.unwrap()
    }
}

/// A working tree with one commit.
pub(crate) struct Repository {
    directory: TempDir,
    pub(crate) commit: CommitId,
}

impl Repository {
    pub(crate) async fn new() -> Self {
        Self::with_file("README", b"Buy!").await
    }

    pub(crate) async fn with_file(name: &str, content: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        std::fs::write(path.join("Dockerfile"), "FROM scratch\n").unwrap();
        std::fs::write(path.join("iterapp.toml"), "port = 8000\n").unwrap();
        std::fs::write(path.join(name), content).unwrap();
        git(path, &["init", "--quiet", "."]).await;
        // Large contents are noise, of which nothing would become smaller.
        git(path, &["config", "core.compression", "0"]).await;
        git(path, &["add", "."]).await;
        git(path, &["commit", "--quiet", "-m", "Sell more"]).await;
        let tree = WorkTree::discover(path).await.unwrap();
        let commit = tree.head().await.unwrap().unwrap();
        Self { directory, commit }
    }

    pub(crate) async fn push(
        &self,
        client: &Client,
        app: &AppName,
        token: &str,
    ) -> Result<(), hops_git::GitError> {
        let tree = WorkTree::discover(self.directory.path()).await.unwrap();
        let token = hops_git::Token::new(token).unwrap();
        let (url, reference) = (client.repository_url(app), keeping_reference(&self.commit));
        let target = PushTarget { url: url.as_str(), reference: &reference, token: Some(&token) };
        soon(tree.push(&self.commit, &target, |_| {})).await
    }
}

async fn git(directory: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.com");
    }
    let status = git.current_dir(directory).args(arguments).status().await.unwrap();
    assert!(status.success(), "{arguments:?}");
}

pub(crate) fn shop() -> Target {
    Target::new(AppName::parse("shop").unwrap(), Environment::Prod)
}

/// What has to come soon.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(TOO_LONG, what).await.expect("it comes soon")
}

/// The next item of a stream, which has to come soon.
pub(crate) async fn next<T, E: std::fmt::Debug>(
    stream: &mut (impl Stream<Item = Result<T, E>> + Unpin),
) -> T {
    soon(stream.next()).await.expect("the stream goes on").unwrap()
}
