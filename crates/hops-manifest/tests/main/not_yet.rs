//! What a deploy is refused for.

use expect_test::{Expect, expect};
use hops_manifest::not_yet;
use hops_model::Environment;

use crate::support::reading;

#[track_caller]
fn check(file: &str, environment: Environment, expected: Expect) {
    let app = reading(file).app.unwrap();
    let lines: Vec<_> = not_yet(&app, environment)
        .iter()
        .map(|n| format!("{}: {} ({})\n", n.appling, n.message, n.help))
        .collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn nothing_where_all_is_in_effect() {
    check("port = 80\ndomains = ['example.com']\n[env.common]\nA = 'x'", Environment::Prod, expect![[""]]);
}

#[test]
fn everything_that_the_environment_needs() {
    let file = "domains = ['example.com']\nfrom_to_www_redirect = true
[postgres]\n[nats]
[cronjobs.a]\nschedule = '* * * * *'\npath = '/'
[[static]]\nlocal_dir = '/x'\nurl_path = '/x'
[build_secrets]\nnpm = { encrypted = 'c2VhbGVk' }
[experimental]\ndrittmaskin = true\nwhisper-runner = 'false'
[env.prod]\nA = { encrypted = 'hops1.c2VhbGVk' }
[env.test]\nA = 'x'\nB = { encrypted = 'c2VhbGVk' }
[[files.test]]\nmount_path = '/x'\n\"key.pem\" = { encrypted = 'c2VhbGVk' }";
    check(
        file,
        Environment::Prod,
        expect![[r#"
        shop: `[postgres]` is not supported by this release yet (take it out to deploy without it)
        shop: `[nats]` is not supported by this release yet (take it out to deploy without it)
        shop: `[cronjobs.a]` is not supported by this release yet (take it out to deploy without it)
        shop: `[[static]]` is not supported by this release yet (take it out to deploy without it)
        shop: `from_to_www_redirect` is not supported by this release yet (take it out to deploy without it)
        shop: `experimental.drittmaskin` is not supported by this release yet (take it out to deploy without it)
        shop: `env.A` is a sealed value, which this release cannot open yet (have an operator put the value in a Secret of the namespace, and write `{ secret = "NAME", key = "KEY" }`)
        shop: `build_secrets.npm` was sealed for another platform; no key here opens it (have an operator put the value in a Secret of the namespace, and write `{ secret = "NAME", key = "KEY" }`)
    "#]],
    );
    check(
        file,
        Environment::Test,
        expect![[r#"
        shop: `[postgres]` is not supported by this release yet (take it out to deploy without it)
        shop: `[nats]` is not supported by this release yet (take it out to deploy without it)
        shop: `[cronjobs.a]` is not supported by this release yet (take it out to deploy without it)
        shop: `[[static]]` is not supported by this release yet (take it out to deploy without it)
        shop: `experimental.drittmaskin` is not supported by this release yet (take it out to deploy without it)
        shop: `env.B` was sealed for another platform; no key here opens it (have an operator put the value in a Secret of the namespace, and write `{ secret = "NAME", key = "KEY" }`)
        shop: `files.key.pem` was sealed for another platform; no key here opens it (have an operator put the value in a Secret of the namespace, and write `{ secret = "NAME", key = "KEY" }`)
        shop: `build_secrets.npm` was sealed for another platform; no key here opens it (have an operator put the value in a Secret of the namespace, and write `{ secret = "NAME", key = "KEY" }`)
    "#]],
    );
}
