//! What the crate promises, through its public functions.

#![expect(
    clippy::unwrap_used,
    reason = "in a test it is an assertion, also in the functions that tests share"
)]
#![expect(clippy::needless_pass_by_value, reason = "`expect![[…]]` reads best as the last argument itself")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its texts so")]

mod applings;
mod corpus;
mod cronjobs;
mod files;
mod fuzz;
mod hosts;
mod keys;
mod names;
mod not_yet;
mod pages;
mod places;
mod report;
mod resources;
mod sealed;
mod support;
mod text;
mod values;
mod variables;
