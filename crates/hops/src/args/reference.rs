//! `docs/reference/cli.md` and `configuration.md`, made of the program itself, so that they are never out of date.

use clap::{Arg, Command, CommandFactory};

use crate::args::Arguments;

const INTRODUCTION: &str = "\
# The command line

<!-- Made of the program's own arguments: `UPDATE_EXPECT=1 cargo test -p hops` writes it. -->

Data goes to stdout, everything else to stderr. With `--format json` a command prints one JSON document, or one JSON
object a line for a stream of events.

Exit status: 0 done and healthy, 1 the input or the app is at fault, 2 HOPS or something it depends on is, 64 wrong
arguments.
";

/// The page.
fn page() -> String {
    let mut root = Arguments::command();
    root.build();
    let global = list(root.get_arguments().filter(|argument| argument.is_global_set()));
    let sections: String = root.get_subcommands().map(section).collect();
    format!("{INTRODUCTION}\n## Options of every command\n\n{global}{sections}")
}

fn section(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let own = list(command.get_arguments().filter(|argument| {
        !argument.is_global_set() && !argument.is_hide_set() && argument.get_id() != "help"
    }));
    let own = if own.is_empty() { own } else { format!("\n{own}") };
    format!("\n## `hops {}`\n\n{about}.\n\n```text\n{usage}\n```\n{own}", command.get_name())
}

fn list<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    arguments.map(line).collect()
}

fn line(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let variable =
        argument.get_env().map(|name| format!(" (variable `{}`)", name.display())).unwrap_or_default();
    let values: Vec<String> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let is_choice = argument.get_action().takes_values() && !values.is_empty();
    let values = if is_choice { format!(" (one of {})", values.join(", ")) } else { String::new() };
    format!("- {}: {help}{variable}{values}\n", spelling(argument))
}

fn spelling(argument: &Arg) -> String {
    let value = match argument.get_value_names() {
        Some([name, ..]) if argument.get_action().takes_values() => Some(name.as_str()),
        _ => None,
    };
    let long = argument.get_long().map(|long| match value {
        Some(value) => format!("`--{long} {value}`"),
        None => format!("`--{long}`"),
    });
    let short = argument.get_short().map(|short| format!("`-{short}`"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    if names.is_empty() {
        format!("`{}`", value.unwrap_or(argument.get_id().as_str()))
    } else {
        names.join(", ")
    }
}

const CONFIGURATION: &str = "\
# The configuration

<!-- Made of the program's own description of it: `UPDATE_EXPECT=1 cargo test -p hops` writes it. -->

`hops up --config FILE` and `hops server --config FILE` read one TOML file. Without one, every setting has its default. A
key that does not exist, or a value that cannot be, is told with its line and column, and starts nothing. `hops up
--print-config` prints what follows.
";

#[test]
fn the_page_of_the_configuration_shows_every_key() {
    let page = format!("{CONFIGURATION}\n```toml\n{}```\n", crate::configuration::DEFAULT_FILE);
    expect_test::expect_file!["../../../../docs/reference/configuration.md"].assert_eq(&page);
}

#[test]
fn the_page_says_what_the_program_does() {
    expect_test::expect_file!["../../../../docs/reference/cli.md"].assert_eq(&page());
}
