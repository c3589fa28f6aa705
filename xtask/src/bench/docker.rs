//! A one-line change to live on Docker.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::{
    report::Report,
    timing::{Times, seconds},
};
use crate::{
    cluster::{Cluster, docker::Engine},
    http, images,
    machine::{Hops, Summary},
    program, progress,
    repository::Repository,
    server::{self, Profile},
};

const DOCKERFILE: &str = "\
FROM busybox
WORKDIR /www
RUN echo ok > health
COPY page index.html
CMD [\"httpd\", \"-f\", \"-p\", \"3030\"]
";

/// Between two looks of the rival at its new container: far more often than anybody's script looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_mins(1);

/// On both engines, in turns: HOPS; and `docker build`, `docker run`, and asking the new container until it is healthy. The
/// rival drains nothing and switches nothing, which a script that replaces a running app would have to do as well.
pub(super) fn measure(rounds: usize, profile: Profile) -> Result<Report> {
    images::run(&images::Arguments::only(["busybox"]))?;
    let cluster = Cluster::docker()?;
    let hops = server::build(profile)?;
    let mut report = Report {
        name: "docker",
        title: "A one-line change to live on Docker",
        method: "An app of busybox's httpd, one container, on Debian's Docker 20.10 and on the current one. In turns: `hops deploy` \
                 of a commit; and of the same Dockerfile `docker build`, `docker run`, and a request to the new container every \
                 10 ms until one is answered. Each from the start of the first process to the end of the last. `hops deploy` has \
                 then also switched its proxy; the other way, nothing sends requests to the new container yet."
            .to_owned(),
        rows: Vec::new(),
    };
    for engine in Engine::ALL {
        on(&cluster, engine, &hops, rounds, &mut report)?;
    }
    Ok(report)
}

fn on(cluster: &Cluster, engine: Engine, hops: &Path, rounds: usize, report: &mut Report) -> Result<()> {
    let folder = cluster.layout.bench().join(format!("docker-{}", engine.name()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let name = format!("bench-{}", engine.name());
    let file = format!("name = \"{name}\"\nreplicas = 1\n");
    let files = [("iterapp.toml", file.as_str()), ("Dockerfile", DOCKERFILE), ("page", "0\n")];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let repository = Repository::of_files(&folder.join("app"), &files)?;
    let hops = Hops::new(hops.to_owned(), &folder).apart();
    let summary = hops.up(&configuration(cluster, engine)?)?;
    let measured = in_turns(cluster, engine, rounds, &repository, (&hops, &summary));
    // Stopped in any case; what went wrong before is the error to tell.
    let stopped = hops.down();
    let (ours, theirs) = measured?;
    stopped?;
    let ratios = Times::of(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
    let who = engine.title();
    report.times(&format!("{who}: `hops deploy`"), &Times::of(ours));
    report.times(&format!("{who}: `docker build`, `docker run`, healthy"), &Times::of(theirs));
    report.row(&format!("{who}: ratio of each pair"), format!("median {:.2}", ratios.median()));
    Ok(())
}

/// Seconds of ours and of theirs. The first of each makes everything and does not count; each after it is a change.
fn in_turns(
    cluster: &Cluster,
    engine: Engine,
    rounds: usize,
    repository: &Repository,
    (hops, summary): (&Hops, &Summary),
) -> Result<(Vec<f64>, Vec<f64>)> {
    let rival = Rival::find(cluster, engine, repository)?;
    let (host, entrance) = summary.host(&format!("bench-{}", engine.name()), "test")?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let page = format!("hops {round}\n");
        repository.write("page", &page)?;
        repository.commit("Change a line")?;
        let mut deploy = hops.client(&summary.server, &["deploy", "--quiet"]);
        deploy.current_dir(repository.folder());
        let mine = seconds([deploy])?;
        // Live means live: the very next request is answered by the new version.
        let answer = http::get(entrance, &host, "/")?;
        if answer != page {
            bail!("`hops deploy` is done, and {host} answers `{}`", answer.trim());
        }
        let page = format!("rival {round}\n");
        repository.write("page", &page)?;
        let other = rival.change(&page)?;
        progress::say(format!("{}, round {round}: hops {mine:.2} s, docker {other:.2} s", engine.title()));
        if round > 0 {
            ours.push(mine);
            theirs.push(other);
        }
    }
    rival.end()?;
    Ok((ours, theirs))
}

/// HOPS on an engine in a network of its own, at ports that nobody has.
fn configuration(cluster: &Cluster, engine: Engine) -> Result<String> {
    let free = || -> Result<SocketAddr> { Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?) };
    Ok(format!(
        "listen = \"{}\"\n\n[ports]\nhttp = \"{}\"\nhttps = \"{}\"\n\n\
         [docker]\nsocket = \"unix://{}\"\nplatform = \"bench\"\nsubnets = [\"{}\"]\n",
        free()?,
        free()?,
        free()?,
        engine.socket(&cluster.layout).display(),
        engine.pool(cluster.slot),
    ))
}

/// What a user without HOPS would run.
struct Rival<'a> {
    docker: PathBuf,
    host: String,
    repository: &'a Repository,
}

const NAME: &str = "bench-rival";

impl<'a> Rival<'a> {
    /// The `docker` that builds with BuildKit: newer ones need a plug-in for that, which not every machine has.
    fn find(cluster: &Cluster, engine: Engine, repository: &'a Repository) -> Result<Self> {
        let host = format!("--host=unix://{}", engine.socket(&cluster.layout).display());
        let programs = program::folders().map(|folder| folder.join("docker")).filter(|file| file.exists());
        for docker in programs {
            let rival = Self { docker, host: host.clone(), repository };
            if program::succeeds(&mut rival.build()) {
                rival.end()?;
                // The bridge of containers without a network is not reached from here; one more makes no difference.
                program::output(&mut rival.command(&["network", "create", NAME]))?;
                return Ok(rival);
            }
        }
        bail!("no `docker` on this machine builds with BuildKit; install docker.io, or docker-buildx-plugin")
    }

    /// Builds, runs, waits; gives the seconds. The container of the change before goes afterwards, in no time that counts.
    fn change(&self, page: &str) -> Result<f64> {
        let old =
            program::output(&mut self.command(&["ps", "--quiet", "--filter", &format!("name={NAME}-")]))?;
        let name = format!("{NAME}-{}", page.trim().replace(' ', "-"));
        let begin = Instant::now();
        let run = ["run", "--detach", "--init", "--network", NAME, "--name", &name, NAME];
        seconds([self.build(), self.command(&run)])?;
        let format = "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = program::output(&mut self.command(&["inspect", format, &name]))?;
        let address = address.trim().parse().context("the container has no address")?;
        let address = SocketAddr::new(address, 3030);
        while !http::is_healthy(address, "/health") {
            if begin.elapsed() > PATIENCE {
                bail!("the rival's container is not healthy after {} s", PATIENCE.as_secs());
            }
            thread::sleep(LOOK_EVERY);
        }
        let took = begin.elapsed().as_secs_f64();
        let answer = http::get(address, "rival", "/")?;
        if answer != page {
            bail!("the rival's container answers `{}`", answer.trim());
        }
        for id in old.split_whitespace() {
            program::output(&mut self.command(&["rm", "--force", id]))?;
        }
        Ok(took)
    }

    /// Removes whatever there is of it.
    fn end(&self) -> Result<()> {
        let all = ["ps", "--all", "--quiet", "--filter", &format!("name={NAME}-")];
        for id in program::output(&mut self.command(&all))?.split_whitespace() {
            program::output(&mut self.command(&["rm", "--force", id]))?;
        }
        for kind in ["image", "network"] {
            program::succeeds(&mut self.command(&[kind, "rm", NAME]));
        }
        Ok(())
    }

    fn build(&self) -> Command {
        let mut build = self.command(&["build", "--quiet", "--tag", NAME]);
        build.arg(self.repository.folder()).env("DOCKER_BUILDKIT", "1");
        build
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.docker);
        command.arg(&self.host).args(arguments);
        command
    }
}
