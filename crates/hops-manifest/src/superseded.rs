//! Keys of earlier versions of the file: what became of them.

use crate::keys::{Kind, Place};

/// A key that another one replaced, or that is no longer needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Superseded {
    /// Its path, written as in [`crate::keys::Key::path`].
    pub(crate) path: &'static str,
    /// Which files it may stand in.
    pub(crate) place: Place,
    /// What it takes.
    pub(crate) kind: Kind,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// What became of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// The key of this path took over its meaning; the old one works all the same.
    Renamed(&'static str),
    /// What it asked for is always so, for this reason; it has no effect.
    Always(&'static str),
}

pub(crate) const SUPERSEDED: &[Superseded] = &[
    Superseded {
        path: "auto_deploy_env",
        place: Place::Root,
        kind: Kind::Environment,
        fate: Fate::Renamed("default_environment"),
    },
    Superseded {
        path: "health",
        place: Place::Appling,
        kind: Kind::HttpPath,
        fate: Fate::Renamed("readiness_path"),
    },
    Superseded {
        path: "build",
        place: Place::Inherited,
        kind: Kind::Table,
        fate: Fate::Always("images are always built by the platform's BuildKit"),
    },
    Superseded {
        path: "build.build_in_kubernetes",
        place: Place::Inherited,
        kind: Kind::Flag,
        fate: Fate::Always("images are always built by the platform's BuildKit"),
    },
    Superseded {
        path: "postgres.feature_auto_create_db",
        place: Place::Inherited,
        kind: Kind::Flag,
        fate: Fate::Always("`[postgres]` always comes with its database"),
    },
];

/// The superseded key at a path.
pub(crate) fn find(path: &str) -> Option<&'static Superseded> {
    SUPERSEDED.iter().find(|key| key.path == path)
}
