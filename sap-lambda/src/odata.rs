//! OData v2 as SAP Gateway speaks it, read-only: typed queries out, decimals and dates in.

pub mod query;

pub mod decode;

mod retry;

pub mod client;

pub mod page;

pub mod batch;
