//! The client: one method an endpoint.

use std::time::Duration;

use futures::Stream;
use hops_engine::{LogLine, LogQuery, Plan};
use hops_model::{AppName, CommitId, Deploy, DeployId, Environment, Event, ReleaseNumber, Target};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header, redirect::Policy};
use serde::de::DeserializeOwned;

use crate::{
    AppSummary, ClientError, DeployRequest, Problem, ReleaseSummary, RollbackRequest, TargetStatus, Token,
    Version,
    resume::{Connection, resume},
    subscription::{EventsOf, LogsOf, Subscription},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take. Plans and removals read much of a cluster.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(5);
/// How long a lost stream is tried again before its end is reported.
const PATIENCE: Duration = Duration::from_mins(5);
/// As much of a foreign answer as is worth showing.
const SHOWN: usize = 400;

/// Speaks with one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Token,
    patience: Duration,
}

impl Client {
    /// A client of the server at an address such as `http://127.0.0.1:8080`. Connects when it is first used.
    pub fn new(address: &str, token: Token) -> Result<Self, ClientError> {
        let bad_address = || ClientError::Address { address: address.to_owned() };
        let base = Url::parse(address).map_err(|_| bad_address())?;
        if !matches!(base.scheme(), "http" | "https")
            || !base.username().is_empty()
            || base.password().is_some()
        {
            return Err(bad_address());
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("hops/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // The server sends nobody elsewhere, and the token is for the server alone.
            .redirect(Policy::none());
        // Reading the machine's certificate authorities takes longer than most requests, and fails where there are none.
        let http = if base.scheme() == "https" { http } else { http.tls_certs_only([]) };
        let http = http.build().map_err(ClientError::Setup)?;
        Ok(Self { http, base, token, patience: PATIENCE })
    }

    /// The same client, with another time that a lost stream is tried again before its end is reported.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Where an app's repository is pushed to, with the same token.
    pub fn repository_url(&self, app: &AppName) -> Url {
        self.url(&["git", app.as_str()])
    }

    /// The server's version.
    pub async fn version(&self) -> Result<Version, ClientError> {
        self.get(&["v1", "version"]).await
    }

    /// Every app that was ever deployed there.
    pub async fn apps(&self) -> Result<Vec<AppSummary>, ClientError> {
        self.get(&["v1", "apps"]).await
    }

    /// Queues the deploy of a commit that was pushed before.
    pub async fn deploy(
        &self,
        app: &AppName,
        environment: Option<Environment>,
        commit: &CommitId,
    ) -> Result<Deploy, ClientError> {
        let body = DeployRequest { environment, commit: commit.clone() };
        self.json(self.request(Method::POST, &["v1", "apps", app.as_str(), "deploys"]).json(&body)).await
    }

    /// What a deploy of a commit would change.
    pub async fn plan(
        &self,
        app: &AppName,
        environment: Option<Environment>,
        commit: &CommitId,
    ) -> Result<Plan, ClientError> {
        let body = DeployRequest { environment, commit: commit.clone() };
        self.json(self.request(Method::POST, &["v1", "apps", app.as_str(), "plan"]).json(&body)).await
    }

    /// A deploy, as far as it is.
    pub async fn find_deploy(&self, deploy: DeployId) -> Result<Deploy, ClientError> {
        self.get(&["v1", "deploys", &deploy.to_string()]).await
    }

    /// Stops a deploy that changes nothing yet.
    pub async fn cancel(&self, deploy: DeployId) -> Result<(), ClientError> {
        self.answer(self.request(Method::DELETE, &["v1", "deploys", &deploy.to_string()])).await.map(drop)
    }

    /// The events of a deploy after a sequence number, as they come; ends after [`Event::Outcome`].
    ///
    /// A connection that is lost, also by the server being started again, is picked up where it was.
    pub fn events(
        &self,
        deploy: DeployId,
        after: u64,
    ) -> impl Stream<Item = Result<(u64, Event), ClientError>> + Send + use<> {
        resume(self.clone(), EventsOf { deploy, after }, None)
    }

    /// What runs of an app in an environment.
    pub async fn status(&self, target: &Target) -> Result<TargetStatus, ClientError> {
        self.get(&of(target, &["status"])).await
    }

    /// The last releases of an app in an environment, newest first.
    pub async fn releases(&self, target: &Target, limit: u32) -> Result<Vec<ReleaseSummary>, ClientError> {
        let request = self.request(Method::GET, &of(target, &["releases"]));
        self.json(request.query(&[("limit", limit)])).await
    }

    /// Queues putting a former release into effect again: the given one, or the last that ran well.
    pub async fn rollback(&self, target: &Target, to: Option<ReleaseNumber>) -> Result<Deploy, ClientError> {
        let request = self.request(Method::POST, &of(target, &["rollback"]));
        self.json(request.json(&RollbackRequest { to })).await
    }

    /// Log lines. Returns once the server has begun to send them; a connection that is lost after that is picked
    /// up again, and lines that came before are left out.
    pub async fn logs(
        &self,
        query: LogQuery,
    ) -> Result<impl Stream<Item = Result<LogLine, ClientError>> + Send + use<>, ClientError> {
        let lines = LogsOf::new(query);
        let connection = Connection::open(self, lines.request(self)).await?;
        Ok(resume(self.clone(), lines, Some(connection)))
    }

    /// Removes all that runs of an app in an environment.
    pub async fn remove(&self, target: &Target) -> Result<(), ClientError> {
        self.answer(self.request(Method::DELETE, &of(target, &[]))).await.map(drop)
    }

    pub(crate) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http.request(method, self.url(path)).header(header::AUTHORIZATION, self.token.header())
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(ClientError::Unauthorized { server: self.server() });
        }
        let elsewhere =
            response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        let body = response.text().await.map_err(|error| self.unreachable(error))?;
        Err(match serde_json::from_str::<Problem>(&body) {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(_) => ClientError::Foreign {
                server: self.server(),
                status: status.as_u16(),
                body: match elsewhere {
                    Some(address) => format!("it points to {address}"),
                    None => body.chars().take(SHOWN).collect(),
                },
            },
        })
    }

    pub(crate) fn unreachable(&self, error: reqwest::Error) -> ClientError {
        // The message of ours names the server already.
        ClientError::Unreachable { server: self.server(), source: Box::new(error.without_url()) }
    }

    pub(crate) fn unreadable(
        &self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> ClientError {
        ClientError::Unreadable { server: self.server(), source: source.into() }
    }

    pub(crate) fn server(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, ClientError> {
        self.json(self.request(Method::GET, path)).await
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        self.send(request.timeout(ANSWER_TIMEOUT)).await
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let body = self.answer(request).await?.bytes().await.map_err(|error| self.unreachable(error))?;
        serde_json::from_slice(&body).map_err(|error| self.unreadable(error))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

/// The path of a target's resource.
pub(crate) fn of<'a>(target: &'a Target, rest: &[&'a str]) -> Vec<&'a str> {
    let mut path = vec!["v1", "apps", target.app.as_str(), target.environment.as_str()];
    path.extend(rest);
    path
}
