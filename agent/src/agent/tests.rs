use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use aws_smithy_types::error::ErrorMetadata;
use serde_json::json;
use tokio::sync::Barrier;

use super::*;
use crate::aws::AwsError;
use crate::hyperparams::PromptSource;
use crate::message::Usage;
use crate::model::ModelErrorKind;

/// What the scripted model does at one call.
#[derive(Clone)]
enum Turn {
    Say(&'static str),
    /// Asks for these tools, by name; each gets its position as the argument `n`.
    Ask(&'static str, Vec<&'static str>),
    Stop(ModelStop, &'static str),
    Fail(ModelErrorKind),
    Hang,
}

/// A model that follows a script and remembers what it was shown.
struct Script {
    turns: Mutex<VecDeque<Turn>>,
    shown: Mutex<Vec<Vec<Message>>>,
}

impl Script {
    fn new(turns: &[Turn]) -> Arc<Self> {
        Arc::new(Self {
            turns: Mutex::new(turns.to_vec().into()),
            shown: Mutex::default(),
        })
    }

    /// The results that the model saw last.
    fn last_results(&self) -> Vec<ToolResult> {
        let shown = self.shown.lock().unwrap();
        let last = shown.last().and_then(|messages| messages.last()).unwrap();
        last.content
            .iter()
            .map(|part| match part {
                Content::ToolResult(result) => result.clone(),
                other => panic!("expected a tool result, found {other:?}"),
            })
            .collect()
    }
}

#[async_trait]
impl Model for Script {
    async fn converse(&self, request: ModelRequest<'_>) -> Result<ModelResponse, ModelError> {
        self.shown.lock().unwrap().push(request.messages.to_vec());
        let turn = self
            .turns
            .lock()
            .unwrap()
            .pop_front()
            .expect("the script is longer than the run");
        let (stop, content) = match turn {
            Turn::Say(text) => (ModelStop::EndTurn, vec![Content::Text(text.into())]),
            Turn::Stop(stop, text) => (stop, vec![Content::Text(text.into())]),
            Turn::Ask(text, names) => {
                let mut content: Vec<Content> = (!text.is_empty())
                    .then(|| Content::Text(text.into()))
                    .into_iter()
                    .collect();
                content.extend(names.iter().enumerate().map(|(n, name)| {
                    Content::ToolUse(ToolUse {
                        id: format!("use-{n}"),
                        name: (*name).to_owned(),
                        arguments: json!({"n": n}),
                    })
                }));
                (ModelStop::ToolUse, content)
            }
            Turn::Fail(kind) => {
                let error = ErrorMetadata::builder()
                    .code("ThrottlingException")
                    .message("slow down")
                    .build();
                let source = Box::new(AwsError::new("Bedrock Runtime", "Converse", error));
                return Err(ModelError::Call {
                    model_id: "scripted".into(),
                    kind,
                    source,
                });
            }
            Turn::Hang => std::future::pending().await,
        };
        Ok(ModelResponse {
            message: Message {
                role: Role::Assistant,
                content,
            },
            stop,
            usage: Usage {
                input_tokens: 10,
                output_tokens: 2,
                total_tokens: 12,
            },
        })
    }
}

/// Tools whose name says how they behave.
#[derive(Default)]
struct Tools {
    called: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    /// `meet` waits until so many calls are inside.
    barrier: Option<Barrier>,
}

const NAMES: [&str; 7] = ["ok", "says_no", "breaks", "huge", "blank", "hangs", "meet"];

#[async_trait]
impl ToolProvider for Tools {
    async fn list_tools(&self) -> Result<Arc<[ToolSpec]>, ToolError> {
        Ok(NAMES
            .iter()
            .map(|name| ToolSpec {
                name: (*name).into(),
                description: None,
                input_schema: json!({"type": "object"}),
            })
            .collect())
    }

    async fn call_tool(&self, tool_use: &ToolUse) -> Result<ToolOutput, ToolError> {
        self.called.fetch_add(1, Ordering::SeqCst);
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let ok = |content| {
            Ok(ToolOutput {
                content,
                is_error: false,
            })
        };
        let answer = match tool_use.name.as_str() {
            "ok" => {
                tokio::task::yield_now().await;
                ok(json!({"echo": tool_use.arguments}))
            }
            "says_no" => Ok(ToolOutput {
                content: json!({"status": "error"}),
                is_error: true,
            }),
            "breaks" => Err(ToolError::Unreachable(
                "connect to http://10.0.0.1 with key abc".into(),
            )),
            "huge" => ok(json!({"rows": "x".repeat(MAX_RESULT_BYTES)})),
            "blank" => ok(json!(" ")),
            "hangs" => std::future::pending().await,
            "meet" => {
                self.barrier.as_ref().unwrap().wait().await;
                ok(tool_use.arguments.clone())
            }
            other => panic!("the loop let the unknown tool {other} through"),
        };
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

/// A place that cannot be asked.
struct Closed;

#[async_trait]
impl ToolProvider for Closed {
    async fn list_tools(&self) -> Result<Arc<[ToolSpec]>, ToolError> {
        Err(ToolError::Denied("token refused".into()))
    }

    async fn call_tool(&self, _tool_use: &ToolUse) -> Result<ToolOutput, ToolError> {
        unreachable!("nothing was listed")
    }
}

struct Bounds {
    max_cycles: u32,
    deadline_seconds: u32,
}

const WIDE: Bounds = Bounds {
    max_cycles: 8,
    deadline_seconds: 60,
};
/// Over at once, but only for what has to be waited for.
const NO_TIME: Bounds = Bounds {
    max_cycles: 8,
    deadline_seconds: 0,
};

async fn run(
    model: &Arc<Script>,
    tools: Arc<dyn ToolProvider>,
    bounds: Bounds,
) -> Result<Outcome, AgentError> {
    let params = HyperParams {
        model_id: "scripted".into(),
        prompt: PromptSource::Text("Be brief.".into()),
        temperature: Some(0.0),
        top_p: None,
        max_tokens: 100,
        max_cycles: bounds.max_cycles,
        deadline_seconds: bounds.deadline_seconds,
    };
    let telemetry = Arc::new(Telemetry::new("default".into(), None));
    let agent = Agent::new(
        Arc::clone(model) as Arc<dyn Model>,
        tools,
        telemetry,
        "Be brief.".into(),
        params,
    );
    let incoming = Incoming::default();
    agent
        .run(Invocation {
            prompt: "How much?",
            session_id: "s",
            incoming: &incoming,
        })
        .await
}

#[tokio::test]
async fn a_run_stops_for_one_of_the_known_reasons() {
    use StopReason::{
        ContentFiltered, CycleLimit, Deadline, EndTurn, GuardrailIntervened, MaxTokens,
    };

    let check = async |turns: &[Turn],
                       bounds: Bounds,
                       reason: StopReason,
                       response: &str,
                       tools: usize,
                       calls: u32| {
        let outcome = run(&Script::new(turns), Arc::new(Tools::default()), bounds)
            .await
            .unwrap();
        assert_eq!(
            (outcome.stop_reason, outcome.response.as_str()),
            (reason, response)
        );
        assert_eq!(
            (outcome.trajectory.len(), outcome.usage.model_calls),
            (tools, calls),
            "{reason:?}"
        );
    };
    let ask = || Turn::Ask("", vec!["ok"]);
    check(&[Turn::Say("Hello.")], WIDE, EndTurn, "Hello.", 0, 1).await;
    check(&[ask(), Turn::Say("Done.")], WIDE, EndTurn, "Done.", 1, 2).await;
    check(
        &[Turn::Ask("I look.", vec!["ok"]), Turn::Say("")],
        WIDE,
        EndTurn,
        "",
        1,
        2,
    )
    .await;
    check(
        &[Turn::Stop(ModelStop::MaxTokens, "Half a sen")],
        WIDE,
        MaxTokens,
        "Half a sen",
        0,
        1,
    )
    .await;
    check(
        &[Turn::Stop(ModelStop::GuardrailIntervened, "No.")],
        WIDE,
        GuardrailIntervened,
        "No.",
        0,
        1,
    )
    .await;
    check(
        &[ask(), Turn::Stop(ModelStop::ContentFiltered, "")],
        WIDE,
        ContentFiltered,
        "",
        1,
        2,
    )
    .await;
    // The tools of the last cycle are not run: nobody would read their results.
    let two = || Bounds {
        max_cycles: 2,
        deadline_seconds: 60,
    };
    check(
        &[Turn::Ask("I look.", vec!["ok"]), ask()],
        two(),
        CycleLimit,
        "I look.",
        1,
        2,
    )
    .await;
    check(&[Turn::Hang], NO_TIME, Deadline, "", 0, 1).await;
    check(
        &[Turn::Ask("I look.", vec!["hangs"])],
        NO_TIME,
        Deadline,
        "I look.",
        1,
        1,
    )
    .await;
}

#[tokio::test]
async fn a_failing_tool_is_told_to_the_model_and_the_run_goes_on() {
    let check = async |tool: &'static str, is_error: bool, expected: Value| {
        let model = Script::new(&[Turn::Ask("", vec![tool]), Turn::Say("Sorry.")]);
        let outcome = run(&model, Arc::new(Tools::default()), WIDE).await.unwrap();
        assert_eq!(
            (outcome.stop_reason, outcome.response.as_str()),
            (StopReason::EndTurn, "Sorry.")
        );
        let seen = ToolResult {
            tool_use_id: "use-0".into(),
            content: expected.clone(),
            is_error,
        };
        assert_eq!(model.last_results(), [seen]);
        // The trajectory tells exactly what the model was shown.
        let call = &outcome.trajectory[0];
        assert_eq!(
            (call.name.as_str(), &call.result, call.is_error),
            (tool, &expected, is_error)
        );
        assert_eq!(call.arguments, json!({"n": 0}));
    };
    check("ok", false, json!({"echo": {"n": 0}})).await;
    check("says_no", true, json!({"status": "error"})).await;
    check("breaks", true, json!("the tool could not be reached")).await;
    check(
        "huge",
        true,
        json!("the result has 131083 bytes, more than the 131072 that fit; ask for less"),
    )
    .await;
    check("blank", false, json!("(no content)")).await;
    check("imagined", true, json!("there is no tool named imagined")).await;
}

#[tokio::test]
async fn a_tool_cut_off_by_the_deadline_is_in_the_trajectory() {
    let model = Script::new(&[Turn::Ask("", vec!["hangs", "says_no"])]);
    let outcome = run(&model, Arc::new(Tools::default()), NO_TIME)
        .await
        .unwrap();
    let results: Vec<_> = outcome
        .trajectory
        .iter()
        .map(|call| (call.name.as_str(), call.result.clone()))
        .collect();
    assert_eq!(
        results,
        [
            (
                "hangs",
                json!("not finished: the time for this question is over")
            ),
            ("says_no", json!({"status": "error"})),
        ]
    );
}

#[tokio::test]
async fn tools_of_one_turn_run_together_and_keep_their_order() {
    let tools = Arc::new(Tools {
        barrier: Some(Barrier::new(3)),
        ..Tools::default()
    });
    let model = Script::new(&[
        Turn::Ask("", vec!["meet", "meet", "meet"]),
        Turn::Say("Done."),
    ]);
    // One after the other they would wait for each other for ever.
    let outcome = run(&model, tools, WIDE).await.unwrap();
    let order: Vec<_> = outcome
        .trajectory
        .iter()
        .map(|call| call.result.clone())
        .collect();
    assert_eq!(order, [json!({"n": 0}), json!({"n": 1}), json!({"n": 2})]);
    assert_eq!(model.last_results().len(), 3);
}

#[tokio::test]
async fn a_turn_cannot_run_any_number_of_tools() {
    let tools = Arc::new(Tools::default());
    let model = Script::new(&[Turn::Ask("", vec!["ok"; 40]), Turn::Say("Done.")]);
    let outcome = run(&model, Arc::clone(&tools) as Arc<dyn ToolProvider>, WIDE)
        .await
        .unwrap();
    assert_eq!(tools.called.load(Ordering::SeqCst), MAX_TOOLS_PER_TURN);
    assert_eq!(
        tools.most_in_flight.load(Ordering::SeqCst),
        MAX_CONCURRENT_TOOLS
    );
    // Each request has a result nevertheless: models insist on that.
    assert_eq!(outcome.trajectory.len(), 40);
    assert_eq!(
        outcome.trajectory[39].result,
        json!("not run: one turn may ask for at most 32 tools")
    );
}

#[tokio::test]
async fn usage_is_the_sum_over_the_model_calls() {
    let model = Script::new(&[
        Turn::Ask("", vec!["ok"]),
        Turn::Ask("", vec!["ok"]),
        Turn::Say("Done."),
    ]);
    let usage = run(&model, Arc::new(Tools::default()), WIDE)
        .await
        .unwrap()
        .usage;
    assert_eq!(
        (
            usage.input_tokens,
            usage.output_tokens,
            usage.total_tokens,
            usage.model_calls
        ),
        (30, 6, 36, 3)
    );
}

#[tokio::test]
async fn a_failing_model_ends_the_run_with_a_public_word() {
    let model = Script::new(&[
        Turn::Ask("", vec!["ok"]),
        Turn::Fail(ModelErrorKind::Throttled),
    ]);
    let error = run(&model, Arc::new(Tools::default()), WIDE)
        .await
        .unwrap_err();
    assert_eq!(error.public(), "model call failed: throttled");
    insta::assert_snapshot!(
        chain(&error),
        @"model call 2 failed: model `scripted` did not answer: Bedrock Runtime Converse: ThrottlingException: slow down"
    );
}

#[tokio::test]
async fn a_run_does_not_start_without_its_tools() {
    let error = run(&Script::new(&[]), Arc::new(Closed), WIDE)
        .await
        .unwrap_err();
    assert_eq!(error.public(), "tools unavailable: access denied");
    assert_eq!(
        chain(&error),
        "list the tools: the tool gateway refused access: token refused"
    );
}

#[tokio::test]
async fn an_agent_without_a_gateway_answers_without_tools() {
    let model = Script::new(&[
        Turn::Ask("", vec!["get_complete_po_data"]),
        Turn::Say("I cannot look that up."),
    ]);
    let outcome = run(&model, Arc::new(crate::tools::NoTools), WIDE)
        .await
        .unwrap();
    assert_eq!(
        outcome.trajectory[0].result,
        json!("there is no tool named get_complete_po_data")
    );
    assert_eq!(outcome.response, "I cannot look that up.");
}
