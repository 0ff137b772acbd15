//! What any client of the agent must at least do: send the questions, read the answers. For `cargo xtask bench eval`.
//!
//! The same HTTP library and the same number of questions at once as the experiment runner; nothing is parsed, scored
//! or written.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Parser;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

/// Sends every question of a dataset.
#[derive(Debug, Parser)]
struct Args {
    /// The agent
    #[arg(long)]
    target: String,
    /// JSON lines with an `input` each
    #[arg(long)]
    dataset: PathBuf,
    /// Questions under way at once
    #[arg(long, default_value_t = 32)]
    concurrency: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let dataset = std::fs::read_to_string(&args.dataset).context("read the dataset")?;
    let mut requests = Vec::new();
    for line in dataset.lines() {
        let case: Value = serde_json::from_str(line).context("read a case")?;
        // The first line describes the dataset and asks nothing.
        if let Some(input) = case.get("input") {
            requests.push(json!({ "prompt": input }).to_string());
        }
    }
    // The TLS library wants its provider chosen even where no TLS is spoken.
    _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .build()
        .context("build the client")?;
    let url = format!("{}/invocations", args.target);
    futures::stream::iter(requests)
        .map(|body| ask(&http, &url, body))
        .buffer_unordered(args.concurrency)
        .try_for_each(async |()| Ok(()))
        .await
}

async fn ask(http: &reqwest::Client, url: &str, body: String) -> anyhow::Result<()> {
    let answer = http
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .body(body)
        .send()
        .await
        .context("send a question")?;
    ensure!(
        answer.status().is_success(),
        "the agent said {}",
        answer.status()
    );
    answer.bytes().await.context("read an answer")?;
    Ok(())
}
