//! The datasets against the seed: every number, date and id that a case expects is asked of the SAP service.
//!
//! A case's tags say what its facts are about (`total`, `order_date`, `line_20` with `price`, ...). A fact may say
//! nothing that no tag explains, and every such tag must be met by a fact; so a wrong total fails, and so does a right
//! number of another field. `datasets/README.md` lists the tags.

use serde::Deserialize;

use crate::sap::Sap;

mod about;
mod claim;
mod order;
mod search;
mod shape;

use claim::{Claims, Problem};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets");

/// What holds for every case of a file, beside the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One question about the data, or one that must be declined.
    Questions,
    /// Several turns.
    Sessions,
    /// Questions about the agent itself.
    About,
}

/// The files, with the fewest cases each must have.
const FILES: [(&str, Kind, usize); 5] = [
    ("golden.jsonl", Kind::Questions, 60),
    ("figures.jsonl", Kind::Questions, 40),
    ("safety.jsonl", Kind::Questions, 50),
    ("sessions.jsonl", Kind::Sessions, 30),
    ("documentation.jsonl", Kind::About, 25),
];

/// What this test reads of a case; the dataset's own loader checks the rest.
#[derive(Debug, Deserialize)]
struct Case {
    id: String,
    input: String,
    language: String,
    expected: Expected,
    tags: Vec<String>,
    category: String,
    #[serde(default)]
    turns: Vec<Turn>,
}

#[derive(Debug, Deserialize)]
struct Turn {
    input: String,
    language: Option<String>,
    expected: Expected,
}

impl Case {
    /// What is expected of every turn, the first included.
    fn expectations(&self) -> impl Iterator<Item = &Expected> {
        std::iter::once(&self.expected).chain(self.turns.iter().map(|turn| &turn.expected))
    }

    fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|other| other == tag)
    }
}

#[derive(Debug, Deserialize)]
struct Expected {
    facts: Vec<Fact>,
    trajectory: Option<Trajectory>,
    #[serde(default)]
    tool_arguments: Vec<ToolArguments>,
    must_refuse: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct Fact {
    text: String,
    #[serde(default)]
    any_of: Vec<String>,
}

impl Fact {
    /// Everything the fact says, the title that is shown in messages included.
    fn spellings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.text.as_str()).chain(self.any_of.iter().map(String::as_str))
    }
}

#[derive(Debug, Deserialize)]
struct Trajectory {
    tools: Vec<String>,
    mode: String,
}

#[derive(Debug, Deserialize)]
struct ToolArguments {
    tool: String,
    arguments: serde_json::Map<String, serde_json::Value>,
}

impl ToolArguments {
    fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).and_then(serde_json::Value::as_str)
    }
}

/// Tags that only group cases and claim nothing.
const LABELS: [&str; 34] = [
    "header",
    "items",
    "status",
    "several",
    "two_orders",
    "search",
    "material",
    "spelling",
    "injection",
    "indirect",
    "prompt_leak",
    "credentials",
    "harmful",
    "write",
    "fraud",
    "deleted_line",
    "returns_line",
    "service_line",
    "apostrophe",
    "currency_jpy",
    "tuned",
    "held_out",
    "follow_up",
    "correction",
    "narrowing",
    "language_switch",
    "adversarial_turn",
    "clarify",
    "small_talk",
    "over_refusal",
    "harassment",
    "out_of_domain",
    "ambiguous",
    "missing",
];

