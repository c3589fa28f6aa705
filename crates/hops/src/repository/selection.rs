//! Which app and environment is meant, where the arguments leave it open.

use hops_manifest::FILE_NAME;
use hops_model::Target;

use crate::{
    args::TargetArgs,
    failure::Failure,
    repository::{Repository, count},
};

/// What to write in place of what cannot be told.
const HINT: &str = "name them: `-a APP -e ENVIRONMENT`";

/// Works out the target for a command that looks at what runs: the arguments, else the files around here.
pub(crate) fn target(arguments: &TargetArgs) -> Result<Target, Failure> {
    if let (Some(app), Some(environment)) = (&arguments.app, arguments.environment) {
        return Ok(Target::new(app.clone(), environment));
    }
    let repository = Repository::find(None)?;
    let reading = repository.read(None)?;
    let Some(app) = reading.app else {
        let place = repository.root().join(FILE_NAME);
        let message = if place.exists() {
            format!("`{}` cannot tell the app: {}", place.display(), count(&reading.diagnostics))
        } else {
            format!("there is no `{}` to tell the app and the environment", place.display())
        };
        return Err(Failure::users_fault(message).hint(HINT));
    };
    if let Some(given) = arguments.app.as_ref().filter(|given| **given != app.name) {
        let message =
            format!("the files here are those of `{}`; nothing tells the environment of `{given}`", app.name);
        return Err(Failure::users_fault(message).hint("name it: `-e ENVIRONMENT`"));
    }
    Ok(Target::new(app.name, arguments.environment.unwrap_or(app.default_environment)))
}
