//! Programs built from Go modules: the parts of the cluster that Debian does not have.
//!
//! Each is a module of its own under `tools/`, because one module for all would mix dependencies that exclude each other.
//! What was built is kept in the cache under a key of everything that went in, and shared by all checkouts.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{digest::Key, paths, program, progress};

/// One module under `tools/`.
struct Module {
    name: &'static str,
    /// Names the result is linked to, where the package's own name is not the program's.
    links: &'static [(&'static str, &'static str)],
    /// Whether the binary has to be told which version of Kubernetes it is; otherwise clients see v0.0.0.
    is_kubernetes: bool,
    /// What a first build takes on two cores, for the one who waits.
    minutes: &'static str,
}

const MODULES: [Module; 6] = [
    Module { name: "buildkit", links: &[], is_kubernetes: false, minutes: "2 min" },
    Module { name: "etcd", links: &[("server", "etcd")], is_kubernetes: false, minutes: "½ min" },
    Module {
        name: "kubernetes",
        links: &[
            ("kubernetes", "kube-apiserver"),
            ("kubernetes", "kube-controller-manager"),
            ("kubernetes", "kube-scheduler"),
            ("kubernetes", "kubelet"),
            ("kubernetes", "kube-proxy"),
        ],
        is_kubernetes: true,
        minutes: "5 min",
    },
    Module { name: "coredns", links: &[], is_kubernetes: false, minutes: "2 min" },
    Module { name: "kubectl", links: &[], is_kubernetes: true, minutes: "½ min" },
    Module { name: "traefik", links: &[], is_kubernetes: false, minutes: "5 min" },
];

/// The programs, built.
pub(crate) struct Tools {
    programs: BTreeMap<String, PathBuf>,
}

impl Tools {
    /// Builds what the cache does not have. One process at a time builds; another waits for it and finds it done.
    pub(crate) fn build() -> Result<Self> {
        let cache = paths::cache()?.join("tools");
        let sources = paths::checkout().join("tools");
        let go = Go::find()?;
        fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
        let lock = fs::File::create(cache.join(".lock"))?;
        let mut programs = BTreeMap::new();
        for module in &MODULES {
            let folder = sources.join(module.name);
            let arguments = module.arguments(&folder)?;
            let target = cache.join(format!("{}-{}", module.name, key(&folder, &go.version, &arguments)?));
            if !target.exists() {
                lock.lock().context("cannot lock the cache of tools")?;
                if !target.exists() {
                    let what = format!("building {} (about {} the first time)", module.name, module.minutes);
                    progress::step(what, || go.build(module, &folder, &arguments, &target))?;
                }
                lock.unlock()?;
            }
            for entry in fs::read_dir(&target)? {
                let entry = entry?;
                programs.insert(entry.file_name().to_string_lossy().into_owned(), entry.path());
            }
        }
        Ok(Self { programs })
    }

    /// The file of a program that one of the modules makes.
    pub(crate) fn program(&self, name: &str) -> &Path {
        self.programs.get(name).expect("the name of a program that a module makes")
    }
}

impl Module {
    fn arguments(&self, folder: &Path) -> Result<Vec<String>> {
        let mut linker = "-s -w".to_owned();
        if self.is_kubernetes {
            let go_mod = fs::read_to_string(folder.join("go.mod"))
                .with_context(|| format!("cannot read go.mod of tool {}", self.name))?;
            let minor = kubernetes_minor(&go_mod)
                .with_context(|| format!("go.mod of tool {} requires no k8s.io/component-base", self.name))?;
            for (name, value) in [
                ("gitVersion", format!("v1.{minor}")),
                ("gitMajor", "1".to_owned()),
                ("gitMinor", { minor.split('.').next().unwrap_or_default().to_owned() }),
            ] {
                use std::fmt::Write as _;
                let _ = write!(linker, " -X k8s.io/component-base/version.{name}={value}");
            }
        }
        // A module with a `main.go` is a program; the others only name the programs of their dependencies.
        let package = if folder.join("main.go").exists() { "." } else { "tool" };
        let fixed = ["build", "-trimpath", "-buildvcs=false", "-mod=readonly"].map(str::to_owned);
        Ok(fixed.into_iter().chain([format!("-ldflags={linker}"), package.to_owned()]).collect())
    }
}

struct Go {
    version: String,
}

impl Go {
    fn find() -> Result<Self> {
        if program::find("go").is_none() {
            bail!(
                "`go` is not installed\nhint: install Go 1.26 or newer (https://go.dev/dl), it builds the parts of the cluster"
            );
        }
        let version = program::output(&mut program::command(["go", "env", "GOVERSION", "GOOS", "GOARCH"]))?;
        Ok(Self { version })
    }

    fn build(&self, module: &Module, folder: &Path, arguments: &[String], target: &Path) -> Result<()> {
        // Built beside and renamed when complete, so that an interrupted build is never taken for a finished one.
        let unfinished = target.with_extension("unfinished");
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
        command.env("CGO_ENABLED", "0").env("GOFLAGS", "").env("GOWORK", "off");
        program::output(&mut command)
            .with_context(|| format!("{} built no {}", self.version.trim(), module.name))?;
        for (built, called) in module.links {
            let link = unfinished.join(called);
            if !link.exists() {
                fs::hard_link(unfinished.join(built), link)?;
            }
        }
        fs::rename(&unfinished, target)?;
        Ok(())
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

/// `36.3` of a go.mod that requires version v0.36.3 of the parts that Kubernetes 1.36.3 publishes as modules.
fn kubernetes_minor(go_mod: &str) -> Option<&str> {
    let mut lines = go_mod.lines().map(str::trim);
    lines.find_map(|line| line.strip_prefix("k8s.io/component-base v0.")?.split(' ').next())
}

#[cfg(test)]
mod tests {
    use super::{fs, key, kubernetes_minor};

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
    fn the_version_of_kubernetes_is_that_of_the_module() {
        let go_mod = "require (\n\tk8s.io/api v0.1.0\n\tk8s.io/component-base v0.36.3 // indirect\n)";
        assert_eq!(kubernetes_minor(go_mod), Some("36.3"));
        assert_eq!(kubernetes_minor("module m"), None);
    }
}
