//! The main job from end to end, on this machine: an example repository becomes a running app, and a changed line of it
//! becomes the next version.
//!
//! Uses HOPS as its users do, through the command line, and knows no more of it.

mod engine;
mod kubernetes;
mod machine;

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{http, paths, progress, repository::Repository};

/// Arguments of `cargo xtask demo`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// On a Kubernetes of its own instead of this machine's Docker; the first time, building it takes 20 minutes
    #[arg(long)]
    kubernetes: bool,
    /// Remove what a former demo left running
    #[arg(long)]
    stop: bool,
}

const APP: &str = "guestbook";

/// A platform that runs.
trait Platform {
    /// A command of HOPS' command line, to be run in a folder.
    fn hops(&self, arguments: &[&str], folder: &Path) -> Command;
    /// The host of the example's front, and where it is asked for.
    fn front(&self) -> (String, SocketAddr);
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match (arguments.kubernetes, arguments.stop) {
        (true, false) => kubernetes::run(),
        (true, true) => kubernetes::stop(),
        (false, false) => machine::run(),
        (false, true) => machine::stop(),
    }
}

/// Deploys the example, changes a line of it, deploys again; shows both.
fn show_how_it_works(platform: &dyn Platform, folder: &Path) -> Result<Repository> {
    let repository = Repository::of_copy(&paths::checkout().join("examples").join(APP), &folder.join(APP))?;
    progress::say(format!("\n$ cd {}\n$ hops deploy", repository.folder().display()));
    show_words(&mut platform.hops(&["deploy"], repository.folder()))?;
    show_page(platform, "Ada")?;

    let entry = add_entry(&repository)?;
    progress::say(format!("\n$ echo '{entry}' >> api/entries.txt && git commit --all\n$ hops deploy"));
    show_words(&mut platform.hops(&["deploy"], repository.folder()))?;
    show_page(platform, &entry)?;
    Ok(repository)
}

/// Asks the front of the guestbook, as a browser would, and prints the answer once it holds what it should.
fn show_page(platform: &dyn Platform, wanted: &str) -> Result<()> {
    let (host, address) = platform.front();
    let begin = Instant::now();
    loop {
        let answer = http::get(address, &host, "/");
        match answer {
            Ok(text) if text.contains(wanted) => {
                progress::say(format!("\n$ curl {}\n{text}", url(&host, address)));
                return Ok(());
            }
            // For up to 2 s after a change, an ingress controller goes on asking the old version, which still answers.
            _ if begin.elapsed() < Duration::from_secs(15) => thread::sleep(Duration::from_millis(100)),
            answer => bail!("`{wanted}` is not in the answer of {host}: {}", answer?),
        }
    }
}

fn url(host: &str, address: SocketAddr) -> String {
    match address.port() {
        80 => format!("http://{host}"),
        port => format!("http://{host}:{port}"),
    }
}

/// Adds a line to the guestbook and commits it. Gives the line.
fn add_entry(repository: &Repository) -> Result<String> {
    const PATH: &str = "api/entries.txt";
    let mut entries = fs::read_to_string(repository.folder().join(PATH))?;
    let entry = format!("Barbara: entry {}", entries.lines().count() + 1);
    entries.push_str(&entry);
    entries.push('\n');
    repository.write(PATH, &entries)?;
    repository.commit("Add an entry")?;
    Ok(entry)
}

/// A program whose words are for the reader: shown as they come, on stderr like everything else of the demo.
fn show_words(command: &mut Command) -> Result<()> {
    command.stdout(std::io::stderr());
    let status = command.status().context("cannot start a program")?;
    if !status.success() {
        bail!("`{}` failed ({status})", command.get_program().to_string_lossy());
    }
    Ok(())
}
