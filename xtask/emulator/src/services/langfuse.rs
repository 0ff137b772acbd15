//! The Langfuse public API, as far as the official SDKs and this project use it, over one SQLite file.
//!
//! Speaks the API as of server 4.16 plus what Python SDK 5 added (array `POST /scores`, experiments).
//! Unlike the real server, everything that was answered with 2xx can be read at once, and the routes
//! that the newest server generation retired (run items, traces, v2 scores) stay readable.
//!
//! One row of [`OPERATIONS`] is one served operation; what has no row answers 501 with its method and path.

mod dataset_items;
mod datasets;
mod experiments;
mod filter;
mod http;
mod ids;
mod ingestion;
mod mapping;
mod observations;
mod otlp;
mod projects;
mod run_items;
mod scores;
mod sql;
mod store;
mod timestamp;
mod traces;

use std::sync::Arc;

use anyhow::Context as _;
use axum::{
    Router,
    extract::{RawPathParams, Request},
    http::Method,
    response::Response,
    routing::{MethodFilter, on},
};

use crate::{clock, context::Context, world::LangfuseProject};
use http::{Access, Answer, ApiError, Call};
use store::Store;
use timestamp::Timestamp;

/// File below the state directory that holds the project's data.
const DATABASE_FILE: &str = "langfuse.sqlite3";

const KIB: usize = 1024;
/// Longest body of a route that takes a small JSON document.
const SMALL_BODY_BYTES: usize = KIB * KIB;
/// Longest body of `/ingestion` and `POST /dataset-items`.
const ITEM_BODY_BYTES: usize = 4500 * KIB;
/// Longest OTLP body on the wire; the Python SDK never sends more before compression.
const OTLP_BODY_BYTES: usize = 64 * KIB * KIB;

/// What all operations share.
struct Langfuse {
    project: LangfuseProject,
    store: Store,
}

type Handler = fn(&Call) -> Result<Answer, ApiError>;

/// One served operation.
struct Operation {
    method: MethodFilter,
    path: &'static str,
    /// The operation's id in Langfuse's OpenAPI document.
    name: &'static str,
    access: Access,
    body_limit_bytes: usize,
    handler: Handler,
}

impl Operation {
    const fn new(
        method: MethodFilter,
        path: &'static str,
        name: &'static str,
        handler: Handler,
    ) -> Self {
        let access = Access::Project;
        let body_limit_bytes = SMALL_BODY_BYTES;
        Self {
            method,
            path,
            name,
            access,
            body_limit_bytes,
            handler,
        }
    }

