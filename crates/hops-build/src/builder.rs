//! What a builder is asked for, and what it answers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hops_buildkit::SecretValue;
use hops_git::Repository;
use hops_model::{AppName, ApplingName, BuiltImage, Cause, CommitId, Event, RepoPath};
use tokio::sync::mpsc;

use crate::InputHash;

/// The images of a commit.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The app; images are named after it.
    pub app: AppName,
    /// Where the commit is.
    pub repository: Repository,
    /// The commit.
    pub commit: CommitId,
    /// What to build of it.
    pub applings: Vec<ApplingBuild>,
}

/// One image.
#[derive(Debug, Clone)]
pub struct ApplingBuild {
    /// The appling; its image is named after it.
    pub name: ApplingName,
    /// Its Dockerfile, from the repository's root, which is also what `COPY` sees.
    pub dockerfile: RepoPath,
    /// What `RUN --mount=type=secret,id=…` can read.
    pub secrets: BTreeMap<String, SecretValue>,
}

/// What became of each appling's build.
pub type BuildResults = BTreeMap<ApplingName, Result<BuiltImage, Cause>>;

/// Makes images of commits.
#[async_trait]
pub trait Builder: Send + Sync + 'static {
    /// Builds every appling, as many at once as the platform allows; each succeeds or fails by itself, and the
    /// answer has all of them. The images are in the registry when this returns, and are named by digest.
    ///
    /// Tells [`Event::BuildStarted`], [`Event::BuildStep`], [`Event::BuildLog`], [`Event::Built`] and
    /// [`Event::Warning`]; whoever asked tells [`Event::Failed`]. Dropping the future stops all builds.
    async fn build(&self, request: BuildRequest, events: mpsc::UnboundedSender<Event>) -> BuildResults;

    /// The images that a build would give, without building: those that are known, and for the others a reference
    /// that names the commit, with [`ImageUser::Root`](hops_model::ImageUser::Root), as nobody can know better.
    async fn expected(&self, request: &BuildRequest) -> BTreeMap<ApplingName, BuiltImage>;
}

/// Remembers what became of earlier inputs. Without an answer the image is built, which is slow but right; so
/// whatever fails here is for its implementation to log.
#[async_trait]
pub trait BuildMemory: Send + Sync {
    /// The image that an input became.
    async fn image_for(&self, input: &InputHash) -> Option<BuiltImage>;

    /// What an input became.
    async fn remember(&self, input: &InputHash, image: &BuiltImage);
}
