//! An app's repository, made by a test.

use std::{fs, path::Path, process::Command, time::Duration};

use hops_testkit::{PATIENCE, http};
use tempfile::TempDir;

use crate::platform::Platform;

/// A repository whose app has a name of its own, so that tests can run side by side.
pub(crate) struct App {
    directory: TempDir,
    name: String,
}

/// Serves `page` at `/` and `/health` on the port that HOPS gives it.
pub(crate) const DOCKERFILE: &str = "\
FROM busybox
ARG HOPS_GIT_SHA
WORKDIR /www
COPY page index.html
RUN echo ok > health && echo \"$HOPS_GIT_SHA\" > commit
CMD [\"sh\", \"-c\", \"echo serving; exec httpd -f -p $PORT\"]
";

impl App {
    /// A repository with one appling at its root, committed.
    pub(crate) fn new(purpose: &str) -> Self {
        let app = Self::empty(purpose);
        app.write("iterapp.toml", &format!("name = \"{}\"\n", app.name));
        app.write("Dockerfile", DOCKERFILE);
        app.write("page", "one\n");
        app.commit("Begin");
        app
    }

    /// A repository without files.
    pub(crate) fn empty(purpose: &str) -> Self {
        let app = Self {
            directory: tempfile::tempdir().unwrap(),
            name: format!("e2e-{purpose}-{}", std::process::id()),
        };
        app.git(&["init", "--quiet", "--initial-branch=main"]);
        app
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.directory().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits all files; gives the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.directory());
        for variable in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
            command.env(variable, "test@example.com");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Asks from outside until the answer holds a text: the cluster's ingress controller takes up to 2 s to notice.
    pub(crate) async fn page_holds(&self, platform: &Platform, host_prefix: &str, path: &str, wanted: &str) {
        let host = format!("{host_prefix}{}.test.localhost", self.name);
        let entrance = platform.site.entrance();
        let asking = async {
            loop {
                if let Ok(answer) = http::get(entrance, &host, path).await
                    && answer.body.contains(wanted)
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, asking).await.is_ok(),
            "{host}{path} does not answer `{wanted}`"
        );
    }

    /// Removes what runs of it.
    pub(crate) fn end(self, platform: &Platform) {
        platform.succeed(&self, &["remove", "--yes"]);
    }
}
