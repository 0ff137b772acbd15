//! Bedrock Runtime: Converse, answered by a recording, by a real server, or by the simulated models.
//!
//! In this order: a fault that somebody ordered (`fault`), a recording (`cassette`), the bridge to a server for the model
//! ids that it stands for (`bridge`), the simulated models. Which of them it was stands in the header
//! [`ANSWERED_BY`] and is counted under `GET /_emulator/models`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use crate::{
    context::Context,
    model,
    protocol::{AwsError, named, rest_json, unknown_operation},
    world::CassetteMode,
};
use bridge::Bridge;
use cassette::{Cassette, Key};
use fault::{Fault, Faults};
use request::Body;

mod bridge;
mod cassette;
mod control;
mod fault;
mod request;
mod validate;
mod wire;

/// Longest time one simulated answer takes, however many tokens it has.
const LONGEST_ANSWER: Duration = Duration::from_secs(20);

/// Header of every answer that says what gave it: `simulated`, `cassette` or `bridge`.
pub const ANSWERED_BY: &str = "x-emulator-answered-by";

/// Most model ids that are counted by name.
const MOST_COUNTED: usize = 200;

/// What the world file says of models cannot be used: a cassette without its file, a key that is not set.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

/// What gave an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Simulated,
    Cassette,
    Bridge,
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Cassette => "cassette",
            Self::Bridge => "bridge",
        }
    }
}

/// Everything that can answer.
#[derive(Debug)]
struct Models {
    context: Arc<Context>,
    faults: Faults,
    cassette: Option<Cassette>,
    bridge: Option<Bridge>,
    /// Answers by model id and by what gave them; `refused` counts errors.
    answers: Mutex<BTreeMap<String, BTreeMap<&'static str, u64>>>,
}

/// The service under `/bedrock-runtime`, and what steers it under `/_emulator/models`. A model id is one percent-encoded
/// path segment.
///
/// # Errors
/// [`Unusable`] when the cassette or the bridge cannot be used.
pub fn router(context: Arc<Context>) -> Result<Router, Unusable> {
    let world = &context.world.models;
    let models = Arc::new(Models {
        faults: Faults::default(),
        cassette: world
            .cassette
            .as_ref()
            .map(|cassette| Cassette::open(&cassette.path, cassette.mode))
            .transpose()?,
        bridge: world.bridge.as_ref().map(Bridge::new).transpose()?,
        answers: Mutex::default(),
        context,
    });
    let service = Router::new()
        .route("/model/{model_id}/converse", post(converse))
        .route(
            "/model/{model_id}/converse-stream",
            post(|| async { unknown_operation("bedrock-runtime", "ConverseStream") }),
        )
        .route(
            "/model/{model_id}/invoke",
            post(|| async { unknown_operation("bedrock-runtime", "InvokeModel") }),
        )
        .layer(axum::extract::DefaultBodyLimit::max(
            request::BODY_LIMIT_BYTES,
        ))
        .with_state(Arc::clone(&models));
    Ok(Router::new()
        .nest(
            "/bedrock-runtime",
            rest_json::fallback("bedrock-runtime", service),
        )
        .nest("/_emulator/models", control::router(models)))
}

async fn converse(
    State(models): State<Arc<Models>>,
    Path(model_id): Path<String>,
    body: Bytes,
) -> Response {
    let result = models.answer(&model_id, &body).await;
    models.count(
        &model_id,
        result
            .as_ref()
            .map_or("refused", |(_, source)| source.name()),
    );
    let response = match result {
        Ok((answer, source)) => {
            let mut response = (
                StatusCode::OK,
                [("content-type", "application/json")],
                answer.to_string(),
            )
                .into_response();
            response
                .headers_mut()
                .insert(ANSWERED_BY, HeaderValue::from_static(source.name()));
            response
        }
        Err(error) => rest_json::error_response(&error),
    };
    named("Converse", response)
}

impl Models {
    async fn answer(&self, model_id: &str, body: &[u8]) -> Result<(Value, Source), AwsError> {
        let spoilt = match self.faults.next(model_id) {
            None => None,
            Some(Fault::Refuse(error)) => return Err(error),
            Some(Fault::Hold(time)) => {
                tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    () = self.context.shutdown.cancelled() => {}
                }
                return Err(fault::timed_out());
            }
            Some(Fault::Spoil(kind)) => Some(kind),
        };
        let raw = request::read(body)?;
        let body = request::parse(&raw)?;
        validate::check(&body)?;
        let (answer, source) = match &self.cassette {
            None => self.live(model_id, body).await?,
            Some(cassette) => {
                let key = Key::new(model_id, &raw, &body.draw());
                match cassette.find(&key) {
                    (_, Some(answer)) => (answer, Source::Cassette),
                    (_, None) if cassette.mode() == CassetteMode::Replay => {
                        return Err(not_recorded(model_id, &key));
                    }
                    (repeat, None) => {
                        let (answer, source) = self.live(model_id, body).await?;
                        cassette.record(&key, repeat, model_id, source.name(), &answer);
                        (answer, source)
                    }
                }
            }
        };
        Ok(match spoilt {
            Some(kind) => (fault::spoil(answer, kind), source),
            None => (answer, source),
        })
    }

    /// The answer of a model that runs now.
    async fn live(&self, model_id: &str, body: Body) -> Result<(Value, Source), AwsError> {
        if let Some(bridge) = &self.bridge
            && let Some(name) = bridge.model(model_id)
        {
            let answer = bridge.converse(name, body).await?;
            return Ok((answer, Source::Bridge));
        }
        let profile = model::by_id(model_id).ok_or_else(|| self.no_such_model(model_id))?;
        Ok((simulate(profile, body).await?, Source::Simulated))
    }

    fn count(&self, model_id: &str, what: &'static str) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let name = if answers.len() < MOST_COUNTED || answers.contains_key(model_id) {
            model_id
        } else {
            "others"
        };
        *answers
            .entry(name.to_owned())
            .or_default()
            .entry(what)
            .or_default() += 1;
    }

    fn no_such_model(&self, model_id: &str) -> AwsError {
        let simulated: Vec<&str> = model::ids().collect();
        let mut message = format!(
            "Could not resolve the model `{model_id}`; the simulated models are: {}",
            simulated.join(", ")
        );
        if let Some(bridge) = &self.bridge {
            let bridged: Vec<&str> = bridge.ids().collect();
            message.push_str(&format!("; behind the bridge: {}", bridged.join(", ")));
        }
        AwsError::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
    }
}

async fn simulate(profile: &'static model::Profile, body: Body) -> Result<Value, AwsError> {
    let started = Instant::now();
    let request = body.into_model_request();
    // Reading a long prompt takes milliseconds; other requests need not wait for it.
    let completion = tokio::task::spawn_blocking(move || model::respond(profile, &request))
        .await
        .map_err(|error| {
            AwsError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerException",
                error.to_string(),
            )
        })?;
    let left = completion
        .thinking_time
        .min(LONGEST_ANSWER)
        .saturating_sub(started.elapsed());
    tokio::time::sleep(left).await;
    Ok(wire::answer(&completion, started.elapsed()))
}

fn not_recorded(model_id: &str, key: &Key) -> AwsError {
    let message = format!(
        "Nothing is recorded for this request to `{model_id}`, key {key}: record it with the cassette's mode `record`, \
         or let models answer what is missing with `replay-or-live`"
    );
    AwsError::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
}
