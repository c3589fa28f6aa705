//! HOPS' proxy beside nginx and Traefik: the same requests, the same backend, in turns.
//!
//! What counts is processor time per request: it holds on a busy machine as well, where throughput tells as much about
//! whoever makes the load. Needs no cluster.

mod contenders;
mod idle;
mod load;
mod pace;
mod page;
mod usage;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::{
    contenders::{Backend, Contender, Kind},
    load::{Case, Load},
    usage::Usage,
};
use super::timing::Times;
use crate::{packages, paths, progress, tools};

/// Connections that only lie there.
const IDLE: usize = 10_000;
/// Requests a second of the open loop.
const RATE: u32 = 1_000;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    rounds: usize,
    /// Of one turn of a case.
    turn: Duration,
    /// Of one turn of the open loop.
    paced: Duration,
}

/// One turn of one contender.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Processor seconds of the proxy's processes for one request.
    cost: f64,
    /// Requests a second.
    rate: f64,
    /// Seconds within which 99 of 100 were answered.
    p99: f64,
}

/// All turns of a case: by round, then by contender as in [`Kind::ALL`].
struct Measured {
    case: Case,
    rounds: Vec<[Turn; 3]>,
}

/// All that was measured.
struct Results {
    cases: Vec<Measured>,
    logged: Vec<Measured>,
    /// Seconds within which 99 of 100 were answered in the open loop: without a proxy, then by contender.
    paced: Vec<[f64; 4]>,
    /// At rest, and with idle connections, by contender.
    memory: [[Usage; 2]; 3],
}

impl Effort {
    pub(super) fn full(rounds: usize) -> Self {
        Self { rounds, turn: Duration::from_secs(3), paced: Duration::from_secs(10) }
    }

    /// To see that it works.
    pub(super) fn quick() -> Self {
        Self { rounds: 1, turn: Duration::from_secs(1), paced: Duration::from_secs(1) }
    }
}

/// The page's text; its name is `proxy`.
pub(super) fn measure(effort: Effort, machine: &str) -> Result<String> {
    packages::install(&[packages::PROXY_BENCH])?;
    let programs = contenders::Programs {
        hops: contenders::build_hops()?,
        traefik: tools::Tools::build(&[tools::Part::Ingress])?.program("traefik").to_owned(),
    };
    allow_many_files()?;
    let folder = folder()?;
    let backend = Backend::start(&folder)?;

    let quiet = start(&programs, &folder, &backend, false)?;
    let cases = Case::all().map(|case| measure_case(&quiet, case, effort)).collect::<Result<_>>()?;
    let paced = (0..effort.rounds).map(|_| measure_paced(&backend, &quiet, effort)).collect::<Result<_>>()?;
    drop(quiet);

    let logging = start(&programs, &folder, &backend, true)?;
    let logged = Case::logged().map(|case| measure_case(&logging, case, effort)).collect::<Result<_>>()?;
    drop(logging);

    // Fresh ones: memory that load has left behind is another question.
    let fresh = start(&programs, &folder, &backend, false)?;
    let memory = [measure_memory(&fresh[0])?, measure_memory(&fresh[1])?, measure_memory(&fresh[2])?];
    let results = Results { cases, logged, paced, memory };
    Ok(page::text(&results, effort, machine))
}

fn start(
    programs: &contenders::Programs,
    folder: &std::path::Path,
    backend: &Backend,
    logs: bool,
) -> Result<[Contender; 3]> {
    let start = |kind: Kind| {
        Contender::start(kind, programs, folder, backend, logs)
            .with_context(|| format!("cannot start {}", kind.name()))
    };
    let [hops, nginx, traefik] = Kind::ALL;
    Ok([start(hops)?, start(nginx)?, start(traefik)?])
}

fn measure_case(contenders: &[Contender; 3], case: Case, effort: Effort) -> Result<Measured> {
    progress::step(case.to_string(), || {
        // Connections to the backend are there, and code is in the caches, before anything counts.
        let mut rates = [0.0; 3];
        for (contender, rate) in contenders.iter().zip(&mut rates) {
            *rate = Load::warm_up(contender, case)?.rate;
        }
        let mut rounds = Vec::new();
        for round in 0..effort.rounds {
            // Whoever comes first in a round does not always come first.
            let mut turns = [None; 3];
            for index in (0..3).map(|index| (index + round) % 3) {
                turns[index] = Some(measure_turn(&contenders[index], case, effort, rates[index])?);
            }
            rounds.push(turns.map(|turn| turn.expect("three indices, each once")));
        }
        Ok(Measured { case, rounds })
    })
}

fn measure_turn(contender: &Contender, case: Case, effort: Effort, rate: f64) -> Result<Turn> {
    let before = usage::processor_seconds(contender.process())?;
    let load = Load::run(contender, case, effort.turn, rate)?;
    let spent = usage::processor_seconds(contender.process())? - before;
    Ok(Turn { cost: spent / load.requests, rate: load.rate, p99: load.p99 })
}

fn measure_paced(backend: &Backend, contenders: &[Contender; 3], effort: Effort) -> Result<[f64; 4]> {
    progress::step(format!("{RATE} requests a second"), || {
        let run = |address| pace::p99(address, RATE, effort.paced);
        let [hops, nginx, traefik] = contenders;
        Ok([run(backend.address())?, run(hops.http())?, run(nginx.http())?, run(traefik.http())?])
    })
}

fn measure_memory(contender: &Contender) -> Result<[Usage; 2]> {
    progress::step(format!("memory of {}", contender.kind().name()), || {
        let rest = usage::memory(contender.process())?;
        let connections = idle::open(contender.http(), IDLE)?;
        let idle = usage::memory(contender.process())?;
        idle::are_open(&connections).context("idle connections were closed")?;
        Ok([rest, idle])
    })
}

/// The median over all rounds.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    Times::of(values.collect()).median()
}

fn allow_many_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, most).context("cannot raise the limit of open files")
}

fn folder() -> Result<PathBuf> {
    let folder = paths::state()?.join("bench-proxy");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
