//! App, environment and images → what an engine is to make of them. Pure.

use std::collections::BTreeMap;

use hops_model::{
    App, Appling, ApplingName, BuiltImage, CommitId, Desired, DesiredAppling, HostName, ReleaseNumber,
    Target, VariableName, VariableValue,
    app::FileContent,
    desired::{DesiredValue, SecretMount},
};

use crate::{
    hosts::{Hosts, NoHost},
    variables,
};

/// What is wanted of an app in an environment, before its release has a number.
///
/// ```text
/// App ── images ──▶ Wish ── number, good forms ──▶ Desired
/// ```
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    app: &'a App,
    target: &'a Target,
    commit: &'a CommitId,
    images: BTreeMap<ApplingName, BuiltImage>,
    routes: BTreeMap<ApplingName, Vec<HostName>>,
}

impl<'a> Wish<'a> {
    /// Works out the routes of each appling.
    ///
    /// `images` may lack applings: those whose build failed keep what runs.
    pub fn new(
        app: &'a App,
        target: &'a Target,
        commit: &'a CommitId,
        images: BTreeMap<ApplingName, BuiltImage>,
        hosts: &Hosts,
    ) -> Result<Self, NoHost> {
        let routes = app
            .applings
            .iter()
            .map(|appling| Ok((appling.name.clone(), routes(app, appling, target, hosts)?)))
            .collect::<Result<_, NoHost>>()?;
        Ok(Self { app, target, commit, images, routes })
    }

    /// The same for a plan, whose images may not exist yet: those are taken to run as the one before them. Dockerfiles
    /// rarely change their user, and the plan would else show a change that will not be.
    #[must_use]
    pub fn guessing_users(mut self, good: &BTreeMap<ApplingName, DesiredAppling>) -> Self {
        for (name, image) in &mut self.images {
            if let (None, Some(good)) = (image.reference.digest(), good.get(name)) {
                image.user.clone_from(&good.user);
            }
        }
        self
    }

    /// Every host that requests are to be routed by.
    pub fn hosts(&self) -> Vec<HostName> {
        self.routes.values().flatten().cloned().collect()
    }

    /// What is wanted under a release number, given the forms in which applings last ran well.
    ///
    /// An appling that would run just as it does keeps the release it took that form in, so that nothing restarts.
    pub fn desired(&self, release: ReleaseNumber, good: &BTreeMap<ApplingName, DesiredAppling>) -> Desired {
        let applings: Vec<DesiredAppling> = self
            .app
            .applings
            .iter()
            .filter_map(|appling| {
                let good = good.get(&appling.name);
                let Some(image) = self.images.get(&appling.name) else { return good.cloned() };
                let unchanged = good.filter(|good| self.form(appling, image, good.release) == **good);
                Some(unchanged.cloned().unwrap_or_else(|| self.form(appling, image, release)))
            })
            .collect();
        let last_good = applings
            .iter()
            .filter_map(|appling| good.get(&appling.name).filter(|good| *good != appling))
            .map(|good| (good.name.clone(), good.clone()))
            .collect();
        Desired { target: self.target.clone(), release, commit: self.commit.clone(), applings, last_good }
    }

    fn form(&self, appling: &Appling, image: &BuiltImage, release: ReleaseNumber) -> DesiredAppling {
        let environment = self.target.environment;
        let routes = self.routes.get(&appling.name).cloned().unwrap_or_default();
        let mut variables =
            variables::own(self.app, appling, self.target, self.commit, release, routes.first());
        variables.extend(appling.variables.in_environment(environment).into_iter().filter_map(desired_value));
        let secret_mounts =
            appling.files.in_environment(environment).into_iter().filter_map(|mount| match mount.content {
                FileContent::Secret(secret) => Some(SecretMount { secret, mount_path: mount.mount_path }),
                FileContent::Sealed(_) => None,
            });
        let service = self.app.service_name(&appling.name);
        let alias = appling.name.dns();
        // Two applings never share a name, but `{app}-{appling}` of one may be the short name of another.
        let taken =
            |name: &str| self.app.applings.iter().any(|other| self.app.service_name(&other.name) == name);
        DesiredAppling {
            name: appling.name.clone(),
            release,
            image: image.reference.clone(),
            user: image.user.clone(),
            aliases: if taken(&alias) { Vec::new() } else { vec![alias] },
            service,
            port: appling.port,
            readiness_path: appling.readiness_path.clone(),
            liveness_path: appling.liveness_path.clone(),
            replicas: appling.replicas,
            init: appling.init,
            variables,
            secret_mounts: secret_mounts.collect(),
            routes,
            resources: appling.resources.clone(),
            sidecars: Vec::new(),
        }
    }
}

