use hops_api::{Client, ClientError, Problem, Token};
use hops_model::CauseCode;
use hops_server::{Metrics, Settings};
use reqwest::{Method, RequestBuilder, StatusCode};

use crate::support::{Platform, Repository, shop};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_api_is_to_be_had_without_the_token() {
    let platform = Platform::start().await;
    let http = reqwest::Client::new();
    let description: serde_json::Value =
        http.get(platform.url("/v1/openapi.json")).send().await.unwrap().json().await.unwrap();
    let mut asked = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        let url = path.replace("{app}", "shop").replace("{environment}", "prod").replace("{deploy}", "1");
        for method in methods.as_object().unwrap().keys().filter(|_| path != "/v1/openapi.json") {
            let method: Method = method.to_uppercase().parse().unwrap();
            for token in [None, Some("wrong")] {
                let request = http.request(method.clone(), platform.url(&url));
                let request = token.into_iter().fold(request, RequestBuilder::bearer_auth);
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {url}");
                assert_eq!(answer.headers()["www-authenticate"], r#"Bearer realm="hops""#);
                assert_eq!(answer.headers()["content-type"], "application/problem+json");
                let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
                let problem: Problem = answer.json().await.unwrap();
                assert_eq!((problem.status, problem.request_id), (401, Some(id)));
                let cause = problem.cause.unwrap();
                assert_eq!(cause.code, CauseCode::Refused);
                assert!(cause.help.contains("`token` in its state directory"), "{}", cause.help);
                asked += 1;
            }
        }
    }
    assert!(asked >= 24, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_description_are_for_everybody() {
    let platform = Platform::start().await;
    let health = reqwest::get(platform.url("/healthz")).await.unwrap();
    assert_eq!((health.status(), health.text().await.unwrap().as_str()), (StatusCode::OK, "ok\n"));
    assert!(reqwest::get(platform.url("/v1/openapi.json")).await.unwrap().status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn measured_values_are_for_those_with_the_token() {
    let metrics = Some(Metrics::new(|| "requests_total 7\n".to_owned()));
    let platform = Platform::with(Settings { metrics, ..Settings::default() }).await;
    let ask = |token: String| reqwest::Client::new().get(platform.url("/metrics")).bearer_auth(token).send();
    assert_eq!(ask("wrong".to_owned()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let answer = ask(platform.token()).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    assert_eq!(answer.text().await.unwrap(), "requests_total 7\n");
    let platform = Platform::start().await;
    let answer = reqwest::Client::new().get(platform.url("/metrics")).bearer_auth(platform.token());
    assert_eq!(answer.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_told_from_a_server_that_is_away() {
    let mut platform = Platform::start().await;
    let client = Client::new(&platform.url(""), Token::parse("wrong").unwrap()).unwrap();
    assert!(matches!(client.apps().await, Err(ClientError::Unauthorized { .. })));
    let pushed = Repository::new().await.push(&client, &shop().app, "wrong").await;
    assert!(matches!(pushed, Err(hops_git::GitError::Unauthorized)), "{pushed:?}");
    platform.stop().await;
    assert!(matches!(client.apps().await, Err(ClientError::Unreachable { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn git_is_asked_for_a_password_and_may_give_the_token_as_one() {
    let platform = Platform::start().await;
    let http = reqwest::Client::new();
    let url = platform.url("/git/shop/info/refs?service=git-receive-pack");
    let refused = http.get(&url).send().await.unwrap();
    assert_eq!(refused.headers()["www-authenticate"], r#"Basic realm="hops""#);
    let answer = http.get(&url).basic_auth("anybody", Some(platform.token())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}
