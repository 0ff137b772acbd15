//! What the contract tests share: an emulator in this process, on a free port, with its own state.

use std::{
    collections::BTreeMap,
    future::Future,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use emulator::{
    context::Context,
    server::{self, Options, RunningEmulator},
};
use tempfile::TempDir;

/// The world of the tests that do not bring their own.
pub(crate) const WORLD: &str = include_str!("world.toml");
/// How long anything may take that a test waits for.
const WAIT_LIMIT: Duration = Duration::from_secs(20);
const WAIT_INTERVAL: Duration = Duration::from_millis(20);

/// An emulator with a state folder of its own. Dropping it stops it and removes the folder; a
/// request that ended in 501 without being announced fails the test then.
pub(crate) struct TestContext {
    emulator: Option<RunningEmulator>,
    dir: TempDir,
    world: String,
    options: fn(&mut Options),
    expects_unknown: bool,
}

impl TestContext {
    /// An emulator with the small test world.
    pub(crate) async fn start() -> Self {
        Self::start_with(WORLD, |_| {}).await
    }

    /// An emulator with the given world file and changed options. `${root}` is this crate's folder,
    /// `${bin_dir}` the state folder.
    pub(crate) async fn start_with(world: &str, options: fn(&mut Options)) -> Self {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut this = Self {
            emulator: None,
            dir: tempfile::tempdir().unwrap(),
            world: world.to_owned(),
            options,
            expects_unknown: false,
        };
        this.emulator = Some(this.serve().await.unwrap());
        this
    }

    /// Ends the emulator and starts another one on the same state.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.emulator = Some(self.serve().await.unwrap());
    }

    /// Changes the world file for the next start.
    pub(crate) fn change_world(&mut self, change: impl FnOnce(&str) -> String) {
        self.world = change(&self.world);
    }

    /// Ends the emulator; the state stays.
    pub(crate) async fn stop(&mut self) {
        self.emulator.take().unwrap().shutdown().await;
    }

    /// Starts an emulator on this context's state folder: fails while one is running.
    pub(crate) async fn serve(&self) -> anyhow::Result<RunningEmulator> {
        server::start(self.options()).await
    }

    /// How an emulator of this context is started.
    pub(crate) fn options(&self) -> Options {
        let world = self.dir.path().join("world.toml");
        std::fs::write(&world, &self.world).unwrap();
        let mut options = Options {
            world,
            state_dir: self.state_dir().to_owned(),
            root: Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(),
            bin_dir: self.dir.path().to_owned(),
            port: 0,
            exit_when_idle: None,
            container_start_limit: WAIT_LIMIT,
            cassette: None,
        };
        (self.options)(&mut options);
        options
    }

    /// This test asks for operations that nobody serves.
    pub(crate) fn expect_unknown_operations(&mut self) {
        self.expects_unknown = true;
    }

    /// Base URL without a trailing slash.
    pub(crate) fn url(&self) -> &str {
        self.emulator().url()
    }

    /// What `emulator.json` gives to its reader.
    pub(crate) fn env(&self) -> BTreeMap<String, String> {
        self.emulator().env()
    }

    /// What the services share: world, processes, request log.
    pub(crate) fn context(&self) -> &Arc<Context> {
        self.emulator().context()
    }

    /// The emulator itself.
    pub(crate) fn emulator(&self) -> &RunningEmulator {
        self.emulator.as_ref().expect("the emulator was stopped")
    }

    /// The state folder.
    pub(crate) fn state_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Configuration for the SDK client of a service, by its prefix (`ecr`, `bedrock-agentcore`).
    /// Retries are off, so that a test sees the first answer.
    pub(crate) fn sdk_config(&self, prefix: &str) -> SdkConfig {
        let http_client = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client)
            .retry_config(RetryConfig::disabled())
            .endpoint_url(format!("{}/{prefix}", self.url()))
            .build()
    }
}

impl Drop for TestContext {
    fn drop(&mut self) {
        let Some(emulator) = &self.emulator else {
            return;
        };
        if self.expects_unknown || std::thread::panicking() {
            return;
        }
        let unknown = emulator
            .context()
            .requests
            .select(0, |entry| entry.status == 501);
        assert!(
            unknown.is_empty(),
            "operations that nobody serves were asked for: {unknown:#?}"
        );
    }
}

/// Asks again and again until there is something; names what it waited for when the limit is over.
pub(crate) async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + WAIT_LIMIT;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {WAIT_LIMIT:?} for {what}"
        );
        tokio::time::sleep(WAIT_INTERVAL).await;
    }
}
