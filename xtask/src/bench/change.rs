//! A one-line change to live.

use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::{
    Bench,
    report::Report,
    timing::{Times, seconds},
};
use crate::{cluster::Port, progress, repository::Repository};

const DOCKERFILE: &str = "\
FROM busybox
WORKDIR /www
RUN echo ok > health
COPY page index.html
CMD [\"httpd\", \"-f\", \"-p\", \"3030\"]
";

/// Both build the same Dockerfile with the same daemon, push to the same registry, run two pods with the same
/// readiness probe, and wait until all of them are the new ones.
pub(super) fn measure(bench: &Bench) -> Result<Report> {
    let server = bench.server("change")?;
    let files = [("iterapp.toml", "name = \"bench-change\"\n"), ("Dockerfile", DOCKERFILE), ("page", "0\n")];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let repository = Repository::of_files(&bench.folder.join("change/app"), &files)?;
    let rival = Rival::prepare(bench, &repository)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // The first of each makes everything; from the second on it is a change.
    for round in 0..=bench.rounds {
        repository.write("page", &format!("hops {round}\n"))?;
        repository.commit("Change a line")?;
        let hops = seconds([server.hops(&["deploy", "--quiet"], repository.folder())])?;
        repository.write("page", &format!("rival {round}\n"))?;
        let rival = seconds(rival.commands(round)?)?;
        progress::say(format!("round {round}: hops {hops:.2} s, buildctl and kubectl {rival:.2} s"));
        if round > 0 {
            ours.push(hops);
            theirs.push(rival);
        }
    }
    rival.end()?;
    seconds([server.hops(&["remove", "--yes"], repository.folder())])?;
    let ratios = Times::of(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
    let (ours, theirs) = (Times::of(ours), Times::of(theirs));
    let mut report = Report {
        name: "change",
        title: "A one-line change to live",
        method: "An app of busybox's httpd, two pods, readiness every 2 s. In turns: `hops deploy` of a commit, and \
                 `buildctl build` with push, `kubectl apply`, `kubectl rollout status` of the same Dockerfile with a \
                 Deployment of Kubernetes' defaults. Each from the start of the first process to the end of the last."
            .to_owned(),
        rows: Vec::new(),
    };
    report.times("`hops deploy`", &ours);
    report.times("`buildctl build`, `kubectl apply`, `kubectl rollout status`", &theirs);
    report.row("Ratio of each pair", format!("median {:.2}", ratios.median()));
    Ok(report)
}

/// What a user without HOPS would run.
struct Rival<'a> {
    bench: &'a Bench,
    repository: &'a Repository,
}

const NAMESPACE: &str = "bench-rival";

impl<'a> Rival<'a> {
    fn prepare(bench: &'a Bench, repository: &'a Repository) -> Result<Self> {
        let rival = Self { bench, repository };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        seconds([rival.apply("namespace", &namespace)?])?;
        Ok(rival)
    }

    fn commands(&self, round: usize) -> Result<[Command; 3]> {
        let registry = self.bench.cluster.slot.loopback(Port::Registry);
        let image = format!("{registry}/bench-rival:{round}");
        let mut build = Command::new(self.bench.cluster.tools.program("buildctl"));
        let folder = self.repository.folder().display();
        build.args(["--addr", &self.bench.cluster.buildkit(), "build", "--progress=plain"]);
        build.args(["--frontend=dockerfile.v0", &format!("--local=context={folder}")]);
        build.arg(format!("--local=dockerfile={folder}"));
        build.arg(format!("--output=type=image,name={image},push=true,registry.insecure=true"));
        let labels = json!({"app": "web"});
        let deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": NAMESPACE},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
                    "name": "web",
                    "image": image,
                    "readinessProbe": {"httpGet": {"path": "/health", "port": 3030}, "periodSeconds": 2},
                }]}},
            },
        });
        let apply = self.apply("deployment", &deployment)?;
        let mut wait = self.bench.cluster.kubectl_command();
        wait.args(["rollout", "status", "deployment/web", "--namespace", NAMESPACE, "--timeout=120s"]);
        Ok([build, apply, wait])
    }

    fn apply(&self, name: &str, object: &serde_json::Value) -> Result<Command> {
        let file = self.bench.folder.join(format!("{name}.json"));
        std::fs::write(&file, object.to_string())?;
        let mut apply = self.bench.cluster.kubectl_command();
        apply.args(["apply", "--filename"]).arg(file);
        Ok(apply)
    }

    fn end(&self) -> Result<()> {
        let mut delete = self.bench.cluster.kubectl_command();
        delete.args(["delete", "namespace", NAMESPACE, "--wait=false"]);
        seconds([delete]).map(drop)
    }
}
