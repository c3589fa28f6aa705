//! One build from connecting to the digest.

use std::{collections::HashMap, io, sync::atomic::Ordering, time::Duration};

use bollard_buildkit_proto::moby::buildkit::v1::{
    InfoRequest, PruneRequest, SolveResponse, StatusRequest, control_client::ControlClient,
};
use tokio::{io::AsyncReadExt, sync::mpsc};
use tokio_util::sync::CancellationToken;
use tonic::{Status, transport::Channel};

use crate::{
    address::{Address, Tls},
    error::{BuildError, explain},
    pattern::clean,
    progress::{Progress, Tracker},
    session::{CONTEXT, DOCKERFILE, Local, Session, SharedFiles},
    solve::Solve,
    syntax,
};

/// A daemon, by its address. Cheap to clone; every build has a connection of its own, so that one whose progress
/// nobody reads holds up no other, and a daemon that was started anew is simply found.
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    tls: Option<Tls>,
}

/// What came of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Of the image's manifest, `sha256:…`. Of an image that a Docker engine keeps: its id, which with the classic store
    /// is the digest of its configuration. Either way it is what the engine takes to make a container.
    pub digest: String,
    /// Files of the context that the daemon did not have.
    pub files_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Steps of the Dockerfile.
    pub steps: usize,
    /// Those whose result was there already.
    pub steps_cached: usize,
}

/// What the daemon's cache was relieved of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Results of steps, sent files and the like.
    pub records: usize,
    /// Their bytes, where the daemon knows them.
    pub bytes: u64,
}

/// Largest message taken from the daemon, as its own clients do.
const MESSAGE: usize = 16 << 20;

/// How long a daemon that accepted the connection may take to accept the session.
const SESSION: Duration = Duration::from_secs(30);

/// How long the last progress may take to come after the result.
const REST: Duration = Duration::from_secs(5);

/// Bytes of a Dockerfile in which its first lines are looked for.
const HEAD: u64 = 64 << 10;

/// Bytes of a Dockerfile in which a failed step is looked for.
const WHOLE: u64 = 4 << 20;

impl Client {
    /// A daemon; nothing is connected yet.
    pub fn new(address: Address) -> Self {
        Self { address, tls: None }
    }

    /// A daemon that speaks TLS and wants to know who it speaks with.
    pub fn with_tls(address: Address, tls: Tls) -> Self {
        Self { address, tls: Some(tls) }
    }

    /// The daemon's version, `None` where it is too old to say; also tells whether it is there at all.
    pub async fn version(&self) -> Result<Option<String>, BuildError> {
        version(&mut self.control().await?).await.map_err(|status| self.lost(Some(status)))
    }

    /// Has the daemon forget what it used longest ago of its cache, until no more than `keep` bytes are left of what it
    /// can do without. What images need is not counted, nor is what a build uses at the time.
    pub async fn prune(&self, keep: u64) -> Result<Pruned, BuildError> {
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        // Daemons of before 0.17 know the first of these only, and take it as the limit.
        let request = PruneRequest { reserved_space: keep, max_used_space: keep, ..PruneRequest::default() };
        let mut control = self.control().await?;
        let lost = |status| self.lost(Some(status));
        let mut records = control.prune(request).await.map_err(lost)?.into_inner();
        let mut pruned = Pruned::default();
        while let Some(record) = records.message().await.map_err(lost)? {
            pruned.records += 1;
            pruned.bytes += u64::try_from(record.size).unwrap_or_default();
        }
        Ok(pruned)
    }

