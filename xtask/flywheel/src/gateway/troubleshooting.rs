//! The one table of what can go wrong between a question and SAP: at which hop it shows, and what to do first.

use std::fmt;

use serde::Serialize;

/// The stations of a question on its way to SAP and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hop {
    /// The runtime answered at all.
    Agent,
    /// The run can be seen in Langfuse.
    Trace,
    /// A token was to be had.
    OAuth,
    /// The tool call went through the gateway, and nobody else's does.
    Gateway,
    /// The function made the result that the model read.
    Lambda,
    /// The function took it from SAP.
    Sap,
    /// The answer says what SAP says, in the language of the question.
    Answer,
}

impl Hop {
    /// As reports name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Trace => "trace",
            Self::OAuth => "oauth",
            Self::Gateway => "gateway",
            Self::Lambda => "lambda",
            Self::Sap => "sap",
            Self::Answer => "answer",
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

macro_rules! symptoms {
    ($($(#[doc = $doc:literal])+ $name:ident, $hop:ident, $step:literal;)+) => {
        /// What was found broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Symptom { $($(#[doc = $doc])+ $name,)+ }

        impl Symptom {
            /// Every one, in the order of the hops.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];

            /// Where it shows.
            pub(crate) fn hop(self) -> Hop {
                match self { $(Self::$name => Hop::$hop,)+ }
            }

            /// The first thing to do about it.
            pub(crate) fn step(self) -> &'static str {
                match self { $(Self::$name => $step,)+ }
            }
        }
    };
}

symptoms! {
    /// The runtime gave no answer.
    AgentSilent, Agent,
        "read the runtime's log (on AWS the log group /aws/bedrock-agentcore/runtimes/<id>-DEFAULT, locally \
         target/flywheel/emulator/logs/), then ask the gateway alone with `cargo xtask gateway test`: an agent that \
         cannot list its tools does not answer";
    /// It stopped before it was done.
    AgentStoppedEarly, Agent,
        "raise the bound that the stop reason names (max_tokens, max_cycles or deadline_seconds) in agent/hyperparams.toml";
    /// No trace with the id that the question was sent with.
    TraceNotFound, Trace,
        "check the /langfuse/LANGFUSE_* parameters in SSM and that the runtime role may read them; the runtime's log \
         says when spans could not be sent; a slow Langfuse needs a longer limits.trace in e2e.toml";
    /// A trace without the spans that a run makes.
    TraceIncomplete, Trace,
        "the run's spans arrive together when it ends: look for export errors in the runtime's log, or raise limits.trace \
         in e2e.toml";
    /// The model answered without a tool.
    NoToolCalled, Trace,
        "check that the tools reach the model (`cargo xtask gateway tools`) and that the system prompt asks for them";
    /// The model called other tools than the question needs.
    OtherToolCalled, Trace,
        "compare the descriptions of the two tools (`cargo xtask gateway tools --format json`): the model chooses by them";
    /// The OAuth client's secret cannot be read.
    SecretUnreadable, OAuth,
        "the secret named by FLYWHEEL_OAUTH_CLIENT_SECRET_ID must hold {\"client_id\", \"client_secret\"}, and your \
         identity needs secretsmanager:GetSecretValue on it";
    /// The token endpoint does not answer.
    TokenEndpointSilent, OAuth,
        "check FLYWHEEL_OAUTH_TOKEN_URL against `terraform output`, and that this machine reaches its host";
    /// The token endpoint says no.
    TokenRefused, OAuth,
        "compare FLYWHEEL_OAUTH_CLIENT_ID, the client secret and FLYWHEEL_OAUTH_SCOPE with the user pool's app client: \
         it must allow client_credentials and this scope";
    /// The gateway does not answer.
    GatewaySilent, Gateway,
        "check FLYWHEEL_GATEWAY_URL against `terraform output` (it ends in /mcp) and that the gateway is READY";
    /// The gateway serves whoever asks.
    GatewayOpen, Gateway,
        "set the gateway's authorizer to CUSTOM_JWT with allowed clients and scopes: it answers without a valid token";
    /// It refuses without saying where tokens come from.
    ChallengeWithoutMetadata, Gateway,
        "look at the WWW-Authenticate header with `curl -i -X POST <gateway url>`: clients find the token endpoint \
         through the resource_metadata it names";
    /// The metadata document cannot be used.
    MetadataUnreadable, Gateway,
        "open the address that the challenge names: it must be JSON with resource and authorization_servers (RFC 9728)";
    /// A valid token is not accepted.
    TokenNotAccepted, Gateway,
        "compare the token (`cargo xtask gateway token`) with the authorizer: discovery URL = issuer, allowed clients, \
         allowed scopes";
    /// There is no MCP session to be had.
    SessionNotOpened, Gateway,
        "check the gateway's protocolType and supportedVersions: it must speak MCP over streamable HTTP";
    /// Its tools are not those of the function.
    ToolsDiffer, Gateway,
        "bring the target's tool schema up to date: `cargo xtask codegen`, then `terraform apply`";
    /// It passes on a call for a target it should not have.
    OtherTargetAnswered, Gateway,
        "remove the target that nobody asked for (`aws bedrock-agentcore-control list-gateway-targets`)";
    /// A tool was called that does not belong to a gateway target.
    ToolNotOfATarget, Gateway,
        "GATEWAY_URL of the runtime must be the gateway's, whose tools are called target___tool, not the function's or a mock's";
    /// The function was not called by this gateway.
    OtherGateway, Gateway,
        "compare GATEWAY_URL of the runtime with FLYWHEEL_GATEWAY_URL: the log line names another gateway, or none";
    /// The call of the tool failed inside.
    ToolFailed, Lambda,
        "read the function's log (FLYWHEEL_SAP_LOG_GROUP) at that time, and check that the gateway role may invoke it";
    /// The function has no log line for this result.
    NoLogLine, Lambda,
        "check that FLYWHEEL_SAP_LOG_GROUP is the function's log group and that its role may write there: \
         `aws logs tail <group> --since 10m`";
    /// The function answered something else than what the model read.
    OtherResult, Lambda,
        "compare the tool result in the trace with `cargo xtask gateway call`: something between the function and the \
         model changes it, an interceptor of the gateway or a limit of the agent";
    /// The tool did not like its arguments, or found nothing.
    ToolAnsweredNo, Lambda,
        "repeat it with `cargo xtask gateway call TOOL name=value`: the answer says what it expected";
    /// A bad argument is not explained.
    ArgumentNotExplained, Lambda,
        "the deployed function is not this checkout's: deploy it again, then repeat `cargo xtask gateway call`";
    /// The function answered without asking SAP.
    SapNotAsked, Sap,
        "check the function's SAP_BASE_URL: an answer that needs no request is no data of SAP";
    /// SAP refused, or the tool says that SAP could not be read.
    SapRefused, Sap,
        "401: user and password in the secret that SAP_SECRET_ID names; 403: roles of that user; 404: the service is not \
         activated (SAP_SERVICE); 5xx or none: SAP is down or out of reach of the function";
    /// SAP's own log does not know the requests.
    SapLogDiffers, Sap,
        "the function talked to another SAP than the one whose log this is: compare SAP_BASE_URL with \
         FLYWHEEL_SAP_REQUEST_LOG_URL";
    /// SAP's own log cannot be read.
    SapLogUnreadable, Sap,
        "check FLYWHEEL_SAP_REQUEST_LOG_URL, or leave it out where SAP offers no request log";
    /// The tool's data are not the expected ones.
    DataDiffer, Sap,
        "the expected values stand in xtask/flywheel/config/e2e.toml and are those of the emulated SAP: write down your \
         system's own";
    /// The answer lacks a fact.
    FactMissing, Answer,
        "the model had the data: read its answer beside the tool result in the trace, then the system prompt";
    /// The answer is in another language.
    OtherLanguage, Answer,
        "the system prompt decides the language: `system_prompt` in agent/hyperparams.toml and the file in agent/prompts";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let table = Symptom::ALL.iter().fold(String::new(), |table, symptom| {
            table + &format!("{:<8} {symptom:?}\n    {}\n", symptom.hop(), symptom.step())
        });
        insta::assert_snapshot!(table);
    }

    #[test]
    fn every_step_says_something_of_its_own() {
        for (index, symptom) in Symptom::ALL.iter().enumerate() {
            let step = symptom.step();
            assert!(step.len() > 40, "{symptom:?}");
            assert!(!step.contains("  "), "{symptom:?}: {step}");
            assert!(
                Symptom::ALL[index + 1..]
                    .iter()
                    .all(|other| other.step() != step),
                "{symptom:?}"
            );
        }
        assert!(
            Symptom::ALL.is_sorted_by_key(|symptom| symptom.hop()),
            "in the order of the hops"
        );
    }
}
