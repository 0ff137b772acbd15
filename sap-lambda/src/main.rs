//! The Lambda function: environment in, Runtime API loop.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use sap_lambda::{
    config::{self, Config, PurchaseOrderService},
    credentials::{CredentialCache, SecretsManager},
    deadline::Deadline,
    error::Failure,
    handler::{Gateway, Handler},
    invocation::Invocation,
    log::{self, Level, Log},
    odata::client::{SapClient, Service, Settings},
    runtime::{self, Next, RuntimeApi},
    source::{
        PurchaseOrders, fact_sheet::FactSheet, process_api::ProcessApi, stock::MaterialStock,
    },
    tls,
};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let fields = [("error", format!("{error:#}").into())];
            Log::stdout(Level::Fatal).line(Level::Fatal, "the process ends", fields);
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> anyhow::Result<()> {
    let address = config::runtime_api_from_env().context("find the Runtime API")?;
    let built_in_roots = tls::client_config(None)?;
    let api = RuntimeApi::new(&address, built_in_roots.clone())?;
    let (handler, log) = match function(built_in_roots) {
        Ok(function) => function,
        Err(error) => {
            let failure = Failure::new(Failure::INVALID_CONFIGURATION, format!("{error:#}"));
            // If that fails too, the log line of `main` still says why.
            api.init_error(&failure).await.ok();
            return Err(error);
        }
    };
    // Nothing is buffered that would have to be flushed, so no extension is registered for the sake of this signal;
    // where it is sent, the invocation in progress is answered before the process ends.
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let stop = async move {
        terminate.recv().await;
    };
    runtime::run(&api, &log, async |next| answer(&handler, next).await, stop)
        .await
        .context("serve invocations")
}

/// Everything but the Runtime API, from the environment.
fn function(built_in_roots: rustls::ClientConfig) -> anyhow::Result<(Handler, Arc<Log>)> {
    let config = Config::from_env().context("read the function's environment")?;
    let log = Arc::new(Log::stdout(config.log_level));
    log::log_panics(Arc::clone(&log));

    let sap_tls = match &config.ca_file {
        None => built_in_roots.clone(),
        Some(path) => tls::client_config(Some(path))
            .with_context(|| format!("use {}", config::SAP_CA_FILE))?,
    };
    let secrets =
        SecretsManager::new(config.secret, built_in_roots).context("build the AWS client")?;
    let settings = Settings {
        base_url: config.base_url,
        client: config.client,
        language: config.language,
    };
    let http = tls::http_client(sap_tls).context("build the SAP client")?;
    let sap = SapClient::with_http(http, settings, CredentialCache::new(secrets));
    let sap = Arc::new(sap);
    let service = |name: &str| Service::new(Arc::clone(&sap), name);
    let purchase_orders = service(config.purchase_orders.name());
    let orders: Box<dyn PurchaseOrders> = match config.purchase_orders {
        PurchaseOrderService::FactSheet => Box::new(FactSheet::new(purchase_orders)),
        PurchaseOrderService::ProcessApi => Box::new(ProcessApi::new(
            purchase_orders,
            service(&config.document_service),
        )),
    };
    let stock = Box::new(MaterialStock::new(service(&config.stock_service)));
    let gateway = Gateway {
        target: config.gateway_target,
        id: config.gateway_id,
    };
    let handler = Handler::new(orders, stock, gateway, Arc::clone(&log));
    Ok((handler, log))
}

async fn answer(handler: &Handler, next: Next) -> Result<Vec<u8>, Failure> {
    let deadline = Deadline::from_epoch_ms(next.deadline_ms, now_ms());
    let invocation = Invocation::new(next.request_id, deadline);
    let context = next.client_context.as_deref();
    let answer = handler.handle(&next.event, context, &invocation).await?;
    Ok(answer.to_string().into_bytes())
}

fn now_ms() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