    /// Builds. Dropping the future, or `cancel`, stops the daemon too. Events wait for room in `progress`; a
    /// dropped receiver is no hindrance.
    pub async fn solve(
        &self,
        solve: &Solve,
        progress: mpsc::Sender<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Built, BuildError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(BuildError::Cancelled),
            // Some 20 kB, which callers should not have to carry about in their own futures.
            built = Box::pin(self.run(solve, progress)) => built,
        }
    }

    async fn run(&self, solve: &Solve, progress: mpsc::Sender<Progress>) -> Result<Built, BuildError> {
        let context = Local::new(solve.context.clone());
        let dockerfile = solve.dockerfile_source.clone().map_or_else(|| context.clone(), Local::new);
        let text = head(&dockerfile, &solve.dockerfile, HEAD).await?;
        let files = SharedFiles::new(HashMap::from([(CONTEXT, context), (DOCKERFILE, dockerfile.clone())]));

        let mut control = self.control().await?;
        let mut built_in = None;
        if let Some((image, minor)) = solve.stable_syntax(&text) {
            let version = version(&mut control).await.map_err(|status| self.lost(Some(status)))?;
            built_in = version.is_some_and(|version| syntax::is_built_in(minor, &version)).then_some(image);
        }
        let session = Session::open(&mut control, solve, files.clone());
        let mut session = tokio::time::timeout(SESSION, session)
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer to the offer of a session")))
            .map_err(|status| self.lost(Some(status)))?;

        // Chosen here, so that progress can be asked for before the solve begins.
        let reference = uuid::Uuid::new_v4().simple().to_string();
        let request = solve.request(&reference, &session.id, built_in);
        let mut tracker = Tracker::new(progress);
        let answer = {
            let mut observer = control.clone();
            let follow = async {
                let mut stream = observer.status(StatusRequest { r#ref: reference }).await?.into_inner();
                while let Some(status) = stream.message().await? {
                    tracker.follow(status).await;
                }
                Ok::<_, Status>(())
            };
            tokio::pin!(follow);
            let result = control.solve(request);
            tokio::pin!(result);
            let mut is_following = true;
            let answer = loop {
                tokio::select! {
                    biased;
                    answer = &mut result => break answer,
                    // Progress that breaks off is either followed by the answer, or no reason to stop.
                    ended = &mut follow, if is_following => {
                        is_following = false;
                        if let Err(status) = ended {
                            tracing::debug!(%status, "the progress of a build broke off");
                        }
                    }
                    status = session.closed() => return Err(self.lost(status)),
                }
            };
            if is_following {
                let _ = tokio::time::timeout(REST, follow).await;
            }
            answer
        };
        match answer {
            Ok(answer) => built(&answer.into_inner(), &tracker, &files),
            Err(status) => Err(if let Some(error) = files.take_failure() {
                BuildError::Source(error)
            } else {
                let error = explain(status, &tracker, &self.address.to_string());
                self.completed(error, &mut control, &dockerfile, &solve.dockerfile).await
            }),
        }
    }

    /// With what old daemons do not say of a failure.
    async fn completed(
        &self,
        mut error: BuildError,
        control: &mut ControlClient<Channel>,
        files: &Local,
        path: &str,
    ) -> BuildError {
        if !error.is_placed()
            && let Ok(text) = head(files, path, WHOLE).await
        {
            error = error.placed(path, &text);
        }
        if let BuildError::Failed(failure) = &mut error
            && failure.step.is_none()
        {
            failure.is_reader_old = matches!(version(control).await, Ok(None));
        }
        error
    }

    async fn control(&self) -> Result<ControlClient<Channel>, BuildError> {
        let channel = self.address.connect(self.tls.as_ref()).await;
        let channel =
            channel.map_err(|source| BuildError::Connect { address: self.address.to_string(), source })?;
        Ok(ControlClient::new(channel).max_decoding_message_size(MESSAGE))
    }

    fn lost(&self, status: Option<Status>) -> BuildError {
        BuildError::Lost { address: self.address.to_string(), source: status.map(Into::into) }
    }
}

/// `None` from a daemon that is too old to know the question.
async fn version(control: &mut ControlClient<Channel>) -> Result<Option<String>, Status> {
    match control.info(InfoRequest {}).await {
        Ok(answer) => Ok(answer.into_inner().buildkit_version.map(|version| version.version)),
        Err(status) if status.code() == tonic::Code::Unimplemented => Ok(None),
        Err(status) => Err(status),
    }
}

fn built(answer: &SolveResponse, tracker: &Tracker, files: &SharedFiles) -> Result<Built, BuildError> {
    let Some(digest) = answer.exporter_response.get("containerimage.digest") else {
        let message = "the build succeeded, but its answer names no digest".to_owned();
        return Err(BuildError::Daemon { message, is_transient: false });
    };
    let (steps, steps_cached) = tracker.counts();
    Ok(Built {
        digest: digest.clone(),
        files_sent: files.transfer.files.load(Ordering::Relaxed),
        bytes_sent: files.transfer.bytes.load(Ordering::Relaxed),
        steps,
        steps_cached,
    })
}

/// The beginning of the Dockerfile, or of `dockerfile` in its place, which the daemon takes too.
async fn head(files: &Local, path: &str, limit: u64) -> Result<String, BuildError> {
    let missing = || BuildError::NoDockerfile { path: path.to_owned() };
    let tree = files.tree().await.map_err(BuildError::Source)?;
    let path = clean(path);
    let lower = path.strip_suffix("Dockerfile").map(|directory| format!("{directory}dockerfile"));
    let found = tree.get(&path).or_else(|| tree.get(&lower?)).ok_or_else(missing)?;
    if !matches!(found.kind, crate::source::Kind::File { .. }) {
        // A link, say: the daemon follows it, and a `# syntax=` line behind it is not worth the trouble.
        return Ok(String::new());
    }
    let read = async || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        files.source.open(&found.path).await?.take(limit).read_to_end(&mut bytes).await?;
        Ok(bytes)
    };
    let bytes = read().await.map_err(BuildError::Source)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
