//! `hops up --detach`: the same program once more, in a session of its own.
//!
//! ```text
//! hops up --detach ──starts──▶ hops up --detached --format json
//!        ◀── one line on stdout: the summary ──┘   stderr: {state}/hops.log
//! ```

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;

use super::{
    lock::{Holder, is_readable},
    summary::Summary,
};
use crate::{
    args::UpArgs,
    exit::Exit,
    failure::{Blame, Failure},
    platform,
};

/// The log file, in the state directory.
const LOG: &str = "hops.log";

/// How long the start may take. What it waits for is a daemon that does not answer.
const PATIENCE: Duration = Duration::from_mins(3);

/// How many of the last lines of the log are shown where the start fails.
const SHOWN: usize = 20;

/// The file that a platform in the background logs to.
pub(crate) fn log_file(directory: &Path) -> PathBuf {
    directory.join(LOG)
}

/// Starts the platform in the background and waits until it is ready; or tells of the one that runs already.
pub(crate) fn start(arguments: &UpArgs, directory: &Path) -> Result<Summary, Failure> {
    if let Some(holder) = Holder::find(directory).users()? {
        let summary = Summary::of(holder.pid(), directory).ok_or_else(|| {
            Failure::users_fault(format!("HOPS is being started or stopped by process {}", holder.pid()))
                .hint("wait a moment, then try again")
        })?;
        return Ok(Summary { started: false, first: false, notes: Vec::new(), next: Vec::new(), ..summary });
    }
    let log = log_file(directory);
    let file =
        platform::open_log(&log).with_context(|| format!("cannot write `{}`", log.display())).users()?;
    let begin = file.metadata().map_or(0, |metadata| metadata.len());
    let mut child = command(arguments, directory)?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(file)
        .spawn()
        .context("cannot start this program once more")?;
    match answer(&mut child) {
        Ok(Some(summary)) => Ok(summary),
        Ok(None) => Err(ended(&mut child, &log, begin)),
        Err(error) => Err(error),
    }
}

/// What the process that was detached does first: it belongs to no terminal, and stays when that one is closed.
pub(crate) fn leave_terminal() -> Result<(), Failure> {
    rustix::process::setsid().context("cannot begin a session; `--detach` starts this")?;
    Ok(())
}

/// What it does once it has said that it is ready: nobody reads its stdout any more.
pub(crate) fn leave_stdout() -> Result<(), Failure> {
    let nowhere = fs::OpenOptions::new().write(true).open("/dev/null").context("cannot open /dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere).context("cannot let go of stdout")?;
    Ok(())
}

fn command(arguments: &UpArgs, directory: &Path) -> Result<Command, Failure> {
    let mut command = Command::new(env::current_exe().context("cannot tell where this program is")?);
    command.args(["up", "--detached", "--format", "json", "--color", "never", "--state"]).arg(directory);
    if let Some(config) = &arguments.configuration.config {
        command.arg("--config").arg(config);
    }
    if let Some(listen) = arguments.listen.listen {
        command.arg("--listen").arg(listen.to_string());
    }
    Ok(command)
}

/// The summary, once the platform is ready; nothing where it ended before.
fn answer(child: &mut Child) -> Result<Option<Summary>, Failure> {
    let stdout = child.stdout.take().expect("stdout is a pipe");
    if !is_readable(&stdout, PATIENCE).context("cannot wait for the start")? {
        let message = format!("HOPS is not ready after {} s and goes on starting", PATIENCE.as_secs());
        return Err(anyhow::Error::msg(message)).hint("its log says what it waits for; `hops down` stops it");
    }
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).context("cannot read what the platform says")?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line).context("the platform says what this program does not understand")?))
}

/// Why it ended: the end of its log, from where it began.
fn ended(child: &mut Child, log: &Path, begin: u64) -> Failure {
    let status = child.wait();
    let exit = match status.as_ref().ok().and_then(std::process::ExitStatus::code) {
        Some(1) => Exit::Users,
        _ => Exit::Platforms,
    };
    let text = read_from(log, begin).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
    let how = match status {
        Ok(status) if status.code().is_none() => format!(" ({status})"),
        _ => String::new(),
    };
    let error =
        anyhow::anyhow!("HOPS could not be started{how}; its last words in `{}`:\n{last}", log.display());
    Failure { exit, ..error.into() }
}

fn read_from(path: &Path, begin: u64) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
