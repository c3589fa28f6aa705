//! The builder that has `BuildKit` build.

mod attempt;
mod cache;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use async_trait::async_trait;
use futures::future::join_all;
use hops_buildkit::{Client, Credentials, Destination, Image, Solve};
use hops_model::{ApplingName, BuiltImage, Cause, CommitId, Event, ImageRef, ImageUser};
use tokio::sync::{Semaphore, mpsc::UnboundedSender};

use self::cache::CacheKeeper;
use crate::{
    ApplingBuild, BuildMemory, BuildRequest, BuildResults, Builder, Images, InputHash, Settings,
    SettingsError, cause, dockerfile,
    input::Input,
    registry::Registry,
    settings::{Checked, Place},
    snapshot::{Context, Dockerfile, Snapshot},
};

/// What images are built for (design.md 1, promise 3).
const PLATFORM: &str = "linux/amd64";

/// The build argument that carries the commit to Dockerfiles that declare it (design.md 7).
const GIT_SHA: &str = "HOPS_GIT_SHA";

/// Builds with a `BuildKit` daemon, which pushes images to a registry, or with the one inside a Docker engine, which
/// keeps them.
pub struct BuildKitBuilder {
    settings: Checked,
    client: Client,
    images: Arc<dyn Images>,
    credentials: Arc<dyn Credentials>,
    memory: Arc<dyn BuildMemory>,
    room: Semaphore,
    cache: CacheKeeper,
    /// See [`Input::key`]. Of this process alone: builds with secrets are done once more after a restart.
    key: [u8; 32],
}

/// All that one appling's build needs to know.
struct Plan<'build> {
    request: &'build BuildRequest,
    build: &'build ApplingBuild,
    /// The image's, without tag.
    repository: String,
    arguments: BTreeMap<String, String>,
    input: InputHash,
}

impl BuildKitBuilder {
    /// A builder whose images are in a registry. Nothing is connected yet. `credentials` are the logins for base images
    /// and for the registry.
    pub fn new(
        settings: Settings,
        credentials: Arc<dyn Credentials>,
        memory: Arc<dyn BuildMemory>,
    ) -> Result<Self, SettingsError> {
        let settings = settings.check()?;
        let Place::Registry { is_insecure, .. } = settings.place else { return Err(SettingsError::Engine) };
        let images = Arc::new(Registry::new(is_insecure, Arc::clone(&credentials)));
        Ok(Self::with(settings, credentials, memory, images))
    }

    /// A builder whose images are kept by the Docker engine that builds them, under references that are
    /// [local](ImageRef::is_local) and begin with `repositories`. Nothing is connected yet. `credentials` are the logins for
    /// base images, `images` asks the engine.
    pub fn in_engine(
        settings: Settings,
        repositories: String,
        credentials: Arc<dyn Credentials>,
        memory: Arc<dyn BuildMemory>,
        images: Arc<dyn Images>,
    ) -> Result<Self, SettingsError> {
        let mut settings = settings.check()?;
        if !matches!(settings.place, Place::Engine { .. }) {
            return Err(SettingsError::NoEngine);
        }
        settings.place = Place::Engine { repositories };
        Ok(Self::with(settings, credentials, memory, images))
    }

