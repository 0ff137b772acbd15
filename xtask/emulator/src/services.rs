//! One module a service, one row here; each gives a router that is nested under its prefix.

use std::sync::Arc;

use axum::Router;
use serde::{Deserialize, Serialize};

use crate::{context::Context, state::Store};

pub mod agentcore;
pub mod bedrock_agentcore;
pub mod bedrock_agentcore_control;
pub mod bedrock_runtime;
pub mod cognito;
pub mod ecr;
pub mod gateway;
pub mod lambda;
pub mod langfuse;
pub mod logs;
pub mod registry;
pub mod sap;
pub mod secretsmanager;
pub mod ssm;
pub mod sts;

/// The AWS resources that are created through the API and outlive the process: `aws.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AwsState {
    /// ECR.
    pub ecr: ecr::Repositories,
    /// AgentCore.
    pub agentcore: agentcore::data::Runtimes,
}

/// All services under their prefixes.
///
/// # Errors
/// When a service cannot open its state.
pub fn router(context: &Arc<Context>) -> anyhow::Result<Router> {
    let store = Arc::new(Store::<AwsState>::open(context.state_dir.join("aws.json"))?);
    let ecr = ecr::Ecr::new(Arc::clone(context), Arc::clone(&store))?;
    store.write(|state| state.agentcore.settle());
    let host = agentcore::host::Host::new(Arc::clone(context), store, Arc::clone(&ecr))?;
    tokio::spawn(Arc::clone(&host).housekeep());
    let lambda = lambda::Lambda::new(Arc::clone(context));
    // Services that read the path themselves are nested as services: that way their prefix is theirs with and
    // without a trailing slash.
    Ok(Router::new()
        .nest_service("/sts", sts::router(Arc::clone(context)))
        .nest_service("/ssm", ssm::router(Arc::clone(context)))
        .nest_service(
            "/secretsmanager",
            secretsmanager::router(Arc::clone(context)),
        )
        .nest_service("/logs", logs::router(Arc::clone(context)))
        .nest_service("/ecr", ecr::router(Arc::clone(&ecr)))
        .nest_service("/v2", registry::router(ecr))
        .nest(
            "/bedrock-agentcore-control",
            bedrock_agentcore_control::router(Arc::clone(&host)),
        )
        .nest(
            "/bedrock-agentcore",
            bedrock_agentcore::router(Arc::clone(&host)),
        )
        .merge(bedrock_agentcore::sessions_router(host))
        .merge(sap::router(Arc::clone(context)))
        .nest("/langfuse", langfuse::router(Arc::clone(context))?)
        .merge(bedrock_runtime::router(Arc::clone(context))?)
        .nest("/cognito", cognito::router(Arc::clone(context))?)
        .nest(
            "/gateway",
            gateway::router(Arc::clone(context), Arc::clone(&lambda))?,
        )
        .nest("/lambda", lambda::router(Arc::clone(&lambda)))
        .nest("/lambda-runtime", lambda::runtime_api_router(lambda)))
}
