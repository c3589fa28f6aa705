//! The forms in which readings leave the crate.

use expect_test::expect;
use hops_manifest::{CheckReport, Code, render};

use crate::support::{check_tree, reading, several};

#[test]
fn the_json_is_the_command_lines_contract() {
    let report = CheckReport::from(reading("domain = 'example.com'\n[nats]"));
    expect![[r#"
        {
          "apps": [
            {
              "name": "shop",
              "default_environment": "test",
              "emoji": null,
              "applings": [
                {
                  "name": "shop",
                  "directory": "",
                  "port": 3030,
                  "readiness_path": "/health",
                  "liveness_path": null,
                  "replicas": 2,
                  "public": true,
                  "domains": [
                    "example.com"
                  ],
                  "add_ons": [
                    "nats"
                  ]
                }
              ]
            }
          ],
          "diagnostics": [
            {
              "severity": "warning",
              "code": "not-supported-yet",
              "file": "iterapp.toml",
              "line": 2,
              "column": 2,
              "message": "`[nats]` is not supported by this release yet",
              "help": "a deploy that needs it is refused; take it out to deploy without it"
            }
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&report).unwrap());
    let report = CheckReport::from(reading("prot = 3000"));
    expect![[r#"
        {
          "apps": [],
          "diagnostics": [
            {
              "severity": "error",
              "code": "unknown-key",
              "file": "iterapp.toml",
              "line": 1,
              "column": 1,
              "message": "unknown key `prot`",
              "help": "did you mean `port`?"
            }
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn the_values_of_variables_are_not_in_the_json() {
    let report = CheckReport::from(reading("[env.common]\nPASSWORD = 'hunter2'"));
    assert!(!serde_json::to_string(&report).unwrap().contains("hunter2"));
}

#[test]
fn one_line_says_place_and_mistake() {
    assert_eq!(reading("\nprot = 1").diagnostics[0].to_string(), "iterapp.toml:2:1: unknown key `prot`");
}

#[test]
fn the_name_of_a_code_is_the_same_everywhere() {
    let code = Code::NotUtf8;
    assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
}

#[test]
fn what_would_steer_a_terminal_is_shown_as_its_escape() {
    let reading =
        reading("[env.common]\n\"\\u001B[2J\\u202E\" = 1\nA = { secret = \"x\\u0007\", key = 'k' }");
    let messages: Vec<_> = reading.diagnostics.iter().map(|d| d.message.as_str()).collect();
    expect![[r#"
        `\u{1b}[2J\u{202e}` cannot name an environment variable; letters, digits and `_` are possible, the first not a digit
        `x\u{7}` contains '\u{7}'; a Secret's name has lower-case letters, digits, `-` and `.`"#]].assert_eq(&messages.join("\n"));
}

#[test]
fn colour_only_where_asked_for() {
    let reading = reading("prot = 1");
    assert!(render(&reading.diagnostics, &reading.files, true).contains("\u{1b}["));
    assert!(!render(&reading.diagnostics, &reading.files, false).contains('\u{1b}'));
}

#[test]
fn excerpts_are_of_the_file_the_mistake_is_in() {
    check_tree(
        &several(&[("iterapp.toml", "applings = ['api']"), ("api/iterapp.toml", "\n\nport = 'x'")]),
        expect![[r#"
        error[wrong-type]: `port` has to be a whole number from 1 to 65535, not a text
         --> api/iterapp.toml:3:8
          |
        3 | port = 'x'
          |        ^^^
          |
          = help: write for example `port = 8080`
    "#]],
    );
}
