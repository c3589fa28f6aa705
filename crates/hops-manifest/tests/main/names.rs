//! Names that Kubernetes can carry.

use expect_test::{Expect, expect};
use hops_manifest::read;

use crate::support::{check, check_tree, several, shown, single};

#[track_caller]
fn check_repository(name: Option<&str>, expected: Expect) {
    expected.assert_eq(&shown(&read(&single("port = 80"), name)));
}

#[test]
fn the_app_is_named_like_its_repository() {
    check_repository(
        Some("uxsignals_transcribe"),
        expect![[r#"
        app uxsignals_transcribe, pushes to test, Root
          appling uxsignals_transcribe in ""
            port = 80
    "#]],
    );
}

#[test]
fn a_repository_name_that_does_not_fit_comes_with_one_that_does() {
    check_repository(
        Some("My.App"),
        expect![[r#"
        error[unfit-name]: the repository's name cannot be the app's name: `My.App` contains 'M'; only lower-case letters, digits, `-` and `_` are possible
         --> iterapp.toml:1:1
          |
        1 | port = 80
          | ^
          |
          = help: write `name = "my-app"` at the top of the root `iterapp.toml`
    "#]],
    );
    check_repository(
        Some("2048"),
        expect![[r#"
        error[unfit-name]: the repository's name cannot be the app's name: `2048` has to begin with a letter and end with a letter or digit
         --> iterapp.toml:1:1
          |
        1 | port = 80
          | ^
          |
          = help: write `name = "app-2048"` at the top of the root `iterapp.toml`
    "#]],
    );
    check_repository(
        Some(&"x".repeat(64)),
        expect![[r#"
        error[unfit-name]: the repository's name cannot be the app's name: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` has 64 characters, at most 52 fit
         --> iterapp.toml:1:1
          |
        1 | port = 80
          | ^
          |
          = help: write `name = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"` at the top of the root `iterapp.toml`
    "#]],
    );
    check_repository(
        None,
        expect![[r#"
        error[missing-key]: the app has no name
         --> iterapp.toml:1:1
          |
        1 | port = 80
          | ^
          |
          = help: write `name = "…"` at the top of the file
    "#]],
    );
}

#[test]
fn a_name_in_the_file_wins_and_has_to_fit_as_well() {
    check(
        "name = 'g9'",
        expect![[r#"
        app g9, pushes to test, Root
          appling g9 in ""
    "#]],
    );
    check(
        "name = 'Grensen 9'",
        expect![[r#"
        error[unfit-name]: `Grensen 9` contains 'G'; only lower-case letters, digits, `-` and `_` are possible
         --> iterapp.toml:1:8
          |
        1 | name = 'Grensen 9'
          |        ^^^^^^^^^^^
          |
          = help: write `name = "grensen-9"`
    "#]],
    );
    check(
        "name = ''",
        expect![[r#"
        error[unfit-name]: a name cannot be empty
         --> iterapp.toml:1:8
          |
        1 | name = ''
          |        ^^
          |
          = help: write `name = "app"`
    "#]],
    );
    check(
        "name = 9",
        expect![[r#"
        error[wrong-type]: `name` has to be a name of lower-case letters, digits, `-` and `_`, not a whole number
         --> iterapp.toml:1:8
          |
        1 | name = 9
          |        ^
          |
          = help: write for example `name = "shop"`
    "#]],
    );
}

#[test]
fn an_applings_directory_has_to_fit() {
    check_tree(
        &several(&[
            ("iterapp.toml", "applings = ['Web', '2fa']"),
            ("Web/iterapp.toml", ""),
            ("2fa/iterapp.toml", ""),
        ]),
        expect![[r#"
        error[unfit-name]: an appling is named like its directory: `Web` contains 'W'; only lower-case letters, digits, `-` and `_` are possible
         --> iterapp.toml:1:13
          |
        1 | applings = ['Web', '2fa']
          |             ^^^^^
          |
          = help: rename the directory, for example to `web`

        error[unfit-name]: an appling is named like its directory: `2fa` has to begin with a letter and end with a letter or digit
         --> iterapp.toml:1:20
          |
        1 | applings = ['Web', '2fa']
          |                    ^^^^^
          |
          = help: rename the directory, for example to `app-2fa`
    "#]],
    );
}

#[test]
fn app_and_appling_together_have_to_fit_a_service() {
    let app = "a".repeat(50);
    let root = format!("name = '{app}'\napplings = ['recommendations', 'web']");
    let files =
        [("iterapp.toml", root.as_str()), ("recommendations/iterapp.toml", ""), ("web/iterapp.toml", "")];
    check_tree(
        &several(&files),
        expect![[r#"
        error[unfit-name]: the Service of `recommendations` would be called `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-recommendations`, which has 66 characters; at most 63 fit
         --> iterapp.toml:2:13
          |
        2 | applings = ['recommendations', 'web']
          |             ^^^^^^^^^^^^^^^^^
          |
          = help: shorten the directory's name, or the app's by `name = "…"`
    "#]],
    );
}

#[test]
fn no_two_applings_share_a_service() {
    let root = "name = 'a'\napplings = ['b', 'a-b', 'a_c', 'c']";
    let files = ["b", "a-b", "a_c", "c"].map(|name| (format!("{name}/iterapp.toml"), ""));
    let files = std::iter::once(("iterapp.toml", root))
        .chain(files.iter().map(|(path, text)| (path.as_str(), *text)));
    check_tree(
        &several(&files.collect::<Vec<_>>()),
        expect![[r#"
        error[duplicate-appling]: `a-b` would share the Service `a-b` with `b`
         --> iterapp.toml:2:18
          |
        2 | applings = ['b', 'a-b', 'a_c', 'c']
          |                  ^^^^^
          |
          = help: an appling is also reached by its app's name and its own, joined by `-`; rename one

        error[duplicate-appling]: `a_c` would share the Service `a-c` with `c`
         --> iterapp.toml:2:25
          |
        2 | applings = ['b', 'a-b', 'a_c', 'c']
          |                         ^^^^^
          |
          = help: an appling is also reached by its app's name and its own, joined by `-`; rename one
    "#]],
    );
}

#[test]
fn a_sole_appling_has_its_service_to_itself() {
    let app = "a".repeat(50);
    let root = format!("name = '{app}'\napplings = ['recommendations']");
    let tree = several(&[("iterapp.toml", root.as_str()), ("recommendations/iterapp.toml", "")]);
    assert!(!read(&tree, Some("shop")).has_errors());
}
