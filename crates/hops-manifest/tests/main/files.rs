//! Files in the container, and files of the image served beside the app.

use expect_test::expect;

use crate::support::check;

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
        "#]],
    );
}

#[test]
fn static_directories_may_be_relative_but_stay_inside_the_image() {
    check(
        "[[static]]\nlocal_dir = '../x'\nurl_path = '/x'",
        expect![[r#"
        warning[not-supported-yet]: `[[static]]` is not supported by this release yet
         --> iterapp.toml:1:3
          |
        1 | [[static]]
          |   ^^^^^^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error[invalid-value]: `../x` is no directory that an image can have
         --> iterapp.toml:2:13
          |
        2 | local_dir = '../x'
          |             ^^^^^^
          |
          = help: write for example `local_dir = "/app/assets"`
    "#]],
    );
}
