//! The main job from end to end, on this machine: an example repository becomes a running app, and a changed line of it
//! becomes the next version.
//!
//! Uses HOPS as its users do, through the command line, and knows no more of it.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    cluster::{self, Cluster, Port},
    http, images, paths, progress,
    repository::Repository,
    server::{self, Profile, Server},
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
    let hops = server::build(Profile::Dev)?;
    let folder = cluster.layout.demo();
    let server = Server::start(&cluster, &hops, &folder)?;
    let repository = Repository::of_copy(&paths::checkout().join("examples").join(APP), &folder.join(APP))?;

    progress::say(format!("\n$ cd {}\n$ hops deploy", repository.folder().display()));
    show_words(&mut server.hops(&["deploy"], repository.folder()))?;
    show(&cluster, "Ada")?;

    let entry = add_entry(&repository)?;
    progress::say(format!("\n$ echo '{entry}' >> api/entries.txt && git commit --all\n$ hops deploy"));
    show_words(&mut server.hops(&["deploy"], repository.folder()))?;
    show(&cluster, &entry)?;
    farewell(&cluster, &server, &repository);
    Ok(())
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
            // For up to 2 s after a change, the ingress controller goes on asking the old version, which still answers.
            _ if begin.elapsed() < Duration::from_secs(15) => thread::sleep(Duration::from_millis(100)),
            answer => bail!("`{wanted}` is not in the answer of {host}: {}", answer?),
        }
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

fn farewell(cluster: &Cluster, server: &Server, repository: &Repository) {
    let port = cluster.slot.loopback(Port::Ingress).port();
    progress::say(format!(
        "The example runs at http://web.{APP}.test.localhost:{port}\n\
         Its repository is {}: log in once, then change it, commit, and deploy again with\n  \
         {}\n  {hops} deploy\n\
         The server (`hops server`) and the cluster go on running; `cargo xtask demo --stop` ends both",
        repository.folder().display(),
        server.login(),
        hops = server.program().display(),
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
