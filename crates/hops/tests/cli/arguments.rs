//! Arguments, and what no command can do without.

use expect_test::expect;

use crate::run::Place;

#[test]
fn wrong_arguments_exit_with_64() {
    let place = Place::new();
    place.check(
        &["depoly"],
        &expect![[r"
        exit 64
        --- stderr
        error: unrecognized subcommand 'depoly'

          tip: a similar subcommand exists: 'deploy'

        Usage: hops [OPTIONS] <COMMAND>

        For more information, try '--help'.
    "]],
    );
    place.check(&["render", "-e", "production"], &expect![[r"
        exit 64
        --- stderr
        error: invalid value 'production' for '--environment <ENVIRONMENT>': there is no environment `production`; there are `prod`, `test`, `snap0` to `snap9` and `local`

        For more information, try '--help'.
    "]]);
    place.check(&["render", "-a", "Shop"], &expect![[r"
        exit 64
        --- stderr
        error: invalid value 'Shop' for '--app <APP>': `Shop` contains 'S'; only lower-case letters, digits, `-` and `_` are possible

        For more information, try '--help'.
    "]]);
    place.check(&["logs", "--since", "yesterday"], &expect![[r"
        exit 64
        --- stderr
        error: invalid value 'yesterday' for '--since <WHEN>': write a span such as `10m` or `2h 30m`, or an instant such as 2026-05-01T12:00Z

        For more information, try '--help'.
    "]]);
    place.check(
        &["deploy", "--dirty", "-r", "main"],
        &expect![[r"
        exit 64
        --- stderr
        error: the argument '--dirty' cannot be used with '--ref <REF>'

        Usage: hops deploy --dirty [DIR]

        For more information, try '--help'.
    "]],
    );
}

#[test]
fn without_a_command_the_help_is_shown() {
    Place::new().check(
        &[],
        &expect![[r"
            exit 64
            --- stderr
            Builds every version of an app and rolls it out without losing a request

            Usage: hops [OPTIONS] <COMMAND>

            Commands:
              up           Run the whole platform on this machine, with Docker
              down         Stop the platform on this machine; apps go on running
              check        Check the app's files: every mistake with its place and a fix. Needs no server
              render       Print the Kubernetes objects that a deploy would apply. Needs no server
              schema       Print the JSON Schema of `iterapp.toml`, for editors
              plan         Show what a deploy would change of what runs, field by field
              deploy       Build a commit and roll it out
              watch        Follow a deploy
              cancel       Stop a deploy; what it has changed already stays
              status       Show what runs
              logs         Print the log lines of an app
              apps         List the apps
              releases     List the releases of an app
              rollback     Put a former release into effect, without a build
              remove       Remove all that runs of an app in an environment
              login        Remember a server and its token
              server       Run the server of a platform on Kubernetes
              completions  Print a script that completes `hops` in a shell

            Options:
              -h, --help     Print help (see more with '--help')
              -V, --version  Print version

            Output:
                  --format <FORM>  The form of data on stdout: for people, or one JSON document (one object a
                                   line for a stream) [default: text] [possible values: text, json]
              -q, --quiet          Print data and errors only
                  --color <WHEN>   Whether to colour [default: auto] [possible values: auto, always, never]

            Exit status: 0 done and healthy, 1 the input or the app is at fault, 2 HOPS or something it depends
            on is, 64 wrong arguments
        "]],
    );
}

#[test]
fn help_and_version_are_data() {
    Place::new().check(
        &["--version"],
        &expect![[r"
        exit 0
        --- stdout
        hops 0.1.0
    "]],
    );
    Place::new().check(
        &["deploy", "-h"],
        &expect![[r"
            exit 0
            --- stdout
            Build a commit and roll it out

            Usage: hops deploy [OPTIONS] [DIR]

            Arguments:
              [DIR]  The app's directory [default: the Git repository's root]

            Options:
              -a, --app <APP>                  The app [default: `name` in iterapp.toml, else the repository's
                                               name]
              -e, --environment <ENVIRONMENT>  The environment: prod, test, snap0 to snap9, or local [default:
                                               `default_environment` in iterapp.toml]
              -r, --ref <REF>                  The commit, branch or tag [default: HEAD]
                  --dirty                      The working tree as it is, with changes and new files that are
                                               not committed
                  --detach                     Start the deploy and do not wait for its end
              -h, --help                       Print help (see more with '--help')

            Server:
                  --server <URL>  The server [default: the one of `hops login`] [env: HOPS_SERVER]

            Output:
                  --format <FORM>  The form of data on stdout: for people, or one JSON document (one object a
                                   line for a stream) [default: text] [possible values: text, json]
              -q, --quiet          Print data and errors only
                  --color <WHEN>   Whether to colour [default: auto] [possible values: auto, always, never]
        "]],
    );
}

#[test]
fn completions_know_the_commands() {
    let output = Place::new().hops(&["completions", "bash"]).output().unwrap();
    assert!(output.status.success());
    let script = String::from_utf8(output.stdout).unwrap();
    assert!(script.contains("rollback") && script.contains("--environment"), "{script}");
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let (reader, stdout) = std::io::pipe().unwrap();
    drop(reader);
    let output = Place::new().hops(&["schema"]).stdout(stdout).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