/// The hosts of an appling, the one shown to people first: its own domain before the default host.
fn routes(app: &App, appling: &Appling, target: &Target, hosts: &Hosts) -> Result<Vec<HostName>, NoHost> {
    if !appling.public {
        return Ok(Vec::new());
    }
    let default = hosts.of(app, appling, target.environment)?;
    let mut routes = Vec::new();
    if target.environment.has_custom_domains() {
        routes.clone_from(&appling.domains);
    }
    if !routes.contains(&default) {
        routes.push(default);
    }
    Ok(routes)
}

/// Sealed values are refused before anything is built (`hops_manifest::not_yet`), so none is left here.
fn desired_value((name, value): (VariableName, VariableValue)) -> Option<(VariableName, DesiredValue)> {
    match value {
        VariableValue::Literal(text) => Some((name, DesiredValue::Literal(text))),
        VariableValue::SecretKey { secret, key } => Some((name, DesiredValue::SecretKey { secret, key })),
        VariableValue::Sealed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use hops_model::{AppName, Environment, ImageRef, ImageUser, Layout, RepoPath};

    use super::*;

    fn shop() -> App {
        let appling =
            |name: &str| Appling::new(ApplingName::parse(name).unwrap(), RepoPath::parse(name).unwrap());
        let mut web = appling("web");
        web.domains = vec![HostName::parse("shop.example.com").unwrap()];
        let mut api = appling("api");
        api.public = false;
        App {
            name: AppName::parse("shop").unwrap(),
            default_environment: Environment::Test,
            emoji: None,
            layout: Layout::Listed,
            applings: vec![web, api],
        }
    }

    fn images(tag: &str) -> BTreeMap<ApplingName, BuiltImage> {
        ["web", "api"]
            .into_iter()
            .map(|name| {
                let reference = ImageRef::parse(&format!("r/shop/{name}:{tag}")).unwrap();
                (ApplingName::parse(name).unwrap(), BuiltImage { reference, user: ImageUser::Number(1000) })
            })
            .collect()
    }

    fn commit(digit: &str) -> CommitId {
        CommitId::parse(&digit.repeat(40)).unwrap()
    }

    fn variable(appling: &DesiredAppling, name: &str) -> Option<DesiredValue> {
        appling.variables.get(&VariableName::parse(name).unwrap()).cloned()
    }

    fn literal(text: &str) -> DesiredValue {
        DesiredValue::Literal(text.to_owned())
    }

    #[test]
    fn custom_domains_come_first_and_belong_to_production() {
        let (app, commit) = (shop(), commit("a"));
        for (environment, main) in
            [(Environment::Prod, "shop.example.com"), (Environment::Test, "web.shop.test.localhost")]
        {
            let target = Target::new(app.name.clone(), environment);
            let wish = Wish::new(&app, &target, &commit, images("1"), &Hosts::default()).unwrap();
            let web = &wish.desired(ReleaseNumber(1), &BTreeMap::new()).applings[0];
            assert_eq!(web.routes[0].as_str(), main);
            assert_eq!(variable(web, "HOPS_DOMAIN"), Some(literal(main)));
        }
    }

    #[test]
    fn siblings_are_told_each_others_address() {
        let (app, commit) = (shop(), commit("a"));
        let target = Target::new(app.name.clone(), Environment::Test);
        let wish = Wish::new(&app, &target, &commit, images("1"), &Hosts::default()).unwrap();
        let desired = wish.desired(ReleaseNumber(1), &BTreeMap::new());
        assert_eq!(variable(&desired.applings[0], "HOPS_URL_API"), Some(literal("http://shop-api:3030")));
        assert_eq!(variable(&desired.applings[0], "HOPS_URL_WEB"), None);
        assert_eq!(desired.applings[1].service, "shop-api");
        assert_eq!(desired.applings[1].aliases, ["api"]);
        assert!(desired.applings[1].routes.is_empty());
    }

    #[test]
    fn the_file_beats_what_hops_sets() {
        let (mut app, commit) = (shop(), commit("a"));
        let port = VariableName::parse("PORT").unwrap();
        app.applings[0].variables.common.insert(port, VariableValue::Literal("8080".into()));
        let target = Target::new(app.name.clone(), Environment::Test);
        let wish = Wish::new(&app, &target, &commit, images("1"), &Hosts::default()).unwrap();
        assert_eq!(
            variable(&wish.desired(ReleaseNumber(1), &BTreeMap::new()).applings[0], "PORT"),
            Some(literal("8080"))
        );
    }

    #[test]
    fn what_does_not_change_keeps_its_release_and_what_changes_can_go_back() {
        let app = shop();
        let target = Target::new(app.name.clone(), Environment::Test);
        let good = |desired: Desired| -> BTreeMap<_, _> {
            desired.applings.into_iter().map(|appling| (appling.name.clone(), appling)).collect()
        };
        let one = commit("a");
        let first = Wish::new(&app, &target, &one, images("1"), &Hosts::default()).unwrap();
        let good = good(first.desired(ReleaseNumber(1), &BTreeMap::new()));

        let again = first.desired(ReleaseNumber(2), &good);
        assert!(again.applings.iter().all(|appling| appling.release == ReleaseNumber(1)));
        assert!(again.last_good.is_empty());

        let two = commit("b");
        let second = Wish::new(&app, &target, &two, images("2"), &Hosts::default()).unwrap();
        let changed = second.desired(ReleaseNumber(2), &good);
        assert!(changed.applings.iter().all(|appling| appling.release == ReleaseNumber(2)));
        assert_eq!(changed.last_good, good);
    }

    #[test]
    fn an_image_that_does_not_exist_yet_is_taken_to_run_as_the_one_before_it() {
        let (app, commit) = (shop(), commit("a"));
        let target = Target::new(app.name.clone(), Environment::Test);
        let built = Wish::new(&app, &target, &commit, images("1"), &Hosts::default()).unwrap();
        let mut good: BTreeMap<_, _> = BTreeMap::new();
        for mut appling in built.desired(ReleaseNumber(1), &good).applings {
            appling.user = ImageUser::Number(7);
            good.insert(appling.name.clone(), appling);
        }
        let mut images = images("2");
        let api = images.get_mut(&ApplingName::parse("api").unwrap()).unwrap();
        api.reference = ImageRef::parse(&format!("r/shop/api@sha256:{}", "1".repeat(64))).unwrap();
        let wish = Wish::new(&app, &target, &commit, images, &Hosts::default()).unwrap();
        let desired = wish.guessing_users(&good).desired(ReleaseNumber(2), &good);
        let users: Vec<_> = desired.applings.iter().map(|appling| appling.user.clone()).collect();
        assert_eq!(users, [ImageUser::Number(7), ImageUser::Number(1000)]);
    }

    #[test]
    fn an_appling_without_an_image_keeps_what_runs() {
        let (app, one, two) = (shop(), commit("a"), commit("b"));
        let target = Target::new(app.name.clone(), Environment::Test);
        let first = Wish::new(&app, &target, &one, images("1"), &Hosts::default()).unwrap();
        let good: BTreeMap<_, _> = first
            .desired(ReleaseNumber(1), &BTreeMap::new())
            .applings
            .into_iter()
            .map(|appling| (appling.name.clone(), appling))
            .collect();
        let mut images = images("2");
        let api = ApplingName::parse("api").unwrap();
        images.remove(&api);
        let second = Wish::new(&app, &target, &two, images, &Hosts::default()).unwrap();
        let desired = second.desired(ReleaseNumber(2), &good);
        assert_eq!(desired.applings[1], good[&api]);
        assert_eq!(second.desired(ReleaseNumber(2), &BTreeMap::new()).applings.len(), 1);
    }
}
