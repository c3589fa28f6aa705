//! The list of applings and what each needs.

use expect_test::expect;
use hops_manifest::{Code, Entry, MemoryTree, read};

use crate::support::{check, check_tree, path, several};

#[test]
fn applings_have_files_and_names_of_their_own() {
    check_tree(
        &several(&[
            ("iterapp.toml", "applings = ['front', './services/api/']\ndefault_environment = 'prod'"),
            ("front/iterapp.toml", "port = 80"),
            ("services/api/iterapp.toml", "port = 8080"),
        ]),
        expect![[r#"
            app shop, pushes to prod, Listed
              appling front in "front"
                port = 80
              appling api in "services/api"
                port = 8080
        "#]],
    );
}

#[test]
fn one_listed_appling_is_still_listed() {
    check_tree(
        &several(&[("iterapp.toml", "applings = ['serve']"), ("serve/iterapp.toml", "")]),
        expect![[r#"
        app shop, pushes to test, Listed
          appling serve in "serve"
    "#]],
    );
}

#[test]
fn add_ons_of_the_root_file_reach_every_appling_without_its_own() {
    check_tree(
        &several(&[
            ("iterapp.toml", "applings = ['a', 'b']\n[postgres]\nextensions = ['postgis']\n[nats]"),
            ("a/iterapp.toml", ""),
            ("b/iterapp.toml", "[postgres]"),
        ]),
        expect![[r#"
            warning[not-supported-yet]: `[postgres]` is not supported by this release yet
             --> iterapp.toml:2:2
              |
            2 | [postgres]
              |  ^^^^^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            warning[not-supported-yet]: `[nats]` is not supported by this release yet
             --> iterapp.toml:4:2
              |
            4 | [nats]
              |  ^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            warning[not-supported-yet]: `[postgres]` is not supported by this release yet
             --> b/iterapp.toml:1:2
              |
            1 | [postgres]
              |  ^^^^^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            app shop, pushes to test, Listed
              appling a in "a"
                nats = true
                postgres = {"extensions":["postgis"]}
              appling b in "b"
                nats = true
                postgres = {"extensions":[]}
        "#]],
    );
}

#[test]
fn directories_stay_inside_the_repository() {
    check(
        "applings = ['/srv/web', '../web', 'a/../../b', '.', '', '.git']",
        expect![[r#"
        error[invalid-value]: `/srv/web` is absolute; write it relative to the repository's root
         --> iterapp.toml:1:13
          |
        1 | applings = ['/srv/web', '../web', 'a/../../b', '.', '', '.git']
          |             ^^^^^^^^^^
          |
          = help: list directories of this repository, such as "front"

        error[invalid-value]: `../web` leads out of the repository
         --> iterapp.toml:1:25
          |
        1 | applings = ['/srv/web', '../web', 'a/../../b', '.', '', '.git']
          |                         ^^^^^^^^
          |
          = help: list directories of this repository, such as "front"

        error[invalid-value]: `a/../../b` leads out of the repository
         --> iterapp.toml:1:35
          |
        1 | applings = ['/srv/web', '../web', 'a/../../b', '.', '', '.git']
          |                                   ^^^^^^^^^^^
          |
          = help: list directories of this repository, such as "front"

        error[invalid-value]: "." is the root directory, which has no name
         --> iterapp.toml:1:48
          |
        1 | applings = ['/srv/web', '../web', 'a/../../b', '.', '', '.git']
          |                                                ^^^
          |
          = help: without `applings` the root directory is the only appling; beside others it cannot be one

        error[invalid-value]: "" is the root directory, which has no name
         --> iterapp.toml:1:53
          |
        1 | applings = ['/srv/web', '../web', 'a/../../b', '.', '', '.git']
          |                                                     ^^
          |
          = help: without `applings` the root directory is the only appling; beside others it cannot be one

        error[invalid-value]: `.git` is no path that a repository can hold
         --> iterapp.toml:1:57
          |
        1 | applings = ['/srv/web', '../web', 'a/../../b', '.', '', '.git']
          |                                                         ^^^^^^
          |
          = help: list directories of this repository, such as "front"
    "#]],
    );
}

#[test]
fn the_list_is_of_texts_and_lists_something() {
    check(
        "applings = 'web'",
        expect![[r#"
        error[wrong-type]: `applings` has to be an array of directories
         --> iterapp.toml:1:12
          |
        1 | applings = 'web'
          |            ^^^^^
          |
          = help: write `applings = ["web"]`
    "#]],
    );
    check(
        "applings = []",
        expect![[r#"
        error[invalid-value]: `applings` lists nothing
         --> iterapp.toml:1:12
          |
        1 | applings = []
          |            ^^
          |
          = help: list directories, or take it out: then the root directory is the only appling
    "#]],
    );
    check(
        "applings = [1, ['web']]",
        expect![[r#"
        error[wrong-type]: `applings` has to be an array of directories, each a text
         --> iterapp.toml:1:13
          |
        1 | applings = [1, ['web']]
          |             ^
          |
          = help: write for example `applings = ["front", "api"]`

        error[wrong-type]: `applings` has to be an array of directories, each a text
         --> iterapp.toml:1:16
          |
        1 | applings = [1, ['web']]
          |                ^^^^^^^
          |
          = help: write for example `applings = ["front", "api"]`
    "#]],
    );
    check(
        "[[applings]]\nname = 'web'",
        expect![[r#"
        error[wrong-type]: `applings` has to be an array of directories, each a text
         --> iterapp.toml:1:1
          |
        1 | [[applings]]
          | ^^^^^^^^^^^^
          |
          = help: write for example `applings = ["front", "api"]`
    "#]],
    );
}

#[test]
fn each_needs_a_directory_a_file_and_a_dockerfile() {
    let tree = several(&[("iterapp.toml", "applings = ['gone', 'file', 'link', 'bare', 'lower', 'odd']")])
        .with_file(path("file"), "")
        .with_entry(path("link"), Entry::Symlink)
        .with_file(path("bare/main.py"), "")
        .with_file(path("lower/dockerfile"), "FROM scratch")
        .with_file(path("lower/iterapp.toml"), "")
        .with_entry(path("odd/iterapp.toml"), Entry::Symlink)
        .with_entry(path("odd/Dockerfile"), Entry::Directory);
    check_tree(
        &tree,
        expect![[r#"
        error[missing-directory]: there is no directory `gone`
         --> iterapp.toml:1:13
          |
        1 | applings = ['gone', 'file', 'link', 'bare', 'lower', 'odd']
          |             ^^^^^^
          |
          = help: mind upper and lower case, and whether the directory is committed

        error[missing-directory]: `file` is a file, not a directory
         --> iterapp.toml:1:21
          |
        1 | applings = ['gone', 'file', 'link', 'bare', 'lower', 'odd']
          |                     ^^^^^^
          |
          = help: list its directory

        error[missing-directory]: `link` is a symbolic link, or behind one
         --> iterapp.toml:1:29
          |
        1 | applings = ['gone', 'file', 'link', 'bare', 'lower', 'odd']
          |                             ^^^^^^
          |
          = help: list the directory that it leads to

        error[missing-dockerfile]: there is no `bare/Dockerfile`
         --> iterapp.toml:1:37
          |
        1 | applings = ['gone', 'file', 'link', 'bare', 'lower', 'odd']
          |                                     ^^^^^^
          |
          = help: add one; its build context is the repository's root

        error[missing-file]: there is no `bare/iterapp.toml`
         --> iterapp.toml:1:37
          |
        1 | applings = ['gone', 'file', 'link', 'bare', 'lower', 'odd']
          |                                     ^^^^^^
          |
          = help: create it; an empty file is enough and means all defaults

        error[missing-dockerfile]: there is no `lower/Dockerfile`
         --> iterapp.toml:1:45
          |
        1 | applings = ['gone', 'file', 'link', 'bare', 'lower', 'odd']
          |                                             ^^^^^^^
          |
          = help: rename `lower/dockerfile` to `lower/Dockerfile`

        error[missing-dockerfile]: `odd/Dockerfile` is a directory
         --> iterapp.toml:1:54
          |
        1 | applings = ['gone', 'file', 'link', 'bare', 'lower', 'odd']
          |                                                      ^^^^^
          |
          = help: put a Dockerfile in its place

        error[missing-file]: `odd/iterapp.toml` is not a file
         --> iterapp.toml:1:54
          |
        1 | applings = ['gone', 'file', 'link', 'bare', 'lower', 'odd']
          |                                                      ^^^^^
          |
          = help: put a file in its place; links are not followed
    "#]],
    );
}

#[test]
fn an_app_without_applings_needs_a_dockerfile_at_the_root() {
    check_tree(
        &MemoryTree::new().with_file(path("iterapp.toml"), "port = 80"),
        expect![[r#"
        error[missing-dockerfile]: there is no `Dockerfile`
         --> iterapp.toml:1:1
          |
        1 | port = 80
          | ^
          |
          = help: add one; its build context is the repository's root
    "#]],
    );
}

#[test]
fn a_swallowed_list_is_read_so_that_the_root_is_not_taken_for_an_appling() {
    let files =
        [("iterapp.toml", "[postgres]\n\napplings = ['web', 'gone']"), ("web/iterapp.toml", "port = 0")];
    let tree = several(&files).with_entry(path("Dockerfile"), Entry::Missing);
    check_tree(
        &tree,
        expect![[r#"
        warning[not-supported-yet]: `[postgres]` is not supported by this release yet
         --> iterapp.toml:1:2
          |
        1 | [postgres]
          |  ^^^^^^^^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error[misplaced-key]: `applings` stands inside `[postgres]`, where it means nothing
         --> iterapp.toml:3:1
          |
        3 | applings = ['web', 'gone']
          | ^^^^^^^^
          |
          = help: move it above the first table header: a header holds until the next one

        error[missing-directory]: there is no directory `gone`
         --> iterapp.toml:3:20
          |
        3 | applings = ['web', 'gone']
          |                    ^^^^^^
          |
          = help: mind upper and lower case, and whether the directory is committed

        error[invalid-value]: `port` is 0; it has to be a whole number from 1 to 65535
         --> web/iterapp.toml:1:8
          |
        1 | port = 0
          |        ^
          |
          = help: write for example `port = 8080`
    "#]],
    );
}

#[test]
fn a_list_that_does_not_parse_does_not_make_the_root_an_appling() {
    let files = [("iterapp.toml", "# the app\napplings = [web]"), ("web/iterapp.toml", "")];
    let tree = several(&files).with_entry(path("Dockerfile"), Entry::Missing);
    check_tree(
        &tree,
        expect![[r#"
        error[syntax]: not valid TOML: string values must be quoted, expected literal string
         --> iterapp.toml:2:13
          |
        2 | applings = [web]
          |             ^^^
    "#]],
    );
}

#[test]
fn a_dockerfile_may_be_a_link() {
    let tree =
        MemoryTree::new().with_file(path("iterapp.toml"), "").with_entry(path("Dockerfile"), Entry::Symlink);
    assert!(!read(&tree, Some("shop")).has_errors());
}

#[test]
fn two_applings_cannot_share_a_name() {
    check_tree(
        &several(&[
            ("iterapp.toml", "applings = ['web', 'web/', 'old/web', 'my_api', 'my-api']"),
            ("web/iterapp.toml", ""),
            ("old/web/iterapp.toml", ""),
            ("my_api/iterapp.toml", ""),
            ("my-api/iterapp.toml", ""),
        ]),
        expect![[r#"
            error[duplicate-appling]: `web` is listed twice, first in line 1
             --> iterapp.toml:1:20
              |
            1 | applings = ['web', 'web/', 'old/web', 'my_api', 'my-api']
              |                    ^^^^^^
              |
              = help: take one of them out

            error[duplicate-appling]: `web` and `old/web` would both be called `web`
             --> iterapp.toml:1:28
              |
            1 | applings = ['web', 'web/', 'old/web', 'my_api', 'my-api']
              |                            ^^^^^^^^^
              |
              = help: an appling is named by the last part of its directory, `_` and `-` being the same; rename one

            error[duplicate-appling]: `my_api` and `my-api` would both be called `my-api`
             --> iterapp.toml:1:49
              |
            1 | applings = ['web', 'web/', 'old/web', 'my_api', 'my-api']
              |                                                 ^^^^^^^^
              |
              = help: an appling is named by the last part of its directory, `_` and `-` being the same; rename one
        "#]],
    );
}

#[test]
fn mistakes_of_all_files_come_in_one_run_root_first() {
    let tree = several(&[
        ("iterapp.toml", "applings = ['b', 'a']\nprot = 1"),
        ("a/iterapp.toml", "port = 0"),
        ("b/iterapp.toml", "replicas = 0\nreadiness_path = x"),
    ]);
    let places: Vec<_> =
        read(&tree, Some("shop")).diagnostics.iter().map(|d| (d.file.to_string(), d.line, d.code)).collect();
    let place = |file: &str, line, code| (file.to_owned(), line, code);
    assert_eq!(
        places,
        [
            place("iterapp.toml", 2, Code::UnknownKey),
            place("b/iterapp.toml", 1, Code::InvalidValue),
            place("b/iterapp.toml", 2, Code::Syntax),
            place("a/iterapp.toml", 1, Code::InvalidValue),
        ]
    );
}
