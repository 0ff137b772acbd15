//! What the tests share: AWS clients that talk to a local server, scripted parts, and a way to wait.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::agent::Agent;
use agent::app::App;
use agent::health::Health;
use agent::hyperparams::HyperParams;
use agent::message::{Content, Message, Role, ToolSpec, ToolUse, Usage};
use agent::model::{Model, ModelError, ModelRequest, ModelResponse, ModelStop};
use agent::server;
use agent::telemetry::Telemetry;
use agent::tools::{ToolError, ToolOutput, ToolProvider};
use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

pub(crate) mod gateway;
pub(crate) mod otlp;

/// Longest wait for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks.
const GLANCE: Duration = Duration::from_millis(10);

/// Every test that builds an HTTP client calls this first.
pub(crate) fn install_crypto() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}

/// AWS, as far as a client can see, at one address.
pub(crate) fn sdk(endpoint: &str) -> SdkConfig {
    install_crypto();
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
            aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        .http_client(http)
        .endpoint_url(endpoint)
        .build()
}

/// Looks until `seen` gives something.
///
/// # Panics
/// When it does not in time; `what` says what was waited for.
pub(crate) async fn wait_for<T>(what: &str, mut seen: impl AsyncFnMut() -> Option<T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(value) = seen().await {
                return value;
            }
            tokio::time::sleep(GLANCE).await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// One turn of a scripted model.
pub(crate) enum Turn {
    /// Ends with a text.
    Say(String),
    /// Asks for tools: id, name, arguments.
    Ask(Vec<(&'static str, &'static str, Value)>),
    /// Says that it was reached, waits until it is told to go on, then ends with a text.
    Wait(Arc<Notify>, Arc<Notify>, &'static str),
    /// Gives no usable answer.
    Fail,
}

/// A model that follows a script; each call uses 100 tokens more than the one before.
pub(crate) struct Script {
    turns: Mutex<VecDeque<Turn>>,
    calls: Mutex<u64>,
}

impl Script {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        Arc::new(Self {
            turns: Mutex::new(turns.into_iter().collect()),
            calls: Mutex::new(0),
        })
    }
}

#[async_trait]
impl Model for Script {
    async fn converse(&self, request: ModelRequest<'_>) -> Result<ModelResponse, ModelError> {
        let turn = self
            .turns
            .lock()
            .unwrap()
            .pop_front()
            .expect("the script is longer than the run");
        let (stop, content) = match turn {
            Turn::Say(text) => (ModelStop::EndTurn, vec![Content::Text(text)]),
            Turn::Ask(tools) => {
                let asked = tools.into_iter().map(|(id, name, arguments)| {
                    Content::ToolUse(ToolUse {
                        id: id.to_owned(),
                        name: name.to_owned(),
                        arguments,
                    })
                });
                (ModelStop::ToolUse, asked.collect())
            }
            Turn::Wait(reached, go_on, text) => {
                reached.notify_one();
                go_on.notified().await;
                (ModelStop::EndTurn, vec![Content::Text(text.to_owned())])
            }
            Turn::Fail => {
                return Err(ModelError::Malformed {
                    model_id: request.settings.model_id.clone(),
                    reason: "it was told to".to_owned(),
                });
            }
        };
        let usage = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            Usage {
                input_tokens: 100 * *calls,
                output_tokens: 10,
                total_tokens: 100 * *calls + 10,
            }
        };
        Ok(ModelResponse {
            message: Message {
                role: Role::Assistant,
                content,
            },
            stop,
            usage,
        })
    }
}

/// Two tools: one that knows an order, one that fails.
pub(crate) struct Shelf;

#[async_trait]
impl ToolProvider for Shelf {
    async fn list_tools(&self) -> Result<Arc<[ToolSpec]>, ToolError> {
        let tool = |name: &str| ToolSpec {
            name: name.to_owned(),
            description: Some("For tests.".to_owned()),
            input_schema: json!({"type": "object"}),
        };
        Ok(Arc::from([
            tool("sap___get_complete_po_data"),
            tool("sap___broken"),
        ]))
    }

    async fn call_tool(&self, tool_use: &ToolUse) -> Result<ToolOutput, ToolError> {
        // Some time has to pass, so that a latency is more than nothing.
        tokio::time::sleep(Duration::from_millis(2)).await;
        match tool_use.name.as_str() {
            "sap___get_complete_po_data" => Ok(ToolOutput {
                content: json!({"status": "ok", "summary": {"total_net_amount": "209236.00", "currency": "USD"}}),
                is_error: false,
            }),
            _ => Err(ToolError::Unreachable("nobody there".into())),
        }
    }
}

/// The agent's server, running in this process.
pub(crate) struct Running {
    pub(crate) url: String,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Serves an agent made of the given parts.
    pub(crate) async fn start(
        model: Arc<dyn Model>,
        tools: Arc<dyn ToolProvider>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        install_crypto();
        let params = HyperParams::parse(
            r#"{"model_id": "scripted", "system_prompt_text": "Be brief.", "temperature": 0.25, "max_tokens": 200}"#,
        )
        .unwrap();
        let agent = Agent::new(
            model,
            tools,
            Arc::clone(&telemetry),
            "Be brief.".to_owned(),
            params,
        );
        let router = App::new(agent, telemetry, Health::new(|| 1_760_000_000)).router();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            stopped.await.ok();
        };
        let served = tokio::spawn(server::serve(
            listener,
            router,
            shutdown,
            Duration::from_secs(5),
        ));
        Self {
            url,
            stop: Some(stop),
            served,
        }
    }

    /// Sends what a signal would send.
    pub(crate) fn signal(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits for the server's end.
    pub(crate) async fn ended(self) {
        self.served.await.unwrap().unwrap();
    }
}

/// Spans go nowhere.
pub(crate) fn no_traces() -> Arc<Telemetry> {
    Arc::new(Telemetry::new("default".to_owned(), None))
}
