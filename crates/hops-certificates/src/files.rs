//! Certificates that somebody else keeps, in files; read again when these change.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use thiserror::Error;
use tracing::{info, warn};

use crate::{
    certificate::{Certificate, CertificateError},
    settings::CertificateFiles,
};

/// All of them, as last read.
pub(crate) struct Files(Vec<Pair>);

struct Pair {
    files: CertificateFiles,
    stamp: Option<[Stamp; 2]>,
    certificate: Certificate,
}

/// What of a file changes when it is replaced or written to.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// Why files cannot be used.
#[derive(Debug, Error)]
pub enum FilesError {
    /// Not there, or not ours to read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not what they should be.
    #[error("cannot use the certificate `{}` with the key `{}`", files.certificate.display(), files.key.display())]
    Use {
        /// Both.
        files: CertificateFiles,
        /// Why.
        source: CertificateError,
    },
}

impl Files {
    /// Reads all. At the start a mistake is one of the configuration.
    pub(crate) fn read(all: &[CertificateFiles]) -> Result<Self, FilesError> {
        all.iter().map(Pair::read).collect::<Result<_, _>>().map(Self)
    }

    /// Reads those that have changed; whether any has. What cannot be used, such as a certificate whose new key is still
    /// to be written, leaves the former one in use.
    pub(crate) fn reload(&mut self) -> bool {
        let mut changed = false;
        for pair in &mut self.0 {
            let stamp = stamp(&pair.files);
            if stamp == pair.stamp {
                continue;
            }
            match Pair::read(&pair.files) {
                Ok(read) => {
                    info!(path = %pair.files.certificate.display(), until = %read.certificate.until, "read a certificate again");
                    *pair = read;
                    changed = true;
                }
                Err(error) => {
                    warn!("kept the former certificate: {}", crate::status::chain(&error));
                    // Said once for each change.
                    pair.stamp = stamp;
                }
            }
        }
        changed
    }

    /// Every certificate with its file.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Path, &Certificate)> {
        self.0.iter().map(|pair| (pair.files.certificate.as_path(), &pair.certificate))
    }

    /// The certificate that a host is served with, by name or by a wildcard.
    pub(crate) fn covering(&self, host: &str) -> Option<(&Path, &Certificate)> {
        let wildcard = host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let with = |wanted: &str| {
            self.all().find(|(_, certificate)| certificate.names.iter().any(|name| name == wanted))
        };
        with(host).or_else(|| with(wildcard.as_deref()?))
    }
}

impl Pair {
    fn read(files: &CertificateFiles) -> Result<Self, FilesError> {
        // Taken first: a change while reading is then seen the next time.
        let stamp = stamp(files);
        let read =
            |path: &Path| fs::read(path).map_err(|source| FilesError::Read { path: path.to_owned(), source });
        let certificate = Certificate::parse(&read(&files.certificate)?, &read(&files.key)?)
            .map_err(|source| FilesError::Use { files: files.clone(), source })?;
        Ok(Self { files: files.clone(), stamp, certificate })
    }
}

fn stamp(files: &CertificateFiles) -> Option<[Stamp; 2]> {
    // Links are followed: certbot and Kubernetes replace certificates by changing them.
    let of = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Some(Stamp { inode: metadata.ino(), length: metadata.len(), modified })
    };
    Some([of(&files.certificate)?, of(&files.key)?])
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::certificate::tests::made;

    fn write(folder: &TempDir, names: &[&str]) -> CertificateFiles {
        let (chain, key) = made(names);
        let files =
            CertificateFiles { certificate: folder.path().join("a.pem"), key: folder.path().join("a.key") };
        fs::write(&files.certificate, chain).unwrap();
        fs::write(&files.key, key).unwrap();
        files
    }

    fn names(files: &Files) -> Vec<String> {
        files.all().flat_map(|(_, certificate)| certificate.names.clone()).collect()
    }

    #[test]
    fn a_changed_certificate_is_read_again_and_an_unchanged_one_is_not() {
        let folder = TempDir::new().unwrap();
        let mut files = Files::read(&[write(&folder, &["a.example.com"])]).unwrap();
        assert!(!files.reload());
        write(&folder, &["b.example.com"]);
        assert!(files.reload());
        assert_eq!(names(&files), ["b.example.com"]);
    }

    #[test]
    fn half_a_change_leaves_the_former_one_until_the_other_half_is_there() {
        let folder = TempDir::new().unwrap();
        let pair = write(&folder, &["a.example.com"]);
        let mut files = Files::read(std::slice::from_ref(&pair)).unwrap();
        let (chain, key) = made(&["b.example.com"]);
        fs::write(&pair.certificate, chain).unwrap();
        assert!(!files.reload());
        assert_eq!(names(&files), ["a.example.com"]);
        fs::write(&pair.key, key).unwrap();
        assert!(files.reload());
        assert_eq!(names(&files), ["b.example.com"]);
    }

    #[test]
    fn a_removed_file_leaves_the_former_one() {
        let folder = TempDir::new().unwrap();
        let pair = write(&folder, &["a.example.com"]);
        let mut files = Files::read(std::slice::from_ref(&pair)).unwrap();
        fs::remove_file(&pair.key).unwrap();
        assert!(!files.reload());
        assert_eq!(names(&files), ["a.example.com"]);
    }

    #[test]
    fn a_name_goes_before_a_wildcard() {
        let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
        let files = [write(&folders[0], &["*.example.com"]), write(&folders[1], &["a.example.com"])];
        let read = Files::read(&files).unwrap();
        let file = |host| read.covering(host).map(|(path, _)| path.to_owned());
        assert_eq!(file("a.example.com"), Some(files[1].certificate.clone()));
        assert_eq!(file("b.example.com"), Some(files[0].certificate.clone()));
        assert_eq!(file("example.com"), None);
    }

    #[test]
    fn a_missing_file_is_named() {
        let missing = CertificateFiles { certificate: "/nowhere/a.pem".into(), key: "/nowhere/a.key".into() };
        let error = Files::read(&[missing]).err().unwrap();
        assert_eq!(error.to_string(), "cannot read `/nowhere/a.pem`");
    }
}
