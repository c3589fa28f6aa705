//! Where a user works: the client's half.

mod dirty;
mod push;

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use hops_model::CommitId;

pub use self::push::PushTarget;
use crate::{GitError, command::Git, repository::resolve};

/// A repository with a working tree. Looking at it changes nothing in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkTree {
    root: PathBuf,
}

impl WorkTree {
    /// The working tree that a directory lies in.
    pub async fn discover(directory: &Path) -> Result<Self, GitError> {
        let git = Git::work(directory, "rev-parse").arg("--show-toplevel");
        let output = git.output().await?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let is_absent =
                words.contains("not a git repository") || words.contains("must be run in a work tree");
            // Anything else, such as a directory that another user owns, Git explains well itself.
            return Err(if is_absent {
                GitError::NoRepository { directory: directory.to_owned() }
            } else {
                output.failed()
            });
        }
        let mut path = output.stdout;
        path.pop_if(|last| *last == b'\n');
        Ok(Self { root: OsString::from_vec(path).into() })
    }

    /// The working tree of a directory that is known to be its top.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its top directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn git(&self, operation: &str) -> Git {
        Git::work(&self.root, operation)
    }

    /// The commit that is checked out; `None` before the first one.
    pub async fn head(&self) -> Result<Option<CommitId>, GitError> {
        self.resolve("HEAD").await
    }

    /// The commit that a user's words stand for, see [`Repository::resolve`](crate::Repository::resolve).
    pub async fn resolve(&self, reference: &str) -> Result<Option<CommitId>, GitError> {
        resolve(self.git("rev-parse"), reference).await
    }

    /// The first line of a commit's message.
    pub async fn subject(&self, commit: &CommitId) -> Result<String, GitError> {
        let git = self.git("log").args(["-1", "--no-color", "--no-show-signature", "--encoding=UTF-8"]);
        let subject = git.args(["--format=%s", commit.as_str(), "--"]).run().await?;
        Ok(String::from_utf8_lossy(&subject).trim_end().to_owned())
    }

    /// Whether files were changed, removed or added since the commit that is checked out; ignored ones do not
    /// count.
    pub async fn is_dirty(&self) -> Result<bool, GitError> {
        let git =
            self.git("status").args(["--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames"]);
        Ok(!git.run().await?.is_empty())
    }

    /// Whether this is a shallow clone, whose history ends early.
    pub async fn is_shallow(&self) -> Result<bool, GitError> {
        Ok(self.git("rev-parse").arg("--is-shallow-repository").text().await? == "true")
    }

    /// A path inside the working tree, from its root, `/` between parts; `None` where it lies outside or is not
    /// UTF-8.
    pub fn relative(&self, path: &Path) -> Option<String> {
        let path = path.canonicalize().ok()?;
        let relative = path.strip_prefix(self.root.canonicalize().ok()?).ok()?;
        String::from_utf8(relative.as_os_str().as_bytes().to_vec()).ok()
    }

    /// The repository's name: that of its `origin`, else its directory's.
    pub async fn name(&self) -> Result<Option<String>, GitError> {
        let output = self.git("config").args(["--get", "remote.origin.url"]).output().await?;
        let url = String::from_utf8_lossy(&output.stdout);
        let directory = || Some(self.root.file_name()?.to_str()?.to_owned());
        Ok(name_of(url.trim()).map(str::to_owned).or_else(directory))
    }
}

/// The last part of a URL (`https://host/owner/shop.git`, `git@host:owner/shop`, a path).
fn name_of(url: &str) -> Option<&str> {
    let path = url.trim_end_matches('/');
    let last = path.rsplit(['/', ':', '\\']).next()?;
    let name = last.strip_suffix(".git").unwrap_or(last);
    // `/srv/shop/.git` is the repository of a working tree called `shop`.
    if name.is_empty() && last == ".git" { name_of(path.strip_suffix("/.git")?) } else { Some(name) }
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_last_part_of_the_remotes_address() {
        for (url, name) in [
            ("https://example.org/iterate/shop.git", Some("shop")),
            ("https://example.org/iterate/shop/", Some("shop")),
            ("git@example.org:iterate/shop.git", Some("shop")),
            ("host:shop", Some("shop")),
            ("/srv/git/shop.git", Some("shop")),
            ("/srv/shop/.git", Some("shop")),
            ("", None),
            ("/", None),
            ("/.git", None),
        ] {
            assert_eq!(name_of(url), name, "{url}");
        }
    }
}
