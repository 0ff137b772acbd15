//! Log lines: one JSON object each, on standard error.
//!
//! Only this crate may log below WARN. Libraries log requests when asked for detail, and requests hold prompts and
//! tokens.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Installs the logger of the process. The request in which a line is written stands under `span`.
pub fn init(level: LevelFilter) {
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(filter);
    // A second call would find a logger in place, which is as good.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
