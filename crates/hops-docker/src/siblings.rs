//! How the applings of an app find each other: a file for each app and environment that stands in for `/etc/hosts` in
//! all of its containers, and names those alone that take requests.
//!
//! On Kubernetes a Service leads to ready pods only, and no longer to one that is about to stop. Docker's name server
//! cannot do that: an alias names a container from its start to its end, and taking one away (`docker network
//! disconnect`) cuts every connection that the container has. A second network with the alias, connected when the
//! container is ready, has the same end. A file in place of the aliases is read by whoever looks up a name (glibc, musl,
//! Go, Node, Java), changes at once, cuts nothing, and stays as it is while HOPS is away.
//!
//! The aliases are there all the same, for those who ask the name server without looking into the file, and for when
//! nothing is ready. What neither mends is a program that looks a name up once and never again, such as nginx with a
//! name in `proxy_pass`: a Service's address is for ever, a container's is not. It needs `resolver 127.0.0.11`.
//!
//! Where Docker is restarted without `live-restore` while HOPS is away, containers may get other addresses, and are
//! found at the former ones until HOPS is back.
//!
//! A container holds the file itself, not its name, so it is never replaced, only overwritten.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, OpenOptions},
    io,
    net::IpAddr,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use hops_engine::EngineError;
use hops_model::{ApplingName, DesiredAppling, Target};

use crate::error::ENGINE;

/// The files of all targets.
#[derive(Debug)]
pub(crate) struct Siblings {
    directory: PathBuf,
    known: Mutex<BTreeMap<Target, Names>>,
}

/// Who is named in a file.
type Names = BTreeMap<ApplingName, Entry>;

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    names: Vec<String>,
    addresses: Vec<IpAddr>,
}

/// What every container's file begins with.
const HEAD: &str = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";

impl Siblings {
    /// Files in a directory.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, known: Mutex::default() }
    }

    /// The file of a target, made if it is not there.
    pub(crate) fn file(&self, target: &Target) -> Result<PathBuf, EngineError> {
        let path = self.path(target);
        let made = fs::create_dir_all(&self.directory).and_then(|()| match open(&path) {
            // Readable for every user in the containers.
            Ok(file) if file.metadata()?.len() == 0 => file.write_all_at(HEAD.as_bytes(), 0),
            result => result.map(drop),
        });
        match made {
            Ok(()) => Ok(path),
            Err(source) => Err(EngineError::Failed {
                engine: ENGINE,
                action: format!("write {}", path.display()),
                source: Box::new(source),
            }),
        }
    }

    /// Names the containers of an appling that take requests.
    pub(crate) fn name(&self, target: &Target, appling: &DesiredAppling, addresses: Vec<IpAddr>) {
        let names = [&appling.service].into_iter().chain(&appling.aliases).cloned().collect();
        self.change(target, |known| {
            known.insert(appling.name.clone(), Entry { names, addresses });
        });
    }

    /// Names nothing of an appling any more.
    pub(crate) fn forget(&self, target: &Target, appling: &ApplingName) {
        self.change(target, |known| {
            known.remove(appling);
        });
    }

    /// Removes the file of a target that has no containers any more.
    pub(crate) fn remove(&self, target: &Target) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(target);
        if let Err(error) = fs::remove_file(self.path(target))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%target, %error, "the file with the names of an app's containers cannot be removed");
        }
    }

    fn change(&self, target: &Target, change: impl FnOnce(&mut Names)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let of_target = known.entry(target.clone()).or_default();
        change(of_target);
        let path = self.path(target);
        // Without containers there is no file, and nobody to read it.
        if path.exists()
            && let Err(error) = overwrite(&path, &text(of_target))
        {
            tracing::error!(%target, %error, "siblings cannot be told where an appling is");
        }
    }

    /// No name has a dot in it, so no two targets share a file.
    fn path(&self, target: &Target) -> PathBuf {
        self.directory.join(format!("{}.{}", target.app, target.environment))
    }
}

fn text(known: &Names) -> String {
    let mut text = HEAD.to_owned();
    for entry in known.values() {
        for address in &entry.addresses {
            writeln!(text, "{address} {}", entry.names.join(" ")).expect("a text takes any text");
        }
    }
    text
}

fn open(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o644).open(path)
}

/// Overwrites a file in one go: whoever reads it meanwhile sees the former or the new text, never none.
fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    let file = open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let mut bytes = text.as_bytes().to_vec();
    // Never cut: empty lines say nothing.
    bytes.resize(bytes.len().max(length), b'\n');
    file.write_all_at(&bytes, 0)
}

#[cfg(test)]
mod tests {
    use hops_model::{AppName, Environment};

    use super::*;
    use crate::form::tests::appling;

    #[test]
    fn a_file_names_those_that_take_requests_and_keeps_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let siblings = Siblings::new(directory.path().join("names"));
        let target = Target::new(AppName::parse("shop").unwrap(), Environment::Prod);
        let path = siblings.file(&target).unwrap();
        // As a container holds it.
        let held = fs::File::open(&path).unwrap();
        let read = || {
            let mut text = String::new();
            io::Read::read_to_string(&mut &held, &mut text).unwrap();
            io::Seek::rewind(&mut &held).unwrap();
            text.trim_end().lines().skip(2).map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(read().is_empty());
        let api = DesiredAppling {
            service: "shop-api".to_owned(),
            aliases: vec!["api".to_owned()],
            ..appling("api", 1)
        };
        let addresses =
            |last: &[u8]| last.iter().map(|last| IpAddr::from([10, 0, 0, *last])).collect::<Vec<_>>();
        siblings.name(&target, &api, addresses(&[2, 3]));
        siblings.name(&target, &appling("web", 1), addresses(&[4]));
        assert_eq!(read(), ["10.0.0.2 shop-api api", "10.0.0.3 shop-api api", "10.0.0.4 web"]);
        siblings.name(&target, &api, addresses(&[5]));
        assert_eq!(read(), ["10.0.0.5 shop-api api", "10.0.0.4 web"]);
        siblings.forget(&target, &appling("web", 1).name);
        assert_eq!(read(), ["10.0.0.5 shop-api api"]);
        siblings.file(&target).unwrap();
        assert_eq!(read(), ["10.0.0.5 shop-api api"], "what is there stays");
        siblings.remove(&target);
        assert!(!path.exists());
    }
}
