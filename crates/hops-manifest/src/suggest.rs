//! The nearest known word.

/// Words that people write for something we call otherwise, where the spelling is too far off to be found.
const SYNONYMS: &[(&str, &str)] = &[
    ("build_args", "build_secrets"),
    ("cron", "cronjobs"),
    ("development", "local"),
    ("dev", "local"),
    ("all", "common"),
    ("default", "common"),
    ("environment", "env"),
    ("environments", "env"),
    ("healthcheck", "readiness_path"),
    ("health_check", "readiness_path"),
    ("health_path", "readiness_path"),
    ("hosts", "domains"),
    ("hostnames", "domains"),
    ("instances", "replicas"),
    ("production", "prod"),
    ("resources", "requests"),
    ("scale", "replicas"),
    ("services", "applings"),
    ("apps", "applings"),
    ("staging", "test"),
    ("variables", "env"),
];

/// Nothing longer is a slip of the pen; comparing takes time and room by the length.
const LONGEST: usize = 64;

/// The candidate nearest to a word, if any is near enough to be meant.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = normal(word);
    let synonym = SYNONYMS.iter().find(|(written, _)| *written == word).map(|(_, meant)| *meant);
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let normalised = normal(candidate);
            if normalised == word {
                return Some((0, candidate));
            }
            if synonym == Some(candidate) {
                return Some((1, candidate));
            }
            let distance = strsim::damerau_levenshtein(&word, &normalised);
            (distance <= limit && distance < normalised.chars().count()).then_some((distance + 1, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and the choice between `-` and `_` are the most common slips, so they cost nothing.
fn normal(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["postgres", "port", "env", "readiness_path", "cronjobs"];
        let near = |word| nearest(word, known);
        assert_eq!(near("postgresql"), Some("postgres"));
        assert_eq!(near("prot"), Some("port"));
        assert_eq!(near("readiness-path"), Some("readiness_path"));
        assert_eq!(near("cron"), Some("cronjobs"));
        assert_eq!(near("redis"), None);
        assert_eq!(near(""), None);
    }
}
