//! Which images, and what is in them.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::{debian, machine::Machine};
use crate::{program, tools::Tools};

/// How to make one image.
pub(super) struct Recipe {
    pub(super) name: &'static str,
    /// The first part of its path in the registry; `library` is Docker's for names without one.
    pub(super) owner: &'static str,
    pub(super) tags: &'static [&'static str],
    pub(super) dockerfile: &'static str,
    /// What decides the content, beside the Dockerfile.
    pub(super) inputs: fn(&Machine, &Tools) -> String,
    /// Puts what the Dockerfile copies into its folder.
    pub(super) prepare: fn(&Path, &Machine, &Tools) -> Result<()>,
}

impl Recipe {
    pub(super) fn begins_with(&self, other: &str) -> bool {
        self.dockerfile.starts_with(&format!("FROM {other}:"))
    }
}

pub(super) fn names() -> Vec<&'static str> {
    all().iter().map(|recipe| recipe.name).collect()
}

/// In the order of making: quick ones first, each before those that begin with it.
pub(super) fn all() -> [Recipe; 5] {
    [
        Recipe {
            name: "busybox",
            owner: "library",
            tags: &["latest", "1.36", "stable"],
            dockerfile: BUSYBOX,
            inputs: |_, _| format!("{PASSWD}{GROUP}"),
            prepare: busybox,
        },
        Recipe {
            name: "dockerfile",
            owner: "docker",
            tags: &["latest", "1", "1.4", "1.7"],
            dockerfile: FRONTEND,
            // The path carries the key of the tool.
            inputs: |_, tools| tools.program("dockerfile-frontend").display().to_string(),
            prepare: frontend,
        },
        Recipe {
            name: "debian",
            owner: "library",
            tags: &["bookworm-slim", "stable-slim"],
            dockerfile: DEBIAN,
            inputs: |machine, _| format!("{}{}", include_str!("debian.rs"), machine.fingerprint()),
            prepare: debian::prepare,
        },
        Recipe {
            name: "python",
            owner: "library",
            tags: &["3.11-slim", "3.11-slim-bookworm"],
            dockerfile: PYTHON,
            inputs: |machine, _| machine.pip_settings(),
            prepare: |folder, machine, _| Ok(fs::write(folder.join("pip.conf"), machine.pip_settings())?),
        },
        Recipe {
            name: "node",
            owner: "library",
            tags: &["18-slim", "18-bookworm-slim"],
            dockerfile: NODE,
            inputs: |machine, _| machine.npm_settings(),
            prepare: |folder, machine, _| Ok(fs::write(folder.join("npmrc"), machine.npm_settings())?),
        },
    ]
}

const BUSYBOX: &str = r#"FROM scratch
COPY busybox /bin/busybox
COPY files /
RUN ["/bin/busybox", "--install", "/bin"]
RUN mkdir -p /home /root /usr/bin /usr/sbin && mkdir -p -m 1777 /tmp /var/tmp && ln -s /bin/env /usr/bin/env
CMD ["sh"]
"#;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";

/// What a Dockerfile's `# syntax=docker/dockerfile:1` line asks for.
const FRONTEND: &str = r#"FROM scratch
LABEL moby.buildkit.frontend.network.none="true"
LABEL moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts"
COPY dockerfile-frontend /bin/dockerfile-frontend
ENTRYPOINT ["/bin/dockerfile-frontend"]
"#;

const DEBIAN: &str = r#"FROM scratch
ADD rootfs.tar /
CMD ["bash"]
"#;

/// As in the public image: `python` and `pip` by these names, and `pip install` without a virtual environment.
const PYTHON: &str = r#"FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip python3-venv \
 && rm -rf /var/lib/apt/lists/* /usr/lib/python3.11/EXTERNALLY-MANAGED \
 && ln -s /usr/bin/python3 /usr/local/bin/python3 \
 && ln -s /usr/bin/python3 /usr/local/bin/python \
 && ln -s /usr/bin/pip3 /usr/local/bin/pip3 \
 && ln -s /usr/bin/pip3 /usr/local/bin/pip
COPY pip.conf /etc/pip.conf
ENV LANG=C.UTF-8
CMD ["python3"]
"#;

/// As in the public image: a user `node` with id 1000.
const NODE: &str = r#"FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates nodejs npm \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 1000 node \
 && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY npmrc /etc/npmrc
CMD ["node"]
"#;

fn busybox(folder: &Path, _: &Machine, _: &Tools) -> Result<()> {
    let program = program::find("busybox").context("busybox is not installed")?;
    fs::copy(program, folder.join("busybox"))?;
    let etc = folder.join("files/etc");
    fs::create_dir_all(&etc)?;
    fs::write(etc.join("passwd"), PASSWD)?;
    fs::write(etc.join("group"), GROUP)?;
    Ok(())
}

fn frontend(folder: &Path, _: &Machine, tools: &Tools) -> Result<()> {
    fs::copy(tools.program("dockerfile-frontend"), folder.join("dockerfile-frontend"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn every_image_comes_after_the_one_it_begins_with() {
        let recipes = all();
        for (place, recipe) in recipes.iter().enumerate() {
            let bases = recipes.iter().skip(place).filter(|base| recipe.begins_with(base.name));
            assert_eq!(bases.count(), 0, "{}", recipe.name);
        }
        assert!(recipes.iter().any(|recipe| recipe.begins_with("debian")));
    }
}
