//! A platform of its own on an engine, removed again at the test's end.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use futures::FutureExt;
use hops_model::{
    AppName, ApplingName, Cause, DesiredAppling, Environment, ImageRef, Target, VariableName,
    app::Resources,
    desired::{DesiredValue, Sidecar},
};
use hops_testkit::{DockerEngine, PATIENCE, http, testapp};

use super::super::{ContainerId, Daemon, Instance, InstanceId};
use crate::{Settings, error::CreateError, labels::Role, network::Network, secrets::Secrets};

pub(crate) struct Scene {
    pub(crate) engine: DockerEngine,
    pub(crate) daemon: Daemon,
    pub(crate) settings: Settings,
    pub(crate) target: Target,
    pub(crate) image: ImageRef,
    pub(crate) state: tempfile::TempDir,
}

/// Runs a test on an engine, and cleans up whatever becomes of it.
pub(crate) async fn on<T: AsyncFnOnce(Arc<Scene>) -> Result<()>>(engine: Result<DockerEngine>, test: T) {
    let engine = engine.unwrap();
    let scene = Arc::new(Scene::new(engine).await.unwrap());
    let result = std::panic::AssertUnwindSafe(test(scene.clone())).catch_unwind().await;
    scene.clean().await;
    match result {
        Ok(result) => result.unwrap(),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A name that no other test has.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("t{:x}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn settings(engine: &DockerEngine) -> Settings {
    Settings {
        socket: engine.socket.clone(),
        platform: unique(),
        subnets: vec![engine.pool.parse().unwrap()],
        subnet_prefix: 28,
        ..Settings::default()
    }
}

impl Scene {
    async fn new(engine: DockerEngine) -> Result<Self> {
        let settings = settings(&engine);
        let daemon = Daemon::connect(&settings).await?;
        Ok(Self {
            engine,
            daemon,
            settings,
            target: Target::new(AppName::parse("shop")?, Environment::Prod),
            image: testapp::image().await?,
            state: tempfile::tempdir()?,
        })
    }

    async fn clean(&self) {
        for instance in self.daemon.instances(None).await.unwrap() {
            self.daemon.remove(&instance.id).await.unwrap();
        }
        self.daemon.remove_network(&self.target).await.unwrap();
    }

    pub(crate) fn appling(&self, name: &str) -> DesiredAppling {
        hops_testkit::appling(name, 1, self.image.clone())
    }

    /// A sidecar that is the test app, too, on another port.
    pub(crate) fn sidecar(&self, name: &str) -> Sidecar {
        Sidecar {
            name: ApplingName::parse(name).unwrap(),
            image: self.image.clone(),
            arguments: Vec::new(),
            variables: BTreeMap::from([(variable("PORT"), DesiredValue::Literal("4000".into()))]),
            startup: None,
            resources: Resources::default(),
        }
    }

    pub(crate) fn secrets(&self) -> Secrets {
        Secrets::below(self.state.path())
    }

    pub(crate) async fn network(&self) -> Result<Network> {
        Ok(self.daemon.ensure_network(&self.target).await?)
    }

    pub(crate) async fn create(
        &self,
        appling: &DesiredAppling,
        replica: u16,
    ) -> Result<InstanceId, CreateError> {
        let network = self.daemon.ensure_network(&self.target).await?;
        self.daemon.create(&network, &self.target, appling, replica, &self.secrets()).await
    }

    /// Creates and starts an instance.
    pub(crate) async fn run(&self, appling: &DesiredAppling, replica: u16) -> Result<Instance> {
        let id = self.create(appling, replica).await?;
        for role in id.roles() {
            self.daemon.start(&id, &role).await?;
        }
        self.instance(&id).await
    }

    pub(crate) async fn instance(&self, id: &InstanceId) -> Result<Instance> {
        let mut instances = self.daemon.instances(Some(&self.target)).await?;
        instances.retain(|instance| instance.id.name == id.name);
        instances.pop().with_context(|| format!("{id} is not there"))
    }

    /// Waits until an instance is as it should be.
    pub(crate) async fn until(&self, id: &InstanceId, is_so: impl Fn(&Instance) -> bool) -> Result<Instance> {
        let waiting = async {
            loop {
                let instance = self.instance(id).await?;
                if is_so(&instance) {
                    return Ok(instance);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(result) => result,
            Err(_) => anyhow::bail!("{:?}", self.instance(id).await),
        }
    }

    /// The last lines of a container once they are as wanted: the daemon writes them down a moment after they are printed.
    pub(crate) async fn tail(
        &self,
        container: &ContainerId,
        count: u32,
        is_wanted: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<String>> {
        let look = async || anyhow::Ok(self.daemon.tail(container, count).await?);
        hops_testkit::until(look, |lines| is_wanted(lines)).await
    }

    /// Asks an instance for a path, again while it does not listen yet.
    pub(crate) async fn get(&self, instance: &Instance, path: &str) -> Result<http::Answer> {
        let address = SocketAddr::new(instance.address.context("it has no address")?, 3030);
        let asking = async {
            loop {
                match http::get(address, "shop", path).await {
                    Ok(answer) => return answer,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking)
            .await
            .with_context(|| format!("{address}{path} does not answer"))
    }

    /// An image that is built on the engine of a few lines of a Dockerfile.
    pub(crate) async fn build(&self, name: &str, dockerfile: &str) -> Result<ImageRef> {
        let context = tempfile::tempdir()?;
        std::fs::write(context.path().join("Dockerfile"), dockerfile)?;
        let tag = format!("hops.test/{name}:{}", self.daemon.platform());
        let context = context.path().display().to_string();
        let build = async || self.engine.docker(&["build", "--quiet", "--tag", &tag, &context]).await;
        let mut built = build().await;
        // The classic builder loses a layer that has no name yet where others remove images.
        for _ in 0..5 {
            if built.as_ref().is_err_and(|error| error.to_string().contains("unable to find image")) {
                built = build().await;
            }
        }
        built?;
        Ok(ImageRef::parse(&tag)?)
    }
}

pub(crate) fn variable(name: &str) -> VariableName {
    VariableName::parse(name).unwrap()
}

pub(crate) fn set(appling: &mut DesiredAppling, name: &str, value: &str) {
    appling.variables.insert(variable(name), DesiredValue::Literal(value.to_owned()));
}

/// The cause in an error.
pub(crate) fn cause<T: std::fmt::Debug>(result: Result<T, CreateError>) -> Cause {
    match result {
        Err(CreateError::Cause(cause)) => *cause,
        other => panic!("no cause: {other:?}"),
    }
}

pub(crate) fn sidecar_role(name: &str) -> Role {
    Role::Sidecar(ApplingName::parse(name).unwrap())
}
