//! AWS, Langfuse, OAuth, an MCP gateway, a Lambda runtime and SAP on one loopback port.
//!
//! Modules are declared in layering order: each may use the ones above it.
//! The blank lines keep rustfmt from sorting them.
#![warn(missing_docs)]

pub mod clock;

pub mod world;

pub mod state;

pub mod protocol;

pub mod process;

pub mod requests;

pub mod context;

pub mod model;

pub mod services;

pub mod control;

pub mod server;
