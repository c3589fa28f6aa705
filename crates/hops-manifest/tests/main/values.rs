//! Settings of the wrong type or out of bounds.

use expect_test::expect;

use crate::support::{check, reading};

#[test]
fn port_is_a_number_from_1_to_65535() {
    check(
        "port = 0",
        expect![[r#"
        error[invalid-value]: `port` is 0; it has to be a whole number from 1 to 65535
         --> iterapp.toml:1:8
          |
        1 | port = 0
          |        ^
          |
          = help: write for example `port = 8080`
    "#]],
    );
    check(
        "port = 65536",
        expect![[r#"
        error[invalid-value]: `port` is 65536; it has to be a whole number from 1 to 65535
         --> iterapp.toml:1:8
          |
        1 | port = 65536
          |        ^^^^^
          |
          = help: write for example `port = 8080`
    "#]],
    );
    check(
        "port = 99999999999999999999",
        expect![[r#"
        error[invalid-value]: `port` is 99999999999999999999; it has to be a whole number from 1 to 65535
         --> iterapp.toml:1:8
          |
        1 | port = 99999999999999999999
          |        ^^^^^^^^^^^^^^^^^^^^
          |
          = help: write for example `port = 8080`
    "#]],
    );
    check(
        "port = '8080'",
        expect![[r#"
        error[wrong-type]: `port` has to be a whole number from 1 to 65535, not a text
         --> iterapp.toml:1:8
          |
        1 | port = '8080'
          |        ^^^^^^
          |
          = help: write `port = 8080`
    "#]],
    );
    check(
        "port = [80]",
        expect![[r#"
        error[wrong-type]: `port` has to be a whole number from 1 to 65535, not an array
         --> iterapp.toml:1:8
          |
        1 | port = [80]
          |        ^^^^
          |
          = help: write for example `port = 8080`
    "#]],
    );
    for file in ["port = 1", "port = 65535", "port = 0x1F90"] {
        assert!(!reading(file).has_errors(), "{file}");
    }
}

#[test]
fn replicas_is_a_number_from_1_to_100() {
    check(
        "replicas = 0",
        expect![[r#"
        error[invalid-value]: `replicas` is 0; it has to be a whole number from 1 to 100
         --> iterapp.toml:1:12
          |
        1 | replicas = 0
          |            ^
          |
          = help: write for example `replicas = 4`
    "#]],
    );
    check(
        "replicas = -1",
        expect![[r#"
        error[invalid-value]: `replicas` is -1; it has to be a whole number from 1 to 100
         --> iterapp.toml:1:12
          |
        1 | replicas = -1
          |            ^^
          |
          = help: write for example `replicas = 4`
    "#]],
    );
    check(
        "replicas = 1000",
        expect![[r#"
        error[invalid-value]: `replicas` is 1000; it has to be a whole number from 1 to 100
         --> iterapp.toml:1:12
          |
        1 | replicas = 1000
          |            ^^^^
          |
          = help: write for example `replicas = 4`
    "#]],
    );
    check(
        "replicas = 1.5",
        expect![[r#"
        error[wrong-type]: `replicas` has to be a whole number from 1 to 100, not a fraction
         --> iterapp.toml:1:12
          |
        1 | replicas = 1.5
          |            ^^^
          |
          = help: write for example `replicas = 4`
    "#]],
    );
}

#[test]
fn paths_begin_with_a_slash() {
    check(
        "readiness_path = 'health'\nliveness_path = '/a b'",
        expect![[r#"
        error[invalid-value]: `health` has to begin with `/`
         --> iterapp.toml:1:18
          |
        1 | readiness_path = 'health'
          |                  ^^^^^^^^

        error[invalid-value]: `/a b` contains ' ', which a request path cannot carry; percent-encode it
         --> iterapp.toml:2:17
          |
        2 | liveness_path = '/a b'
          |                 ^^^^^^
    "#]],
    );
}

#[test]
fn flags_are_true_or_false() {
    check(
        "init = 'false'\n[ingress]\ndisable = 1",
        expect![[r#"
        error[wrong-type]: `init` has to be `true` or `false`, not a text
         --> iterapp.toml:1:8
          |
        1 | init = 'false'
          |        ^^^^^^^
          |
          = help: write `init = false`

        error[wrong-type]: `ingress.disable` has to be `true` or `false`, not a whole number
         --> iterapp.toml:3:11
          |
        3 | disable = 1
          |           ^
          |
          = help: write for example `disable = true`
    "#]],
    );
}

#[test]
fn environments_are_known() {
    check(
        "default_environment = 'production'",
        expect![[r#"
        error[unknown-environment]: there is no environment `production`; there are `prod`, `test`, `snap0` to `snap9` and `local`
         --> iterapp.toml:1:23
          |
        1 | default_environment = 'production'
          |                       ^^^^^^^^^^^^
          |
          = help: did you mean "prod"?
    "#]],
    );
    check(
        "default_environment = 'snap10'",
        expect![[r#"
        error[unknown-environment]: there is no environment `snap10`; there are `prod`, `test`, `snap0` to `snap9` and `local`
         --> iterapp.toml:1:23
          |
        1 | default_environment = 'snap10'
          |                       ^^^^^^^^
          |
          = help: did you mean "snap0"?
    "#]],
    );
    check(
        "default_environment = 7",
        expect![[r#"
        error[wrong-type]: `default_environment` has to be `prod`, `test`, `snap0` to `snap9` or `local`, not a whole number
         --> iterapp.toml:1:23
          |
        1 | default_environment = 7
          |                       ^
          |
          = help: write for example `default_environment = "prod"`
    "#]],
    );
}

#[test]
fn tables_are_tables() {
    check(
        "postgres = true\nrequests = '1Gi'\nenv = []",
        expect![[r#"
        error[wrong-type]: `postgres` has to be a table, not `true` or `false`
         --> iterapp.toml:1:12
          |
        1 | postgres = true
          |            ^^^^
          |
          = help: write `[postgres]`

        error[wrong-type]: `requests` has to be a table, not a text
         --> iterapp.toml:2:12
          |
        2 | requests = '1Gi'
          |            ^^^^^
          |
          = help: write `[requests]`

        error[wrong-type]: `env` has to be a table, not an array
         --> iterapp.toml:3:7
          |
        3 | env = []
          |       ^^
          |
          = help: write `[env]`
    "#]],
    );
    check(
        "[static]\nlocal_dir = '/x'\nurl_path = '/x'",
        expect![[r#"
        error[wrong-type]: `static` has to be an array of tables, not a table
         --> iterapp.toml:1:1
          |
        1 | [static]
          | ^^^^^^^^
          |
          = help: write `[[static]]`
    "#]],
    );
    check(
        "[files.common]\nmount_path = '/x'\nsecret = 'x'",
        expect![[r#"
        error[wrong-type]: `files.common` has to be an array of tables, not a table
         --> iterapp.toml:1:1
          |
        1 | [files.common]
          | ^^^^^^^^^^^^^^
          |
          = help: write `[[files.common]]`
    "#]],
    );
}

#[test]
fn an_emoji_is_short_and_printable() {
    check(
        "emoji = ''",
        expect![[r#"
        error[invalid-value]: `emoji` has to be 1 to 32 printable characters
         --> iterapp.toml:1:9
          |
        1 | emoji = ''
          |         ^^
    "#]],
    );
    check(
        "emoji = \"a\\nb\"",
        expect![[r#"
        error[invalid-value]: `emoji` has to be 1 to 32 printable characters
         --> iterapp.toml:1:9
          |
        1 | emoji = "a\nb"
          |         ^^^^^^
    "#]],
    );
    assert!(!reading("emoji = '👩‍👩‍👧‍👦'").has_errors());
}

#[test]
fn extensions_are_names() {
    check(
        "[postgres]\nextensions = ['uuid-ossp', 'pg_trgm', 'pg_trgm']",
        expect![[r#"
        warning[not-supported-yet]: `[postgres]` is not supported by this release yet
         --> iterapp.toml:1:2
          |
        1 | [postgres]
          |  ^^^^^^^^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        app shop, pushes to test, Root
          appling shop in ""
            postgres = {"extensions":["uuid-ossp","pg_trgm"]}
    "#]],
    );
    check(
        "[postgres]\nextensions = ['DROP TABLE', 1]",
        expect![[r#"
        warning[not-supported-yet]: `[postgres]` is not supported by this release yet
         --> iterapp.toml:1:2
          |
        1 | [postgres]
          |  ^^^^^^^^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error[invalid-value]: "DROP TABLE" cannot be the name of a PostgreSQL extension
         --> iterapp.toml:2:15
          |
        2 | extensions = ['DROP TABLE', 1]
          |               ^^^^^^^^^^^^
          |
          = help: names look like "pg_trgm" and "uuid-ossp"

        error[wrong-type]: `postgres.extensions` has to be an array of texts; this is a whole number
         --> iterapp.toml:2:29
          |
        2 | extensions = ['DROP TABLE', 1]
          |                             ^
          |
          = help: write for example `extensions = ["uuid-ossp"]`
    "#]],
    );
    check(
        "[postgres]\nextensions = 'postgis'",
        expect![[r#"
        warning[not-supported-yet]: `[postgres]` is not supported by this release yet
         --> iterapp.toml:1:2
          |
        1 | [postgres]
          |  ^^^^^^^^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error[wrong-type]: `postgres.extensions` has to be an array of texts, not a text
         --> iterapp.toml:2:14
          |
        2 | extensions = 'postgis'
          |              ^^^^^^^^^
          |
          = help: write `extensions = ["postgis"]`
    "#]],
    );
}

#[test]
fn experimental_switches_are_known() {
    check(
        "experimental.drittmaskin = false",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
            experimental = {"drittmaskin":"false"}
    "#]],
    );
    check(
        "[experimental]\ndritmaskin = true\nwhisper-runner = 1",
        expect![[r#"
        error[unknown-key]: unknown key `dritmaskin` in `[experimental]`
         --> iterapp.toml:2:1
          |
        2 | dritmaskin = true
          | ^^^^^^^^^^
          |
          = help: did you mean `drittmaskin`?

        error[wrong-type]: `experimental.whisper-runner` has to be a text, `true` or `false`, not a whole number
         --> iterapp.toml:3:18
          |
        3 | whisper-runner = 1
          |                  ^
    "#]],
    );
}
