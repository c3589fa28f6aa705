//! `debian:bookworm-slim`, bootstrapped from the machine's own package mirror.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::machine::{CERTIFICATES, Machine};
use crate::{program, tools::Tools};

/// The Debian release of the image.
pub(super) const RELEASE: &str = "bookworm";

/// What the public image leaves out too.
const LEFT_OUT: [&str; 6] = [
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
];

/// As in the public image: packages installed later leave out the same, and no package index or archive is kept.
const DPKG: &str = "\
force-unsafe-io
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
";
const APT: &str = "\
APT::Sandbox::User \"root\";
Acquire::GzipIndexes \"true\";
Acquire::Languages \"none\";
Apt::AutoRemove::SuggestsImportant \"false\";
Dir::Cache::pkgcache \"\";
Dir::Cache::srcpkgcache \"\";
DPkg::Post-Invoke { \"rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true\"; };
";

/// Makes `rootfs.tar` in a folder.
pub(super) fn prepare(folder: &Path, machine: &Machine, _: &Tools) -> Result<()> {
    let root = folder.join("rootfs");
    let mirror =
        machine.mirror().context("the machine's apt sources name no mirror of this Debian release")?;
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", RELEASE]).arg(&root).arg(mirror);
    program::output(&mut debootstrap)?;
    for path in LEFT_OUT {
        empty(&root.join(path))?;
    }
    for (path, text) in [
        ("etc/apt/sources.list", machine.apt_sources()),
        ("etc/apt/apt.conf.d/90image", APT.to_owned()),
        ("etc/apt/apt.conf.d/91machine", machine.apt_settings()),
        ("etc/dpkg/dpkg.cfg.d/90image", DPKG.to_owned()),
        (CERTIFICATES.trim_start_matches('/'), machine.certificates.clone()),
    ] {
        write(&root.join(path), &text)?;
    }
    for (name, text) in &machine.own_authorities {
        // Here the package `ca-certificates`, once installed, finds them and keeps them.
        write(&root.join("usr/local/share/ca-certificates").join(name), text)?;
    }
    // The machine's name and resolver are no part of an image.
    for path in ["etc/hostname", "etc/resolv.conf"] {
        write(&root.join(path), "")?;
    }
    let mut tar = Command::new("tar");
    tar.arg("--create").arg("--numeric-owner").arg("--file").arg(folder.join("rootfs.tar"));
    program::output(tar.arg("--exclude=./dev/*").arg("--directory").arg(&root).arg("."))?;
    // Not sent to the builder twice.
    Ok(fs::remove_dir_all(root)?)
}

fn write(file: &PathBuf, text: &str) -> Result<()> {
    let folder = file.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder)?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}