    fn with(
        settings: Checked,
        credentials: Arc<dyn Credentials>,
        memory: Arc<dyn BuildMemory>,
        images: Arc<dyn Images>,
    ) -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Self {
            client: Client::new(settings.address.clone()),
            images,
            room: Semaphore::new(settings.parallel),
            cache: CacheKeeper::default(),
            settings,
            credentials,
            memory,
            key,
        }
    }

    /// One appling, from the beginning to its image.
    async fn one(
        &self,
        request: &BuildRequest,
        build: &ApplingBuild,
        snapshot: &Arc<Snapshot>,
        events: &UnboundedSender<Event>,
    ) -> Result<BuiltImage, Cause> {
        let start = Instant::now();
        let plan = self.plan(request, build, snapshot).await?;
        let (image, reused) = match self.known(&plan).await {
            Some(image) => (image, true),
            None => (self.made(&plan, snapshot, events).await?, false),
        };
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let reference = image.reference.clone();
        tell(events, Event::Built { appling: build.name.clone(), image: reference, reused, duration_ms });
        Ok(image)
    }

    async fn plan<'build>(
        &self,
        request: &'build BuildRequest,
        build: &'build ApplingBuild,
        snapshot: &Arc<Snapshot>,
    ) -> Result<Plan<'build>, Cause> {
        let commit = &request.commit;
        let unreadable = |error| cause::of_git(&error, commit);
        let dockerfile = snapshot.dockerfile(&build.dockerfile).await.map_err(unreadable)?;
        let dockerfile = dockerfile.ok_or_else(|| cause::no_dockerfile(&build.dockerfile, commit))?;
        let ignore = snapshot.ignore(&build.dockerfile).await.map_err(unreadable)?;
        let repository = self.settings.repository(&request.app, &build.name);
        let arguments = arguments(&dockerfile, commit);
        let seen = snapshot.seen(&ignore).await.map_err(unreadable)?;
        let input = Input {
            build,
            dockerfile: &dockerfile,
            seen,
            arguments: &arguments,
            platform: PLATFORM,
            repository: &repository,
            key: &self.key,
        };
        let input = input.hash();
        Ok(Plan { request, build, repository, arguments, input })
    }

    /// The image that the same input became, if it is still there.
    async fn known(&self, plan: &Plan<'_>) -> Option<BuiltImage> {
        let image = self.memory.image_for(&plan.input).await?;
        if self.images.keeps(&image.reference).await { Some(image) } else { None }
    }

    /// The image, built.
    async fn made(
        &self,
        plan: &Plan<'_>,
        snapshot: &Arc<Snapshot>,
        events: &UnboundedSender<Event>,
    ) -> Result<BuiltImage, Cause> {
        let _place = self.room.acquire().await.map_err(|_| internal("the builder is shutting down"))?;
        tell(events, Event::BuildStarted { appling: plan.build.name.clone() });
        self.cache.make_way(&plan.repository).await;
        let solve = self.solve(plan, snapshot);
        let attempts = attempt::Attempts {
            client: &self.client,
            solve: &solve,
            is_warm: self.cache.is_warm(&plan.repository),
            appling: &plan.build.name,
            retries: self.settings.retries,
            events,
        };
        let built = tokio::time::timeout(self.settings.limit, attempts.run()).await;
        let built = built.map_err(|_| cause::too_long(&plan.build.dockerfile, self.settings.limit))?;
        self.cache.note(&plan.repository, &built);
        let built =
            built.map_err(|error| cause::of_build(error, &plan.build.dockerfile, &plan.request.commit))?;
        tracing::debug!(
            appling = %plan.build.name,
            files_sent = built.files_sent,
            bytes_sent = built.bytes_sent,
            steps = built.steps,
            steps_cached = built.steps_cached,
            "built"
        );
        let reference = ImageRef::parse(&format!("{}@{}", plan.repository, built.digest))
            .map_err(|error| internal(&error.to_string()))?;
        let image = self.described(plan, reference, events).await;
        if built.steps_cached < built.steps {
            self.keep_cache(solve);
        }
        Ok(image)
    }

    /// A built image, with its user. What could not be described is not remembered, so that the next deploy asks again.
    async fn described(
        &self,
        plan: &Plan<'_>,
        reference: ImageRef,
        events: &UnboundedSender<Event>,
    ) -> BuiltImage {
        match self.images.user(&reference).await {
            Ok(user) => {
                let image = BuiltImage { reference, user };
                self.memory.remember(&plan.input, &image).await;
                image
            }
            Err(error) => {
                let message = format!(
                    "{}: it is not known whom the image runs as ({error}); it is run as an image of root's",
                    plan.build.name
                );
                tell(events, Event::Warning { message });
                BuiltImage { reference, user: ImageUser::Root }
            }
        }
    }

    /// After a build that added to it: has the cache written to the registry, or an engine's cut to size.
    fn keep_cache(&self, solve: Solve) {
        match &self.settings.place {
            Place::Registry { cache: true, is_insecure, .. } => {
                self.cache.export(&self.client, solve, *is_insecure);
            }
            Place::Registry { cache: false, .. } => {}
            Place::Engine { .. } => {
                if let Some(keep) = self.settings.cache_keep {
                    self.cache.prune(&self.client, keep);
                }
            }
        }
    }

    fn solve(&self, plan: &Plan<'_>, snapshot: &Arc<Snapshot>) -> Solve {
        let commit = &plan.request.commit;
        let (tag, destination, cache) = match self.settings.place {
            Place::Registry { is_insecure: insecure, cache, .. } => {
                let cache = cache.then(|| cache::reference(&plan.repository, insecure));
                (commit.to_string(), Destination::Registry { insecure }, cache)
            }
            // A commit may be built again with other secrets. An image that has lost its only tag is taken for waste by
            // engines and by people who tidy up, and a release may still need it.
            Place::Engine { .. } => {
                let input = &plan.input.as_str()[..12];
                (format!("{commit}-{input}"), Destination::Engine, None)
            }
        };
        let image = Image { names: vec![format!("{}:{tag}", plan.repository)], destination };
        Solve {
            dockerfile: plan.build.dockerfile.to_string(),
            arguments: plan.arguments.clone(),
            platform: PLATFORM.to_owned(),
            secrets: plan.build.secrets.clone(),
            credentials: Arc::clone(&self.credentials),
            shared_key: plan.repository.clone(),
            cache_from: cache.into_iter().collect(),
            ..Solve::new(Arc::new(Context(Arc::clone(snapshot))), image)
        }
    }
}

