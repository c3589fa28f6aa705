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
fn amounts_have_units_that_kubernetes_knows() {
    check(
        "[requests]\nmemory = '98MB'\ncpu = 'half'\n[limits]\nmemory = 512\ncpu = 0.5",
        expect![[r#"
        error[invalid-value]: `98MB` is not an amount of memory; write for example `128Mi`
         --> iterapp.toml:2:10
          |
        2 | memory = '98MB'
          |          ^^^^^^

        error[invalid-value]: `half` is not an amount of processor time; write for example `250m`
         --> iterapp.toml:3:7
          |
        3 | cpu = 'half'
          |       ^^^^^^

        error[wrong-type]: `limits.memory` has to be an amount of memory, as a text such as "128Mi", not a whole number
         --> iterapp.toml:5:10
          |
        5 | memory = 512
          |          ^^^
          |
          = help: write `memory = "512Mi"`

        error[wrong-type]: `limits.cpu` has to be an amount of processor time, as a text such as "250m", not a fraction
         --> iterapp.toml:6:7
          |
        6 | cpu = 0.5
          |       ^^^
          |
          = help: write `cpu = "0.5"`
    "#]],
    );
    check(
        "[requests]\nmemory = '12m'\ncpu = '0'",
        expect![[r#"
        error[invalid-value]: `12m` is not an amount of memory; write for example `128Mi`
         --> iterapp.toml:2:10
          |
        2 | memory = '12m'
          |          ^^^^^

        error[invalid-value]: `0` is too little processor time; write for example `250m`
         --> iterapp.toml:3:7
          |
        3 | cpu = '0'
          |       ^^^
    "#]],
    );
}

#[test]
fn a_request_cannot_be_over_the_limit() {
    check(
        "[requests]\nmemory = '1Gi'\ncpu = '1'\n[limits]\nmemory = '512Mi'\ncpu = '500m'",
        expect![[r#"
        error[conflicting-keys]: `memory` asks for 1Gi, but `[limits]` allows 512Mi at most
         --> iterapp.toml:2:10
          |
        2 | memory = '1Gi'
          |          ^^^^^
          |
          = help: lower the request or raise the limit

        error[conflicting-keys]: `cpu` asks for 1, but `[limits]` allows 500m at most
         --> iterapp.toml:3:7
          |
        3 | cpu = '1'
          |       ^^^
          |
          = help: lower the request or raise the limit
    "#]],
    );
    check(
        "[requests]\nmemory = '1024Mi'\ncpu = '500m'\n[limits]\nmemory = '1Gi'\ncpu = '0.5'",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
            resources = {"limits":{"cpu":"0.5","memory":"1Gi"},"requests":{"cpu":"500m","memory":"1024Mi"}}
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
fn mounted_directories_are_absolute_and_mounted_once() {
    check(
        "[[files.common]]\nmount_path = 'etc'\nsecret = 'a'\n[[files.common]]\nmount_path = '/'\nsecret = 'a'\n[[files.common]]\nmount_path = '/a/../b'\nsecret = 'a'",
        expect![[r#"
            error[invalid-value]: `etc` has to begin with `/`
             --> iterapp.toml:2:14
              |
            2 | mount_path = 'etc'
              |              ^^^^^

            error[invalid-value]: `/` is the whole file system; name a directory below it
             --> iterapp.toml:5:14
              |
            5 | mount_path = '/'
              |              ^^^

            error[invalid-value]: `/a/../b` contains `.` or `..`; write the path it leads to
             --> iterapp.toml:8:14
              |
            8 | mount_path = '/a/../b'
              |              ^^^^^^^^^
        "#]],
    );
    check(
        "[[files.common]]\nmount_path = '/etc/x/'\nsecret = 'a'\n[[files.prod]]\nmount_path = '/etc/x'\nsecret = 'b'\n[[files.test]]\nmount_path = '/y'\nsecret = 'b'",
        expect![[r#"
            error[conflicting-keys]: `/etc/x` is mounted twice in `prod`, first in line 2
             --> iterapp.toml:5:14
              |
            5 | mount_path = '/etc/x'
              |              ^^^^^^^^
              |
              = help: put the files in one Secret, or mount one of them in another directory
        "#]],
    );
}

#[test]
fn a_mounted_directory_has_one_content() {
    check(
        "[[files.common]]\nmount_path = '/x'",
        expect![[r#"
        error[missing-key]: the mounted directory has neither a `secret` nor files
         --> iterapp.toml:1:1
          |
        1 | [[files.common]]
          | ^^^^^^^^^^^^^^^^
          |
          = help: name a Secret by `secret = "NAME"`; for another directory begin another `[[files.…]]`
    "#]],
    );
    check(
        "[[files.common]]\nsecret = 'x'",
        expect![[r#"
        error[missing-key]: `mount_path` is missing in `[[files.common]]`
         --> iterapp.toml:1:1
          |
        1 | [[files.common]]
          | ^^^^^^^^^^^^^^^^
          |
          = help: add for example `mount_path = "/etc/certificates"`
    "#]],
    );
    check(
        "[[files.common]]\nmount_path = '/x'\nsecret = 'x'\n\"key.pem\" = { encrypted = 'hops1.c2VhbGVk' }",
        expect![[r#"
            error[conflicting-keys]: a mounted directory has either a `secret` or files of its own
             --> iterapp.toml:1:1
              |
            1 | [[files.common]]
              | ^^^^^^^^^^^^^^^^
              |
              = help: name a Secret by `secret = "NAME"`; for another directory begin another `[[files.…]]`

            warning[not-supported-yet]: this release cannot open sealed values yet; a deploy that needs it is refused
             --> iterapp.toml:4:1
              |
            4 | "key.pem" = { encrypted = 'hops1.c2VhbGVk' }
              | ^^^^^^^^^
              |
              = help: until then an operator can put the clear text in a Secret of the namespace, and the file name it: `{ secret = "NAME", key = "KEY" }`
        "#]],
    );
    check(
        "[[files.common]]\nmount_path = '/x'\n\"a/b\" = { encrypted = 'hops1.c2VhbGVk' }\nplain = 'text'",
        expect![[r#"
        error[invalid-value]: `a/b` cannot name a file here
         --> iterapp.toml:3:1
          |
        3 | "a/b" = { encrypted = 'hops1.c2VhbGVk' }
          | ^^^^^
          |
          = help: letters, digits, `-`, `_` and `.` are possible; directories go into `mount_path`

        error[wrong-type]: `files.common.plain` has to be `{ encrypted = "…" }`, not a text
         --> iterapp.toml:4:9
          |
        4 | plain = 'text'
          |         ^^^^^^
    "#]],
    );
    check(
        "[[files.common]]\nmount_path = '/x'\nsecret = 'Not_A_Secret'",
        expect![[r#"
            error[invalid-value]: `Not_A_Secret` contains 'N'; a Secret's name has lower-case letters, digits, `-` and `.`
             --> iterapp.toml:3:10
              |
            3 | secret = 'Not_A_Secret'
              |          ^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn static_directories_need_both_keys() {
    check(
        "[[static]]\nlocal_dir = 'assets'",
        expect![[r#"
        error[missing-key]: `url_path` is missing in `[[static]]`
         --> iterapp.toml:1:1
          |
        1 | [[static]]
          | ^^^^^^^^^^
          |
          = help: add for example `url_path = "/assets"`

        warning[not-supported-yet]: `[[static]]` is not supported by this release yet
         --> iterapp.toml:1:3
          |
        1 | [[static]]
          |   ^^^^^^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error[invalid-value]: `assets` has to begin with `/`
         --> iterapp.toml:2:13
          |
        2 | local_dir = 'assets'
          |             ^^^^^^^^
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
