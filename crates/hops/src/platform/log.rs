//! What a server logs: one line an event, on stderr.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt, fmt::MakeWriter};

use crate::{
    configuration::{Log, LogFormat},
    failure::{Blame, Failure},
};

/// How large a log file may become before a new one is begun. There are two at any time, the present and the former.
const LARGEST: u64 = 16 << 20;

/// What the proxy logs requests as.
const ACCESS: &str = "hops::access";

/// What says at lower levels which requests it sends and what it gets, apps' secrets among it: never heard, whatever the
/// filter says.
const SECRETIVE: [&str; 2] = ["bollard::docker", "bollard::read"];

/// Where log lines go.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    /// Stderr, coloured or not.
    Stderr {
        /// Whether to colour.
        is_coloured: bool,
    },
    /// Stderr, which is this file already. It is kept small.
    File(PathBuf),
}

/// Installs the subscriber of this process.
pub(crate) fn install(log: &Log, destination: Destination) -> Result<(), Failure> {
    // Whoever names the target in the filter has decided already.
    let access = if log.access { "info" } else { "off" };
    let is_decided = log.filter.contains(ACCESS);
    let filter = if is_decided { log.filter.clone() } else { format!("{},{ACCESS}={access}", log.filter) };
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("`{}` is not a filter of log lines", log.filter))
        .users()
        .hint("write for example `filter = \"info,hops_build=debug\"` in `[log]`")?;
    let filter = SECRETIVE.into_iter().fold(filter, |filter, target| {
        filter.add_directive(format!("{target}=info").parse().expect("a target and a level"))
    });
    let builder = fmt().with_env_filter(filter);
    let installed = match destination {
        Destination::Stderr { is_coloured } => {
            let builder = builder.with_writer(io::stderr).with_ansi(is_coloured);
            match log.format {
                LogFormat::Text => builder.with_target(false).try_init(),
                LogFormat::Json => builder.json().flatten_event(true).try_init(),
            }
        }
        Destination::File(path) => {
            let builder = builder.with_writer(Rotating::new(path)).with_ansi(false);
            match log.format {
                LogFormat::Text => builder.with_target(false).try_init(),
                LogFormat::Json => builder.json().flatten_event(true).try_init(),
            }
        }
    };
    installed.map_err(|error| anyhow::anyhow!(error).context("cannot install the log").into())
}

/// Stderr as a file that gives way to a new one before it is too large. What else writes to stderr, such as a panic,
/// is in it, too.
#[derive(Clone)]
struct Rotating {
    path: PathBuf,
    size: Arc<Mutex<u64>>,
}

impl Rotating {
    fn new(path: PathBuf) -> Self {
        let size = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        Self { path, size: Arc::new(Mutex::new(size)) }
    }

    fn rotate(&self) -> io::Result<()> {
        fs::rename(&self.path, self.path.with_added_extension("1"))?;
        let file = open(&self.path)?;
        rustix::stdio::dup2_stderr(&file)?;
        Ok(())
    }
}

/// Opens a log file that only its owner can read: what apps are called is nobody else's business.
pub(crate) fn open(path: &std::path::Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

impl io::Write for Rotating {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A line is written at once, and lines of different threads one after the other.
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        if *size >= LARGEST {
            // Where no new file can be made, the old one goes on; the next attempt comes after as much again.
            *size = 0;
            let _ = self.rotate();
        }
        *size += line.len() as u64;
        io::stderr().write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'writer> MakeWriter<'writer> for Rotating {
    type Writer = Self;
    fn make_writer(&'writer self) -> Self {
        self.clone()
    }
}
