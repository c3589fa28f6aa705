//! HTTP calls at fixed times. Schedules themselves are tested beside their parser.

use expect_test::expect;

use crate::support::check;

#[test]
fn a_job_has_a_schedule_a_path_and_headers() {
    check(
        "[cronjobs.clean-up]\nschedule = '*/5  * * * *'\npath = '/clean'\n[cronjobs.clean-up.headers]\nX-Tries = 3\nAuthorization = { secret = 'cron', key = 'token' }",
        expect![[r#"
            warning[not-supported-yet]: `[cronjobs.clean-up]` is not supported by this release yet
             --> iterapp.toml:1:11
              |
            1 | [cronjobs.clean-up]
              |           ^^^^^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            warning[not-a-string]: `cronjobs.clean-up.headers.X-Tries` is a whole number, not a text; the appling will see "3"
             --> iterapp.toml:5:11
              |
            5 | X-Tries = 3
              |           ^
              |
              = help: write `X-Tries = "3"`

            app shop, pushes to test, Root
              appling shop in ""
                cronjobs = {"clean-up":{"headers":{"Authorization":{"secret-key":{"key":"token","secret":"cron"}},"X-Tries":{"literal":"3"}},"path":"/clean","schedule":"*/5 * * * *"}}
        "#]],
    );
}

#[test]
fn schedule_and_path_have_to_be_there() {
    check(
        "[cronjobs.a]\n[cronjobs.b]\nschedule = '* * * * *'\npath = 'clean'",
        expect![[r#"
        error[missing-key]: `schedule` is missing in `[cronjobs.a]`
         --> iterapp.toml:1:11
          |
        1 | [cronjobs.a]
          |           ^
          |
          = help: add for example `schedule = "*/15 * * * mon-fri"`

        error[missing-key]: `path` is missing in `[cronjobs.a]`
         --> iterapp.toml:1:11
          |
        1 | [cronjobs.a]
          |           ^
          |
          = help: add for example `path = "/cleanup"`

        warning[not-supported-yet]: `[cronjobs.a]` is not supported by this release yet
         --> iterapp.toml:1:11
          |
        1 | [cronjobs.a]
          |           ^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        warning[not-supported-yet]: `[cronjobs.b]` is not supported by this release yet
         --> iterapp.toml:2:11
          |
        2 | [cronjobs.b]
          |           ^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error[invalid-value]: `clean` has to begin with `/`
         --> iterapp.toml:4:8
          |
        4 | path = 'clean'
          |        ^^^^^^^
    "#]],
    );
}

#[test]
fn a_malformed_schedule_names_the_field() {
    check(
        "[cronjobs.a]\nschedule = '61 * * * *'\npath = '/'",
        expect![[r#"
        warning[not-supported-yet]: `[cronjobs.a]` is not supported by this release yet
         --> iterapp.toml:1:11
          |
        1 | [cronjobs.a]
          |           ^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error[invalid-value]: `61` is not possible as the minute: `61` is not one of 0 to 59
         --> iterapp.toml:2:12
          |
        2 | schedule = '61 * * * *'
          |            ^^^^^^^^^^^^
    "#]],
    );
    check(
        "[cronjobs.a]\nschedule = '@daily'\npath = '/'",
        expect![[r#"
        warning[not-supported-yet]: `[cronjobs.a]` is not supported by this release yet
         --> iterapp.toml:1:11
          |
        1 | [cronjobs.a]
          |           ^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error[invalid-value]: `@daily` is not in five fields; write for example "0 0 * * *"
         --> iterapp.toml:2:12
          |
        2 | schedule = '@daily'
          |            ^^^^^^^^
    "#]],
    );
}

#[test]
fn names_and_headers_are_possible_ones() {
    check(
        "[cronjobs.\"Clean Up\"]\nschedule = '* * * * *'\npath = '/'\nheaders = { \"a b\" = 'x', ok = \"a\\nb\" }",
        expect![[r#"
            error[unfit-name]: `Clean Up` cannot name a cron job: lower-case letters, digits, `-` and `_`, at most 52
             --> iterapp.toml:1:11
              |
            1 | [cronjobs."Clean Up"]
              |           ^^^^^^^^^^
              |
              = help: write for example `clean-up`

            warning[not-supported-yet]: `[cronjobs.Clean Up]` is not supported by this release yet
             --> iterapp.toml:1:11
              |
            1 | [cronjobs."Clean Up"]
              |           ^^^^^^^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            error[invalid-value]: "a b" cannot be the name of a request header
             --> iterapp.toml:4:13
              |
            4 | headers = { "a b" = 'x', ok = "a\nb" }
              |             ^^^^^

            error[invalid-value]: a request header cannot hold line breaks and control characters
             --> iterapp.toml:4:31
              |
            4 | headers = { "a b" = 'x', ok = "a\nb" }
              |                               ^^^^^^
        "#]],
    );
}

#[test]
fn a_job_without_a_name_is_explained() {
    check(
        "[cronjobs]\nschedule = '* * * * *'\npath = '/'",
        expect![[r#"
            error[misplaced-key]: `schedule` stands in `[cronjobs]`, which holds a table for each job
             --> iterapp.toml:2:1
              |
            2 | schedule = '* * * * *'
              | ^^^^^^^^
              |
              = help: give the job a name: write `[cronjobs.NAME]` above it

            error[misplaced-key]: `path` stands in `[cronjobs]`, which holds a table for each job
             --> iterapp.toml:3:1
              |
            3 | path = '/'
              | ^^^^
              |
              = help: give the job a name: write `[cronjobs.NAME]` above it
        "#]],
    );
}
