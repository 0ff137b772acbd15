//! The handler over HTTP: a stub Secrets Manager and a stub SAP service.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

mod schema;

mod transport;

mod sources;

mod fuzz;

mod complete_po;

mod search;

mod tools_attacks;

mod secret;

mod invocation;

mod runtime;
