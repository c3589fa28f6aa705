//! What the crate promises, through its public functions.

mod corpus;
mod support;
