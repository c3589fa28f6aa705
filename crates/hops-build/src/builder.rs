//! What any builder must do.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hops_git::Repository;
use hops_model::{AppName, ApplingName, Cause, CommitId, Event, ImageRef, RepoPath};
use tokio::sync::mpsc::UnboundedSender;

/// What is to be built.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The app, which names the images.
    pub app: AppName,
    /// Where the commit is.
    pub repository: Repository,
    /// The commit. Its tree is the context of every build.
    pub commit: CommitId,
    /// The applings.
    pub applings: Vec<ApplingBuild>,
}

/// One appling to build.
#[derive(Debug, Clone)]
pub struct ApplingBuild {
    /// Its name.
    pub name: ApplingName,
    /// Its Dockerfile.
    pub dockerfile: RepoPath,
}

/// Makes images of commits.
#[async_trait]
pub trait Builder: Send + Sync + 'static {
    /// Builds every appling, all at once as far as there is room, and tells how it goes.
    ///
    /// Applings succeed or fail one by one; the answer has all of them. Dropping the future stops the builds.
    async fn build(
        &self,
        request: BuildRequest,
        events: UnboundedSender<Event>,
    ) -> BTreeMap<ApplingName, Result<ImageRef, Cause>>;

    /// The images that a build would give, without building: those that are known, and for the others a reference
    /// that names the commit.
    async fn expected(&self, request: &BuildRequest) -> BTreeMap<ApplingName, ImageRef>;
}
