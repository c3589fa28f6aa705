//! Which path leads where.

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hops_api::Problem;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AccessToken,
    authenticate::authenticate,
    failure::Failure,
    observe::{observe, panicked},
    resources::{apps, deploys, events, git, logs, meta, releases, targets},
    serve::Shared,
};

/// How long an answer may take. The client waits a little longer.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(4);
/// The largest body of a request of the API.
const BODY_LIMIT: usize = 64 * 1024;

/// The description of the API.
pub fn openapi() -> OpenApi {
    let (_, mut openapi) = answers().merge(streams()).merge(open()).split_for_parts();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = openapi.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    components.add_security_scheme("token", SecurityScheme::Http(token));
    openapi.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    openapi
}

pub(crate) fn router(shared: Shared, access: AccessToken) -> Router {
    let (answers, _) = answers().split_for_parts();
    let (streams, _) = streams().split_for_parts();
    let (open, _) = open().split_for_parts();
    let git = Router::new()
        .route("/git/{app}/info/refs", get(git::advertise))
        .route("/git/{app}/git-receive-pack", post(git::receive))
        .layer(DefaultBodyLimit::disable());
    answers
        .route_layer(from_fn(in_time))
        .merge(streams)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .merge(git)
        .route("/metrics", get(meta::metrics))
        .route_layer(from_fn_with_state(access, authenticate))
        .merge(open)
        .route("/healthz", get(meta::health))
        .fallback(nothing_there)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(observe))
}

/// What is answered at once.
fn answers() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(description())
        .routes(routes!(meta::version))
        .routes(routes!(apps::list))
        .routes(routes!(deploys::create))
        .routes(routes!(deploys::plan))
        .routes(routes!(deploys::find, deploys::cancel))
        .routes(routes!(targets::status))
        .routes(routes!(targets::remove))
        .routes(routes!(releases::list))
        .routes(routes!(releases::rollback))
}

/// What goes on until it is over.
fn streams() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(events::follow)).routes(routes!(logs::follow))
}

/// What needs no token.
fn open() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(meta::description))
}

fn description() -> OpenApi {
    let info = InfoBuilder::new()
        .title("HOPS")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Failures are problem details (RFC 9457) with a `cause`. Streams are server-sent events and can be \
             picked up again after any of their messages.",
        ))
        .build();
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let message = format!("no answer within {} s", ANSWER_TIMEOUT.as_secs());
        Failure::request(StatusCode::GATEWAY_TIMEOUT, message).into_response()
    })
}

async fn nothing_there(request: Request) -> Failure {
    Failure::request(StatusCode::NOT_FOUND, format!("there is nothing at `{}`", request.uri().path()))
}

async fn wrong_method(request: Request) -> Failure {
    let message = format!("`{}` does not take {}", request.uri().path(), request.method());
    Failure::request(StatusCode::METHOD_NOT_ALLOWED, message)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_given_up() {
        let router = Router::new()
            .route("/", get(std::future::pending::<()>))
            .route_layer(from_fn(in_time))
            .layer(from_fn(observe));
        let answer = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        let body = axum::body::to_bytes(answer.into_body(), BODY_LIMIT).await.unwrap();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem.detail, "no answer within 240 s");
    }
}
