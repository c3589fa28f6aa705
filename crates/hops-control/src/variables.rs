//! The variables that HOPS itself gives every container (design.md 7).

use std::collections::BTreeMap;

use hops_model::{
    App, Appling, CommitId, HostName, ReleaseNumber, Target, VariableName, desired::DesiredValue,
};

/// HOPS' own variables of one appling. What the file sets under the same name wins.
pub(crate) fn own(
    app: &App,
    appling: &Appling,
    target: &Target,
    commit: &CommitId,
    release: ReleaseNumber,
    main_host: Option<&HostName>,
) -> BTreeMap<VariableName, DesiredValue> {
    let mut texts: Vec<(String, String)> = vec![
        ("PORT".into(), appling.port.to_string()),
        ("HOPS_ENV".into(), target.environment.to_string()),
        ("HOPS_APP".into(), app.name.to_string()),
        ("HOPS_APPLING".into(), appling.name.to_string()),
        ("HOPS_GIT_SHA".into(), commit.to_string()),
        ("HOPS_RELEASE".into(), release.to_string()),
        // The older names, as the original platform set them.
        ("ITERAPP_GIT_SHA".into(), commit.to_string()),
        ("ITERAPP_BUILD_NUMBER".into(), release.to_string()),
        ("ITERAPP_DEPLOYMENT_ID".into(), format!("{}-{release}", target.namespace())),
    ];
    texts.extend(main_host.map(|host| ("HOPS_DOMAIN".into(), host.to_string())));
    for sibling in app.applings.iter().filter(|sibling| sibling.name != appling.name) {
        let url = format!("http://{}:{}", app.service_name(&sibling.name), sibling.port);
        texts.push((format!("HOPS_URL_{}", sibling.name.variable()), url));
    }
    texts
        .into_iter()
        .map(|(name, text)| {
            let name =
                VariableName::parse(&name).expect("made of upper-case letters, digits and underscores");
            (name, DesiredValue::Literal(text))
        })
        .collect()
}
