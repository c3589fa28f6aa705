//! How this machine reaches its package registries, read at run time.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use anyhow::{Context as _, Result};

use super::debian::RELEASE;
use crate::{digest::Key, program, progress};

/// Debian's place for the bundle of all trusted certificate authorities.
pub(super) const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
const OWN_AUTHORITIES: &str = "/usr/local/share/ca-certificates";

/// Settings that decide whether and how a registry is reached. Others, such as tokens, are not taken along.
const APT_SETTINGS: [&str; 5] = [
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
    "Acquire::Retries",
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
];
const PIP_SETTINGS: [&str; 5] = ["extra-index-url", "index-url", "proxy", "timeout", "trusted-host"];
const NPM_SETTINGS: [&str; 5] = ["https-proxy", "noproxy", "proxy", "registry", "strict-ssl"];

/// What was read.
pub(super) struct Machine {
    /// The bundle of certificate authorities.
    pub(super) certificates: String,
    /// Those among them that somebody added to this machine, by file name.
    pub(super) own_authorities: BTreeMap<String, String>,
    sources: Vec<Source>,
    apt: Settings,
    pip: Settings,
    npm: Settings,
}

type Settings = BTreeMap<String, String>;

/// One component of one suite of a Debian mirror.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    uri: String,
    suite: String,
    component: String,
}

impl Machine {
    pub(super) fn read() -> Result<Self> {
        let bundle = env::var_os("SSL_CERT_FILE").map_or_else(|| PathBuf::from(CERTIFICATES), PathBuf::from);
        let format = "$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)";
        let targets = ["apt-get", "indextargets", "--format", format, "Created-By: Packages"];
        let mut machine = Self {
            certificates: fs::read_to_string(&bundle)
                .with_context(|| format!("cannot read {}", bundle.display()))?,
            own_authorities: own_authorities(),
            sources: parse_sources(&program::output(&mut program::command(targets))?),
            apt: parse_apt(&program::output(&mut program::command(["apt-config", "dump"]))?),
            pip: parse_pip(&words_of("pip", &["config", "list"])),
            npm: parse_npm(&words_of("npm", &["config", "list", "--json"])),
        };
        machine.add_proxies(proxy("http"), proxy("https"));
        Ok(machine)
    }

    /// A proxy named by variables reaches the machine's programs, but not those in build steps: they need a setting.
    fn add_proxies(&mut self, http: Option<String>, https: Option<String>) {
        let add = |settings: &mut Settings, name: &str, value: &Option<String>| {
            if let Some(value) = value {
                settings.entry(name.to_owned()).or_insert_with(|| value.clone());
            }
        };
        add(&mut self.apt, "Acquire::http::Proxy", &http);
        add(&mut self.apt, "Acquire::https::Proxy", &https);
        add(&mut self.npm, "proxy", &http);
        add(&mut self.npm, "https-proxy", &https);
        add(&mut self.pip, "proxy", &https.or(http));
    }

    /// A key of what goes into every image; a changed one is a reason to make them anew.
    pub(super) fn fingerprint(&self) -> String {
        let key = Key::new().with(&self.certificates).with(self.apt_sources()).with(self.apt_settings());
        self.own_authorities.iter().fold(key, |key, (name, text)| key.with(name).with(text)).finish()
    }

    /// Where to bootstrap the release from.
    pub(super) fn mirror(&self) -> Option<&str> {
        Some(self.sources.iter().find(|source| source.suite == RELEASE)?.uri.as_str())
    }

    pub(super) fn apt_sources(&self) -> String {
        let line = |source: &Source| format!("deb {} {} {}\n", source.uri, source.suite, source.component);
        self.sources.iter().map(line).collect()
    }

    pub(super) fn apt_settings(&self) -> String {
        self.apt.iter().map(|(name, value)| format!("{name} \"{value}\";\n")).collect::<Vec<_>>().concat()
    }

    pub(super) fn pip_settings(&self) -> String {
        format!("[global]\ncert = {CERTIFICATES}\n") + &lines(&self.pip)
    }

    pub(super) fn npm_settings(&self) -> String {
        format!("cafile = {CERTIFICATES}\n") + &lines(&self.npm)
    }
}

fn lines(settings: &Settings) -> String {
    settings.iter().map(|(name, value)| format!("{name} = {value}\n")).collect::<Vec<_>>().concat()
}

/// What a program says, if this machine has it.
fn words_of(name: &str, arguments: &[&str]) -> String {
    let Some(program) = program::find(name) else { return String::new() };
    program::output(program::command([program]).args(arguments)).unwrap_or_default()
}

fn proxy(scheme: &str) -> Option<String> {
    let names = [format!("{scheme}_proxy"), format!("{}_PROXY", scheme.to_uppercase())];
    let (name, value) = names.iter().find_map(|name| Some((name, env::var(name).ok()?)))?;
    is_open(name, &value).then_some(value)
}

