//! The token that lets clients in.
//!
//! Made at the first start. Its hash stays with the server; the token itself is written once, to a file that only
//! the server's user can read, from where the operator takes it.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// The file with the token, in the state directory.
const CLEAR_FILE: &str = "token";
/// The file with its SHA-256 hash in base64url.
const HASH_FILE: &str = "token.sha256";
/// 256 bits: beyond guessing, so that attempts need not be counted.
const TOKEN_BYTES: usize = 32;

/// What a client has to show. Knows the token's hash only.
#[derive(Clone)]
pub struct AccessToken(Arc<[u8; 32]>);

/// The token cannot be read or made.
#[derive(Debug, Error)]
pub enum AccessTokenError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file holds no hash.
    #[error("{} holds no SHA-256 hash; remove it, and the next start makes a new token", .0.display())]
    Malformed(PathBuf),
    /// The system gives no random numbers.
    #[error("cannot get random numbers from the system")]
    Random(#[source] getrandom::Error),
}

impl AccessToken {
    /// Opens the token of a state directory, and makes one where there is none.
    pub fn open(directory: &Path) -> Result<Self, AccessTokenError> {
        let path = directory.join(HASH_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => parse_hash(text.trim()).map(Self::from).ok_or(AccessTokenError::Malformed(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(directory),
            Err(source) => Err(AccessTokenError::File { action: "read", path, source }),
        }
    }

    /// Whether this is the token. Takes the same time whatever is shown.
    pub fn accepts(&self, shown: &str) -> bool {
        hash(shown).ct_eq(self.0.as_slice()).into()
    }

    /// The file in which [`AccessToken::open`] leaves the token of a state directory for the operator.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join(CLEAR_FILE)
    }

    fn make(directory: &Path) -> Result<Self, AccessTokenError> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(AccessTokenError::Random)?;
        let clear = URL_SAFE_NO_PAD.encode(bytes);
        let hash = hash(&clear);
        // The hash comes last: where a crash comes between, the next start makes a new token for both files.
        write(&Self::file(directory), &format!("{clear}\n"))?;
        write(&directory.join(HASH_FILE), &format!("{}\n", URL_SAFE_NO_PAD.encode(hash)))?;
        Ok(Self::from(hash))
    }
}

impl From<[u8; 32]> for AccessToken {
    fn from(hash: [u8; 32]) -> Self {
        Self(Arc::new(hash))
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// Writes a file that only its owner can read, as a whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), AccessTokenError> {
    let new = path.with_added_extension("new");
    let failed = |source| AccessTokenError::File { action: "write", path: path.to_owned(), source };
    // What a crash left behind may have other permissions.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn parse_hash(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn clear(directory: &Path) -> String {
        fs::read_to_string(AccessToken::file(directory)).unwrap().trim().to_owned()
    }

    #[test]
    fn the_first_start_makes_a_token_that_later_starts_accept() {
        let directory = tempfile::tempdir().unwrap();
        let first = AccessToken::open(directory.path()).unwrap();
        let token = clear(directory.path());
        assert_eq!(token.len(), 43);
        let second = AccessToken::open(directory.path()).unwrap();
        for access in [&first, &second] {
            assert!(access.accepts(&token));
            for other in ["", &token[1..], &token.to_uppercase(), &format!("{token} ")] {
                assert!(!access.accepts(other), "{other}");
            }
        }
        fs::remove_file(AccessToken::file(directory.path())).unwrap();
        assert!(
            AccessToken::open(directory.path()).unwrap().accepts(&token),
            "the operator may take the file away"
        );
    }

    #[test]
    fn only_the_servers_user_can_read_it_and_the_hash_file_does_not_hold_it() {
        let directory = tempfile::tempdir().unwrap();
        let access = AccessToken::open(directory.path()).unwrap();
        let token = clear(directory.path());
        for name in [CLEAR_FILE, HASH_FILE] {
            let mode = fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert!(!fs::read_to_string(directory.path().join(HASH_FILE)).unwrap().contains(&token));
        assert!(!format!("{access:?}").contains(&token));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn a_start_that_was_cut_off_is_made_good() {
        let directory = tempfile::tempdir().unwrap();
        for left_behind in ["token", "token.new", "token.sha256.new"] {
            fs::write(directory.path().join(left_behind), "half a tok").unwrap();
        }
        let access = AccessToken::open(directory.path()).unwrap();
        assert!(access.accepts(&clear(directory.path())));
        assert!(!access.accepts("half a tok"));
    }

    #[test]
    fn a_damaged_hash_lets_nobody_in_and_is_said_so() {
        let directory = tempfile::tempdir().unwrap();
        for text in ["", "xyz", &"a".repeat(42), &"é".repeat(32)] {
            fs::write(directory.path().join(HASH_FILE), text).unwrap();
            let error = AccessToken::open(directory.path()).unwrap_err();
            assert!(matches!(error, AccessTokenError::Malformed(_)), "{text}: {error:?}");
        }
        let error = AccessToken::open(&directory.path().join("missing")).unwrap_err();
        assert!(matches!(error, AccessTokenError::File { action: "write", .. }), "{error:?}");
    }
}
