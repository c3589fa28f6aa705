//! Hosts.

use expect_test::expect;

use crate::support::{check, check_tree, several};

#[test]
fn domain_and_domains_both_name_hosts() {
    check(
        "domain = 'example.com'",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
            domains = ["example.com"]
    "#]],
    );
    check(
        "domains = ['Example.com', 'www.example.org.']",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
            domains = ["example.com","www.example.org"]
    "#]],
    );
    check(
        "domain = 'a.example.com'\ndomains = ['b.example.com']",
        expect![[r#"
        error[conflicting-keys]: `domains` and `domain` say the same; one of them is possible
         --> iterapp.toml:2:1
          |
        2 | domains = ['b.example.com']
          | ^^^^^^^
          |
          = help: keep `domains` alone
    "#]],
    );
    check(
        "domains = 'example.com'\ndomain = ['example.org']",
        expect![[r#"
        error[wrong-type]: `domains` has to be an array of host names, not a text
         --> iterapp.toml:1:11
          |
        1 | domains = 'example.com'
          |           ^^^^^^^^^^^^^
          |
          = help: write `domains = ["example.com"]`

        error[conflicting-keys]: `domains` and `domain` say the same; one of them is possible
         --> iterapp.toml:2:1
          |
        2 | domain = ['example.org']
          | ^^^^^^
          |
          = help: keep `domains` alone

        error[wrong-type]: `domain` has to be a host name, not an array
         --> iterapp.toml:2:10
          |
        2 | domain = ['example.org']
          |          ^^^^^^^^^^^^^^^
          |
          = help: write for example `domain = "example.com"`
    "#]],
    );
}

#[test]
fn a_host_is_a_host_name_alone() {
    check(
        "domains = ['https://example.com/shop', 'example.com:80', '*.example.com', '10.0.0.1', 'shop', 'blåbær.no', '', 'a..b']",
        expect![[r#"
            error[invalid-value]: `https://example.com/shop` is more than a host name; write the host alone, without scheme, port and path
             --> iterapp.toml:1:12
              |
            1 | domains = ['https://example.com/shop', 'example.com:80', '*.example.com', '10.0.0.1', 'shop', 'blåbær.no', '', 'a..b']
              |            ^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write "example.com"

            error[invalid-value]: `example.com:80` is more than a host name; write the host alone, without scheme, port and path
             --> iterapp.toml:1:40
              |
            1 | domains = ['https://example.com/shop', 'example.com:80', '*.example.com', '10.0.0.1', 'shop', 'blåbær.no', '', 'a..b']
              |                                        ^^^^^^^^^^^^^^^^
              |
              = help: write "example.com"

            error[invalid-value]: `*.example.com` is a wildcard; list each host
             --> iterapp.toml:1:58
              |
            1 | domains = ['https://example.com/shop', 'example.com:80', '*.example.com', '10.0.0.1', 'shop', 'blåbær.no', '', 'a..b']
              |                                                          ^^^^^^^^^^^^^^^

            error[invalid-value]: `10.0.0.1` is an address; a host name is needed, since requests are routed by it
             --> iterapp.toml:1:75
              |
            1 | domains = ['https://example.com/shop', 'example.com:80', '*.example.com', '10.0.0.1', 'shop', 'blåbær.no', '', 'a..b']
              |                                                                           ^^^^^^^^^^

            error[invalid-value]: `shop` has no dot; write the whole name, such as `shop.example.com`
             --> iterapp.toml:1:87
              |
            1 | domains = ['https://example.com/shop', 'example.com:80', '*.example.com', '10.0.0.1', 'shop', 'blåbær.no', '', 'a..b']
              |                                                                                       ^^^^^^

            error[invalid-value]: `blåbær.no` is not a host name; parts are letters, digits and inner `-`, joined by single dots
             --> iterapp.toml:1:95
              |
            1 | domains = ['https://example.com/shop', 'example.com:80', '*.example.com', '10.0.0.1', 'shop', 'blåbær.no', '', 'a..b']
              |                                                                                               ^^^^^^^^^^^
              |
              = help: write other letters in their ASCII form, which begins with `xn--`

            error[invalid-value]: a host name cannot be empty
             --> iterapp.toml:1:108
              |
            1 | domains = ['https://example.com/shop', 'example.com:80', '*.example.com', '10.0.0.1', 'shop', 'blåbær.no', '', 'a..b']
              |                                                                                                            ^^

            error[invalid-value]: `a..b` is not a host name; parts are letters, digits and inner `-`, joined by single dots
             --> iterapp.toml:1:112
              |
            1 | domains = ['https://example.com/shop', 'example.com:80', '*.example.com', '10.0.0.1', 'shop', 'blåbær.no', '', 'a..b']
              |                                                                                                                ^^^^^^
        "#]],
    );
}

#[test]
fn the_same_host_twice_is_an_error() {
    check(
        "domains = ['example.com', 'EXAMPLE.com']",
        expect![[r#"
        error[duplicate-host]: `example.com` is listed twice, first in line 1
         --> iterapp.toml:1:27
          |
        1 | domains = ['example.com', 'EXAMPLE.com']
          |                           ^^^^^^^^^^^^^
          |
          = help: take one of them out
    "#]],
    );
    check_tree(
        &several(&[
            ("iterapp.toml", "applings = ['a', 'b']"),
            ("a/iterapp.toml", "domains = ['example.com']"),
            ("b/iterapp.toml", "\ndomain = 'example.com'"),
        ]),
        expect![[r#"
            error[duplicate-host]: `example.com` is also listed in `a/iterapp.toml` line 1; a host leads to one appling
             --> b/iterapp.toml:2:10
              |
            2 | domain = 'example.com'
              |          ^^^^^^^^^^^^^
              |
              = help: take one of them out
        "#]],
    );
}

#[test]
fn the_other_side_of_a_redirect_is_taken_as_well() {
    check(
        "from_to_www_redirect = true\ndomains = ['example.com', 'www.example.com']",
        expect![[r#"
        warning[not-supported-yet]: `from_to_www_redirect` is not supported by this release yet
         --> iterapp.toml:1:1
          |
        1 | from_to_www_redirect = true
          | ^^^^^^^^^^^^^^^^^^^^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        error[duplicate-host]: `www.example.com` and `example.com` (in line 2) are both listed, but `from_to_www_redirect` makes one of them redirect
         --> iterapp.toml:2:27
          |
        2 | domains = ['example.com', 'www.example.com']
          |                           ^^^^^^^^^^^^^^^^^
          |
          = help: list the target alone, or take out `from_to_www_redirect`
    "#]],
    );
    check_tree(
        &several(&[
            ("iterapp.toml", "applings = ['a', 'b']"),
            ("a/iterapp.toml", "domains = ['example.com']\nfrom_to_www_redirect = true"),
            ("b/iterapp.toml", "domain = 'www.example.com'"),
        ]),
        expect![[r#"
            warning[not-supported-yet]: `from_to_www_redirect` is not supported by this release yet
             --> a/iterapp.toml:2:1
              |
            2 | from_to_www_redirect = true
              | ^^^^^^^^^^^^^^^^^^^^
              |
              = help: a deploy that needs it is refused; take it out to deploy without it

            error[duplicate-host]: `www.example.com` and `example.com` (in `a/iterapp.toml` line 1) are both listed, but `from_to_www_redirect` makes one of them redirect
             --> b/iterapp.toml:1:10
              |
            1 | domain = 'www.example.com'
              |          ^^^^^^^^^^^^^^^^^
              |
              = help: list the target alone, or take out `from_to_www_redirect`
        "#]],
    );
    check(
        "domains = ['example.com', 'www.example.com']",
        expect![[r#"
        app shop, pushes to test, Root
          appling shop in ""
            domains = ["example.com","www.example.com"]
    "#]],
    );
}

#[test]
fn hosts_and_redirects_without_effect_are_pointed_out() {
    check(
        "domains = ['example.com']\n[ingress]\ndisable = true",
        expect![[r#"
        warning[no-effect]: `domains` has no effect: `[ingress]` has `disable = true`
         --> iterapp.toml:1:1
          |
        1 | domains = ['example.com']
          | ^^^^^^^
          |
          = help: take out one of them

        app shop, pushes to test, Root
          appling shop in ""
            domains = ["example.com"]
            public = false
    "#]],
    );
    check(
        "from_to_www_redirect = true",
        expect![[r#"
        warning[no-effect]: `from_to_www_redirect` has no effect without `domains`
         --> iterapp.toml:1:1
          |
        1 | from_to_www_redirect = true
          | ^^^^^^^^^^^^^^^^^^^^
          |
          = help: take it out, or list the host that is to be the target

        app shop, pushes to test, Root
          appling shop in ""
            www_redirect = true
    "#]],
    );
}
