//! A function: its environments, the queue before them, the course of an invocation.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::json;
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::{
    Invocation, LATEST, Outcome,
    environment::{Environment, Reply, Work},
    log_stream,
};
use crate::{
    context::Context,
    process::{Kind, ProcessError, Spec},
    protocol::AwsError,
    world::LambdaFunction,
};

/// Callers that may wait for an environment, beyond those being served.
const MAX_WAITING: usize = 100;
/// How long a caller waits for an environment before it is throttled.
const QUEUE_LIMIT: Duration = Duration::from_secs(60);
/// How long an environment may take to ask for its first invocation, as on AWS.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// What `X-Amz-Function-Error` says of every failure that is not the function's own choice of words.
const UNHANDLED: &str = "Unhandled";
/// How much of the log an outcome carries, as on AWS.
const LOG_TAIL_BYTES: usize = 4096;

/// A function of the world file.
#[derive(Debug)]
pub(super) struct Function {
    config: LambdaFunction,
    context: Arc<Context>,
    /// One permit an environment that may run at once.
    slots: Arc<Semaphore>,
    /// One permit a caller, served or waiting.
    callers: Arc<Semaphore>,
    environments: Mutex<Environments>,
    /// Counts environments, so that no id comes back.
    started: AtomicU64,
}

#[derive(Debug, Default)]
struct Environments {
    /// All that have not been given up, by id: the Runtime API looks here.
    all: BTreeMap<String, Arc<Environment>>,
    /// Those that wait for work; the last used is used first.
    idle: Vec<Arc<Environment>>,
    /// Numbers of the slots that have a process or are about to: they name the logs.
    slots: BTreeSet<usize>,
}

impl Environments {
    /// Takes the smallest free number, so that logs are few.
    fn take_slot(&mut self) -> usize {
        let slot = (1..).find(|slot| !self.slots.contains(slot)).unwrap_or(1);
        self.slots.insert(slot);
        slot
    }
}

/// How one attempt in one environment ended.
enum Course {
    Replied(Reply),
    /// The process asked for work never or not in time.
    InitFailed,
    TimedOut,
    /// The process ended while it had the work.
    Exited(Option<i32>),
    /// The process was gone before it took the work, so that another may have it.
    NeverTaken,
}

impl Function {
    pub(super) fn new(config: LambdaFunction, context: Arc<Context>) -> Self {
        let slots = Arc::new(Semaphore::new(config.max_environments));
        let callers = Arc::new(Semaphore::new(config.max_environments + MAX_WAITING));
        Self {
            config,
            context,
            slots,
            callers,
            environments: Mutex::default(),
            started: AtomicU64::new(0),
        }
    }

    pub(super) fn arn(&self) -> String {
        let world = &self.context.world;
        format!(
            "arn:aws:lambda:{}:{}:function:{}",
            world.region, world.account_id, self.config.name
        )
    }

    /// An environment that may call the Runtime API.
    pub(super) fn environment(&self, id: &str) -> Option<Arc<Environment>> {
        self.lock().all.get(id).cloned()
    }

