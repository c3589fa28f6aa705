//! The files of a commit, as a build's context.

use std::{collections::HashMap, io, sync::Arc};

use async_trait::async_trait;
use hops_buildkit::{Entry, Kind, Source, visible};
use hops_git::{Blobs, Caveat, EntryKind, GitError, ObjectId, Repository, Tree, TreeEntry};
use hops_model::{CommitId, RepoPath};
use tokio::io::AsyncRead;

use crate::{input::Fields, modified::Times};

/// Every file of a commit. One serves the builds of all applings.
#[derive(Debug)]
pub(crate) struct Snapshot {
    tree: Tree,
    blobs: Blobs,
    entries: Vec<Entry>,
    /// What a build will not find, as it is told to people.
    pub(crate) caveats: Vec<Caveat>,
    /// Where symbolic links point.
    targets: HashMap<RepoPath, String>,
    /// What was found out by [`Snapshot::seen`]: most applings share one ignore file, and listing is long work.
    seen: tokio::sync::Mutex<HashMap<String, [u8; 32]>>,
}

/// A Dockerfile in a commit.
#[derive(Debug)]
pub(crate) struct Dockerfile {
    pub(crate) object: ObjectId,
    pub(crate) text: String,
}

/// As Linux: a chain of more links is a circle.
const LINKS: usize = 40;

impl Snapshot {
    pub(crate) async fn of(repository: &Repository, commit: &CommitId) -> Result<Arc<Self>, GitError> {
        let (tree, committed_at) =
            tokio::try_join!(repository.tree(commit), repository.committed_at(commit))?;
        let blobs = Blobs::new(repository);
        let caveats = Caveat::of(&tree, &blobs).await?;
        let (path, now) = (repository.path().to_owned(), now());
        // A clock that is fast must not put times into the future for good.
        let of = move |tree: &Tree| Times::of(&path, tree, committed_at.min(now));
        let (tree, modified) = tokio::task::spawn_blocking(move || {
            let modified = of(&tree);
            (tree, modified)
        })
        .await
        .map_err(|error| GitError::Temporary(io::Error::other(error)))?;

        let mut entries = Vec::with_capacity(tree.entries().len());
        let mut targets = HashMap::new();
        for (entry, modified) in tree.entries().iter().zip(modified) {
            let kind = match entry.kind {
                EntryKind::File => Kind::File { size: entry.size, mode: 0o644 },
                EntryKind::Executable => Kind::File { size: entry.size, mode: 0o755 },
                // What a checkout without its submodules has there.
                EntryKind::Submodule => Kind::Directory { mode: 0o755 },
                EntryKind::Symlink => {
                    let target = blobs.read(&entry.object).await?;
                    let target = String::from_utf8(target)
                        .map_err(|_| GitError::PathNotUtf8 { path: format!("{} -> …", entry.path) })?;
                    targets.insert(entry.path.clone(), target.clone());
                    Kind::Symlink { target }
                }
            };
            entries.push(Entry { path: entry.path.to_string(), kind, modified });
        }
        Ok(Arc::new(Self { tree, blobs, entries, caveats, targets, seen: tokio::sync::Mutex::default() }))
    }

    /// A hash of all that a build with this `.dockerignore` can see.
    pub(crate) async fn seen(self: &Arc<Self>, ignore: &str) -> Result<[u8; 32], GitError> {
        let mut seen = self.seen.lock().await;
        if let Some(hash) = seen.get(ignore) {
            return Ok(*hash);
        }
        let (snapshot, text) = (Arc::clone(self), ignore.to_owned());
        let hash = tokio::task::spawn_blocking(move || snapshot.hash(&text)).await;
        let hash = hash.map_err(|error| GitError::Temporary(io::Error::other(error)))?;
        seen.insert(ignore.to_owned(), hash);
        Ok(hash)
    }

