//! Every key is read, and nothing else is.

use expect_test::expect;
use hops_manifest::{
    Code, MemoryTree, Reading,
    keys::{Effect, KEYS, Key, Kind},
    not_yet, read,
};
use hops_model::Environment;

use crate::support::{check, path, shown, single};

#[test]
fn the_example_of_every_key_is_read_and_changes_something() {
    let default = shown(&read_example(""));
    for key in KEYS {
        let reading = read_example(&example(key));
        assert!(!reading.has_errors(), "{}", shown(&reading));
        assert_ne!(shown(&reading), default, "{}", key.path);
    }
}

#[test]
fn a_key_without_effect_warns_and_refuses_the_deploy_and_others_do_not() {
    for key in KEYS {
        let reading = read_example(&example(key));
        let warned = reading.diagnostics.iter().any(|d| d.code == Code::NotSupportedYet);
        let refused = !not_yet(reading.app.as_ref().unwrap(), Environment::Prod).is_empty();
        assert_eq!(
            (warned, refused),
            (key.effect == Effect::NotYet, key.effect == Effect::NotYet),
            "{}",
            key.path
        );
    }
}

#[test]
fn every_table_refuses_keys_that_it_does_not_have() {
    let is_free = |table: &Key| KEYS.iter().any(|key| key.table() == table.path && key.is_any_name());
    for table in KEYS.iter().filter(|key| matches!(key.kind, Kind::Table | Kind::Tables) && !is_free(key)) {
        let file = format!("{}\n", example(table));
        let header = file.lines().rfind(|line| line.starts_with('[')).unwrap();
        let file = file.replace(header, &format!("{header}\nnonsense = {{}}"));
        let codes: Vec<_> = read_example(&file).diagnostics.iter().map(|d| d.code).collect();
        assert!(codes.contains(&Code::UnknownKey), "{file}: {codes:?}");
    }
}

