//! TCP ports.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

/// The port an app listens on, 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Port(NonZeroU16);

impl Port {
    /// The port of an app whose file names none (hops.md 3).
    pub const DEFAULT: Self = Self(NonZeroU16::new(3030).expect("3030 is not zero"));

    /// A port, unless it is zero or over 65535.
    pub fn new(number: i64) -> Option<Self> {
        u16::try_from(number).ok().and_then(NonZeroU16::new).map(Self)
    }

    /// The port as a number.
    pub fn number(self) -> u16 {
        self.0.get()
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
