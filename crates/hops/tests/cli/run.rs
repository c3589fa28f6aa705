//! Runs the binary in a directory of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use expect_test::Expect;
use tempfile::TempDir;

/// A directory to run in, with a home that holds nothing.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    /// A directory called `shop` inside a temporary one, so that what is named after it is known.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("shop")).unwrap();
        fs::create_dir_all(directory.path().join("home")).unwrap();
        Self { directory }
    }

    /// The app's directory.
    pub(crate) fn app(&self) -> PathBuf {
        self.directory.path().join("shop")
    }

    /// The user's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// The same place with a file of the app.
    pub(crate) fn with(self, path: &str, text: &str) -> Self {
        let path = self.app().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The program, in the app's directory.
    pub(crate) fn hops(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hops"));
        command
            .args(arguments)
            .current_dir(self.app())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("GIT_CEILING_DIRECTORIES", self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs it and compares all that can be seen of it.
    pub(crate) fn check(&self, arguments: &[&str], expected: &Expect) {
        self.check_command(self.hops(arguments), expected);
    }

    /// Runs a command of one's own making and compares all that can be seen of it.
    pub(crate) fn check_command(&self, mut command: Command, expected: &Expect) {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| self.without_places(&String::from_utf8(bytes).unwrap());
        let code = output.status.code().map_or("by signal".to_owned(), |code| code.to_string());
        let streams = [("stdout", output.stdout), ("stderr", output.stderr)];
        let streams = streams.into_iter().filter(|(_, bytes)| !bytes.is_empty());
        let streams = streams.map(|(name, bytes)| format!("--- {name}\n{}", text(bytes)));
        let seen: String = std::iter::once(format!("exit {code}\n")).chain(streams).collect();
        expected.assert_eq(&seen);
    }

    fn without_places(&self, text: &str) -> String {
        let real = fs::canonicalize(self.directory.path()).unwrap();
        let hidden = |text: String, path: &Path| text.replace(&path.display().to_string(), "[PLACE]");
        let text = text.replace(env!("CARGO_BIN_EXE_hops"), "[HOPS]");
        hidden(hidden(text, &real), self.directory.path())
    }
}