    pub(super) async fn invoke(
        self: &Arc<Self>,
        invocation: Invocation,
    ) -> Result<Outcome, AwsError> {
        let caller = Arc::clone(&self.callers)
            .try_acquire_owned()
            .map_err(|_| throttled())?;
        let slot = timeout(QUEUE_LIMIT, Arc::clone(&self.slots).acquire_owned()).await;
        let slot = slot.map_err(|_| throttled())?.map_err(|_| throttled())?;
        // A task of its own: a caller that hangs up must not leave a busy environment behind.
        let (sender, outcome) = oneshot::channel();
        let function = Arc::clone(self);
        tokio::spawn(async move {
            let (outcome, broken) = function.run(invocation).await;
            sender.send(outcome).ok();
            if let Some(environment) = broken {
                function.give_up(&environment).await;
            }
            drop((slot, caller));
        });
        outcome.await.map_err(|_| {
            let message = "the emulator is shutting down";
            AwsError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "ServiceException",
                message,
            )
            .with("Type", "Service")
        })
    }

    /// The outcome, and the environment if it cannot be used again.
    async fn run(&self, invocation: Invocation) -> (Outcome, Option<Arc<Environment>>) {
        loop {
            let (environment, is_new) = match self.idle_or_new().await {
                Ok(found) => found,
                Err(error) => {
                    let executable = self.config.command.first().map_or("", String::as_str);
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        executable,
                        "function did not start"
                    );
                    let message = format!("RequestId: {} Error: {error}", invocation.request_id);
                    return (failed("Runtime.InvalidEntrypoint", &message), None);
                }
            };
            let course = self.attempt(&environment, invocation.clone(), is_new).await;
            if matches!(course, Course::NeverTaken) && !is_new {
                self.give_up(&environment).await;
                continue;
            }
            let (mut outcome, reusable) =
                self.outcome(&environment, course, &invocation.request_id);
            if invocation.wants_log {
                outcome.log_tail = Some(environment.process.log_tail(LOG_TAIL_BYTES));
            }
            if reusable {
                self.lock().idle.push(environment);
                return (outcome, None);
            }
            let (function, log) = (&self.config.name, environment.process.log.display());
            tracing::warn!(function, error_type = outcome.error_type(), %log, "execution environment failed");
            return (outcome, Some(environment));
        }
    }

    async fn attempt(
        &self,
        environment: &Environment,
        invocation: Invocation,
        is_new: bool,
    ) -> Course {
        let limit = Duration::from_secs(self.config.timeout_seconds);
        let (taken, was_taken) = oneshot::channel();
        let (reply, replied) = oneshot::channel();
        environment.submit(Work {
            invocation,
            timeout: limit,
            taken,
            reply,
        });
        let took = tokio::select! {
            took = timeout(INIT_LIMIT, was_taken) => matches!(took, Ok(Ok(()))),
            _ = environment.process.exited() => false,
        };
        if !took {
            return if is_new {
                Course::InitFailed
            } else {
                Course::NeverTaken
            };
        }
        tokio::select! {
            // An answer counts even if the process ends right after it.
            biased;
            reply = timeout(limit, replied) => match reply {
                Ok(Ok(reply)) => Course::Replied(reply),
                Ok(Err(_)) => Course::Exited(None),
                Err(_) => Course::TimedOut,
            },
            code = environment.process.exited() => Course::Exited(code),
        }
    }

    fn outcome(
        &self,
        environment: &Environment,
        course: Course,
        request_id: &str,
    ) -> (Outcome, bool) {
        let failure = |error_type: &str, text: String| {
            (
                failed(
                    error_type,
                    &format!("RequestId: {request_id} Error: {text}"),
                ),
                false,
            )
        };
        match course {
            Course::Replied(Reply::Success(payload)) => (
                Outcome {
                    payload,
                    function_error: None,
                    log_tail: None,
                },
                true,
            ),
            Course::Replied(Reply::Failure(payload)) => (unhandled(payload), true),
            Course::TimedOut => {
                let seconds = self.config.timeout_seconds;
                failure(
                    "Sandbox.Timedout",
                    format!("Task timed out after {seconds}.00 seconds"),
                )
            }
            Course::Exited(code) => failure("Runtime.ExitError", exit_text(code)),
            Course::InitFailed | Course::NeverTaken => match environment.init_error() {
                Some(payload) => (unhandled(payload), false),
                None if environment.is_alive() => {
                    let seconds = INIT_LIMIT.as_secs();
                    failure(
                        "Sandbox.Timedout",
                        format!("Initialization timed out after {seconds}.00 seconds"),
                    )
                }
                None => failure(
                    "Runtime.ExitError",
                    "Runtime exited during initialization".to_owned(),
                ),
            },
        }
    }

    async fn idle_or_new(&self) -> Result<(Arc<Environment>, bool), ProcessError> {
        loop {
            let Some(environment) = self.lock().idle.pop() else {
                break;
            };
            if environment.is_alive() {
                return Ok((environment, false));
            }
            self.give_up(&environment).await;
        }
        let generation = self.started.fetch_add(1, Ordering::Relaxed);
        let slot = self.lock().take_slot();
        let id = format!("{slot}-{generation}");
        let spec = self.spec(&id, slot);
        // The process may call before it is registered; the Runtime API waits for it to appear.
        let process = match self.context.processes.spawn(&spec).await {
            Ok(process) => process,
            Err(error) => {
                self.lock().slots.remove(&slot);
                return Err(error);
            }
        };
        let environment = Arc::new(Environment::new(id.clone(), slot, process));
        self.lock().all.insert(id, Arc::clone(&environment));
        Ok((environment, true))
    }

    fn spec(&self, id: &str, slot: usize) -> Spec {
        let name = &self.config.name;
        let mut env: BTreeMap<String, String> = self.context.platform_env().into_iter().collect();
        env.extend(self.config.environment.clone());
        // With its scheme: the Runtime API lies below a path here, and `host:port/path` is no URI.
        let runtime_api = format!("{}/lambda-runtime/{name}/{id}", self.context.url);
        for (key, value) in [
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            (
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                &self.config.memory_mb.to_string(),
            ),
            ("AWS_LAMBDA_FUNCTION_VERSION", LATEST),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", &log_stream(slot)),
            ("TZ", ":UTC"),
        ] {
            env.insert(key.to_owned(), value.to_owned());
        }
        Spec {
            kind: Kind::Lambda,
            name: format!("{name}-{slot}"),
            command: self.config.command.clone(),
            cwd: Some(self.context.state_dir.clone()),
            env: env.into_iter().collect(),
        }
    }

    /// Ends an environment for good. Its slot number is free only afterwards, so that two processes
    /// never write to one log.
    async fn give_up(&self, environment: &Environment) {
        environment.process.stop().await;
        let mut environments = self.lock();
        environments.all.remove(&environment.id);
        environments.slots.remove(&environment.slot);
    }

    fn lock(&self) -> MutexGuard<'_, Environments> {
        self.environments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error_type: &str, message: &str) -> Outcome {
    unhandled(Bytes::from(
        json!({"errorType": error_type, "errorMessage": message}).to_string(),
    ))
}

fn unhandled(payload: Bytes) -> Outcome {
    Outcome {
        payload,
        function_error: Some(UNHANDLED),
        log_tail: None,
    }
}

fn exit_text(code: Option<i32>) -> String {
    match code {
        Some(0) => "Runtime exited without providing a reason".to_owned(),
        Some(code) => format!("Runtime exited with error: exit status {code}"),
        None => "Runtime exited with error: signal".to_owned(),
    }
}

fn throttled() -> AwsError {
    AwsError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequestsException",
        "Rate Exceeded.",
    )
    .with("Type", "User")
    .with("Reason", "ConcurrentInvocationLimitExceeded")
}
