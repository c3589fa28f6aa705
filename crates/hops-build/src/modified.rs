//! When each file was last changed, as far as a copy has seen.
//!
//! `BuildKit` takes a file to be unchanged when its size and time are; and the time goes into the image, where web
//! servers derive `Last-Modified` from it. Git keeps no times. So:
//!
//! - the seconds are those of the first commit in which the copy saw this content at this path, and never before
//!   those of other content seen there earlier: a browser must not take new content for the older one that it has;
//! - the nanoseconds come from the content's hash: two contents of one size never look the same, whatever the
//!   seconds say, and even if the file below is lost.
//!
//! What was seen is kept in a small file in the copy. Losing it costs one transfer of all files.

use std::{
    collections::HashMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

use hops_buildkit::Modified;
use hops_git::{ObjectId, Tree, TreeEntry};

/// The file's name in the bare copy, and the first word in it.
const FILE: &str = "hops-modified-1";

/// Contents remembered at most; past it only those of the commit at hand are kept.
const MAX: usize = 200_000;

/// What was seen, of one copy.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// By path: contents and when they were first seen.
    seen: HashMap<String, Vec<(ObjectId, i64)>>,
    count: usize,
    is_changed: bool,
}

impl Times {
    /// Times for every entry of a commit made at `committed_at`, remembered in the copy at `repository`.
    pub(crate) fn of(repository: &Path, tree: &Tree, committed_at: i64) -> Vec<Modified> {
        let file = repository.join(FILE);
        let mut times = Self::load(&file);
        let modified = tree.entries().iter().map(|entry| times.first_seen(entry, committed_at)).collect();
        if times.is_changed {
            if times.count > MAX {
                times.keep_only(tree);
            }
            if let Err(error) = times.save(&file) {
                tracing::warn!(%error, file = %file.display(), "cannot remember when files were changed");
            }
        }
        modified
    }

    fn first_seen(&mut self, entry: &TreeEntry, committed_at: i64) -> Modified {
        let seen = self.seen.entry(entry.path.as_str().to_owned()).or_default();
        let known = seen.iter().find(|(object, _)| *object == entry.object).map(|(_, seconds)| *seconds);
        let seconds = known.unwrap_or_else(|| {
            let latest = seen.iter().map(|(_, seconds)| *seconds).max();
            let seconds = latest.map_or(committed_at, |latest| committed_at.max(latest.saturating_add(1)));
            seen.push((entry.object.clone(), seconds));
            self.count += 1;
            self.is_changed = true;
            seconds
        });
        Modified::of_content(seconds, &entry.object.to_bytes())
    }

    fn keep_only(&mut self, tree: &Tree) {
        let old = std::mem::take(&mut self.seen);
        for entry in tree.entries() {
            let kept = old
                .get(entry.path.as_str())
                .into_iter()
                .flatten()
                .find(|(object, _)| *object == entry.object);
            self.seen.insert(entry.path.as_str().to_owned(), kept.cloned().into_iter().collect());
        }
        self.count = self.seen.len();
    }

    /// A file that is missing, cut off or from elsewhere is as good as none.
    fn load(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut times = Self::default();
        for record in text.strip_prefix(FILE).unwrap_or_default().split_terminator('\0').skip(1) {
            let mut parts = record.splitn(3, ' ');
            let (Some(seconds), Some(object), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            if let (Ok(seconds), Some(object)) = (seconds.parse(), ObjectId::parse(object)) {
                times.seen.entry(path.to_owned()).or_default().push((object, seconds));
                times.count += 1;
            }
        }
        times
    }

    fn save(&self, file: &PathBuf) -> io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut fresh = io::BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
        write!(fresh, "{FILE}\0")?;
        for (path, seen) in &self.seen {
            for (object, seconds) in seen {
                write!(fresh, "{seconds} {object} {path}\0")?;
            }
        }
        fresh.into_inner()?.persist(file)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hops_git::Repository;
    use hops_model::CommitId;

    use super::*;

    /// A repository with one file, committed with the given content and time.
    async fn commit(work: &Path, content: &str, at: i64) -> (Repository, CommitId) {
        let git = |args: &[&str]| {
            let output = std::process::Command::new("git")
                .args(["-c", "user.name=a", "-c", "user.email=a@b"])
                .args(args)
                .current_dir(work)
                .envs([
                    ("GIT_AUTHOR_DATE", format!("@{at} +0000")),
                    ("GIT_COMMITTER_DATE", format!("@{at} +0000")),
                ])
                .output()
                .unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "--quiet"]);
        std::fs::write(work.join("a b\n"), content).unwrap();
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--allow-empty", "-m", "x"]);
        let commit = CommitId::parse(&git(&["rev-parse", "HEAD"])).unwrap();
        (Repository::open_or_init(work.join(".git")).await.unwrap(), commit)
    }

    async fn time(work: &Path, content: &str, at: i64) -> Modified {
        let (repository, commit) = commit(work, content, at).await;
        let tree = repository.tree(&commit).await.unwrap();
        let committed_at = repository.committed_at(&commit).await.unwrap();
        assert_eq!(committed_at, at);
        Times::of(repository.path(), &tree, committed_at)[0]
    }

    #[tokio::test]
    async fn unchanged_files_keep_their_time_and_changed_ones_move_on() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path();
        let first = time(work, "one", 1_700_000_000).await;
        assert_eq!(time(work, "one", 1_700_000_100).await, first, "another commit, the same content");
        let second = time(work, "two", 1_700_000_200).await;
        assert!(second > first);
        assert_eq!(time(work, "one", 1_700_000_300).await, first, "content that was there before");
        // A commit from a machine whose clock is slow.
        let third = time(work, "six", 1_600_000_000).await;
        assert!(third > second, "{third:?} {second:?}");
    }

    #[tokio::test]
    async fn equal_size_and_equal_seconds_do_not_look_equal() {
        let folder = tempfile::tempdir().unwrap();
        let one = time(folder.path(), "one", 1_700_000_000).await;
        std::fs::remove_file(folder.path().join(".git").join(FILE)).unwrap();
        let two = time(folder.path(), "two", 1_700_000_000).await;
        assert_ne!(one, two);
    }

    #[tokio::test]
    async fn a_damaged_file_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let first = time(folder.path(), "one", 1_700_000_000).await;
        let file = folder.path().join(".git").join(FILE);
        for damage in [&b"hops-modified-1\0x y z\0 \0"[..], b"\xff\xfe", b"", b"hops-modified-1\x00170000"] {
            std::fs::write(&file, damage).unwrap();
            assert_eq!(time(folder.path(), "one", 1_700_000_000).await, first);
        }
    }
}
