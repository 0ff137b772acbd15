//! SAP purchase-order tools behind an AgentCore gateway: one Lambda, one gateway target, many tools.
//!
//! Modules are declared in layering order: each may use the ones above it.
//! (The blank lines keep rustfmt from sorting them.)

pub mod config;

pub mod deadline;

pub mod error;

pub mod credentials;

pub mod odata;

pub mod tools;

pub mod handler;
