//! The loop of a custom Lambda runtime: take an invocation, run the function, hand in what came of it.
//!
//! Written here rather than taken from the `lambda_runtime` crate, because there a client context that does not
//! parse ends the process, and with it whatever the gateway sends next. Here the context and the event are bytes
//! that the function judges; nothing an invocation brings can end the loop.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use serde_json::json;

use crate::{
    error::Failure,
    log::{Level, Log},
};

mod api;

pub use api::{Event, Next, RuntimeApi, RuntimeError};

/// Largest answer that Lambda takes from a function.
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;
/// Calls of the Runtime API that fail in a row before the process gives up and Lambda starts another.
const MAX_ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Serves invocations until `stop` resolves. The one in progress then is finished first.
///
/// A panic in `function` is a [`Failure`] of that invocation.
///
/// # Errors
/// When the Runtime API gives no invocation after some tries; the process should end then.
pub async fn run<F>(
    api: &RuntimeApi,
    log: &Log,
    function: F,
    stop: impl Future<Output = ()>,
) -> Result<(), RuntimeError>
where
    F: AsyncFn(Next) -> Result<Vec<u8>, Failure>,
{
    let mut stop = pin!(stop);
    loop {
        let next = tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            next = patiently(|| api.next()) => next?,
        };
        let id = next.request_id.clone();
        let outcome = caught(async { function(next).await })
            .await
            .unwrap_or_else(|_| {
                let message = "The tool failed because of a defect in this function.";
                Err(Failure::new(Failure::TOOL_PANICKED, message))
            });
        let outcome = outcome.and_then(|answer| {
            if answer.len() > MAX_ANSWER_BYTES {
                let message = "The answer is larger than Lambda takes.";
                return Err(Failure::new(Failure::ANSWER_TOO_LARGE, message));
            }
            Ok(answer)
        });
        hand_in(api, log, &id, outcome).await;
    }
}

/// What cannot be handed in is lost for its caller, and no reason to stop: the invocation may have timed out.
async fn hand_in(api: &RuntimeApi, log: &Log, id: &str, outcome: Result<Vec<u8>, Failure>) {
    if let Err(failure) = &outcome {
        let fields = [
            ("request_id", id.into()),
            ("error_type", failure.error_type.into()),
            ("error", failure.message.as_str().into()),
        ];
        log.line(Level::Error, "function failed", fields);
    }
    let handed = patiently(|| async {
        match &outcome {
            Ok(answer) => api.respond(id, answer.clone()).await,
            Err(failure) => api.fail(id, failure).await,
        }
    });
    if let Err(error) = handed.await {
        let fields = [
            ("request_id", json!(id)),
            ("error", json!(error.to_string())),
        ];
        log.line(Level::Error, "the answer could not be handed in", fields);
    }
}

/// Calls again, after a growing pause, while the failure is one that may pass.
async fn patiently<T, R>(mut call: impl FnMut() -> R) -> Result<T, RuntimeError>
where
    R: Future<Output = Result<T, RuntimeError>>,
{
    let mut attempt = 1;
    loop {
        match call().await {
            Err(error) if error.may_pass() && attempt < MAX_ATTEMPTS => {
                tokio::time::sleep(FIRST_PAUSE * 2u32.saturating_pow(attempt - 1)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Runs a future to its end or to its panic.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        },
    )
    .await
}
