//! The main job from end to end, on this machine: an example repository becomes a running app, and a changed line of it
//! becomes the next version.
//!
//! Uses HOPS as its users do, through the command line, and knows no more of it.

mod repository;
mod server;

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use self::{repository::Repository, server::Server};
use crate::{
    cluster::{self, Cluster, Port},
    http, images, paths, program, progress,
};

/// Arguments of `cargo xtask demo`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Stop the server and the cluster that a former demo left running
    #[arg(long)]
    stop: bool,
}

const APP: &str = "guestbook";

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.stop {
        return cluster::down(false);
    }
    let cluster = Cluster::running()?;
    images::run(&images::Arguments::only(["node", "python"]))?;
    let hops = build()?;
    let server = Server::start(&cluster, &hops)?;
    let repository = Repository::prepare(&cluster.layout.demo().join(APP))?;

    progress::say(format!("\n$ cd {}\n$ hops deploy", repository.folder().display()));
    server.hops(&["deploy"], repository.folder())?;
    show(&cluster, "Ada")?;

    let entry = repository.add_entry()?;
    progress::say(format!("\n$ echo '{entry}' >> api/entries.txt && git commit --all\n$ hops deploy"));
    server.hops(&["deploy"], repository.folder())?;
    show(&cluster, &entry)?;
    farewell(&cluster, &hops, &repository);
    Ok(())
}

/// The binary, built as the tests build it: that is ready soonest, and need not be built again for them.
fn build() -> Result<std::path::PathBuf> {
    progress::step("building hops (about 5 min the first time)", || {
        let mut cargo = program::command(["cargo", "build", "--package=hops"]);
        cargo.arg("--message-format=json-render-diagnostics").current_dir(paths::checkout());
        let messages = program::output(&mut cargo)?;
        let mut executables = messages.lines().filter_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            message.get("executable")?.as_str().map(Into::into)
        });
        executables.next_back().context("cargo names no executable of the package `hops`")
    })
}

/// Asks the front of the guestbook, as a browser would, and prints the answer once it holds what it should.
fn show(cluster: &Cluster, wanted: &str) -> Result<()> {
    let ingress = cluster.slot.loopback(Port::Ingress);
    let host = format!("web.{APP}.test.localhost");
    let begin = Instant::now();
    loop {
        let answer = http::get(ingress, &host, "/");
        match answer {
            Ok(text) if text.contains(wanted) => {
                progress::say(format!("\n$ curl http://{host}:{}\n{text}", ingress.port()));
                return Ok(());
            }
            // The ingress controller collects changes for up to 2 s, and nothing tells when it has taken them over.
            _ if begin.elapsed() < Duration::from_secs(15) => thread::sleep(Duration::from_millis(100)),
            answer => bail!("`{wanted}` is not in the answer of {host}: {}", answer?),
        }
    }
}

fn farewell(cluster: &Cluster, hops: &Path, repository: &Repository) {
    let port = cluster.slot.loopback(Port::Ingress).port();
    progress::say(format!(
        "The example runs at http://web.{APP}.test.localhost:{port}\n\
         Its repository is {}: change it, commit, and deploy again with\n  \
         {} deploy\n\
         The server (`hops server`) and the cluster go on running; `cargo xtask demo --stop` ends both",
        repository.folder().display(),
        hops.display(),
    ));
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
