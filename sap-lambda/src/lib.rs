//! SAP purchase-order tools behind an AgentCore gateway: one Lambda, one gateway target, many tools.
//!
//! Modules are declared in layering order: each may use the ones above it.
//! (The blank lines keep rustfmt from sorting them.)

pub mod log;

pub mod digest;

pub mod config;

pub mod tls;

pub mod deadline;

pub mod error;

pub mod invocation;

pub mod credentials;

pub mod odata;

pub mod source;

pub mod tools;

pub mod runtime;

pub mod handler;