#[async_trait]
impl Builder for BuildKitBuilder {
    async fn build(&self, request: BuildRequest, events: UnboundedSender<Event>) -> BuildResults {
        let snapshot = match Snapshot::of(&request.repository, &request.commit).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                let cause = cause::of_git(&error, &request.commit);
                return request.applings.into_iter().map(|build| (build.name, Err(cause.clone()))).collect();
            }
        };
        for caveat in &snapshot.caveats {
            tell(&events, Event::Warning { message: caveat.to_string() });
        }
        // Polled by this future, not spawned: dropped with it, they stop.
        let builds = request.applings.iter().map(|build| {
            let (request, snapshot, events) = (&request, &snapshot, &events);
            async move { (build.name.clone(), self.one(request, build, snapshot, events).await) }
        });
        join_all(builds).await.into_iter().collect()
    }

    async fn expected(&self, request: &BuildRequest) -> BTreeMap<ApplingName, BuiltImage> {
        let snapshot = Snapshot::of(&request.repository, &request.commit).await.ok();
        let mut expected = BTreeMap::new();
        for build in &request.applings {
            let plan = match &snapshot {
                Some(snapshot) => self.plan(request, build, snapshot).await.ok(),
                None => None,
            };
            let known = match &plan {
                Some(plan) => self.memory.image_for(&plan.input).await,
                None => None,
            };
            let repository = self.settings.repository(&request.app, &build.name);
            let tagged = || {
                let reference = ImageRef::parse(&format!("{repository}:{}", request.commit)).ok()?;
                Some(BuiltImage { reference, user: ImageUser::Root })
            };
            if let Some(image) = known.or_else(tagged) {
                expected.insert(build.name.clone(), image);
            }
        }
        expected
    }
}

/// Only what the Dockerfile declares: an argument that changes with every commit would otherwise make every commit
/// a new input.
fn arguments(dockerfile: &Dockerfile, commit: &CommitId) -> BTreeMap<String, String> {
    let is_declared = dockerfile::declares(&dockerfile.text, GIT_SHA);
    is_declared.then(|| (GIT_SHA.to_owned(), commit.to_string())).into_iter().collect()
}

fn internal(message: &str) -> Cause {
    Cause::new(hops_model::CauseCode::Internal, message, "deploy again; if it stays, report it")
}

/// That nobody listens is no reason to stop.
fn tell(events: &UnboundedSender<Event>, event: Event) {
    let _ = events.send(event);
}
