//! The `hops` binary: arguments in, data on stdout, everything else on stderr, an exit status.
//!
//! ```text
//! args (as typed) ─▶ commands (one file each) ─▶ the crates that do it ─▶ printer
//! ```
//!
//! Only this crate reads the process environment, installs global state, and exits. It wires the others together and
//! decides nothing that another command line would have to decide again.

mod args;
mod commands;
mod configuration;
mod connection;
mod exit;
mod failure;
mod live;
mod machine;
mod platform;
mod printer;
mod question;
mod repository;
mod runtime;
mod server;
mod table;

fn main() -> std::process::ExitCode {
    match args::parse() {
        Ok(arguments) => commands::run(arguments).into(),
        Err(answered) => answered.into(),
    }
}
