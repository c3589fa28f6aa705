//! Labels and annotations: how what HOPS made is found again.

use std::collections::BTreeMap;

use hops_model::{AppName, DesiredAppling, ReleaseNumber, Target, desired::DesiredValue};

/// Who made it. What lacks this label with this value is never changed or removed.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub(crate) const HOPS: &str = "hops";
/// The app.
pub(crate) const APP: &str = "hops/app";
/// The environment.
pub(crate) const ENVIRONMENT: &str = "hops/environment";
/// The appling.
pub(crate) const APPLING: &str = "hops/appling";
/// The release in which the object took its form.
pub(crate) const RELEASE: &str = "hops/release";
/// Annotation: the commit of that release.
pub(crate) const COMMIT: &str = "hops/commit";

/// Labels and annotations of an object.
pub(crate) type Map = BTreeMap<String, String>;

/// Labels of what serves the whole app.
pub(crate) fn of_app(target: &Target) -> Map {
    map([
        ("app.kubernetes.io/instance", &format!("{}-{}", target.app, target.environment)),
        (MANAGED_BY, HOPS),
        ("app.kubernetes.io/part-of", target.app.as_str()),
        (APP, target.app.as_str()),
        (ENVIRONMENT, target.environment.as_str()),
    ])
}

/// Labels of what belongs to one appling. They carry the release in which the *appling* took its form: an
/// appling that a deploy leaves alone keeps every label.
pub(crate) fn of_appling(target: &Target, appling: &DesiredAppling) -> Map {
    let release = appling.release.to_string();
    let mut labels = of_app(target);
    labels.extend(map([
        ("app.kubernetes.io/name", appling.name.as_str()),
        ("app.kubernetes.io/version", &release),
        (APPLING, appling.name.as_str()),
        (RELEASE, &release),
    ]));
    labels
}

/// What selects the pods of an appling. A Deployment's selector can never be changed, so this holds what never does.
pub(crate) fn selector(target: &Target, appling: &DesiredAppling) -> Map {
    map([
        (APP, target.app.as_str()),
        (ENVIRONMENT, target.environment.as_str()),
        (APPLING, appling.name.as_str()),
    ])
}

/// The commit of an appling's form, as its containers are told (design.md 7): the commit of the present deploy would
/// touch applings that it leaves alone.
pub(crate) fn commit(appling: &DesiredAppling) -> Option<Map> {
    let value =
        appling.variables.iter().find(|(name, _)| name.as_str() == "HOPS_GIT_SHA").map(|(_, value)| value);
    match value {
        Some(DesiredValue::Literal(commit)) => Some(map([(COMMIT, commit)])),
        _ => None,
    }
}

/// The label query for everything of an app.
pub(crate) fn query(app: &AppName) -> String {
    format!("{MANAGED_BY}={HOPS},{APP}={app}")
}

/// The release in an object's labels.
pub(crate) fn release(labels: &Map) -> Option<ReleaseNumber> {
    labels.get(RELEASE)?.parse().ok().map(ReleaseNumber)
}

/// A map of pairs.
pub(crate) fn map<const N: usize>(pairs: [(&str, &str); N]) -> Map {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
