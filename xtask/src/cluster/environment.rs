//! What tests need to know of a cluster, ours or the user's own.

use std::env;

use anyhow::{Result, bail};

use super::{
    docker::Engine,
    layout::Layout,
    slot::{Port, Slot},
};

/// Set to use a cluster of one's own.
const OWN: &str = "HOPS_TEST_KUBECONFIG";
/// What has to be named with it: it cannot be found out from a kubeconfig.
const NEEDED: [&str; 3] = ["HOPS_TEST_REGISTRY", "HOPS_TEST_BUILDKIT", "HOPS_TEST_INGRESS"];
const OPTIONAL: [&str; 5] = [
    "HOPS_TEST_INGRESS_TLS",
    "HOPS_TEST_DOCKER_OLD",
    "HOPS_TEST_DOCKER_OLD_POOL",
    "HOPS_TEST_DOCKER_NEW",
    "HOPS_TEST_DOCKER_NEW_POOL",
];

/// Variables by name.
pub(crate) struct Environment(Vec<(&'static str, String)>);

impl Environment {
    /// Of the cluster that tests are to use: the user's own, else that of this checkout.
    pub(crate) fn current() -> Result<Self> {
        if let Some(own) = Self::of_user()? {
            return Ok(own);
        }
        let layout = Layout::of_checkout()?;
        match layout.slot() {
            Some(slot) if layout.kubeconfig().exists() || Engine::Old.socket(&layout).exists() => {
                Self::of_checkout(&layout, slot)
            }
            _ => bail!(
                "there is neither a cluster nor a Docker engine\nhint: `cargo xtask cluster up`, `cargo xtask docker up`"
            ),
        }
    }

    /// Of the user's own cluster, if its kubeconfig is named.
    pub(super) fn of_user() -> Result<Option<Self>> {
        Self::of_variables(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn of_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let Some(kubeconfig) = variable(OWN) else { return Ok(None) };
        let missing: Vec<&str> = NEEDED.into_iter().filter(|name| variable(name).is_none()).collect();
        if !missing.is_empty() {
            bail!("{OWN} is set, but not {}: a cluster of your own needs all of them", missing.join(", "));
        }
        let named = NEEDED.into_iter().chain(OPTIONAL).filter_map(|name| Some((name, variable(name)?)));
        Ok(Some(Self([("KUBECONFIG", kubeconfig)].into_iter().chain(named).collect())))
    }

    /// Of what there is of this checkout: the cluster, the Docker engines, or both.
    pub(super) fn of_checkout(layout: &Layout, slot: Slot) -> Result<Self> {
        let mut variables = vec![
            ("HOPS_TEST_REGISTRY", slot.loopback(Port::Registry).to_string()),
            ("HOPS_TEST_BUILDKIT", format!("unix://{}", layout.run("buildkitd.sock").display())),
            ("HOPS_TEST_BIN", layout.bin().display().to_string()),
        ];
        if layout.kubeconfig().exists() {
            variables.extend([
                ("KUBECONFIG", layout.kubeconfig().display().to_string()),
                ("HOPS_TEST_INGRESS", slot.loopback(Port::Ingress).to_string()),
                ("HOPS_TEST_INGRESS_TLS", slot.loopback(Port::IngressTls).to_string()),
            ]);
        }
        let names = [
            (Engine::Old, "HOPS_TEST_DOCKER_OLD", "HOPS_TEST_DOCKER_OLD_POOL"),
            (Engine::New, "HOPS_TEST_DOCKER_NEW", "HOPS_TEST_DOCKER_NEW_POOL"),
        ];
        for (engine, socket, pool) in names {
            let path = engine.socket(layout);
            if path.exists() {
                variables.extend([(socket, format!("unix://{}", path.display())), (pool, engine.pool(slot))]);
            }
        }
        // Tests restart an engine by these tasks, which know how it was started.
        variables.push(("HOPS_TEST_XTASK", env::current_exe()?.display().to_string()));
        Ok(Self(variables))
    }

    /// All of them.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// PATH with the cluster's own programs first, as its `kubectl` fits its version.
    pub(crate) fn path(&self) -> Result<std::ffi::OsString> {
        let own = self.variables().filter(|(name, _)| *name == "HOPS_TEST_BIN").map(|(_, bin)| bin.into());
        let given = env::var_os("PATH").unwrap_or_default();
        Ok(env::join_paths(own.chain(env::split_paths(&given)))?)
    }

    /// Lines for a shell's `eval`. Our programs come first in PATH: a `kubectl` of another version warns at every call.
    pub(super) fn to_shell(&self) -> String {
        let lines = self.variables().map(|(name, value)| format!("export {name}={}\n", quote(value)));
        let path = self.variables().find(|(name, _)| *name == "HOPS_TEST_BIN");
        lines.chain(path.map(|(_, bin)| format!("export PATH={}:\"$PATH\"\n", quote(bin)))).collect()
    }
}

fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::Environment;

    fn own(variables: &[(&str, &str)]) -> anyhow::Result<Option<Environment>> {
        let find =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Environment::of_variables(find)
    }

    #[test]
    fn without_a_kubeconfig_there_is_no_own_cluster() {
        assert!(own(&[("HOPS_TEST_REGISTRY", "r")]).unwrap().is_none());
    }

    #[test]
    fn an_own_cluster_must_be_named_in_full() {
        let error =
            own(&[("HOPS_TEST_KUBECONFIG", "k"), ("HOPS_TEST_INGRESS", "i")]).err().unwrap().to_string();
        assert_eq!(
            error,
            "HOPS_TEST_KUBECONFIG is set, but not HOPS_TEST_REGISTRY, HOPS_TEST_BUILDKIT: a cluster of your own needs all of them"
        );
    }

    #[test]
    fn values_are_quoted_for_the_shell() {
        let environment =
            Environment(vec![("KUBECONFIG", "/it's/k".to_owned()), ("HOPS_TEST_BIN", "/b in".to_owned())]);
        assert_eq!(
            environment.to_shell(),
            "export KUBECONFIG='/it'\\''s/k'\nexport HOPS_TEST_BIN='/b in'\nexport PATH='/b in':\"$PATH\"\n"
        );
    }
}
