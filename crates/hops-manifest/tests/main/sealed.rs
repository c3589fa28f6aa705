//! Sealed values.

use expect_test::expect;

use crate::support::check;

#[test]
fn a_value_sealed_elsewhere_is_said_so_and_read() {
    check(
        "[env.common]\nA = { encrypted = 'c2VhbGVk' }",
        expect![[r#"
        warning[sealed-elsewhere]: this value was sealed for another platform; HOPS has no key that opens it
         --> iterapp.toml:2:1
          |
        2 | A = { encrypted = 'c2VhbGVk' }
          | ^
          |
          = help: seal the clear text again once a release can open sealed values; until then an operator can put the clear text in a Secret of the namespace, and the file name it: `{ secret = "NAME", key = "KEY" }`

        app shop, pushes to test, Root
          appling shop in ""
            variables = {"common":{"A":{"sealed":"c2VhbGVk"}},"specific":{}}
    "#]],
    );
}

#[test]
fn a_value_sealed_here_is_read() {
    check(
        "[env.common]\nA = { encrypted = 'hops1.c2VhbGVk' }",
        expect![[r#"
        warning[not-supported-yet]: this release cannot open sealed values yet; a deploy that needs it is refused
         --> iterapp.toml:2:1
          |
        2 | A = { encrypted = 'hops1.c2VhbGVk' }
          | ^
          |
          = help: until then an operator can put the clear text in a Secret of the namespace, and the file name it: `{ secret = "NAME", key = "KEY" }`

        app shop, pushes to test, Root
          appling shop in ""
            variables = {"common":{"A":{"sealed":"hops1.c2VhbGVk"}},"specific":{}}
    "#]],
    );
}

#[test]
fn what_cannot_be_a_sealed_value_is_refused() {
    check(
        "[env.common]\nA = { encrypted = '' }",
        expect![[r#"
        error[malformed-seal]: not a sealed value: it is empty
         --> iterapp.toml:2:19
          |
        2 | A = { encrypted = '' }
          |                   ^^
          |
          = help: a sealed value is one unbroken text of letters, digits, `-` and `_`; copy all of it again
    "#]],
    );
    check(
        "[env.common]\nA = { encrypted = 'a+b/cd==' }",
        expect![[r#"
        error[malformed-seal]: not a sealed value: it contains '+'
         --> iterapp.toml:2:19
          |
        2 | A = { encrypted = 'a+b/cd==' }
          |                   ^^^^^^^^^^
          |
          = help: a sealed value is one unbroken text of letters, digits, `-` and `_`; copy all of it again
    "#]],
    );
    check(
        "[env.common]\nA = { encrypted = 'hops1.abcde' }",
        expect![[r#"
        error[malformed-seal]: not a sealed value: 5 characters cannot be whole; it was cut or something was added
         --> iterapp.toml:2:19
          |
        2 | A = { encrypted = 'hops1.abcde' }
          |                   ^^^^^^^^^^^^^
          |
          = help: a sealed value is one unbroken text of letters, digits, `-` and `_`; copy all of it again
    "#]],
    );
    check(
        "[env.common]\nA = { encrypted = 5 }",
        expect![[r#"
        error[wrong-type]: `encrypted` in the value of `env.common.A` has to be a text, not a whole number
         --> iterapp.toml:2:19
          |
        2 | A = { encrypted = 5 }
          |                   ^
    "#]],
    );
}

#[test]
fn build_secrets_are_sealed_and_have_ids() {
    check(
        "[build_secrets]\nnpm = 'clear text'\n\"a b\" = { encrypted = 'hops1.c2VhbGVk' }\nx = { secret = 'a', key = 'b' }",
        expect![[r#"
            error[wrong-type]: `build_secrets.npm` has to be `{ encrypted = "…" }`, not a text
             --> iterapp.toml:2:7
              |
            2 | npm = 'clear text'
              |       ^^^^^^^^^^^^
              |
              = help: write for example `npm = { encrypted = "hops1.c2VhbGVk" }`

            error[invalid-value]: `a b` cannot be the id of a build secret
             --> iterapp.toml:3:1
              |
            3 | "a b" = { encrypted = 'hops1.c2VhbGVk' }
              | ^^^^^
              |
              = help: letters, digits, `-`, `_` and `.` are possible

            error[invalid-value]: `build_secrets.x` has to be a sealed value; a key of a Secret is not possible here
             --> iterapp.toml:4:5
              |
            4 | x = { secret = 'a', key = 'b' }
              |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write `{ encrypted = "…" }`
        "#]],
    );
}