/// Whether a value may lie in an image: an address with a password in it may not.
fn is_open(name: &str, value: &str) -> bool {
    let is_open = !(value.contains("://") && value.contains('@'));
    if !is_open {
        progress::say(format!("`{name}` is not taken into the images, it carries a password"));
    }
    is_open && !value.is_empty()
}

fn own_authorities() -> BTreeMap<String, String> {
    let files = fs::read_dir(OWN_AUTHORITIES).into_iter().flatten().flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "crt"))
        .filter_map(|file| {
            Some((file.file_name().into_string().ok()?, fs::read_to_string(file.path()).ok()?))
        })
        .collect()
}

/// Of apt's own list of what it fetches, whatever form the sources are written in: those that Debian publishes.
fn parse_sources(targets: &str) -> Vec<Source> {
    let fields = targets.lines().map(|line| line.split('|').collect::<Vec<_>>());
    let mut sources: Vec<Source> = fields
        .filter_map(|fields| match fields[..] {
            ["Debian", suite, component, uri] if suite.starts_with(RELEASE) => {
                Some(Source { uri: uri.to_owned(), suite: suite.to_owned(), component: component.to_owned() })
            }
            _ => None,
        })
        .collect();
    sources.dedup();
    sources
}

/// `apt-config dump`: `Name "value";`
fn parse_apt(text: &str) -> Settings {
    let pairs = text.lines().filter_map(|line| line.strip_suffix("\";")?.split_once(" \""));
    chosen(pairs, &APT_SETTINGS)
}

/// `pip config list`: `global.name='value'`, variables last and as `:env:.name='value'`.
fn parse_pip(text: &str) -> Settings {
    let pairs = text.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.rsplit('.').next()?, value.trim_matches('\'')))
    });
    // Several values of one setting are listed with a newline written as `\n`.
    let settings = chosen(pairs, &PIP_SETTINGS);
    settings.into_iter().map(|(name, value)| (name, value.replace("\\n", " ").trim().to_owned())).collect()
}

fn parse_npm(text: &str) -> Settings {
    let all: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let texts: Vec<(String, String)> = all
        .into_iter()
        .filter_map(|(name, value)| match value {
            serde_json::Value::String(text) => Some((name, text)),
            serde_json::Value::Bool(flag) => Some((name, flag.to_string())),
            _ => None,
        })
        .collect();
    chosen(texts.iter().map(|(name, value)| (name.as_str(), value.as_str())), &NPM_SETTINGS)
}

/// The later of two values of one setting counts.
fn chosen<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, names: &[&str]) -> Settings {
    pairs
        .filter(|(name, value)| names.contains(name) && is_open(name, value))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Settings, Source, parse_apt, parse_npm, parse_pip, parse_sources};

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_debians_own_sources_are_taken() {
        let targets = "Debian|bookworm|main|http://mirror.test/debian/\n\
            Debian|bookworm-security|main|http://mirror.test/security/\n\
            Docker|bookworm|stable|http://docker.test/\n";
        let source = |uri: &str, suite: &str| Source {
            uri: uri.to_owned(),
            suite: suite.to_owned(),
            component: "main".to_owned(),
        };
        assert_eq!(
            parse_sources(targets),
            [
                source("http://mirror.test/debian/", "bookworm"),
                source("http://mirror.test/security/", "bookworm-security")
            ]
        );
    }

    #[test]
    fn apt_settings_are_read() {
        let text =
            "Acquire \"\";\nAcquire::Check-Date \"false\";\nAcquire::http::Proxy \"http://proxy.test:1\";\n";
        assert_eq!(
            parse_apt(text),
            settings(&[("Acquire::Check-Date", "false"), ("Acquire::http::Proxy", "http://proxy.test:1")])
        );
    }

    #[test]
    fn pip_settings_are_read_and_a_variable_wins() {
        let text = "global.index-url='http://a.test/simple'\nglobal.no-color='1'\n:env:.index-url='http://b.test/simple'\n";
        assert_eq!(parse_pip(text), settings(&[("index-url", "http://b.test/simple")]));
    }

    #[test]
    fn npm_settings_are_read_without_tokens() {
        let text =
            r#"{"registry":"http://r.test/","strict-ssl":true,"proxy":null,"//r.test/:_authToken":"t"}"#;
        assert_eq!(parse_npm(text), settings(&[("registry", "http://r.test/"), ("strict-ssl", "true")]));
    }

    #[test]
    fn an_address_with_a_password_stays_on_the_machine() {
        assert_eq!(parse_pip("global.index-url='http://u:p@a.test/simple'\n"), settings(&[]));
    }
}