    const fn open_to(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    const fn body_limit_bytes(mut self, limit: usize) -> Self {
        self.body_limit_bytes = limit;
        self
    }
}

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;
const DELETE: MethodFilter = MethodFilter::DELETE;

/// Everything that is served, below `/api/public`.
static OPERATIONS: &[Operation] = &[
    Operation::new(GET, "/health", "health_health", projects::health).open_to(Access::Anyone),
    Operation::new(GET, "/ready", "health_ready", projects::health).open_to(Access::Anyone),
    Operation::new(GET, "/projects", "projects_get", projects::list),
    Operation::new(POST, "/v2/datasets", "datasets_create", datasets::create),
    Operation::new(GET, "/v2/datasets", "datasets_list", datasets::list),
    Operation::new(
        GET,
        "/v2/datasets/{datasetName}",
        "datasets_get",
        datasets::get,
    ),
    Operation::new(
        POST,
        "/dataset-items",
        "datasetItems_create",
        dataset_items::create,
    )
    .body_limit_bytes(ITEM_BODY_BYTES),
    Operation::new(
        GET,
        "/dataset-items",
        "datasetItems_list",
        dataset_items::list,
    ),
    Operation::new(
        GET,
        "/dataset-items/{id}",
        "datasetItems_get",
        dataset_items::get,
    ),
    Operation::new(
        DELETE,
        "/dataset-items/{id}",
        "datasetItems_delete",
        dataset_items::delete,
    ),
    Operation::new(
        POST,
        "/dataset-run-items",
        "datasetRunItems_create",
        run_items::create,
    ),
    Operation::new(
        GET,
        "/dataset-run-items",
        "datasetRunItems_list",
        run_items::list,
    ),
    Operation::new(
        GET,
        "/datasets/{datasetName}/runs",
        "datasets_getRuns",
        run_items::list_runs,
    ),
    Operation::new(
        GET,
        "/datasets/{datasetName}/runs/{runName}",
        "datasets_getRun",
        run_items::get_run,
    ),
    Operation::new(
        DELETE,
        "/datasets/{datasetName}/runs/{runName}",
        "datasets_deleteRun",
        run_items::delete_run,
    ),
    Operation::new(
        POST,
        "/otel/v1/traces",
        "opentelemetry_exportTraces",
        otlp::export,
    )
    .body_limit_bytes(OTLP_BODY_BYTES),
    Operation::new(
        POST,
        "/otel/v1/metrics",
        "opentelemetry_exportMetrics",
        otlp::discard_metrics,
    )
    .body_limit_bytes(OTLP_BODY_BYTES),
    Operation::new(POST, "/scores", "scores_create", scores::create).open_to(Access::Scores),
    Operation::new(DELETE, "/scores/{scoreId}", "scores_delete", scores::delete),
    Operation::new(GET, "/v3/scores", "scoresV3_getMany", scores::list_v3),
    Operation::new(GET, "/v2/scores", "scores_getMany", scores::list_v2),
    Operation::new(
        GET,
        "/v2/scores/{scoreId}",
        "scores_getById",
        scores::get_v2,
    ),
    Operation::new(POST, "/ingestion", "ingestion_batch", ingestion::batch)
        .open_to(Access::Scores)
        .body_limit_bytes(ITEM_BODY_BYTES),
    Operation::new(GET, "/experiments", "experiments_list", experiments::list),
    Operation::new(
        GET,
        "/experiment-items",
        "experiments_listItems",
        experiments::list_items,
    ),
    Operation::new(
        GET,
        "/v2/observations",
        "observations_getMany",
        observations::list,
    ),
    Operation::new(GET, "/traces", "trace_list", traces::list),
    Operation::new(
        DELETE,
        "/traces",
        "trace_deleteMultiple",
        traces::delete_many,
    ),
    Operation::new(GET, "/traces/{traceId}", "trace_get", traces::get),
    Operation::new(DELETE, "/traces/{traceId}", "trace_delete", traces::delete),
];

/// The service's routes.
///
/// # Errors
/// When `langfuse.sqlite3` in the state directory cannot be opened or was written by a newer version.
pub fn router(context: Arc<Context>) -> anyhow::Result<Router> {
    let path = context.state_dir.join(DATABASE_FILE);
    let store =
        Store::open(&path).with_context(|| format!("open Langfuse store {}", path.display()))?;
    let service = Arc::new(Langfuse {
        project: context.world.langfuse.clone(),
        store,
    });

    let mut router = Router::new();
    for operation in OPERATIONS {
        let service = Arc::clone(&service);
        let route = on(
            operation.method,
            move |path: RawPathParams, request: Request| {
                http::serve(Arc::clone(&service), operation, path, request)
            },
        );
        router = router.route(&format!("/api/public{}", operation.path), route);
    }
    Ok(router
        .fallback(unserved)
        .method_not_allowed_fallback(wrong_method))
}

async fn unserved(method: Method, uri: axum::http::Uri) -> Response {
    let operation = format!("{method} {}", uri.path());
    http::respond(Err(ApiError::not_served(&operation)), &operation)
}

async fn wrong_method(method: Method, uri: axum::http::Uri) -> Response {
    http::respond(
        Err(ApiError::method_not_allowed()),
        &format!("{method} {}", uri.path()),
    )
}

/// The time of a request.
fn now() -> Timestamp {
    Timestamp::from(clock::now())
}
