//! What to build, and how that is said to the daemon.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use bollard_buildkit_proto::moby::buildkit::v1::{CacheOptions, CacheOptionsEntry, SolveRequest};

use crate::{
    secret::{Credentials, SecretValue},
    session::{CONTEXT, DOCKERFILE},
    source::Source,
    syntax,
};

/// One build of one Dockerfile into one image.
#[derive(Clone)]
pub struct Solve {
    /// What `COPY` and `ADD` can see, before `.dockerignore`.
    pub context: Arc<dyn Source>,
    /// Where `dockerfile` is found; the context when absent. Either way a `.dockerignore` cannot hide it.
    pub dockerfile_source: Option<Arc<dyn Source>>,
    /// Path of the Dockerfile in its source.
    pub dockerfile: String,
    /// What to do about a `# syntax=` line.
    pub syntax: Syntax,
    /// The stage to build; the last one when absent.
    pub target: Option<String>,
    /// Values for the `ARG`s that the Dockerfile declares; others are ignored.
    pub arguments: BTreeMap<String, String>,
    /// For instance `linux/amd64`.
    pub platform: String,
    /// Labels added to the image.
    pub labels: BTreeMap<String, String>,
    /// What `RUN --mount=type=secret,id=…` can read.
    pub secrets: BTreeMap<String, SecretValue>,
    /// Logins for the registries of base images, of the image and of the cache.
    pub credentials: Arc<dyn Credentials>,
    /// Names the builds that share sent files: with the same key, a later build sends only what changed. One
    /// per Dockerfile and context is right; builds that run at the same time do not disturb each other.
    pub shared_key: String,
    /// Where the image goes.
    pub image: Image,
    /// Registry references that hold the cache of earlier builds; missing ones are ignored.
    pub cache_from: Vec<Cache>,
    /// Registry references that the cache of this build is written to, with all stages. That this fails
    /// never fails the build.
    pub cache_to: Vec<Cache>,
}

/// Where an image goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Full references, such as `registry.example.org/shop/api:3f2a9c1`.
    pub names: Vec<String>,
    /// What becomes of it.
    pub destination: Destination,
}

/// What becomes of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Destination {
    /// Nothing; the daemon has the results of the steps in its cache, and that is what is wanted.
    #[default]
    Cache,
    /// It is pushed to the registry of each of its names. The builder inside a Docker engine with the classic store
    /// cannot do that.
    Registry {
        /// The registry speaks plain HTTP, or shows a certificate that nobody vouches for.
        insecure: bool,
    },
    /// It is kept by the Docker engine whose builder this is, under all its names.
    Engine,
}

/// A cache in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Full reference, such as `registry.example.org/shop/api:cache`.
    pub reference: String,
    /// As in [`Destination::Registry`].
    pub insecure: bool,
}

/// What to do about a `# syntax=docker/dockerfile:1` line, which asks the daemon to pull that image and let it
/// read the Dockerfile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// Stable syntax of major version 1 is read by the daemon's own frontend where that is new enough, which is
    /// the same code: no pull, no dependence on Docker Hub. Any other image is pulled as the line says.
    #[default]
    BuiltinWhenStable,
    /// Always as the line says.
    AsWritten,
}

impl Solve {
    /// The usual build: `Dockerfile` in `context`, linux/amd64, no arguments, no secrets, no cache, no login.
    pub fn new(context: Arc<dyn Source>, image: Image) -> Self {
        Self {
            context,
            dockerfile_source: None,
            dockerfile: "Dockerfile".to_owned(),
            syntax: Syntax::default(),
            target: None,
            arguments: BTreeMap::new(),
            platform: "linux/amd64".to_owned(),
            labels: BTreeMap::new(),
            secrets: BTreeMap::new(),
            credentials: Arc::new(BTreeMap::new()),
            shared_key: String::new(),
            image,
            cache_from: Vec::new(),
            cache_to: Vec::new(),
        }
    }

