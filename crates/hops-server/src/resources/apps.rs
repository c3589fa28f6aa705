//! Apps.

use axum::{Json, extract::State};
use hops_api::{AppSummary, EnvironmentSummary};
use hops_control::{AppRow, EnvironmentRow};

use crate::{failure::Failure, resources::Problems, serve::Shared};

/// Every app that was ever deployed here.
#[utoipa::path(get, path = "/v1/apps", operation_id = "list_apps", tag = "apps", responses((status = 200, description = "Every app", body = [AppSummary]), Problems))]
pub(crate) async fn list(State(shared): State<Shared>) -> Result<Json<Vec<AppSummary>>, Failure> {
    let apps = shared.control.apps().await?;
    Ok(Json(apps.into_iter().map(summary).collect()))
}

fn summary(row: AppRow) -> AppSummary {
    let AppRow { name, created_at, environments } = row;
    let environment =
        |EnvironmentRow { environment, release, deploy }| EnvironmentSummary { environment, release, deploy };
    AppSummary { name, created_at, environments: environments.into_iter().map(environment).collect() }
}
