//! One order: from a host to its certificate.

mod challenge;

use std::{io, time::Duration};

use hops_proxy::Challenges;
use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, Identifier, NewOrder, Order, OrderStatus, Problem,
    RetryPolicy,
};
use thiserror::Error;
use tokio::{net, time};

use self::challenge::{PublishError, Published};
use crate::{
    account::{AccountError, Accounts},
    certificate::CertificateError,
    schedule::Severity,
    settings::ChallengeKind,
};

/// An authority looks from several places, one after the other; most are done in seconds.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_mins(2));
/// Of a whole order, whatever hangs.
const LIMIT: Duration = Duration::from_mins(5);

/// What an authority made.
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// Why there is no certificate.
#[derive(Debug, Error)]
pub(crate) enum OrderError {
    /// Not in the DNS, as seen from here.
    #[error("`{host}` does not resolve; point its DNS record at this machine")]
    Unresolved { host: String, source: io::Error },
    /// No account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The authority's answer, or none.
    #[error("the certificate authority did not take the order")]
    Authority(#[source] instant_acme::Error),
    /// It wants to see something else.
    #[error("the certificate authority does not offer {0}; set another `challenge`")]
    NotOffered(&'static str),
    /// What it looked at was not right.
    #[error("the certificate authority could not verify `{host}`: {reason}")]
    Refused { host: String, reason: String },
    /// Our answer could not be made.
    #[error("cannot answer the challenge")]
    Publish(#[from] PublishError),
    /// Neither yes nor no.
    #[error("the certificate authority was not done after {} s", LIMIT.as_secs())]
    Slow,
    /// What came was no certificate.
    #[error("the certificate authority's answer cannot be used")]
    Answer(#[from] CertificateError),
    /// The task that did it is gone.
    #[error("the order was broken off by a fault of HOPS; its log says more")]
    Broken,
}

/// Orders a certificate for one host.
pub(crate) struct Ordering<'a> {
    pub(crate) host: &'a str,
    pub(crate) kind: ChallengeKind,
    /// The one that is renewed, where the authority wants to know.
    pub(crate) replaces: Option<CertificateIdentifier<'static>>,
    pub(crate) check_resolves: bool,
}

impl Ordering<'_> {
    /// Does all of it. What was published for the challenge is taken away in any case.
    pub(crate) async fn run(
        &self,
        accounts: &Accounts,
        challenges: &Challenges,
    ) -> Result<Issued, OrderError> {
        let work = async {
            if self.check_resolves {
                resolve(self.host).await?;
            }
            let account = accounts.get().await?;
            self.issue(&account, challenges).await
        };
        time::timeout(LIMIT, work).await.unwrap_or(Err(OrderError::Slow))
    }

    async fn issue(&self, account: &Account, challenges: &Challenges) -> Result<Issued, OrderError> {
        let identifiers = [Identifier::Dns(self.host.to_owned())];
        let mut new = NewOrder::new(&identifiers);
        if let Some(replaced) = self.replaces.clone() {
            new = new.replaces(replaced);
        }
        let mut order = account.new_order(&new).await.map_err(OrderError::Authority)?;
        let published = self.answer(&mut order, challenges).await?;
        match order.poll_ready(&PATIENCE).await {
            Ok(OrderStatus::Ready) => {}
            Ok(_) | Err(instant_acme::Error::Api(_)) => return Err(self.refusal(&mut order).await),
            Err(error) => return Err(OrderError::Authority(error)),
        }
        drop(published);
        let key = order.finalize().await.map_err(OrderError::Authority)?;
        let chain = order.poll_certificate(&PATIENCE).await.map_err(OrderError::Authority)?;
        Ok(Issued { chain, key })
    }

    /// Publishes an answer for each open question, and says so.
    async fn answer(&self, order: &mut Order, challenges: &Challenges) -> Result<Vec<Published>, OrderError> {
        let mut published = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(OrderError::Authority)?;
            // An authority remembers for a while what it has verified.
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let (kind, name) = challenge::kind(self.kind);
            let mut challenge = authorization.challenge(kind).ok_or(OrderError::NotOffered(name))?;
            published.push(Published::new(challenges, self.kind, self.host, &challenge)?);
            challenge.set_ready().await.map_err(OrderError::Authority)?;
        }
        Ok(published)
    }

    /// Some orders say why they are invalid; challenges always do.
    async fn refusal(&self, order: &mut Order) -> OrderError {
        let mut reasons = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            if let Ok(state) = authorization.refresh().await {
                let problems = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
                reasons.extend(
                    problems.map(|problem| problem.detail.clone().unwrap_or_else(|| problem.to_string())),
                );
            }
        }
        let reason = if reasons.is_empty() { "it gave no reason".to_owned() } else { reasons.join("; ") };
        OrderError::Refused { host: self.host.to_owned(), reason }
    }
}