    /// The image of the Dockerfile's `# syntax=` line, and the minor version it promises, if the daemon may read
    /// that itself; `dockerfile` is the file's beginning.
    pub(crate) fn stable_syntax<'text>(&self, dockerfile: &'text str) -> Option<(&'text str, u32)> {
        if self.syntax == Syntax::AsWritten || self.arguments.contains_key("BUILDKIT_SYNTAX") {
            return None;
        }
        let image = syntax::image(dockerfile)?;
        Some((image, syntax::stable_minor(image)?))
    }

    /// The request; `built_in` is an image that the daemon's own frontend shall stand in for.
    pub(crate) fn request(&self, reference: &str, session: &str, built_in: Option<&str>) -> SolveRequest {
        let imports: Vec<_> = self.cache_from.iter().map(|cache| cache.entry(&[])).collect();
        let exports: Vec<_> = self
            .cache_to
            .iter()
            .map(|cache| cache.entry(&[("mode", "max"), ("ignore-error", "true")]))
            .collect();
        SolveRequest {
            r#ref: reference.to_owned(),
            session: session.to_owned(),
            // The newer `exporters` is unknown to the BuildKit in older Docker engines; this one is understood
            // by all as long as there is only one.
            exporter_deprecated: self.image.exporter().to_owned(),
            exporter_attrs_deprecated: self.image.attributes(),
            frontend: "dockerfile.v0".to_owned(),
            frontend_attrs: self.frontend_attributes(built_in, &imports),
            cache: Some(CacheOptions { exports, imports, ..CacheOptions::default() }),
            ..SolveRequest::default()
        }
    }

    fn frontend_attributes(
        &self,
        built_in: Option<&str>,
        imports: &[CacheOptionsEntry],
    ) -> HashMap<String, String> {
        let mut attributes = HashMap::from([
            ("filename".to_owned(), self.dockerfile.clone()),
            ("contextkey".to_owned(), CONTEXT.to_owned()),
            ("dockerfilekey".to_owned(), DOCKERFILE.to_owned()),
        ]);
        let mut set = |key: String, value: &str| attributes.insert(key, value.to_owned());
        if let Some(target) = &self.target {
            set("target".to_owned(), target);
        }
        if !self.platform.is_empty() {
            set("platform".to_owned(), &self.platform);
        }
        for (name, value) in &self.arguments {
            set(format!("build-arg:{name}"), value);
        }
        for (name, value) in &self.labels {
            set(format!("label:{name}"), value);
        }
        if let Some(image) = built_in {
            // With this present the built-in frontend takes itself to be the image that the line asks for,
            // and goes on without forwarding.
            set("cmdline".to_owned(), image);
        }
        if !imports.is_empty() {
            let imports: Vec<_> = imports
                .iter()
                .map(|entry| serde_json::json!({"Type": entry.r#type, "Attrs": entry.attrs}))
                .collect();
            set("cache-imports".to_owned(), &serde_json::Value::from(imports).to_string());
        }
        attributes
    }
}

impl Image {
    fn attributes(&self) -> HashMap<String, String> {
        let mut attributes = HashMap::new();
        if !self.names.is_empty() {
            attributes.insert("name".to_owned(), self.names.join(","));
        }
        let mut set = |key: &str, value: &str| attributes.insert(key.to_owned(), value.to_owned());
        match self.destination {
            Destination::Cache => {}
            Destination::Registry { insecure } => {
                set("push", "true");
                if insecure {
                    set("registry.insecure", "true");
                }
            }
            // The containerd store keeps layers packed as well as unpacked. The usual gzip takes four times as long as
            // this, which any engine that has the store can read; the classic store packs nothing.
            Destination::Engine => {
                set("compression", "zstd");
            }
        }
        attributes
    }

    /// An engine's builder calls the engine's store `moby`, whichever of the two kinds it is.
    fn exporter(&self) -> &'static str {
        match self.destination {
            Destination::Engine => "moby",
            Destination::Cache | Destination::Registry { .. } => "image",
        }
    }
}

impl Cache {
    fn entry(&self, more: &[(&str, &str)]) -> CacheOptionsEntry {
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let mut attrs: HashMap<_, _> = more.iter().copied().map(own).collect();
        attrs.insert("ref".to_owned(), self.reference.clone());
        if self.insecure {
            attrs.insert("registry.insecure".to_owned(), "true".to_owned());
        }
        CacheOptionsEntry { r#type: "registry".to_owned(), attrs }
    }
}

impl fmt::Debug for Solve {
    /// Without the files, and without the values of arguments, which people put passwords in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solve")
            .field("dockerfile", &self.dockerfile)
            .field("target", &self.target)
            .field("platform", &self.platform)
            .field("arguments", &self.arguments.keys())
            .field("secrets", &self.secrets.keys())
            .field("image", &self.image)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Files;

    fn solve() -> Solve {
        Solve::new(Arc::new(Files::new()), Image::default())
    }

    #[test]
    fn a_stable_syntax_line_may_stay_with_the_built_in_frontend() {
        let text = "# syntax=docker/dockerfile:1.4\nFROM scratch\n";
        assert_eq!(solve().stable_syntax(text), Some(("docker/dockerfile:1.4", 4)));
        assert_eq!(solve().stable_syntax("# syntax=example.org/own:2\nFROM scratch\n"), None);
        assert_eq!(Solve { syntax: Syntax::AsWritten, ..solve() }.stable_syntax(text), None);
        let arguments = BTreeMap::from([("BUILDKIT_SYNTAX".to_owned(), "a/b".to_owned())]);
        assert_eq!(Solve { arguments, ..solve() }.stable_syntax(text), None);
        assert_eq!(solve().request("r", "s", Some("a/b")).frontend_attrs["cmdline"], "a/b");
        assert!(!solve().request("r", "s", None).frontend_attrs.contains_key("cmdline"));
    }

    #[test]
    fn a_cache_that_cannot_be_written_does_not_fail_the_build() {
        let cache = Cache { reference: "r/cache:1".into(), insecure: true };
        let solve = Solve { cache_to: vec![cache.clone()], cache_from: vec![cache], ..solve() };
        let request = solve.request("r", "s", None);
        let options = request.cache.unwrap();
        assert_eq!(options.exports[0].attrs["ignore-error"], "true");
        assert_eq!(options.exports[0].attrs["mode"], "max");
        assert_eq!(options.imports[0].attrs["ref"], "r/cache:1");
        assert!(request.frontend_attrs["cache-imports"].contains(r#""Type":"registry""#));
    }

    #[test]
    fn debug_output_hides_the_values_of_arguments() {
        let arguments = BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]);
        let text = format!("{:?}", Solve { arguments, ..solve() });
        assert!(text.contains("TOKEN") && !text.contains("hunter2"), "{text}");
    }
}
