//! Logins for registries, in the file format of Docker: `{"auths": {"HOST": {"auth": "base64 of user:password"}}}`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, anyhow};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hops_build::{Login, SecretValue};
use serde::Deserialize;

use crate::failure::{Blame, Failure};

/// Logins by registry, as in an image's name.
pub(crate) type Logins = BTreeMap<String, Login>;

/// Docker Hub, as Docker writes it in this file.
const DOCKER_HUB: &str = "index.docker.io";

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    /// Base64 of `user:password`.
    #[serde(rename = "auth")]
    encoded: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// Reads the logins. What is wrong is said by host, and never by what stands there.
pub(crate) fn read(path: &Path) -> Result<Logins, Failure> {
    let place = || format!("the registry logins in `{}`", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", place())).users()?;
    parse(&text).with_context(|| format!("cannot use {}", place())).users()
}

fn parse(text: &str) -> anyhow::Result<Logins> {
    let file: File = serde_json::from_str(text).map_err(|error| {
        // The parser's own words may quote a value.
        anyhow!("line {}, column {} is not as Docker writes it", error.line(), error.column())
    })?;
    let logins = file.auths.into_iter().map(|(address, entry)| {
        let host = host(&address);
        let login = login(entry).with_context(|| format!("the login for `{host}`"))?;
        Ok((host, login))
    });
    logins.collect()
}

fn login(entry: Entry) -> anyhow::Result<Login> {
    if let (Some(username), Some(password)) = (entry.username, entry.password) {
        return Ok(Login { username, password: SecretValue::new(password) });
    }
    let encoded = entry.encoded.context("it is kept by a helper program; write `auth` into the file")?;
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| anyhow!("`auth` is not base64"))?;
    let decoded = String::from_utf8(decoded).map_err(|_| anyhow!("`auth` is not UTF-8"))?;
    let (username, password) = decoded.split_once(':').context("`auth` holds no `user:password`")?;
    Ok(Login { username: username.to_owned(), password: SecretValue::new(password) })
}

/// `https://index.docker.io/v1/` → `docker.io`, `https://r.example.org` → `r.example.org`
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    if host == DOCKER_HUB { "docker.io".to_owned() } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_found_under_the_names_of_images() {
        let auth = STANDARD.encode("ann:hunter2:3");
        let text = format!(
            r#"{{"auths": {{"https://index.docker.io/v1/": {{"auth": "{auth}"}}, "r.example.org:5000": {{"username": "b", "password": "c"}}}}, "credsStore": "x"}}"#
        );
        let logins = parse(&text).unwrap();
        assert_eq!(logins["docker.io"].password, SecretValue::new("hunter2:3"));
        assert_eq!(logins["r.example.org:5000"].username, "b");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(text in "(\\{|\\}|\"auths\"|\"auth\"|:|,|\"[a-zA-Z0-9/=]{0,6}\"){0,20}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn what_is_wrong_does_not_quote_a_secret() {
        for text in [
            r#"{"auths": {"r.example.org": {"auth": "hunter2!"}}}"#,
            r#"{"auths": {"r.example.org": "hunter2"}}"#,
            r#"{"auths": {"r.example.org": {}}}"#,
        ] {
            let error = format!("{:?}", parse(text).unwrap_err());
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