#[test]
fn an_unknown_key_comes_with_the_nearest_known_one() {
    check(
        "prot = 3000",
        expect![[r#"
        error[unknown-key]: unknown key `prot`
         --> iterapp.toml:1:1
          |
        1 | prot = 3000
          | ^^^^
          |
          = help: did you mean `port`?
    "#]],
    );
    check(
        "readiness-path = '/'",
        expect![[r#"
        error[unknown-key]: unknown key `readiness-path`
         --> iterapp.toml:1:1
          |
        1 | readiness-path = '/'
          | ^^^^^^^^^^^^^^
          |
          = help: did you mean `readiness_path`?
    "#]],
    );
    check(
        "[postgresql]\n[natz]",
        expect![[r#"
        error[unknown-key]: unknown key `[postgresql]`
         --> iterapp.toml:1:2
          |
        1 | [postgresql]
          |  ^^^^^^^^^^
          |
          = help: did you mean `[postgres]`?

        error[unknown-key]: unknown key `[natz]`
         --> iterapp.toml:2:2
          |
        2 | [natz]
          |  ^^^^
          |
          = help: did you mean `[nats]`?
    "#]],
    );
    check(
        "[build-secret.npm]\nfile = { encrypted = 'c2VhbGVk' }",
        expect![[r#"
        error[unknown-key]: unknown key `[build-secret]`
         --> iterapp.toml:1:2
          |
        1 | [build-secret.npm]
          |  ^^^^^^^^^^^^
          |
          = help: did you mean `[build_secrets]`?
    "#]],
    );
    check(
        "[requests]\nmem = '1Gi'\nmemroy = '1Gi'",
        expect![[r#"
            error[unknown-key]: unknown key `mem` in `[requests]`
             --> iterapp.toml:2:1
              |
            2 | mem = '1Gi'
              | ^^^
              |
              = help: known here: `memory`, `cpu`

            error[unknown-key]: unknown key `memroy` in `[requests]`
             --> iterapp.toml:3:1
              |
            3 | memroy = '1Gi'
              | ^^^^^^
              |
              = help: did you mean `memory`?
        "#]],
    );
}

#[test]
fn an_unknown_key_that_is_known_elsewhere_is_sent_there() {
    check(
        "memory = '98Mi'\ndisable = true",
        expect![[r#"
        error[unknown-key]: unknown key `memory`
         --> iterapp.toml:1:1
          |
        1 | memory = '98Mi'
          | ^^^^^^
          |
          = help: did you mean `memory` in `[requests]`?

        error[unknown-key]: unknown key `disable`
         --> iterapp.toml:2:1
          |
        2 | disable = true
          | ^^^^^^^
          |
          = help: did you mean `disable` in `[ingress]`?
    "#]],
    );
}

#[test]
fn an_unknown_key_near_to_nothing_comes_with_all_there_are() {
    check(
        "[ingress]\nclass = 'traefik'\n[nats]\njetstream = true",
        expect![[r#"
            error[unknown-key]: unknown key `class` in `[ingress]`
             --> iterapp.toml:2:1
              |
            2 | class = 'traefik'
              | ^^^^^
              |
              = help: known here: `disable`

            warning[not-supported-yet]: `[nats]` is not supported by this release yet
             --> iterapp.toml:3:2
              |
            3 | [nats]
              |  ^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            error[unknown-key]: unknown key `jetstream` in `[nats]`
             --> iterapp.toml:4:1
              |
            4 | jetstream = true
              | ^^^^^^^^^
              |
              = help: `[nats]` takes no such keys; take it out
        "#]],
    );
}

#[test]
fn a_key_that_a_table_header_swallowed_is_said_so() {
    check(
        "[postgres]\napplings = ['web']\nport = 3000",
        expect![[r#"
            warning[not-supported-yet]: `[postgres]` is not supported by this release yet
             --> iterapp.toml:1:2
              |
            1 | [postgres]
              |  ^^^^^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            error[misplaced-key]: `applings` stands inside `[postgres]`, where it means nothing
             --> iterapp.toml:2:1
              |
            2 | applings = ['web']
              | ^^^^^^^^
              |
              = help: move it above the first table header: a header holds until the next one

            error[missing-directory]: there is no directory `web`
             --> iterapp.toml:2:13
              |
            2 | applings = ['web']
              |             ^^^^^
              |
              = help: mind upper and lower case, and whether the directory is committed

            error[misplaced-key]: `port` stands inside `[postgres]`, where it means nothing
             --> iterapp.toml:3:1
              |
            3 | port = 3000
              | ^^^^
              |
              = help: move it above the first table header: a header holds until the next one
        "#]],
    );
    check(
        "[env.common]\ndomains = ['example.com']\nreadiness_path = '/'",
        expect![[r#"
        error[misplaced-key]: `domains` stands inside `[env.common]`, where it means nothing
         --> iterapp.toml:2:1
          |
        2 | domains = ['example.com']
          | ^^^^^^^
          |
          = help: move it above the first table header: a header holds until the next one

        warning[misplaced-key]: `readiness_path` stands inside `[env.common]` and becomes an environment variable
         --> iterapp.toml:3:1
          |
        3 | readiness_path = '/'
          | ^^^^^^^^^^^^^^
          |
          = help: if the setting is meant, move it above the first table header
    "#]],
    );
}

#[test]
fn superseded_keys_work_and_say_what_replaced_them() {
    check(
        "auto_deploy_env = 'prod'\nhealth = '/'\n[build]\nbuild_in_kubernetes = true\n[postgres]\nfeature_auto_create_db = true",
        expect![[r#"
            warning[superseded-key]: `auto_deploy_env` is now called `default_environment`; the old name still works
             --> iterapp.toml:1:1
              |
            1 | auto_deploy_env = 'prod'
              | ^^^^^^^^^^^^^^^
              |
              = help: write `default_environment` in its place

            warning[superseded-key]: `health` is now called `readiness_path`; the old name still works
             --> iterapp.toml:2:1
              |
            2 | health = '/'
              | ^^^^^^
              |
              = help: write `readiness_path` in its place

            warning[superseded-key]: `build.build_in_kubernetes` has no effect any more: images are always built by the platform's BuildKit
             --> iterapp.toml:4:1
              |
            4 | build_in_kubernetes = true
              | ^^^^^^^^^^^^^^^^^^^
              |
              = help: take it out

            warning[not-supported-yet]: `[postgres]` is not supported by this release yet
             --> iterapp.toml:5:2
              |
            5 | [postgres]
              |  ^^^^^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            warning[superseded-key]: `postgres.feature_auto_create_db` has no effect any more: `[postgres]` always comes with its database
             --> iterapp.toml:6:1
              |
            6 | feature_auto_create_db = true
              | ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: take it out

            app shop, pushes to prod, Root
              appling shop in ""
                postgres = {"extensions":[]}
                readiness_path = "/"
        "#]],
    );
}

#[test]
fn a_key_beside_the_one_that_replaced_it_is_a_conflict() {
    check(
        "readiness_path = '/a'\nhealth = '/b'\ndefault_environment = 'prod'\nauto_deploy_env = 'test'",
        expect![[r#"
            error[conflicting-keys]: `readiness_path` and `health` say the same; one of them is possible
             --> iterapp.toml:2:1
              |
            2 | health = '/b'
              | ^^^^^^
              |
              = help: keep `readiness_path` alone

            warning[superseded-key]: `health` is now called `readiness_path`; the old name still works
             --> iterapp.toml:2:1
              |
            2 | health = '/b'
              | ^^^^^^
              |
              = help: write `readiness_path` in its place

            error[conflicting-keys]: `default_environment` and `auto_deploy_env` say the same; one of them is possible
             --> iterapp.toml:4:1
              |
            4 | auto_deploy_env = 'test'
              | ^^^^^^^^^^^^^^^
              |
              = help: keep `default_environment` alone

            warning[superseded-key]: `auto_deploy_env` is now called `default_environment`; the old name still works
             --> iterapp.toml:4:1
              |
            4 | auto_deploy_env = 'test'
              | ^^^^^^^^^^^^^^^
              |
              = help: write `default_environment` in its place
        "#]],
    );
}

#[test]
fn an_earlier_spelling_of_build_secrets_comes_with_todays() {
    check(
        "[build_secrets.npm]\n\"file\" = { encrypted = 'c2VhbGVk' }",
        expect![[r#"
        error[superseded-key]: `[build_secrets.npm]` is how an earlier version wrote build secrets
         --> iterapp.toml:1:16
          |
        1 | [build_secrets.npm]
          |                ^^^
          |
          = help: write `npm = { encrypted = "…" }` under `[build_secrets]`
    "#]],
    );
}

#[test]
fn an_empty_build_table_is_superseded_and_an_unknown_key_in_it_unknown() {
    check(
        "[build]",
        expect![[r#"
        warning[superseded-key]: `[build]` has no effect any more: images are always built by the platform's BuildKit
         --> iterapp.toml:1:2
          |
        1 | [build]
          |  ^^^^^
          |
          = help: take it out

        app shop, pushes to test, Root
          appling shop in ""
    "#]],
    );
    check(
        "[build]\nbuild_args = 'x'",
        expect![[r#"
            error[unknown-key]: unknown key `build_args` in `[build]`
             --> iterapp.toml:2:1
              |
            2 | build_args = 'x'
              | ^^^^^^^^^^
              |
              = help: `[build]` takes no such keys; take it out
        "#]],
    );
}

fn example(key: &Key) -> String {
    if key.example.is_empty() {
        format!("[{}]\n{} = true", key.table(), key.name())
    } else {
        key.example.to_owned()
    }
}

/// Reads a file in a repository that has what examples refer to.
fn read_example(file: &str) -> Reading {
    let tree: MemoryTree = ["front", "services/api"].iter().fold(single(file), |tree, directory| {
        let at = |name: &str| path(&format!("{directory}/{name}"));
        tree.with_file(at("iterapp.toml"), "").with_file(at("Dockerfile"), "FROM scratch\n")
    });
    read(&tree, Some("example"))
}