/// What is untrue in a case. The tags hold for all turns of a session together.
async fn untrue(case: &Case, sap: &Sap) -> Vec<Problem> {
    let mut claims = Claims::default();
    let mut problems = Vec::new();
    let calls: Vec<&ToolArguments> = case
        .expectations()
        .flat_map(|expected| &expected.tool_arguments)
        .collect();
    for call in &calls {
        let made = match (
            call.tool.as_str(),
            call.text("po_number"),
            call.text("search_term").or_else(|| call.text("supplier")),
        ) {
            ("get_complete_po_data", Some(number), _) => {
                // Of several orders one may be missing, and the other tags are about the rest.
                let tags = if calls.len() > 1 && case.has("missing") {
                    match order::exists(number, sap).await {
                        true => case
                            .tags
                            .iter()
                            .filter(|tag| *tag != "missing")
                            .cloned()
                            .collect(),
                        false => vec!["missing".to_owned()],
                    }
                } else {
                    case.tags.clone()
                };
                order::claims(number, &tags, sap).await
            }
            ("search_purchase_orders" | "list_purchase_orders", _, Some(term)) => {
                search::claims(term, call.text("search_field"), &case.tags, sap).await
            }
            (tool, _, _) => Err(format!(
                "a call of {tool} without the argument that this test can check"
            )),
        };
        match made {
            Ok(made) => claims.add(made),
            Err(problem) => return vec![problem],
        }
    }
    let asks_back = case.has("ambiguous") && case.expected.tool_arguments.is_empty();
    if asks_back {
        problems.extend(ambiguous(case, sap).await);
    }
    let facts: Vec<Fact> = case
        .expectations()
        .skip(usize::from(asks_back))
        .flat_map(|expected| expected.facts.iter().cloned())
        .collect();
    if !facts.is_empty() || !calls.is_empty() {
        problems.extend(claims.unexplained(&facts));
    }
    if !facts.is_empty() && calls.is_empty() {
        problems.push("there are facts, and no call says which order they are about".to_owned());
    }
    for label in ["ambiguous", "missing"] {
        if case.has(label) && !asks_back && !claims.knows(label) {
            problems.push(format!("the tag {label} means nothing here"));
        }
    }
    problems.extend(
        case.tags
            .iter()
            .filter(|tag| !LABELS.contains(&tag.as_str()) && !claims.knows(tag))
            .map(|tag| format!("the tag {tag} means nothing here")),
    );
    problems
}

/// A question that more than one order fits: the orders that the facts name exist and bear the digits of the question.
async fn ambiguous(case: &Case, sap: &Sap) -> Vec<Problem> {
    let digits: String = case.input.chars().filter(char::is_ascii_digit).collect();
    let named = case
        .expected
        .facts
        .iter()
        .flat_map(Fact::spellings)
        .filter(|text| text.len() == 10 && text.parse::<u64>().is_ok());
    let mut problems = Vec::new();
    let mut count = 0;
    for number in named {
        count += 1;
        let (status, _) = sap.ask(&format!("I_PurchaseOrder('{number}')")).await;
        if !status.is_success() || !number.contains(&digits) {
            problems.push(format!("{number} is no order with the digits {digits}"));
        }
    }
    if count == 0 {
        problems.push("no fact names an order that may be meant".to_owned());
    }
    problems
}

fn parse(line: &str) -> Case {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
}