impl OrderError {
    /// What it costs to have failed like this.
    pub(crate) fn severity(&self) -> Severity {
        let acme = match self {
            Self::Account(AccountError::Authority(acme)) | Self::Authority(acme) => acme,
            Self::Account(_) | Self::Unresolved { .. } | Self::Publish(_) => return Severity::Free,
            Self::NotOffered(_) | Self::Refused { .. } | Self::Slow | Self::Answer(_) | Self::Broken => {
                return Severity::Costly;
            }
        };
        match problem(acme) {
            Some("rateLimited") => Severity::Limited,
            // Without a problem of its own the authority was away, or something else answered.
            None if matches!(self, Self::Account(_)) => Severity::Free,
            _ => Severity::Costly,
        }
    }

    /// Whether the authority knows no such account, as after its state was lost.
    pub(crate) fn is_account_gone(&self) -> bool {
        match self {
            Self::Authority(acme) => matches!(problem(acme), Some("accountDoesNotExist")),
            _ => false,
        }
    }
}

/// The authority's own word for what is wrong (RFC 8555, 6.7).
fn problem(error: &instant_acme::Error) -> Option<&str> {
    match error {
        instant_acme::Error::Api(Problem { r#type: Some(kind), .. }) => {
            Some(kind.strip_prefix("urn:ietf:params:acme:error:").unwrap_or(kind))
        }
        _ => None,
    }
}

async fn resolve(host: &str) -> Result<(), OrderError> {
    let unresolved = |source| OrderError::Unresolved { host: host.to_owned(), source };
    let mut addresses = net::lookup_host((host, 80)).await.map_err(unresolved)?;
    match addresses.next() {
        Some(_) => Ok(()),
        None => Err(unresolved(io::Error::new(io::ErrorKind::NotFound, "the name has no address"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(kind: &str) -> instant_acme::Error {
        let kind = format!("urn:ietf:params:acme:error:{kind}");
        instant_acme::Error::Api(Problem {
            r#type: Some(kind),
            detail: None,
            status: None,
            subproblems: Vec::new(),
        })
    }

    #[test]
    fn what_a_failure_costs_is_told_from_its_kind() {
        let severity = |error: OrderError| error.severity();
        assert_eq!(severity(OrderError::Authority(api("rateLimited"))), Severity::Limited);
        assert_eq!(severity(OrderError::Authority(api("malformed"))), Severity::Costly);
        assert_eq!(severity(OrderError::Authority(instant_acme::Error::Crypto)), Severity::Costly);
        let account = |error| OrderError::Account(AccountError::Authority(error));
        assert_eq!(severity(account(instant_acme::Error::Crypto)), Severity::Free);
        assert_eq!(severity(account(api("rateLimited"))), Severity::Limited);
    }

    #[test]
    fn only_a_lost_account_is_made_anew() {
        assert!(OrderError::Authority(api("accountDoesNotExist")).is_account_gone());
        assert!(!OrderError::Authority(api("unauthorized")).is_account_gone());
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_costs_nothing() {
        let error = resolve("shop.invalid").await.unwrap_err();
        assert_eq!(error.severity(), Severity::Free);
        assert!(error.to_string().starts_with("`shop.invalid` does not resolve"), "{error}");
    }
}
