//! What was measured, as a page.

use std::fmt::Write as _;

use super::{Effort, IDLE, Measured, RATE, Results, Turn, contenders::Kind, median, usage::Usage};

pub(super) fn text(results: &Results, effort: Effort, machine: &str) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "# The proxy

HOPS' proxy, Debian's nginx and Traefik in front of the same backend (an nginx that answers from memory, and 1 MiB from a
file), in turns of {:.1} s, {} rounds, each beginning with another one. Everything on one machine, load and backend
included. HTTP/1.1 in the clear by `wrk`, HTTP/2 with TLS 1.3 by `h2load`, one request at a time on each connection.
nginx has `worker_processes auto`, HTTP/1.1 with keep-alive to the backend and long-lived connections from clients; all
three set the `X-Forwarded-*` headers, and none writes an access log unless it is said.

## Processor time for one request

User and system time of the proxy's processes, divided by the requests: medians over the rounds. The ratio is HOPS to
nginx in the same round, its median. The handshakes of HTTP/2 are counted in.

",
        effort.turn.as_secs_f64(),
        effort.rounds,
    );
    costs(&mut text, &results.cases);
    let _ = write!(text, "\n### With access logs\n\n");
    costs(&mut text, &results.logged);
    let _ = write!(
        text,
        "\n## Requests a second, and the time within which 99 of 100 were answered\n\nWith as much load as the machine allows, which load and backend use a good part of.\n\n"
    );
    rates(&mut text, &results.cases);
    let _ = write!(
        text,
        "\n## What the proxy adds at {RATE} requests a second\n\nAn open loop over 16 connections of HTTP/1.1, {:.0} s a turn: the time within which 99 of 100 were answered, medians over the rounds.\n\n",
        effort.paced.as_secs_f64()
    );
    paced(&mut text, &results.paced);
    let _ = write!(
        text,
        "\n## Memory\n\nOf all processes of a proxy that was just started, and with {IDLE} connections that were used once and lie idle. Resident; in parentheses with what processes share divided among them.\n\n"
    );
    memory(&mut text, &results.memory);
    let _ = write!(text, "\nMeasured with `cargo xtask bench proxy` on {machine}.\n");
    text
}

fn costs(text: &mut String, cases: &[Measured]) {
    head(text, &["", "HOPS", "nginx", "Traefik", "HOPS to nginx"]);
    for measured in cases {
        let of = |kind: usize| microseconds(median(measured.rounds.iter().map(|round| round[kind].cost)));
        let ratio = median(measured.rounds.iter().map(|[hops, nginx, _]| hops.cost / nginx.cost));
        row(text, &[measured.case.to_string(), of(0), of(1), of(2), format!("{ratio:.2}")]);
    }
}

fn rates(text: &mut String, cases: &[Measured]) {
    head(text, &["", "HOPS", "nginx", "Traefik"]);
    for measured in cases {
        let of = |kind: usize| {
            let middle =
                |figure: fn(&Turn) -> f64| median(measured.rounds.iter().map(|round| figure(&round[kind])));
            format!("{:.0}/s, {}", middle(|turn| turn.rate), milliseconds(middle(|turn| turn.p99)))
        };
        row(text, &[measured.case.to_string(), of(0), of(1), of(2)]);
    }
}

fn paced(text: &mut String, rounds: &[[f64; 4]]) {
    head(text, &["", "99 of 100", "Added"]);
    let direct = median(rounds.iter().map(|round| round[0]));
    row(text, &["No proxy".to_owned(), milliseconds(direct), String::new()]);
    for (index, kind) in Kind::ALL.iter().enumerate() {
        let through = median(rounds.iter().map(|round| round[index + 1]));
        let added = median(rounds.iter().map(|round| round[index + 1] - round[0]));
        row(text, &[kind.name().to_owned(), milliseconds(through), milliseconds(added)]);
    }
}

fn memory(text: &mut String, memory: &[[Usage; 2]; 3]) {
    head(text, &["", "At rest", "With idle connections"]);
    for (kind, usages) in Kind::ALL.iter().zip(memory) {
        let [rest, idle] =
            usages.map(|Usage { resident, proportional }| format!("{resident:.1} MB ({proportional:.1})"));
        row(text, &[kind.name().to_owned(), rest, idle]);
    }
}

fn head(text: &mut String, columns: &[&str]) {
    let _ = writeln!(text, "| {} |\n|{}", columns.join(" | "), " --- |".repeat(columns.len()));
}

fn row<const COLUMNS: usize>(text: &mut String, columns: &[String; COLUMNS]) {
    let _ = writeln!(text, "| {} |", columns.join(" | "));
}

fn microseconds(seconds: f64) -> String {
    format!("{:.1} µs", seconds * 1e6)
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1e3)
}
