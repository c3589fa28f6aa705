//! What the API offers, a file for each resource: handlers with their descriptions.

pub(crate) mod apps;
pub(crate) mod deploys;
pub(crate) mod events;
pub(crate) mod git;
pub(crate) mod logs;
pub(crate) mod meta;
pub(crate) mod releases;
pub(crate) mod targets;

use std::collections::BTreeMap;

use hops_api::{PROBLEM_TYPE, Problem};
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{Content, Ref, RefOr, Response, ResponseBuilder},
};

/// Every answer that is no success, for the description.
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let schema = RefOr::Ref(Ref::from_schema_name(Problem::name()));
        let content = Content::new(Some(schema));
        let response =
            ResponseBuilder::new().description("What is the matter").content(PROBLEM_TYPE, content);
        BTreeMap::from([("default".to_owned(), response.build().into())])
    }
}
