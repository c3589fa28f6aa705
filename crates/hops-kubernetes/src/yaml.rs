//! Objects as YAML text.

use hops_model::Desired;

use crate::{Settings, render};

/// The objects that a deploy would apply, as one YAML document each, for people and for `kubectl apply`.
pub fn render_yaml(desired: &Desired, settings: &Settings) -> String {
    let mut yaml = String::new();
    for object in render(desired, settings) {
        // kube reads its configuration with the same library; a second one would only be weight.
        let text = serde_saphyr::to_string(&object.body).expect("JSON values are plain data with text keys");
        yaml.push_str("---\n");
        yaml.push_str(text.trim_end());
        yaml.push('\n');
    }
    yaml
}
