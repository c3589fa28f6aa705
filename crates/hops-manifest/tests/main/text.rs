//! Files before they are TOML: encodings, sizes, line ends, syntax.

use expect_test::expect;
use hops_manifest::{Code, Entry, MAX_FILE_BYTES, MemoryTree, read};

use crate::support::{check, check_tree, path, reading, shown, single};

#[test]
fn an_empty_file_means_all_defaults() {
    check(
        "",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
    "#]],
    );
    check(
        "\n\n# nothing\n",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
    "#]],
    );
}

#[test]
fn a_schema_line_is_a_comment() {
    check(
        "#:schema ../iterapp.schema.json\nport = 80\n",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
            port = 80
    "#]],
    );
}

#[test]
fn every_mistake_is_reported_in_one_run() {
    check(
        "port = 0\nprot = 1\nreplicas = -1\nreadiness_path = health\n[env.common]\nA-B = 'x'\n[env.produciton]\n[requests]\ncpu = 'much'\n",
        expect![[r#"
            error[invalid-value]: `port` is 0; it has to be a whole number from 1 to 65535
             --> iterapp.toml:1:8
              |
            1 | port = 0
              |        ^
              |
              = help: write for example `port = 8080`

            error[unknown-key]: unknown key `prot`
             --> iterapp.toml:2:1
              |
            2 | prot = 1
              | ^^^^
              |
              = help: did you mean `port`?

            error[invalid-value]: `replicas` is -1; it has to be a whole number from 1 to 100
             --> iterapp.toml:3:12
              |
            3 | replicas = -1
              |            ^^
              |
              = help: write for example `replicas = 4`

            error[syntax]: not valid TOML: string values must be quoted, expected literal string
             --> iterapp.toml:4:18
              |
            4 | readiness_path = health
              |                  ^^^^^^
              |
              = help: texts stand in quotes; write `readiness_path = "health"`

            error[invalid-value]: `A-B` cannot name an environment variable; letters, digits and `_` are possible, the first not a digit
             --> iterapp.toml:6:1
              |
            6 | A-B = 'x'
              | ^^^
              |
              = help: write for example `A_B`

            error[unknown-environment]: there is no environment `produciton`
             --> iterapp.toml:7:6
              |
            7 | [env.produciton]
              |      ^^^^^^^^^^
              |
              = help: there are `common`, `prod`, `test`, `snap0` to `snap9` and `local`

            error[invalid-value]: `much` is not an amount of processor time; write for example `250m`
             --> iterapp.toml:9:7
              |
            9 | cpu = 'much'
              |       ^^^^^^
        "#]],
    );
}

#[test]
fn a_file_that_is_not_utf8_says_where() {
    let reading = reading(b"port = 80\nemoji = \"\xE9\"\n".as_slice());
    expect![[r#"
        error[not-utf8]: byte 0xE9 is not UTF-8
         --> iterapp.toml:2:10
          |
        2 | emoji = "�"
          |          ^
          |
          = help: save the file as UTF-8
    "#]]
    .assert_eq(&shown(&reading));
}

#[test]
fn a_utf16_file_is_not_utf8() {
    let reading = reading(b"\xFF\xFEp\0o\0r\0t\0".as_slice());
    assert_eq!(reading.diagnostics[0].code, Code::NotUtf8);
    assert_eq!((reading.diagnostics[0].line, reading.diagnostics[0].column), (1, 1));
}

#[test]
fn a_byte_order_mark_does_not_shift_places() {
    check(
        "\u{FEFF}port = 'x'\n",
        expect![[r#"
        error[wrong-type]: `port` has to be a whole number from 1 to 65535, not a text
         --> iterapp.toml:1:8
          |
        1 | port = 'x'
          |        ^^^
          |
          = help: write for example `port = 8080`
    "#]],
    );
    check(
        "\u{FEFF}port = 80\n",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
            port = 80
    "#]],
    );
}

#[test]
fn windows_line_ends_do_not_shift_places() {
    check(
        "port = 80\r\n\r\nprot = 1\r\n[env.common]\r\nA = \"x\"\r\n",
        expect![[r#"
        error[unknown-key]: unknown key `prot`
         --> iterapp.toml:3:1
          |
        3 | prot = 1
          | ^^^^
          |
          = help: did you mean `port`?
    "#]],
    );
}

#[test]
fn columns_count_characters() {
    let reading = reading("env = { common = { \"ÆØÅ\" = \"x\" } }");
    let found = &reading.diagnostics[0];
    assert_eq!((found.line, found.column), (1, 20));
}

#[test]
fn a_file_over_one_mebibyte_is_refused_whether_or_not_the_tree_reads_it() {
    let size = usize::try_from(MAX_FILE_BYTES).unwrap();
    let comment = |bytes| format!("#{}", "x".repeat(bytes - 1));
    assert!(!reading(comment(size)).has_errors());
    let unread = single("").with_entry(path("iterapp.toml"), Entry::TooLarge { size: MAX_FILE_BYTES + 1 });
    for reading in [reading(comment(size + 1)), read(&unread, Some("shop"))] {
        assert_eq!(reading.diagnostics.len(), 1);
        assert_eq!(reading.diagnostics[0].code, Code::TooLarge);
    }
    check_tree(
        &unread,
        expect![[r#"
        error[too-large]: the file has 1048577 bytes; at most 1048576 (1 MiB) are read
         --> iterapp.toml:1:1
          |
        1 |
          | ^
          |
          = help: settings belong here, data into files of the image
    "#]],
    );
}

#[test]
fn a_missing_root_file_comes_with_what_to_do() {
    check_tree(
        &MemoryTree::new(),
        expect![[r#"
        error[missing-file]: there is no `iterapp.toml`
         --> iterapp.toml:1:1
          |
        1 |
          | ^
          |
          = help: create it; an empty file is enough and means all defaults
    "#]],
    );
    check_tree(
        &single("").with_entry(path("iterapp.toml"), Entry::Symlink),
        expect![[r#"
        error[missing-file]: `iterapp.toml` is a symbolic link
         --> iterapp.toml:1:1
          |
        1 |
          | ^
          |
          = help: put a file in its place; links are not followed
    "#]],
    );
    check_tree(
        &single("").with_entry(path("iterapp.toml"), Entry::Directory),
        expect![[r#"
        error[missing-file]: `iterapp.toml` is a directory
         --> iterapp.toml:1:1
          |
        1 |
          | ^
          |
          = help: put a file in its place
    "#]],
    );
}

#[test]
fn broken_toml_comes_with_the_slip_behind_it() {
    check(
        "readiness_path = /health",
        expect![[r#"
        error[syntax]: not valid TOML: string values must be quoted, expected literal string
         --> iterapp.toml:1:18
          |
        1 | readiness_path = /health
          |                  ^^^^^^^
          |
          = help: texts stand in quotes; write `readiness_path = "/health"`
    "#]],
    );
    check(
        "port = 80\nport = 81",
        expect![[r#"
        error[syntax]: not valid TOML: duplicate key
         --> iterapp.toml:2:1
          |
        2 | port = 81
          | ^^^^
          |
          = help: a key stands once in a table, and a table once in a file; keep one of them
    "#]],
    );
    check(
        "[postgres]\n[postgres]",
        expect![[r#"
        error[syntax]: not valid TOML: duplicate key
         --> iterapp.toml:2:2
          |
        2 | [postgres]
          |  ^^^^^^^^
          |
          = help: a key stands once in a table, and a table once in a file; keep one of them
    "#]],
    );
    check(
        "domains = [\"example.com\"",
        expect![[r#"
        error[syntax]: not valid TOML: unclosed array, expected `]`
         --> iterapp.toml:1:25
          |
        1 | domains = ["example.com"
          |                         ^
    "#]],
    );
    check(
        "[env.common\nA = \"x\"",
        expect![[r#"
            error[syntax]: not valid TOML: unclosed table, expected `]`
             --> iterapp.toml:1:12
              |
            1 | [env.common
              |            ^
        "#]],
    );
    check(
        "port: 80",
        expect![[r#"
            error[syntax]: not valid TOML: key with no value, expected `=`
             --> iterapp.toml:1:7
              |
            1 | port: 80
              |       ^
              |
              = help: write `port = 80`
        "#]],
    );
    check(
        "emoji = \"unclosed\nport = 'x'",
        expect![[r#"
        error[syntax]: not valid TOML: invalid basic string, expected `"`
         --> iterapp.toml:1:18
          |
        1 | emoji = "unclosed
          |                  ^

        error[wrong-type]: `port` has to be a whole number from 1 to 65535, not a text
         --> iterapp.toml:2:8
          |
        2 | port = 'x'
          |        ^^^
          |
          = help: write for example `port = 8080`
    "#]],
    );
    check(
        "emoji = \"\"\"unclosed\nport = 'x'",
        expect![[r#"
            error[syntax]: not valid TOML: invalid multi-line basic string, expected `"`
             --> iterapp.toml:2:11
              |
            2 | port = 'x'
              |           ^
        "#]],
    );
}

#[test]
fn a_broken_line_gives_one_mistake_not_a_trail_of_them() {
    check(
        "[env.common\nA = 'x'\nB = 5\n\n[requests]\nmem = '1Gi'\n[[files.common]]\nmount_path = \"/x",
        expect![[r#"
            error[syntax]: not valid TOML: unclosed table, expected `]`
             --> iterapp.toml:1:12
              |
            1 | [env.common
              |            ^

            error[unknown-key]: unknown key `mem` in `[requests]`
             --> iterapp.toml:6:1
              |
            6 | mem = '1Gi'
              | ^^^
              |
              = help: known here: `memory`, `cpu`

            error[syntax]: not valid TOML: invalid basic string, expected `"`
             --> iterapp.toml:8:17
              |
            8 | mount_path = "/x
              |                 ^
        "#]],
    );
}

#[test]
fn a_hostile_file_is_read_in_bounded_time_and_with_bounded_diagnostics() {
    let lines = |line: &str| line.repeat(200_000 / line.len());
    let unique = |line: fn(usize) -> String| (0..10_000).map(line).collect::<String>();
    for file in [
        lines("=\n"),
        lines("[\n"),
        lines("a b\n"),
        unique(|n| format!("unknown{n} = 1\n")),
        format!("x = {{ {} }}", unique(|n| format!("unknown{n} = 1, "))),
        format!("[env]\ncommon = {{ {} a = 1 }}", unique(|n| format!("a{n} = 1, "))),
        format!("domains = [{}]", unique(|n| format!("'{n}.example.com', "))),
        format!("applings = [{}]", unique(|n| format!("'{n}', "))),
        format!("{} = 1", "x".repeat(1_000_000)),
    ] {
        let reading = reading(file.as_str());
        assert!(reading.diagnostics.len() <= 501, "{} for {:.40}", reading.diagnostics.len(), file);
        assert!(reading.app.is_some() || reading.has_errors());
    }
}

#[test]
fn errors_beyond_those_shown_still_count() {
    let warnings = (0..600).map(|n| format!("A{n} = 1\n")).collect::<Vec<_>>().concat();
    let reading = reading(format!("[env.common]\n{warnings}[requests]\nmem = 1"));
    assert!(reading.has_errors());
    assert_eq!(
        reading.diagnostics.last().unwrap().to_string(),
        "iterapp.toml:603:8: 101 more mistakes are not shown"
    );
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    let reading = reading(format!("emoji = {}", "[".repeat(100_000)));
    assert!(reading.has_errors());
}
