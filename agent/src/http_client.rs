//! The HTTP clients of the agent, apart from those inside the AWS SDK.

use std::time::Duration;

/// Longest wait for a TCP and TLS connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A client that follows no redirect: one would carry a credential to an address nobody configured.
///
/// `timeout` bounds a whole exchange; `None` is for streams, whose reader sets the bound.
///
/// # Errors
/// When the TLS backend cannot be set up.
pub fn build(timeout: Option<Duration>) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("flywheel-agent/", env!("CARGO_PKG_VERSION")));
    match timeout {
        Some(timeout) => builder.timeout(timeout),
        None => builder,
    }
    .build()
}
