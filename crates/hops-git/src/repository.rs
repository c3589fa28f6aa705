//! The server's bare copy of a repository.

use std::path::{Path, PathBuf};

use hops_model::{CommitId, RepoPath};

use crate::{Blobs, EntryKind, GitError, ObjectId, Tree, TreeEntry, command::Git};

/// A bare copy that HOPS keeps. Cheap to clone; holds nothing open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    path: PathBuf,
}

/// Where the references that keep commits lie.
pub(crate) const KEEPING: &str = "refs/hops";

/// Pushes after which a copy is worth tidying.
const LOOSE: usize = 100;

impl Repository {
    /// Opens the copy at a path, making an empty one where there is none.
    pub async fn open_or_init(path: impl Into<PathBuf>) -> Result<Self, GitError> {
        let repository = Self { path: path.into() };
        if repository.is_there() {
            return Ok(repository);
        }
        // Made beside it and put in its place whole: two that open it at once, or one that is cut off, leave no half.
        let parent = repository.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(GitError::Temporary)?;
        let fresh = tempfile::tempdir_in(parent).map_err(GitError::Temporary)?;
        let inner = fresh.path().join("copy");
        std::fs::create_dir(&inner).map_err(GitError::Temporary)?;
        // No template: samples of hooks are of no use here.
        let init = ["--quiet", "--bare", "--template=", "--initial-branch=main"];
        Git::bare(&inner, "init").args(init).run().await?;
        match std::fs::rename(&inner, &repository.path) {
            Err(error) if !repository.is_there() => Err(GitError::Temporary(error)),
            _ => Ok(repository),
        }
    }

    fn is_there(&self) -> bool {
        self.path.join("config").is_file() && self.path.join("HEAD").is_file()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn git(&self, operation: &str) -> Git {
        Git::bare(&self.path, operation)
    }

    /// The commit that a user's words stand for: a branch, a tag, a full or unambiguous short id, `main~3`.
    pub async fn resolve(&self, reference: &str) -> Result<Option<CommitId>, GitError> {
        resolve(self.git("rev-parse"), reference).await
    }

    /// Whether a commit is here.
    pub async fn contains(&self, commit: &CommitId) -> Result<bool, GitError> {
        Ok(self.resolve(commit.as_str()).await?.is_some())
    }

    /// The first line of a commit's message.
    pub async fn subject(&self, commit: &CommitId) -> Result<String, GitError> {
        self.format(commit, "%s").await
    }

    /// When a commit was made, in seconds since 1970. Its maker's clock may have been wrong.
    pub async fn committed_at(&self, commit: &CommitId) -> Result<i64, GitError> {
        let text = self.format(commit, "%ct").await?;
        text.parse().map_err(|_| GitError::Answer { operation: "log".to_owned(), answer: text })
    }

    async fn format(&self, commit: &CommitId, format: &str) -> Result<String, GitError> {
        let git =
            self.git("log").args(["-1", "--no-color", "--encoding=UTF-8", &format!("--format={format}")]);
        let output = git.args([commit.as_str(), "--"]).output().await?;
        if !output.status.success() {
            return Err(self.explain(commit, output.failed()).await);
        }
        // A message may hold anything, whatever encoding it claims.
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Every file of a commit.
    pub async fn tree(&self, commit: &CommitId) -> Result<Tree, GitError> {
        let git = self.git("ls-tree").args(["-r", "-z", "-l", "--full-tree", commit.as_str()]);
        match git.run().await {
            Ok(listing) => Tree::parse(&listing),
            Err(error) => Err(self.explain(commit, error).await),
        }
    }

    /// The content of one file, which must be a regular one; `None` where there is none at that path. For many
    /// files [`Repository::tree`] and [`Blobs`] are faster.
    pub async fn read(&self, commit: &CommitId, path: &RepoPath) -> Result<Option<Vec<u8>>, GitError> {
        let git = self.git("ls-tree").args(["-z", "-l", "--full-tree", commit.as_str(), "--", path.as_str()]);
        let listing = match git.run().await {
            Ok(listing) => listing,
            Err(error) => return Err(self.explain(commit, error).await),
        };
        let Some(line) = listing.split(|byte| *byte == 0).find(|line| !line.is_empty()) else {
            return Ok(None);
        };
        if line.windows(6).any(|word| word == b" tree ") {
            return Ok(None);
        }
        let TreeEntry { kind, object, .. } = TreeEntry::parse(line)?;
        match kind {
            EntryKind::File | EntryKind::Executable => self.blob(&object).await.map(Some),
            EntryKind::Symlink | EntryKind::Submodule => Ok(None),
        }
    }

    async fn blob(&self, object: &ObjectId) -> Result<Vec<u8>, GitError> {
        Blobs::new(self).read(object).await
    }

    /// Says that the commit is not here where that is the reason.
    async fn explain(&self, commit: &CommitId, error: GitError) -> GitError {
        match self.contains(commit).await {
            Ok(false) => GitError::NoCommit { commit: commit.clone() },
            _ => error,
        }
    }

    /// Does [`Repository::tidy`] when it has become worth it: a copy grows by a reference and a handful of objects with
    /// every push, and everything in it becomes slower by and by. Best called after a push, when nobody waits.
    pub async fn tidy_if_due(&self) -> Result<bool, GitError> {
        // References that were not packed yet; counting them is quick.
        let loose = std::fs::read_dir(self.path.join(KEEPING)).map_or(0, Iterator::count);
        if loose < LOOSE {
            return Ok(false);
        }
        self.tidy().await.map(|()| true)
    }

    /// Packs loose objects and small packs together, and references into one file. Nothing is ever thrown away;
    /// safe while the copy is read and pushed to.
    pub async fn tidy(&self) -> Result<(), GitError> {
        self.git("repack").args(["--quiet", "-d", "--geometric=2", "--no-write-bitmap-index"]).run().await?;
        self.git("pack-refs").arg("--all").run().await.map(drop)
    }
}

/// Runs `git rev-parse` on a user's words, which are never taken for options.
pub(crate) async fn resolve(rev_parse: Git, reference: &str) -> Result<Option<CommitId>, GitError> {
    // What no reference can hold, some of which Git would read as an option or an argument's end.
    if reference.is_empty() || reference.starts_with('-') || reference.contains(char::is_control) {
        return Ok(None);
    }
    let commit = format!("{reference}^{{commit}}");
    let output = rev_parse.args(["--verify", "--quiet", "--end-of-options", &commit]).output().await?;
    match output.status.code() {
        Some(0) => Ok(CommitId::parse(String::from_utf8_lossy(&output.stdout).trim_end()).ok()),
        Some(1) => Ok(None),
        _ => Err(output.failed()),
    }
}
