//! Taking fields over that somebody added by hand.

use kube::{
    Api, Error,
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use serde_json::{Value, json};

use crate::plan;

/// Others may write between reading and writing; the API server then refuses, and it is done again.
const ATTEMPTS: usize = 5;

/// Makes HOPS the owner of what others own in an object's `spec`, so that the next apply removes what is not wanted.
pub(super) async fn take_over(api: &Api<DynamicObject>, name: &str, manager: &str) -> Result<(), Error> {
    let mut attempt = 1;
    loop {
        let Some(live) = api.get_opt(name).await? else { return Ok(()) };
        let live = serde_json::to_value(&live).expect("objects of the Kubernetes API are plain data");
        let Some(record) = plan::take_over(&live, manager) else { return Ok(()) };
        match write(api, name, &live, &record).await {
            Err(Error::Api(status)) if status.code == 409 && attempt < ATTEMPTS => attempt += 1,
            result => return result,
        }
    }
}

async fn write(api: &Api<DynamicObject>, name: &str, live: &Value, record: &Value) -> Result<(), Error> {
    // With the version that was read: the API server refuses it if somebody wrote since.
    let version = &live["metadata"]["resourceVersion"];
    let patch = json!({"metadata": {"managedFields": record, "resourceVersion": version}});
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.map(|_| ())
}
