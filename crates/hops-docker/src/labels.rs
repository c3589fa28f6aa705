//! Labels: how what HOPS made is found again.

use std::{collections::HashMap, fmt};

use hops_model::{ApplingName, DesiredAppling, ReleaseNumber, Target};

/// The platform. What lacks this label with the platform's own name is never changed or removed.
pub(crate) const PLATFORM: &str = "hops/platform";
/// The app.
pub(crate) const APP: &str = "hops/app";
/// The environment.
pub(crate) const ENVIRONMENT: &str = "hops/environment";
/// The appling.
pub(crate) const APPLING: &str = "hops/appling";
/// The release in which the container took its form.
pub(crate) const RELEASE: &str = "hops/release";
/// Which of the appling's instances, from 1.
pub(crate) const REPLICA: &str = "hops/replica";
/// The instance's name, the same on all of its containers.
pub(crate) const INSTANCE: &str = "hops/instance";
/// `app`, or the sidecar's name with [`SIDECAR`] before it.
pub(crate) const ROLE: &str = "hops/role";
/// The container's place in the order of starting, from 0.
pub(crate) const PLACE: &str = "hops/place";
/// The form, see [`crate::render::Form`].
pub(crate) const FORM: &str = "hops/form";

/// A sidecar may be called `app`, too.
const SIDECAR: &str = "sidecar:";

/// Labels, as the daemon takes and gives them.
pub(crate) type Map = HashMap<String, String>;

/// What a container is in its instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    /// The appling itself.
    App,
    /// One that starts before it and stops after it.
    Sidecar(ApplingName),
}

/// Labels of what serves the whole app.
pub(crate) fn of_app(platform: &str, target: &Target) -> Map {
    map([(PLATFORM, platform), (APP, target.app.as_str()), (ENVIRONMENT, target.environment.as_str())])
}

/// Labels of an instance of an appling, all but [`ROLE`], [`PLACE`] and [`FORM`].
pub(crate) fn of_instance(
    platform: &str,
    target: &Target,
    appling: &DesiredAppling,
    replica: u16,
    instance: &str,
) -> Map {
    let mut labels = of_app(platform, target);
    labels.extend(map([
        (APPLING, appling.name.as_str()),
        (RELEASE, &appling.release.to_string()),
        (REPLICA, &replica.to_string()),
        (INSTANCE, instance),
    ]));
    labels
}

/// The filter for everything of a platform, or of one target on it.
pub(crate) fn filter(platform: &str, target: Option<&Target>) -> HashMap<String, Vec<String>> {
    let mut labels = vec![format!("{PLATFORM}={platform}")];
    if let Some(target) = target {
        labels.push(format!("{APP}={}", target.app));
        labels.push(format!("{ENVIRONMENT}={}", target.environment));
    }
    HashMap::from([("label".to_owned(), labels)])
}

/// What the labels of a container say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) target: Target,
    pub(crate) appling: ApplingName,
    pub(crate) release: ReleaseNumber,
    pub(crate) replica: u16,
    pub(crate) instance: String,
    pub(crate) role: Role,
    pub(crate) place: usize,
    pub(crate) form: String,
}

/// Reads labels; `None` where one is missing or malformed, as after meddling by hand.
pub(crate) fn decode(labels: &Map) -> Option<Decoded> {
    let text = |name: &str| labels.get(name).map(String::as_str);
    Some(Decoded {
        target: target(labels)?,
        appling: text(APPLING)?.parse().ok()?,
        release: ReleaseNumber(text(RELEASE)?.parse().ok()?),
        replica: text(REPLICA)?.parse().ok()?,
        instance: text(INSTANCE).filter(|name| !name.is_empty())?.to_owned(),
        role: Role::parse(text(ROLE)?)?,
        place: text(PLACE)?.parse().ok()?,
        form: text(FORM)?.to_owned(),
    })
}

/// The app and environment in labels.
pub(crate) fn target(labels: &Map) -> Option<Target> {
    Some(Target::new(labels.get(APP)?.parse().ok()?, labels.get(ENVIRONMENT)?.parse().ok()?))
}

/// Whether the platform made what carries these labels.
pub(crate) fn is_of(labels: Option<&Map>, platform: &str) -> bool {
    labels.and_then(|labels| labels.get(PLATFORM)).is_some_and(|value| value == platform)
}

/// A map of pairs.
pub(crate) fn map<const N: usize>(pairs: [(&str, &str); N]) -> Map {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl Role {
    /// Reads [`ROLE`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(SIDECAR) {
            Some(name) => name.parse().ok().map(Self::Sidecar),
            None => (text == "app").then_some(Self::App),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App => f.write_str("app"),
            Self::Sidecar(name) => write!(f, "{SIDECAR}{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_a_container_reads_back() {
        let mut labels = map([
            (PLATFORM, "hops"),
            (APP, "shop"),
            (ENVIRONMENT, "snap3"),
            (APPLING, "web"),
            (RELEASE, "12"),
            (REPLICA, "2"),
            (INSTANCE, "shop-web-snap3-12-2"),
            (ROLE, "sidecar:app"),
            (PLACE, "0"),
            (FORM, "0123"),
        ]);
        let decoded = decode(&labels).unwrap();
        assert_eq!(decoded.role, Role::Sidecar(ApplingName::parse("app").unwrap()));
        assert_eq!(decoded.role.to_string(), labels[ROLE]);
        assert_eq!((decoded.release, decoded.replica, decoded.place), (ReleaseNumber(12), 2, 0));
        assert_eq!(Some(decoded.target), target(&labels));
        for (name, value) in [(RELEASE, "twelve"), (ENVIRONMENT, "moon"), (ROLE, "other"), (INSTANCE, "")] {
            let before = labels.insert(name.to_owned(), value.to_owned()).unwrap();
            assert_eq!(decode(&labels), None, "{name}={value}");
            labels.insert(name.to_owned(), before);
        }
    }
}