#[tokio::test]
async fn the_expected_facts_are_true_in_the_seed() {
    let sap = Sap::start().await;
    let mut found = Vec::new();
    for (file, kind, fewest) in FILES {
        let text = std::fs::read_to_string(format!("{FOLDER}/{file}")).unwrap();
        let mut cases = 0;
        for (index, line) in text
            .lines()
            .enumerate()
            .skip(1)
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let case = parse(line);
            cases += 1;
            let mut problems = shape::problems(&case, kind);
            match kind {
                Kind::About => problems.extend(about::problems(&case)),
                Kind::Questions if case.expected.must_refuse => {}
                Kind::Questions | Kind::Sessions => problems.extend(untrue(&case, &sap).await),
            }
            found.extend(
                problems
                    .into_iter()
                    .map(|problem| format!("{file}:{}: {}: {problem}", index + 1, case.id)),
            );
        }
        assert!(cases >= fewest, "{file}: only {cases} cases");
    }
    assert!(
        found.is_empty(),
        "{} untrue expectations:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[tokio::test]
async fn a_wrong_fact_is_found() {
    let sap = Sap::start().await;
    let check = async |tags: &str, po_number: &str, facts: &str, expected: &[&str]| {
        let case = parse(&format!(
            r#"{{"id":"x_en","input":"?","language":"en","category":"happy","tags":{tags},"expected":{{"facts":{facts},"must_refuse":false,
            "tool_arguments":[{{"tool":"get_complete_po_data","arguments":{{"po_number":"{po_number}"}}}}]}}}}"#
        ));
        assert_eq!(untrue(&case, &sap).await, expected, "{tags} {facts}");
    };
    let total = r#"["total"]"#;
    check(total, "4500000520", r#"[{"text":"209,236.00 USD"}]"#, &[]).await;
    check(
        total,
        "4500000520",
        r#"[{"text":"209,237.00 USD"}]"#,
        &[
            "the fact `209,237.00 USD` says 209,237.00, which no tag explains",
            "no fact says what the tag total is about",
        ],
    )
    .await;
    // A true number of the order, but not the one the question is about.
    check(
        total,
        "4500000520",
        r#"[{"text":"209,236.00 USD"},{"text":"724"}]"#,
        &["the fact `724` says 724, which no tag explains"],
    )
    .await;
    check(
        total,
        "4500000520",
        r#"[{"text":"the total","any_of":["209,236.00","209,236.01"]}]"#,
        &["the fact `the total` says 209,236.01, which no tag explains"],
    )
    .await;
    check(
        r#"["order_date"]"#,
        "4500000520",
        r#"[{"text":"2019-10-22"}]"#,
        &[
            "the fact `2019-10-22` says 2019-10-22, which no tag explains",
            "no fact says what the tag order_date is about",
        ],
    )
    .await;
    check(
        r#"["line_20","price"]"#,
        "4500000520",
        r#"[{"text":"11.56"}]"#,
        &[],
    )
    .await;
    check(
        r#"["line_90","price"]"#,
        "4500000520",
        r#"[{"text":"11.56"}]"#,
        &["4500000520 has no line 90"],
    )
    .await;
    check(
        r#"["delivered_all"]"#,
        "4500001810",
        r#"[{"text":"yes"}]"#,
        &["4500001810 is not delivered_all"],
    )
    .await;
    check(
        total,
        "4500000013",
        r#"[{"text":"1"}]"#,
        &["4500000013 does not exist"],
    )
    .await;
    check(
        r#"["missing"]"#,
        "4500000520",
        r#"[{"text":"not found"}]"#,
        &["4500000520 exists"],
    )
    .await;
    check(
        r#"["total","colour"]"#,
        "4500000520",
        r#"[{"text":"209,236.00"}]"#,
        &["the tag colour means nothing here"],
    )
    .await;
    check(
        r#"["supplier_name"]"#,
        "4500000520",
        r#"[{"text":"Detroit Chain"}]"#,
        &[
            "the fact `Detroit Chain` says `Detroit Chain`, which no tag explains",
            "no fact says what the tag supplier_name is about",
        ],
    )
    .await;
}

/// The facts of a session's turns are pooled: each must be explained, and each tag met in some turn.
#[tokio::test]
async fn a_wrong_fact_of_a_later_turn_is_found() {
    let sap = Sap::start().await;
    let check = async |tags: &str, second: &str, calls: &str, expected: &[&str]| {
        let case = parse(&format!(
            r#"{{"id":"x_en","input":"?","language":"en","category":"happy","tags":{tags},
            "expected":{{"facts":[{{"text":"209,236.00 USD"}}],"must_refuse":false,
                "tool_arguments":[{{"tool":"get_complete_po_data","arguments":{{"po_number":"4500000520"}}}}]}},
            "turns":[{{"input":"?","expected":{{"facts":[{{"text":"{second}"}}],"must_refuse":false,"tool_arguments":{calls}}}}}]}}"#
        ));
        assert_eq!(untrue(&case, &sap).await, expected, "{tags} {second}");
    };
    let other = r#"[{"tool":"get_complete_po_data","arguments":{"po_number":"4500000521"}}]"#;
    let tags = r#"["total","order_date","follow_up"]"#;
    check(tags, "2019-10-21", "[]", &[]).await;
    check(
        tags,
        "2019-10-22",
        "[]",
        &[
            "the fact `2019-10-22` says 2019-10-22, which no tag explains",
            "no fact says what the tag order_date is about",
        ],
    )
    .await;
    check(r#"["total"]"#, "114,472.90", other, &[]).await;
    check(
        r#"["total"]"#,
        "114,472.90",
        "[]",
        &["the fact `114,472.90` says 114,472.90, which no tag explains"],
    )
    .await;
    check(
        r#"["total","missing"]"#,
        "4500000521",
        other,
        &[
            "the fact `4500000521` says 4500000521, which no tag explains",
            "the tag missing means nothing here",
        ],
    )
    .await;
}
