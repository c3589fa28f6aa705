//! Commands that need a server, as far as they get without one.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use expect_test::expect;

use crate::run::Place;

/// Nothing listens on the discard port.
const NOBODY: &str = "http://127.0.0.1:9";

fn shop() -> Place {
    Place::new().with("iterapp.toml", "").with("Dockerfile", "FROM busybox\n")
}

fn git(shop: &Place, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"]).args(arguments);
    let output = git.current_dir(shop.app()).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn without_a_server_or_a_token_it_says_how_to_name_them() {
    let shop = shop();
    shop.check(
        &["status"],
        &expect![[r"
        exit 1
        --- stderr
        error: no server is known

        hint: `hops up` starts one on this machine; `hops login URL`, `--server URL` or the variable HOPS_SERVER names another
    "]],
    );
    shop.check(
        &["status", "--server", NOBODY],
        &expect![[r"
        exit 1
        --- stderr
        error: no token is known for http://127.0.0.1:9

        hint: `hops login http://127.0.0.1:9`, or the variables HOPS_TOKEN and HOPS_TOKEN_FILE
    "]],
    );
    shop.check(
        &["status", "--server", "hops.example.com"],
        &expect![[r"
        exit 1
        --- stderr
        error: `hops.example.com` is not a server's address: `https://` is missing

        hint: write for example `https://hops.example.com`
    "]],
    );
}

#[test]
fn a_server_that_is_away_is_the_platforms_fault() {
    let shop = shop();
    let mut status = shop.hops(&["status", "--server", NOBODY]);
    status.env("HOPS_TOKEN", "t0k3n");
    shop.check_command(
        status,
        &expect![[r"
        exit 2
        --- stderr
        error: cannot reach the HOPS server at http://127.0.0.1:9
          caused by: error sending request
          caused by: client error (Connect)
          caused by: tcp connect error
          caused by: Connection refused (os error 111)

        hint: see whether the server runs, and whether this is its address
    "]],
    );
}

#[test]
fn a_token_never_reaches_the_screen() {
    let shop = shop();
    let mut status = shop.hops(&["status", "--server", NOBODY]);
    status.env("HOPS_TOKEN", "hunter2 hunter3");
    shop.check_command(
        status,
        &expect![[r"
        exit 1
        --- stderr
        error: the token holds spaces or other characters that no token has

        hint: it comes from the variable HOPS_TOKEN
    "]],
    );

    let file = shop.app().join("token");
    fs::write(&file, "").unwrap();
    let mut status = shop.hops(&["status", "--server", NOBODY]);
    status.env("HOPS_TOKEN_FILE", &file);
    shop.check_command(
        status,
        &expect![[r"
        exit 1
        --- stderr
        error: the token is empty

        hint: look at `[PLACE]/shop/token`
    "]],
    );
}

#[test]
fn a_login_that_fails_is_not_remembered() {
    let shop = shop().with("token", "t0k3n\n");
    shop.check(
        &["login", NOBODY, "--token-file", "token"],
        &expect![[r"
        exit 2
        --- stderr
        error: cannot reach the HOPS server at http://127.0.0.1:9
          caused by: error sending request
          caused by: client error (Connect)
          caused by: tcp connect error
          caused by: Connection refused (os error 111)

        hint: see whether the server runs, and whether this is its address
    "]],
    );
    shop.check(
        &["status"],
        &expect![[r"
        exit 1
        --- stderr
        error: no server is known

        hint: `hops up` starts one on this machine; `hops login URL`, `--server URL` or the variable HOPS_SERVER names another
    "]],
    );
}

#[test]
fn outside_of_an_app_it_asks_for_the_names() {
    let place = Place::new();
    place.check(
        &["logs"],
        &expect![[r"
        exit 1
        --- stderr
        error: there is no `[PLACE]/shop/iterapp.toml` to tell the app and the environment

        hint: name them: `-a APP -e ENVIRONMENT`
    "]],
    );
    let shop = shop();
    shop.check(
        &["logs", "-a", "market"],
        &expect![[r"
        exit 1
        --- stderr
        error: the files here are those of `shop`; nothing tells the environment of `market`

        hint: name it: `-e ENVIRONMENT`
    "]],
    );
}

#[test]
fn nothing_is_sent_of_an_app_with_mistakes() {
    let shop = shop().with("iterapp.toml", "prot = 1\n");
    git(&shop, &["init", "--quiet"]);
    git(&shop, &["add", "."]);
    git(&shop, &["commit", "--quiet", "-m", "First"]);
    shop.check(
        &["deploy"],
        &expect![[r"
        exit 1
        --- stderr
        error[unknown-key]: unknown key `prot`
         --> iterapp.toml:1:1
          |
        1 | prot = 1
          | ^^^^
          |
          = help: did you mean `port`?

        error: the app's files have 1 error
    "]],
    );
}

#[test]
fn what_is_checked_is_the_commit_and_not_what_lies_beside_it() {
    let shop = shop().with("iterapp.toml", "port = 0\n");
    git(&shop, &["init", "--quiet"]);
    git(&shop, &["add", "."]);
    git(&shop, &["commit", "--quiet", "-m", "First"]);
    let shop = shop.with("iterapp.toml", "port = 80\n");
    shop.check(
        &["deploy"],
        &expect![[r"
        exit 1
        --- stderr
        warning: changes that are not committed are left out; `--dirty` takes them along
        error[invalid-value]: `port` is 0; it has to be a whole number from 1 to 65535
         --> iterapp.toml:1:8
          |
        1 | port = 0
          |        ^
          |
          = help: write for example `port = 8080`

        error: the app's files have 1 error
    "]],
    );
    shop.check(
        &["deploy", "--dirty"],
        &expect![[r"
        exit 1
        --- stderr
        error: no server is known

        hint: `hops up` starts one on this machine; `hops login URL`, `--server URL` or the variable HOPS_SERVER names another
    "]],
    );
}

#[test]
fn what_the_server_would_refuse_is_not_sent() {
    let shop = shop().with("iterapp.toml", "[nats]\n");
    git(&shop, &["init", "--quiet"]);
    git(&shop, &["add", "."]);
    git(&shop, &["commit", "--quiet", "-m", "First"]);
    shop.check(&["deploy", "-e", "prod", "--format", "json"], &expect![[r#"
        exit 1
        --- stdout
        {"event":"outcome","release":null,"applings":[],"cause":{"code":"not-supported","message":"shop: `[nats]` is not supported by this release yet","proof":"","help":"take it out to deploy without it"}}
        --- stderr
        warning[not-supported-yet]: `[nats]` is not supported by this release yet
         --> iterapp.toml:1:2
          |
        1 | [nats]
          |  ^^^^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error: shop: `[nats]` is not supported by this release yet

        hint: take it out to deploy without it
    "#]]);
    shop.check(
        &["deploy", "-e", "prod"],
        &expect![[r"
            exit 1
            --- stderr
            warning[not-supported-yet]: `[nats]` is not supported by this release yet
             --> iterapp.toml:1:2
              |
            1 | [nats]
              |  ^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            error: shop: `[nats]` is not supported by this release yet

            hint: take it out to deploy without it
        "]],
    );
}

#[test]
fn a_deploy_needs_a_commit() {
    let shop = shop();
    shop.check(&["deploy"], &expect![[r"
        exit 1
        --- stderr
        error: `[PLACE]/shop` is not in a Git repository; run `git init` there, or name the repository's directory
    "]]);
    git(&shop, &["init", "--quiet"]);
    shop.check(
        &["deploy"],
        &expect![[r"
        exit 1
        --- stderr
        error: the repository has no commit yet

        hint: commit something, or deploy the files as they are: `--dirty`
    "]],
    );
    git(&shop, &["add", "."]);
    git(&shop, &["commit", "--quiet", "-m", "First"]);
    shop.check(
        &["deploy", "-r", "release-7"],
        &expect![[r"
        exit 1
        --- stderr
        error: there is no commit `release-7` in `[PLACE]/shop`

        hint: name a branch, a tag or a commit; `git fetch` brings those of others
    "]],
    );
    let shop = shop.with("api/x", "");
    shop.check(
        &["deploy", "api"],
        &expect![[r"
        exit 1
        --- stderr
        error: `[PLACE]/shop/api` is only a part of its repository

        hint: an app is a whole repository; deploy `[PLACE]/shop`
    "]],
    );
}

#[test]
fn removing_asks_and_cannot_ask_without_a_terminal() {
    let shop = shop();
    let mut remove = shop.hops(&["remove", "--server", NOBODY]);
    remove.env("HOPS_TOKEN", "t0k3n");
    shop.check_command(
        remove,
        &expect![[r"
        exit 1
        --- stderr
        error: there is no terminal to ask at

        hint: `--yes` answers in advance
    "]],
    );
}

#[test]
fn a_file_of_credentials_that_is_broken_is_not_quoted() {
    let shop = shop();
    let folder = shop.home().join(".config/hops");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("credentials.toml"), "tokens = hunter2\n").unwrap();
    fs::set_permissions(folder.join("credentials.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    shop.check(
        &["status"],
        &expect![[r"
        exit 1
        --- stderr
        error: `[PLACE]/home/.config/hops/credentials.toml` is not what `hops login` writes

        hint: remove it, and log in again
    "]],
    );
}