    fn hash(&self, ignore: &str) -> [u8; 32] {
        // With a pattern that cannot be read the build fails, whatever it could see.
        let seen = visible(self.entries.clone(), ignore).unwrap_or_else(|_| self.entries.clone());
        let mut fields = Fields::default();
        for entry in &seen {
            // Not the time: it says nothing that the content does not.
            let kind = match &entry.kind {
                Kind::File { mode, .. } => format!("file {mode:o}"),
                Kind::Symlink { .. } => "link".to_owned(),
                Kind::Directory { .. } => "directory".to_owned(),
            };
            fields.add(&entry.path).add(kind).add(self.object(&entry.path).map_or("", ObjectId::as_str));
        }
        fields.finish()
    }

    fn object(&self, path: &str) -> Option<&ObjectId> {
        self.tree.get(&RepoPath::parse(path).ok()?).map(|entry| &entry.object)
    }

    /// A Dockerfile, through symbolic links. As the builder does, `dockerfile` is taken where there is no `Dockerfile`.
    pub(crate) async fn dockerfile(&self, path: &RepoPath) -> Result<Option<Dockerfile>, GitError> {
        let lower =
            path.as_str().strip_suffix("Dockerfile").map(|directory| format!("{directory}dockerfile"));
        let lower = lower.and_then(|path| RepoPath::parse(&path).ok());
        let Some(entry) = self.follow(path).or_else(|| self.follow(&lower?)) else { return Ok(None) };
        let text = self.blobs.read(&entry.object).await?;
        Ok(Some(Dockerfile {
            object: entry.object.clone(),
            text: String::from_utf8_lossy(&text).into_owned(),
        }))
    }

    /// The `.dockerignore` that counts for a Dockerfile: its own, `{Dockerfile}.dockerignore`, else the root's.
    pub(crate) async fn ignore(&self, dockerfile: &RepoPath) -> Result<String, GitError> {
        let own = RepoPath::parse(&format!("{dockerfile}.dockerignore")).ok();
        let root = RepoPath::root().join(".dockerignore");
        let Some(entry) = own.and_then(|own| self.follow(&own)).or_else(|| self.follow(&root)) else {
            return Ok(String::new());
        };
        Ok(String::from_utf8_lossy(&self.blobs.read(&entry.object).await?).into_owned())
    }

    /// The regular file at a path, through symbolic links to files.
    fn follow(&self, path: &RepoPath) -> Option<&TreeEntry> {
        let mut path = path.clone();
        for _ in 0..LINKS {
            let entry = self.tree.get(&path)?;
            let Some(target) = self.targets.get(&path) else {
                return matches!(entry.kind, EntryKind::File | EntryKind::Executable).then_some(entry);
            };
            let directory = path.as_str().rsplit_once('/').map_or("", |(directory, _)| directory);
            path = join(directory, target)?;
        }
        None
    }
}

/// A link's target from the root; the root is also where an absolute one starts, and where `..` ends.
fn join(directory: &str, target: &str) -> Option<RepoPath> {
    let start = if target.starts_with('/') { "" } else { directory };
    let mut parts: Vec<&str> = start.split('/').collect();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    RepoPath::parse(parts.join("/").trim_start_matches('/')).ok()
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// [`Snapshot`] for the builder.
pub(crate) struct Context(pub(crate) Arc<Snapshot>);

#[async_trait]
impl Source for Context {
    async fn entries(&self) -> io::Result<Vec<Entry>> {
        Ok(self.0.entries.clone())
    }

    async fn open(&self, path: &str) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
        let path = RepoPath::parse(path).map_err(io::Error::other)?;
        let entry = self.0.tree.get(&path).ok_or(io::ErrorKind::NotFound)?;
        self.0.blobs.open(&entry.object, entry.size).await.map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_inside_the_repository() {
        let join = |directory, target| join(directory, target).unwrap().to_string();
        assert_eq!(join("api", "../shared/Dockerfile"), "shared/Dockerfile");
        assert_eq!(join("api/x", "./Dockerfile"), "api/x/Dockerfile");
        assert_eq!(join("api", "/Dockerfile"), "Dockerfile");
        assert_eq!(join("", "../../etc/x"), "etc/x");
    }
}
