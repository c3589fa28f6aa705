//! HTTPS, `www.`, and what comes before both.

use hops_proxy::{Certificates, Https, Route};

use crate::support::{Backend, HOST, World, certificate, ok, status};

/// What a plain request for a host and path gets: its status and where it is sent.
async fn check(world: &World, host: &str, path: &str, expected: &str) {
    let answer = world
        .raw(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
        .await;
    let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or("");
    let port = world.proxy.https_address().unwrap().port();
    let location = location.replace(&format!(":{port}/"), ":S/");
    assert_eq!(format!("{} {location}", status(&answer)).trim_end(), expected, "{host}{path}");
}

fn with(certificates: &Certificates, host: &str) {
    certificates.set(host, certificate(host).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn to_https_as_the_route_says() {
    let backend = Backend::new(|_| ok("")).await;
    let world = World::new(&[&backend]);
    let route = |https| Route { upstream: world.upstream.clone(), https };
    world.routes.set("never.example", route(Https::Never));
    world.routes.set("always.example", route(Https::Always));
    check(&world, HOST, "/a?b", "200").await;
    with(&world.certificates, HOST);
    with(&world.certificates, "never.example");
    // Without a port the client came to 80: whoever leads that here leads 443 here, too.
    check(&world, HOST, "/a?b", "308 https://shop.example/a?b").await;
    check(&world, &format!("{HOST}:8080"), "/a?b", "308 https://shop.example:S/a?b").await;
    check(&world, "never.example", "/", "200").await;
    check(&world, "always.example", "/", "308 https://always.example/").await;
    world.certificates.remove(HOST);
    check(&world, HOST, "/", "200").await;
    with(&world.certificates, "*.example");
    check(&world, "Shop.Example:80", "/", "308 https://shop.example:S/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_the_sibling_that_has_a_route() {
    let backend = Backend::new(|_| ok("")).await;
    let world = World::new(&[&backend]);
    world.routes.set("www.other.example", Route { upstream: world.upstream.clone(), https: Https::Never });
    check(&world, "www.shop.example", "/a", "308 http://shop.example/a").await;
    check(&world, "other.example", "/a", "308 http://www.other.example/a").await;
    check(&world, "www.shop.example:81", "/a", "308 http://shop.example:81/a").await;
    check(&world, "www.nobody.example", "/a", "404").await;
    with(&world.certificates, HOST);
    check(&world, "www.shop.example", "/a", "308 https://shop.example/a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_leads_nowhere_else() {
    let backend = Backend::new(|_| ok("")).await;
    let world = World::new(&[&backend]);
    check(&world, "www.shop.example", "//evil.example/", "308 http://shop.example//evil.example/").await;
    check(&world, "www.shop.example:evil", "/", "400").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn challenges_come_before_everything() {
    let backend = Backend::new(|_| ok("from the app")).await;
    let world = World::new(&[&backend]);
    world.routes.set(HOST, Route { upstream: world.upstream.clone(), https: Https::Always });
    world.challenges.http01().set("token", "token.key");
    let path = "/.well-known/acme-challenge/token";
    for host in [HOST, "no-route-yet.example"] {
        let answer = world
            .raw(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
            .await;
        assert_eq!((status(&answer), answer.lines().last()), ("200", Some("token.key")));
    }
    world.challenges.http01().remove("token");
    check(&world, HOST, path, "308 https://shop.example/.well-known/acme-challenge/token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_there_when_it_is_set_and_gone_when_it_is_removed() {
    let backend = Backend::new(|_| ok("")).await;
    let world = World::new(&[&backend]);
    for _ in 0..50 {
        world.routes.set("new.example", Route { upstream: world.upstream.clone(), https: Https::Never });
        check(&world, "new.example", "/", "200").await;
        world.routes.remove("new.example");
        check(&world, "new.example", "/", "404").await;
    }
}
