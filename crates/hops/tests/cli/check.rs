//! `hops check`

use std::process::Command;

use expect_test::expect;

use crate::run::Place;

fn shop() -> Place {
    Place::new()
        .with("iterapp.toml", "applings = [\"web\", \"api\"]\n")
        .with("web/Dockerfile", "FROM busybox\n")
        .with("web/iterapp.toml", "port = 8080\n")
        .with("api/Dockerfile", "FROM busybox\n")
        .with("api/iterapp.toml", "")
}

#[test]
fn an_app_in_order() {
    let shop = shop();
    shop.check(
        &["check"],
        &expect![[r"
        exit 0
        --- stderr
        App `shop` (web, api): no mistakes
    "]],
    );
    shop.check(
        &["check", "--quiet"],
        &expect![[r"
        exit 0
    "]],
    );
    shop.check(&["check", "--format", "json"], &expect![[r#"
        exit 0
        --- stdout
        {"apps":[{"name":"shop","default_environment":"test","emoji":null,"applings":[{"name":"web","directory":"web","port":8080,"readiness_path":"/health","liveness_path":null,"replicas":2,"public":true,"domains":[],"add_ons":[]},{"name":"api","directory":"api","port":3030,"readiness_path":"/health","liveness_path":null,"replicas":2,"public":true,"domains":[],"add_ons":[]}]}],"diagnostics":[]}
    "#]]);
}

#[test]
fn mistakes_are_shown_at_their_places() {
    let shop = shop().with("api/iterapp.toml", "readyness_path = \"/ok\"\nport = 0\n[env]\nDEBUG = 1\n");
    shop.check(
        &["check"],
        &expect![[r#"
        exit 1
        --- stdout
        error[unknown-key]: unknown key `readyness_path`
         --> api/iterapp.toml:1:1
          |
        1 | readyness_path = "/ok"
          | ^^^^^^^^^^^^^^
          |
          = help: did you mean `readiness_path`?

        error[invalid-value]: `port` is 0; it has to be a whole number from 1 to 65535
         --> api/iterapp.toml:2:8
          |
        2 | port = 0
          |        ^
          |
          = help: write for example `port = 8080`

        error[misplaced-key]: `DEBUG` stands in `[env]`, which holds a table for each environment
         --> api/iterapp.toml:4:1
          |
        4 | DEBUG = 1
          | ^^^^^
          |
          = help: write it under `[env.common]`, or under `[env.prod]` for `prod` alone

        --- stderr
        [PLACE]/shop: 3 errors
    "#]],
    );
    shop.check(&["check", "--format", "json"], &expect![[r#"
        exit 1
        --- stdout
        {"apps":[],"diagnostics":[{"severity":"error","code":"unknown-key","file":"api/iterapp.toml","line":1,"column":1,"message":"unknown key `readyness_path`","help":"did you mean `readiness_path`?"},{"severity":"error","code":"invalid-value","file":"api/iterapp.toml","line":2,"column":8,"message":"`port` is 0; it has to be a whole number from 1 to 65535","help":"write for example `port = 8080`"},{"severity":"error","code":"misplaced-key","file":"api/iterapp.toml","line":4,"column":1,"message":"`DEBUG` stands in `[env]`, which holds a table for each environment","help":"write it under `[env.common]`, or under `[env.prod]` for `prod` alone"}]}
    "#]]);
}

#[test]
fn a_directory_can_be_named() {
    let shop = shop();
    shop.check(
        &["check", "web"],
        &expect![[r"
        exit 0
        --- stderr
        App `web` (web): no mistakes
    "]],
    );
    shop.check(
        &["check", "nowhere"],
        &expect![[r"
        exit 1
        --- stderr
        error: cannot open `nowhere`
          caused by: No such file or directory (os error 2)

        hint: name the app's directory, the one with the root `iterapp.toml`
    "]],
    );
    shop.check(
        &["check", "web/Dockerfile"],
        &expect![[r"
        exit 1
        --- stderr
        error: `[PLACE]/shop/web/Dockerfile` is not a directory

        hint: name the app's directory, not a file in it
    "]],
    );
}

#[test]
fn inside_a_repository_its_root_is_checked_under_its_origins_name() {
    let shop = shop();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(shop.app()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(git.output().unwrap().status.success());
    };
    git(&["init", "--quiet"]);
    git(&["remote", "add", "origin", "https://git.example.com/iterate/market.git"]);
    let mut command = shop.hops(&["check"]);
    command.current_dir(shop.app().join("api"));
    shop.check_command(
        command,
        &expect![[r"
        exit 0
        --- stderr
        App `market` (web, api): no mistakes
    "]],
    );
}

#[test]
fn the_name_can_be_given_but_not_contradicted() {
    let shop = shop();
    shop.check(
        &["check", "-a", "market"],
        &expect![[r"
        exit 0
        --- stderr
        App `market` (web, api): no mistakes
    "]],
    );
    let shop = shop.with("iterapp.toml", "name = \"market\"\napplings = [\"web\"]\n");
    shop.check(
        &["check", "-a", "shop"],
        &expect![[r"
        exit 1
        --- stderr
        error: `iterapp.toml` names the app `market`, not `shop`

        hint: leave out `--app`, or change `name` in the file
    "]],
    );
}

#[test]
fn without_files_it_says_what_is_missing() {
    Place::new().check(
        &["check"],
        &expect![[r"
        exit 1
        --- stdout
        error[missing-file]: there is no `iterapp.toml`
         --> iterapp.toml:1:1
          |
        1 |
          | ^
          |
          = help: create it; an empty file is enough and means all defaults

        --- stderr
        [PLACE]/shop: 1 error
    "]],
    );
}
