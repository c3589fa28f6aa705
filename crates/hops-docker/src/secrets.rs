//! Named secrets: files that an operator puts below the state directory, where Kubernetes has Secrets.
//!
//! ```text
//! {state}/secrets/{app}-{environment}/{secret}/{key}
//! ```
//!
//! They are read when a container is made, and are written down nowhere else by HOPS.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

use hops_model::{Cause, CauseCode, SecretName, Target};

/// The named secrets of a platform.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    directory: PathBuf,
}

impl Secrets {
    /// Those below an engine's state directory.
    pub(crate) fn below(state: &Path) -> Self {
        let directory = state.join("secrets");
        // The daemon, which mounts them, works elsewhere.
        Self { directory: std::path::absolute(&directory).unwrap_or(directory) }
    }

    /// The directory of a secret, which holds a file for each of its keys.
    pub(crate) fn directory(&self, target: &Target, secret: &SecretName) -> Result<PathBuf, Cause> {
        let path = self.path(target, secret);
        if path.is_dir() { Ok(path) } else { Err(missing(secret, None, &path)) }
    }

    /// The value of a key, without the line end that editors leave behind it.
    pub(crate) fn value(&self, target: &Target, secret: &SecretName, key: &str) -> Result<String, Cause> {
        let path = self.path(target, secret).join(key);
        // A key is a file's name and nothing that leads elsewhere.
        let mut parts = Path::new(key).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
            return Err(missing(secret, Some(key), &path));
        }
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => missing(secret, Some(key), &path),
            _ => Cause::new(
                CauseCode::SecretMissing,
                format!("key `{key}` of secret `{secret}` cannot be read: {error}"),
                format!("let the user that runs HOPS read {}", path.display()),
            ),
        })?;
        match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => {
                Ok(text.strip_suffix('\n').map_or_else(|| text.clone(), ToOwned::to_owned))
            }
            _ => Err(Cause::new(
                CauseCode::Refused,
                format!("key `{key}` of secret `{secret}` is not text, which a variable cannot hold"),
                "mount the secret as a directory instead, or store it as text, such as in Base64",
            )),
        }
    }

    fn path(&self, target: &Target, secret: &SecretName) -> PathBuf {
        self.directory.join(format!("{}-{}", target.app, target.environment)).join(secret.as_str())
    }
}

fn missing(secret: &SecretName, key: Option<&str>, path: &Path) -> Cause {
    let (message, help) = match key {
        Some(key) => (
            format!("secret `{secret}` has no key `{key}`"),
            format!("put its value into {}, then deploy again", path.display()),
        ),
        None => (
            format!("secret `{secret}` does not exist"),
            format!("make the directory {} with a file for each key, then deploy again", path.display()),
        ),
    };
    Cause::new(CauseCode::SecretMissing, message, help)
}

#[cfg(test)]
mod tests {
    use hops_model::{AppName, Environment};

    use super::*;

    fn scene() -> (tempfile::TempDir, Secrets, Target, SecretName) {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("secrets/shop-prod/firebase");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("key"), "s3cret\n\n").unwrap();
        std::fs::write(directory.join("blob"), [0xff, 0]).unwrap();
        let secrets = Secrets::below(state.path());
        let target = Target::new(AppName::parse("shop").unwrap(), Environment::Prod);
        (state, secrets, target, SecretName::parse("firebase").unwrap())
    }

    #[test]
    fn a_key_is_read_without_the_last_line_end() {
        let (_state, secrets, target, secret) = scene();
        assert_eq!(secrets.value(&target, &secret, "key").unwrap(), "s3cret\n");
        assert!(secrets.directory(&target, &secret).unwrap().ends_with("secrets/shop-prod/firebase"));
    }

    #[test]
    fn what_is_missing_is_named_with_its_path() {
        let (state, secrets, target, secret) = scene();
        for key in ["other", "../firebase/key", "/etc/hostname", "..", ""] {
            let cause = secrets.value(&target, &secret, key).unwrap_err();
            assert_eq!(cause.code, CauseCode::SecretMissing, "{key}");
        }
        let cause = secrets.directory(&target, &SecretName::parse("files").unwrap()).unwrap_err();
        assert_eq!(cause.message, "secret `files` does not exist");
        assert!(cause.help.contains(&format!("{}/secrets/shop-prod/files", state.path().display())));
    }

    #[test]
    fn what_is_no_text_is_refused_without_being_shown() {
        let (_state, secrets, target, secret) = scene();
        assert_eq!(secrets.value(&target, &secret, "blob").unwrap_err().code, CauseCode::Refused);
    }
}
