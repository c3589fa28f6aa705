//! An app as its files describe it, for all environments at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    AppName, ApplingName, Environment, HostName, HttpPath, Port, RepoPath, SecretName, VariableName,
    VariableValue,
    quantity::{Cpu, Memory},
};

/// Containers of an appling whose file names no number (design.md 1, promise 4).
pub const DEFAULT_REPLICAS: u16 = 2;

/// An app: one Git repository, as its `iterapp.toml` files describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// The repository's name, or `name` in the file.
    pub name: AppName,
    /// Where pushes to the default branch go.
    pub default_environment: Environment,
    /// Decoration in chat messages.
    pub emoji: Option<String>,
    /// Whether the file lists applings. Decides host and Service names.
    pub layout: Layout,
    /// The app's services, in the file's order; never empty.
    pub applings: Vec<Appling>,
}

/// How a repository is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// No `applings` in the file: the root is the only appling, named like the app.
    Root,
    /// The file lists `applings`, be it one.
    Listed,
}

/// One service of an app: a directory with a Dockerfile and an `iterapp.toml`.
#[expect(clippy::struct_excessive_bools, reason = "each is an independent key of the file")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appling {
    /// Its name.
    pub name: ApplingName,
    /// Its directory; the root for [`Layout::Root`].
    pub directory: RepoPath,
    /// The port its container listens on, also its Service's port.
    pub port: Port,
    /// Answers 200 to 399 when the appling can take requests.
    pub readiness_path: HttpPath,
    /// Answers 200 to 399 as long as the appling need not be started again. No such probe unless set.
    pub liveness_path: Option<HttpPath>,
    /// How many containers run, at least 1.
    pub replicas: u16,
    /// Whether an init process reaps children and passes signals on. `false` for images that must be process 1.
    pub init: bool,
    /// Hosts beside the default one, in production only.
    pub domains: Vec<HostName>,
    /// Whether `www.X` redirects to `X`, or the other way round, for each of `domains`.
    pub www_redirect: bool,
    /// Whether requests from outside reach it.
    pub public: bool,
    /// Variables of its containers.
    pub variables: PerEnvironment<BTreeMap<VariableName, VariableValue>>,
    /// Files in its containers.
    pub files: PerEnvironment<Vec<FileMount>>,
    /// Sealed values offered to the build, by BuildKit secret id.
    pub build_secrets: BTreeMap<String, String>,
    /// What the containers ask of the machine, and may use at most.
    pub resources: Resources,
    /// A database of its own in each environment.
    pub postgres: Option<Postgres>,
    /// An account on the message bus in each environment.
    pub nats: bool,
    /// HTTP calls at fixed times.
    pub cronjobs: BTreeMap<String, CronJob>,
    /// Directories of the image served beside the app.
    pub statics: Vec<StaticFiles>,
    /// Switches outside the contract, as written.
    pub experimental: BTreeMap<String, String>,
}

/// A setting for every environment, with what single environments add or override.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerEnvironment<T> {
    /// For every environment.
    pub common: T,
    /// For one environment; beats `common`.
    pub specific: BTreeMap<Environment, T>,
}

/// Files mounted in a directory of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMount {
    /// The absolute directory.
    pub mount_path: String,
    /// What is in it.
    pub content: FileContent,
}

/// Where mounted files come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileContent {
    /// A whole Secret that an operator made by hand.
    Secret(SecretName),
    /// Sealed values by file name.
    Sealed(BTreeMap<String, String>),
}

/// What a container asks of the machine, and may use at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Set aside for it.
    pub requests: Amounts,
    /// Never exceeded: over the memory limit it is killed, over the processor limit slowed.
    pub limits: Amounts,
}

/// Memory and processor time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// Memory.
    pub memory: Option<Memory>,
    /// Processor time.
    pub cpu: Option<Cpu>,
}

/// The `postgres` add-on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postgres {
    /// Extensions to enable. One that is taken out of the list is not dropped.
    pub extensions: Vec<String>,
}

/// An HTTP call at fixed times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronJob {
    /// Five fields, as in crontab(5).
    pub schedule: String,
    /// The path called on the appling.
    pub path: HttpPath,
    /// Request headers.
    pub headers: BTreeMap<String, VariableValue>,
}

/// A directory of the image, served at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticFiles {
    /// The directory inside the image.
    pub local_dir: String,
    /// Where it is served.
    pub url_path: HttpPath,
}

impl App {
    /// The Service of an appling: `{appling}` for a sole appling, `{app}-{appling}` where there are several
    /// (design.md 1, promise 2).
    pub fn service_name(&self, appling: &ApplingName) -> String {
        if self.applings.len() == 1 {
            appling.dns()
        } else {
            format!("{}-{}", self.name.dns(), appling.dns())
        }
    }

    /// The appling of a name.
    pub fn appling(&self, name: &ApplingName) -> Option<&Appling> {
        self.applings.iter().find(|appling| appling.name == *name)
    }
}

impl Appling {
    /// An appling with every setting at its default.
    pub fn new(name: ApplingName, directory: RepoPath) -> Self {
        Self {
            name,
            directory,
            port: Port::DEFAULT,
            readiness_path: HttpPath::default_readiness(),
            liveness_path: None,
            replicas: DEFAULT_REPLICAS,
            init: true,
            domains: Vec::new(),
            www_redirect: false,
            public: true,
            variables: PerEnvironment::default(),
            files: PerEnvironment::default(),
            build_secrets: BTreeMap::new(),
            resources: Resources::default(),
            postgres: None,
            nats: false,
            cronjobs: BTreeMap::new(),
            statics: Vec::new(),
            experimental: BTreeMap::new(),
        }
    }

    /// Where its Dockerfile is.
    pub fn dockerfile(&self) -> RepoPath {
        self.directory.join("Dockerfile")
    }
}

impl<K: Ord + Clone, V: Clone> PerEnvironment<BTreeMap<K, V>> {
    /// The entries of one environment: its own beat the common ones.
    pub fn in_environment(&self, environment: Environment) -> BTreeMap<K, V> {
        let mut entries = self.common.clone();
        entries.extend(self.specific.get(&environment).cloned().unwrap_or_default());
        entries
    }
}

impl<T: Clone> PerEnvironment<Vec<T>> {
    /// The items of one environment, after the common ones.
    pub fn in_environment(&self, environment: Environment) -> Vec<T> {
        self.common.iter().chain(self.specific.get(&environment).into_iter().flatten()).cloned().collect()
    }
}
