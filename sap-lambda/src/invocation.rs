//! What one invocation may use, and what it asked SAP for.

use std::sync::{Mutex, PoisonError};

use crate::deadline::Deadline;

/// SAP requests recorded for one invocation; later ones are only counted.
const MAX_RECORDED: usize = 64;

/// One invocation: its id, its time, and the trail it leaves.
#[derive(Debug)]
pub struct Invocation {
    /// AWS request id; sent to SAP as correlation id, so that SAP's own log can be joined with ours.
    pub id: String,
    /// When the answer must be there.
    pub deadline: Deadline,
    trail: Mutex<Trail>,
}

/// The SAP requests of one invocation, in the order they ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trail {
    /// At most 64 of them.
    pub requests: Vec<SapRequest>,
    /// Requests beyond those.
    pub unrecorded: usize,
}

/// One HTTP exchange with SAP, without any data.
#[derive(Debug, Clone, PartialEq)]
pub struct SapRequest {
    /// OData service and entity set, such as `C_PURCHASEORDER_FS_SRV/I_PurchaseOrderItem`.
    pub entity_set: String,
    /// HTTP status; none when no answer came.
    pub status: Option<u16>,
    /// Until the whole body was read.
    pub duration_ms: u64,
}

impl Invocation {
    /// Nothing asked yet.
    pub fn new(id: impl Into<String>, deadline: Deadline) -> Self {
        Self {
            id: id.into(),
            deadline,
            trail: Mutex::default(),
        }
    }

    /// Notes an exchange that has ended.
    pub fn record(&self, request: SapRequest) {
        let mut trail = self.trail.lock().unwrap_or_else(PoisonError::into_inner);
        if trail.requests.len() < MAX_RECORDED {
            trail.requests.push(request);
        } else {
            trail.unrecorded += 1;
        }
    }

    /// The exchanges so far.
    pub fn trail(&self) -> Trail {
        self.trail
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
