//! Environment variables.

use expect_test::expect;

use crate::support::check;

#[test]
fn numbers_and_flags_are_taken_as_the_text_that_the_warning_shows() {
    check(
        "[env.common]\nA = 5000\nB = true\nC = 1_000\nD = 0x1F\nE = -1.50\nF = +7\nG = 1e6\nH = inf",
        expect![[r#"
        warning[not-a-string]: `env.common.A` is a whole number, not a text; the container will see "5000"
         --> iterapp.toml:2:5
          |
        2 | A = 5000
          |     ^^^^
          |
          = help: write `A = "5000"`

        warning[not-a-string]: `env.common.B` is `true` or `false`, not a text; the container will see "true"
         --> iterapp.toml:3:5
          |
        3 | B = true
          |     ^^^^
          |
          = help: write `B = "true"`

        warning[not-a-string]: `env.common.C` is a whole number, not a text; the container will see "1000"
         --> iterapp.toml:4:5
          |
        4 | C = 1_000
          |     ^^^^^
          |
          = help: write `C = "1000"`

        warning[not-a-string]: `env.common.D` is a whole number, not a text; the container will see "0x1F"
         --> iterapp.toml:5:5
          |
        5 | D = 0x1F
          |     ^^^^
          |
          = help: write `D = "0x1F"`

        warning[not-a-string]: `env.common.E` is a fraction, not a text; the container will see "-1.50"
         --> iterapp.toml:6:5
          |
        6 | E = -1.50
          |     ^^^^^
          |
          = help: write `E = "-1.50"`

        warning[not-a-string]: `env.common.F` is a whole number, not a text; the container will see "7"
         --> iterapp.toml:7:5
          |
        7 | F = +7
          |     ^^
          |
          = help: write `F = "7"`

        warning[not-a-string]: `env.common.G` is a fraction, not a text; the container will see "1e6"
         --> iterapp.toml:8:5
          |
        8 | G = 1e6
          |     ^^^
          |
          = help: write `G = "1e6"`

        warning[not-a-string]: `env.common.H` is a fraction, not a text; the container will see "inf"
         --> iterapp.toml:9:5
          |
        9 | H = inf
          |     ^^^
          |
          = help: write `H = "inf"`

        app shop, pushes to test, Root
          appling shop in ""
            variables = {"common":{"A":{"literal":"5000"},"B":{"literal":"true"},"C":{"literal":"1000"},"D":{"literal":"0x1F"},"E":{"literal":"-1.50"},"F":{"literal":"7"},"G":{"literal":"1e6"},"H":{"literal":"inf"}},"specific":{}}
    "#]],
    );
}

#[test]
fn other_types_are_refused() {
    check(
        "[env.common]\nA = 2024-01-01\nB = ['x']\nC = {}\nD = { a = 1 }",
        expect![[r#"
        error[wrong-type]: `env.common.A` has to be a text, `{ encrypted = "…" }` or `{ secret = "NAME", key = "KEY" }`, not a date or time
         --> iterapp.toml:2:5
          |
        2 | A = 2024-01-01
          |     ^^^^^^^^^^

        error[wrong-type]: `env.common.B` has to be a text, `{ encrypted = "…" }` or `{ secret = "NAME", key = "KEY" }`, not an array
         --> iterapp.toml:3:5
          |
        3 | B = ['x']
          |     ^^^^^

        error[missing-key]: `env.common.C`: an empty table is no value
         --> iterapp.toml:4:1
          |
        4 | C = {}
          | ^
          |
          = help: write a text, `{ encrypted = "…" }` or `{ secret = "NAME", key = "KEY" }`

        error[unknown-key]: unknown key `a` in the value of `env.common.D`
         --> iterapp.toml:5:7
          |
        5 | D = { a = 1 }
          |       ^
          |
          = help: a value is a text, `{ encrypted = "…" }` or `{ secret = "NAME", key = "KEY" }`
    "#]],
    );
}

#[test]
fn names_are_what_a_shell_could_set() {
    check(
        "[env.common]\nMY-VAR = 'x'\n2FA = 'x'\n\"\" = 'x'\n\"A B\" = 'x'\n\"Æ\" = 'x'",
        expect![[r#"
            error[invalid-value]: `MY-VAR` cannot name an environment variable; letters, digits and `_` are possible, the first not a digit
             --> iterapp.toml:2:1
              |
            2 | MY-VAR = 'x'
              | ^^^^^^
              |
              = help: write for example `MY_VAR`

            error[invalid-value]: `2FA` cannot name an environment variable; letters, digits and `_` are possible, the first not a digit
             --> iterapp.toml:3:1
              |
            3 | 2FA = 'x'
              | ^^^
              |
              = help: write for example `_2FA`

            error[invalid-value]: `` cannot name an environment variable; letters, digits and `_` are possible, the first not a digit
             --> iterapp.toml:4:1
              |
            4 | "" = 'x'
              | ^^

            error[invalid-value]: `A B` cannot name an environment variable; letters, digits and `_` are possible, the first not a digit
             --> iterapp.toml:5:1
              |
            5 | "A B" = 'x'
              | ^^^^^
              |
              = help: write for example `A_B`

            error[invalid-value]: `Æ` cannot name an environment variable; letters, digits and `_` are possible, the first not a digit
             --> iterapp.toml:6:1
              |
            6 | "Æ" = 'x'
              | ^^^
        "#]],
    );
}

#[test]
fn an_unknown_environment_comes_with_the_nearest() {
    check(
        "[env.production]\nA = 'x'\n[env.Test]\nA = 'x'\n[env.snap10]\nA = 'x'\n[env.qa]\nA = 'x'",
        expect![[r#"
        error[unknown-environment]: there is no environment `production`
         --> iterapp.toml:1:6
          |
        1 | [env.production]
          |      ^^^^^^^^^^
          |
          = help: did you mean `prod`? There are `common`, `prod`, `test`, `snap0` to `snap9` and `local`

        error[unknown-environment]: there is no environment `Test`
         --> iterapp.toml:3:6
          |
        3 | [env.Test]
          |      ^^^^
          |
          = help: did you mean `test`? There are `common`, `prod`, `test`, `snap0` to `snap9` and `local`

        error[unknown-environment]: there is no environment `snap10`
         --> iterapp.toml:5:6
          |
        5 | [env.snap10]
          |      ^^^^^^
          |
          = help: did you mean `snap0`? There are `common`, `prod`, `test`, `snap0` to `snap9` and `local`

        error[unknown-environment]: there is no environment `qa`
         --> iterapp.toml:7:6
          |
        7 | [env.qa]
          |      ^^
          |
          = help: there are `common`, `prod`, `test`, `snap0` to `snap9` and `local`
    "#]],
    );
}

#[test]
fn variables_without_an_environment_are_sent_to_common() {
    check(
        "[env]\nA = 'x'\nB = { secret = 'a', key = 'b' }",
        expect![[r#"
        error[misplaced-key]: `A` stands in `[env]`, which holds a table for each environment
         --> iterapp.toml:2:1
          |
        2 | A = 'x'
          | ^
          |
          = help: write it under `[env.common]`, or under `[env.prod]` for `prod` alone

        error[misplaced-key]: `B` stands in `[env]`, which holds a table for each environment
         --> iterapp.toml:3:1
          |
        3 | B = { secret = 'a', key = 'b' }
          | ^
          |
          = help: write it under `[env.common]`, or under `[env.prod]` for `prod` alone
    "#]],
    );
}

#[test]
fn specific_beats_common_in_either_order() {
    check(
        "[env.prod]\nA = 'prod'\n[env.common]\nA = 'common'\nB = 'common'",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
            variables = {"common":{"A":{"literal":"common"},"B":{"literal":"common"}},"specific":{"prod":{"A":{"literal":"prod"}}}}
    "#]],
    );
}

#[test]
fn a_reference_to_a_secret_needs_both_parts() {
    check(
        "[env.common]\nA = { secret = 'db' }\nB = { key = 'url' }\nC = { secret = 'db', key = 'url' }",
        expect![[r#"
        error[missing-key]: `env.common.A`: `key`, the key in the Secret, is missing
         --> iterapp.toml:2:1
          |
        2 | A = { secret = 'db' }
          | ^
          |
          = help: write a text, `{ encrypted = "…" }` or `{ secret = "NAME", key = "KEY" }`

        error[missing-key]: `env.common.B`: `secret`, the Secret's name, is missing
         --> iterapp.toml:3:1
          |
        3 | B = { key = 'url' }
          | ^
          |
          = help: write a text, `{ encrypted = "…" }` or `{ secret = "NAME", key = "KEY" }`
    "#]],
    );
    check(
        "[env.common]\nA = { secret = 'DB', key = 'a/b' }\nB = { secret = 1, key = 'x' }",
        expect![[r#"
            error[invalid-value]: `DB` contains 'D'; a Secret's name has lower-case letters, digits, `-` and `.`
             --> iterapp.toml:2:16
              |
            2 | A = { secret = 'DB', key = 'a/b' }
              |                ^^^^

            error[invalid-value]: `a/b` cannot be a key of a Secret; letters, digits, `-`, `_` and `.` are possible
             --> iterapp.toml:2:28
              |
            2 | A = { secret = 'DB', key = 'a/b' }
              |                            ^^^^^

            error[wrong-type]: `secret` in the value of `env.common.B` has to be a text, not a whole number
             --> iterapp.toml:3:16
              |
            3 | B = { secret = 1, key = 'x' }
              |                ^
        "#]],
    );
    check(
        "[env.common]\nA = { secert = 'db', key = 'url' }\nB = { secret = 'db', key = 'url', optional = true }",
        expect![[r#"
        error[unknown-key]: unknown key `secert` in the value of `env.common.A`
         --> iterapp.toml:2:7
          |
        2 | A = { secert = 'db', key = 'url' }
          |       ^^^^^^
          |
          = help: did you mean `secret`?

        error[unknown-key]: unknown key `optional` in the value of `env.common.B`
         --> iterapp.toml:3:35
          |
        3 | B = { secret = 'db', key = 'url', optional = true }
          |                                   ^^^^^^^^
          |
          = help: a value is a text, `{ encrypted = "…" }` or `{ secret = "NAME", key = "KEY" }`
    "#]],
    );
    check(
        "[env.common]\nA = { secret = 'db', key = 'url', encrypted = 'c2VhbGVk' }",
        expect![[r#"
        error[conflicting-keys]: `env.common.A` has both a sealed value and a Secret; one of them is possible
         --> iterapp.toml:2:5
          |
        2 | A = { secret = 'db', key = 'url', encrypted = 'c2VhbGVk' }
          |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn a_port_that_contradicts_the_setting_is_pointed_out() {
    check(
        "port = 3000\n[env.common]\nPORT = '5000'\n[env.prod]\nPORT = '3000'",
        expect![[r#"
        warning[conflicting-keys]: the container is told to listen on 5000, but requests go to `port`, which is 3000
         --> iterapp.toml:3:8
          |
        3 | PORT = '5000'
          |        ^^^^^^
          |
          = help: write `port = 5000` at the top, or take `PORT` out: it is set to `port` by itself

        app shop, pushes to test, Root
          appling shop in ""
            port = 3000
            variables = {"common":{"PORT":{"literal":"5000"}},"specific":{"prod":{"PORT":{"literal":"3000"}}}}
    "#]],
    );
}

#[test]
fn a_nul_cannot_be_in_a_variable() {
    check(
        "[env.common]\nA = \"x\\u0000y\"",
        expect![[r#"
        error[invalid-value]: `env.common.A` contains a NUL character, which no variable can hold
         --> iterapp.toml:2:5
          |
        2 | A = "x\u0000y"
          |     ^^^^^^^^^^
    "#]],
    );
}
