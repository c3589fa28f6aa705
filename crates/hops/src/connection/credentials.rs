//! Which server, and the token for it.
//!
//! ```text
//! --server, HOPS_SERVER ──┐                     ┌── HOPS_TOKEN, HOPS_TOKEN_FILE
//!                         ├─▶ server  +  token ◀┤
//! credentials.toml ───────┘                     └── credentials.toml
//! ```

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

use crate::{
    args::ConnectionArgs,
    failure::{Blame, Failure},
};

/// The variable that holds a token.
const TOKEN: &str = "HOPS_TOKEN";
/// The variable that names the file that holds a token.
const TOKEN_FILE: &str = "HOPS_TOKEN_FILE";

/// A server's address and the token for it. Not `Debug`, so that the token is not printed by accident.
pub(crate) struct Credentials {
    /// The server.
    pub(crate) server: String,
    /// The token.
    pub(crate) token: String,
}

/// What became of credentials that a server gave without being asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Introduced {
    /// They are those of all commands to come, as remembered in this file.
    Default(PathBuf),
    /// They are remembered, beside the server that goes on being the one of all commands to come.
    Beside(String),
    /// They were remembered before.
    Known,
}

/// `credentials.toml`: what `hops login` was told.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Remembered {
    /// The server of the last login.
    server: Option<String>,
    /// Tokens by server.
    tokens: BTreeMap<String, String>,
}

impl Credentials {
    /// What the arguments, the environment and the remembered logins give, in this order.
    pub(crate) fn find(arguments: &ConnectionArgs) -> Result<Self, Failure> {
        let remembered = Remembered::load(&remembered_file()?)?;
        let server = match (&arguments.server, remembered.server) {
            (Some(server), _) => tidy(server)?,
            (None, Some(server)) => server,
            (None, None) => {
                return Err(Failure::users_fault("no server is known")
                    .hint("`hops up` starts one on this machine; `hops login URL`, `--server URL` or the variable HOPS_SERVER names another"));
            }
        };
        let token = match from_environment()? {
            Some(token) => token,
            None => remembered.tokens.get(&server).cloned().ok_or_else(|| {
                Failure::users_fault(format!("no token is known for {server}"))
                    .hint(format!("`hops login {server}`, or the variables {TOKEN} and {TOKEN_FILE}"))
            })?,
        };
        Ok(Self { server, token })
    }

    /// Remembers them for the commands to come. Returns the file.
    pub(crate) fn remember(&self) -> Result<PathBuf, Failure> {
        let path = remembered_file()?;
        let mut remembered = Remembered::load(&path)?;
        remembered.server = Some(self.server.clone());
        remembered.tokens.insert(self.server.clone(), self.token.clone());
        remembered.save(&path)?;
        Ok(path)
    }
}

impl Credentials {
    /// Remembers them beside those of other servers. They become the ones of all commands to come only where no others
    /// are, so that nobody deploys to another server than the one they know.
    pub(crate) fn introduce(self) -> Result<Introduced, Failure> {
        let path = remembered_file()?;
        let mut remembered = Remembered::load(&path)?;
        let is_known = remembered.tokens.get(&self.server) == Some(&self.token);
        let (is_default, other) = match &remembered.server {
            None => (true, None),
            Some(other) if *other != self.server => (false, Some(other.clone())),
            Some(_) => (false, None),
        };
        if is_default {
            remembered.server = Some(self.server.clone());
        }
        if is_default || !is_known {
            remembered.tokens.insert(self.server, self.token);
            remembered.save(&path)?;
        }
        Ok(match other {
            Some(other) if !is_known => Introduced::Beside(other),
            _ if is_known && !is_default => Introduced::Known,
            _ => Introduced::Default(path),
        })
    }
}

impl Remembered {
    fn save(&self, path: &Path) -> Result<(), Failure> {
        let text = toml::to_string(self)?;
        write_private(path, &text).with_context(|| format!("cannot write `{}`", path.display())).users()
    }

    fn load(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(anyhow!(error).context(format!("cannot read `{}`", path.display()))).users();
            }
        };
        // Not the parser's own words: they quote the line, which may hold a token.
        toml::from_str(&text).map_err(|_| {
            Failure::users_fault(format!("`{}` is not what `hops login` writes", path.display()))
                .hint("remove it, and log in again")
        })
    }
}

/// A server's address in one form, so that the token of `https://h/` is found for `https://h`.
pub(crate) fn tidy(server: &str) -> Result<String, Failure> {
    let wrong = |why: &str| {
        Failure::users_fault(format!("`{server}` is not a server's address: {why}"))
            .hint("write for example `https://hops.example.com`")
    };
    let address = server.trim().trim_end_matches('/');
    let (scheme, rest) = address.split_once("://").ok_or_else(|| wrong("`https://` is missing"))?;
    if !matches!(scheme, "http" | "https") {
        return Err(wrong("only `https` and `http` are spoken"));
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        // Its secret is not repeated.
        let message = "a server's address holds no user name or password";
        return Err(
            Failure::users_fault(message).hint("leave out what stands before `@`; a token is asked for")
        );
    }
    let plain = !rest.contains(['?', '#']) && !rest.contains(char::is_whitespace);
    if authority.is_empty() || !plain {
        Err(wrong("it has no host, or more than host, port and path"))
    } else {
        Ok(address.to_owned())
    }
}

/// The token that a file holds, without the newline that editors put behind it.
pub(crate) fn read_token(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the token in `{}`", path.display()))
        .users()?;
    check_token(&text).map_err(|failure| failure.hint(format!("look at `{}`", path.display())))
}

/// A token without what surrounds it; refused if no header could carry it.
pub(crate) fn check_token(text: &str) -> Result<String, Failure> {
    let token = text.trim();
    if token.is_empty() {
        return Err(Failure::users_fault("the token is empty"));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::users_fault("the token holds spaces or other characters that no token has"));
    }
    Ok(token.to_owned())
}

fn from_environment() -> Result<Option<String>, Failure> {
    if let Some(token) = env::var_os(TOKEN).filter(|token| !token.is_empty()) {
        let token = check_token(&token.to_string_lossy());
        return token.map(Some).hint(format!("it comes from the variable {TOKEN}"));
    }
    let file = env::var_os(TOKEN_FILE).filter(|path| !path.is_empty());
    file.map(|path| read_token(Path::new(&path))).transpose()
}

/// `$XDG_CONFIG_HOME/hops/credentials.toml` (XDG Base Directory Specification).
fn remembered_file() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    let folder = folder.ok_or_else(|| {
        Failure::users_fault("there is no home directory to remember servers in")
            .hint(format!("set HOME, or give the server by `--server` and the token by {TOKEN_FILE}"))
    })?;
    Ok(folder.join("hops").join("credentials.toml"))
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = path.with_extension("toml.new");
    // What a login that was interrupted left behind may be readable by others.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        assert_eq!(tidy("https://hops.example.com/").unwrap(), "https://hops.example.com");
        assert_eq!(tidy(" http://127.0.0.1:7070/base ").unwrap(), "http://127.0.0.1:7070/base");
        for text in ["hops.example.com", "ftp://h", "https://", "https://h?x", "https:// h"] {
            assert_eq!(tidy(text).unwrap_err().exit, crate::exit::Exit::Users, "{text}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        let failure = tidy("https://me:hunter2@h").unwrap_err();
        assert!(!format!("{failure:?}").contains("hunter2"));
    }

    #[test]
    fn only_the_owner_can_read_what_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hops/credentials.toml");
        for text in ["a = 1", "b = 2"] {
            write_private(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
