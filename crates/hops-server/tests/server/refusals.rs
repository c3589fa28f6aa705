use hops_api::Problem;
use hops_model::CauseCode;
use reqwest::{Method, RequestBuilder, StatusCode};

use crate::support::{Platform, shop};

fn request(platform: &Platform, method: Method, path: &str) -> RequestBuilder {
    reqwest::Client::new().request(method, platform.url(path)).bearer_auth(platform.token())
}

async fn problem(request: RequestBuilder) -> Problem {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{status}");
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: Problem = answer.json().await.unwrap();
    assert_eq!((problem.status, problem.request_id.as_ref()), (status.as_u16(), Some(&id)));
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_makes_no_sense_is_answered_with_what_is_wrong() {
    let platform = Platform::start().await;
    let json = |text: &'static str| {
        let post = request(&platform, Method::POST, "/v1/apps/shop/deploys");
        post.header("content-type", "application/json").body(text)
    };
    let get = |path: &str| request(&platform, Method::GET, path);
    let huge: &'static str = Box::leak(format!("\"{}\"", "x".repeat(100_000)).into_boxed_str());
    for (request, status, words) in [
        (get("/v1/nothing"), StatusCode::NOT_FOUND, "there is nothing at `/v1/nothing`"),
        (get("/v1/apps/shop/deploys"), StatusCode::METHOD_NOT_ALLOWED, "does not take GET"),
        (get("/v1/apps/Shop/prod/status"), StatusCode::BAD_REQUEST, "'S'; only lower-case letters"),
        (get("/v1/apps/shop/moon/status"), StatusCode::BAD_REQUEST, "there is no environment `moon`"),
        (get("/v1/deploys/twelve"), StatusCode::BAD_REQUEST, "twelve"),
        (get("/v1/apps/shop/prod/logs?tail=-1"), StatusCode::BAD_REQUEST, "tail"),
        (get("/v1/apps/shop/prod/logs?tial=1"), StatusCode::BAD_REQUEST, "unknown field `tial`"),
        (json("{"), StatusCode::BAD_REQUEST, "EOF"),
        (json(r#"{"commit":"abc"}"#), StatusCode::UNPROCESSABLE_ENTITY, "`abc` is not a full commit id"),
        (json(r#"{"comit":"abc"}"#), StatusCode::UNPROCESSABLE_ENTITY, "unknown field `comit`"),
        (json(huge), StatusCode::PAYLOAD_TOO_LARGE, "length limit exceeded"),
        (
            request(&platform, Method::POST, "/v1/apps/shop/deploys").body("{}"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "application/json",
        ),
    ] {
        let problem = problem(request).await;
        assert_eq!(problem.status, status.as_u16(), "{problem:?}");
        assert!(problem.detail.contains(words), "{words}: {problem:?}");
        assert_eq!(problem.cause.unwrap().code, CauseCode::Refused);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_one_requests_alone_and_its_words_stay_inside() {
    let platform = Platform::start().await;
    platform.deployed(&shop()).await;
    let problem = problem(request(&platform, Method::GET, "/v1/apps/shop/local/status")).await;
    assert_eq!(problem.status, 500);
    assert!(!format!("{problem:?}").contains("double"), "{problem:?}");
    assert_eq!(problem.cause.unwrap().code, CauseCode::Internal);
    assert!(platform.client().status(&shop()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_away_is_said_with_its_words() {
    let platform = Platform::start().await;
    platform.deployed(&shop()).await;
    let problem = problem(request(&platform, Method::GET, "/v1/apps/shop/test/status")).await;
    let cause = problem.cause.unwrap();
    assert_eq!((problem.status, cause.code), (503, CauseCode::EngineUnavailable));
    assert_eq!(cause.proof, "no route to host");
}
