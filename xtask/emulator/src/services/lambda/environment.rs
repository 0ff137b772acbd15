//! One execution environment: a process, and what it is doing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use super::Invocation;
use crate::process::{Process, State};

/// What the function made of an invocation.
#[derive(Debug)]
pub(super) enum Reply {
    /// `POST .../response`.
    Success(Bytes),
    /// `POST .../error`: a document with `errorType` and `errorMessage`.
    Failure(Bytes),
}

/// An invocation on its way to the process.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) invocation: Invocation,
    /// The function's time limit, which begins when the process takes the work.
    pub(super) timeout: Duration,
    /// Told when the process takes the work.
    pub(super) taken: oneshot::Sender<()>,
    /// Told what came of it.
    pub(super) reply: oneshot::Sender<Reply>,
}

/// A process of a function.
#[derive(Debug)]
pub(super) struct Environment {
    /// Unique within the function, also over restarts of a slot: part of the Runtime API's path.
    pub(super) id: String,
    /// Which of the function's slots it fills, from 1; names its log.
    pub(super) slot: usize,
    pub(super) process: Arc<Process>,
    sender: mpsc::Sender<Work>,
    receiver: AsyncMutex<mpsc::Receiver<Work>>,
    current: Mutex<Option<Current>>,
    init_error: Mutex<Option<Bytes>>,
}

#[derive(Debug)]
struct Current {
    request_id: String,
    reply: oneshot::Sender<Reply>,
}

/// Why a call to the Runtime API is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `next` although the last invocation was not answered, or twice at a time.
    InvalidState,
    /// An answer for an invocation this environment does not have.
    InvalidRequestId,
}

impl Environment {
    pub(super) fn new(id: String, slot: usize, process: Arc<Process>) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        Self {
            id,
            slot,
            process,
            sender,
            receiver: AsyncMutex::new(receiver),
            current: Mutex::new(None),
            init_error: Mutex::new(None),
        }
    }

    /// Whether its process runs.
    pub(super) fn is_alive(&self) -> bool {
        self.process.state() == State::Running
    }

    /// Hands work over; it is dropped, and its senders with it, when there is some already.
    pub(super) fn submit(&self, work: Work) {
        self.sender.try_send(work).ok();
    }

    /// Waits for work, for the process.
    pub(super) async fn next(&self) -> Result<(Invocation, Duration), Refusal> {
        let mut receiver = self
            .receiver
            .try_lock()
            .map_err(|_| Refusal::InvalidState)?;
        if self.lock().is_some() {
            return Err(Refusal::InvalidState);
        }
        // The sender lives as long as `self`, so the channel does not close.
        let work = receiver.recv().await.ok_or(Refusal::InvalidState)?;
        *self.lock() = Some(Current {
            request_id: work.invocation.request_id.clone(),
            reply: work.reply,
        });
        work.taken.send(()).ok();
        Ok((work.invocation, work.timeout))
    }

    /// The process's answer to the invocation it has.
    pub(super) fn answer(&self, request_id: &str, reply: Reply) -> Result<(), Refusal> {
        let current = self
            .lock()
            .take_if(|current| current.request_id == request_id);
        // A caller that has given up no longer listens; the process need not know.
        current
            .ok_or(Refusal::InvalidRequestId)?
            .reply
            .send(reply)
            .ok();
        Ok(())
    }

    /// What the process said of its failed start.
    pub(super) fn set_init_error(&self, error: Bytes) {
        *self
            .init_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(super) fn init_error(&self) -> Option<Bytes> {
        self.init_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
