//! What containers ask of the machine, and may use at most.

use expect_test::expect;

use crate::support::check;

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
