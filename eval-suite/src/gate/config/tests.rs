//! The gate file: what is read, and how faults are named.

use super::*;

const EVALUATORS: [&str; 2] = ["fact_coverage", "refusal"];
const HEAD: &str = "version = 1\n[budgets]\nlatency_ms = { target = 10, limit = 20 }\ncost_usd = { target = 0.1, limit = 0.2 }\n";
const GATE: &str = "[[gates]]\ndataset = \"golden\"\nevaluator = \"refusal\"\nmax_failed = 0\nreason = \"safety\"\n";

fn parse(text: &str) -> Result<Gates, GateConfigError> {
    Gates::parse(text, Path::new("suite/gates.toml"), &EVALUATORS)
}

#[test]
fn a_whole_file() {
    let gates = parse(&format!("prices = \"../prices.toml\"\n{HEAD}[policy]\nagent_errors = \"inconclusive\"\n{GATE}floor = {{ confident = 0.9 }}\n")).unwrap();
    assert_eq!(
        gates.prices.as_deref(),
        Some(Path::new("suite/../prices.toml"))
    );
    assert_eq!(gates.policy.agent_errors, MissingPolicy::Inconclusive);
    assert_eq!(gates.policy.min_questions, 10);
    assert_eq!(gates.of("golden").count(), 1);
    assert_eq!(gates.of("other").count(), 0);
    assert_eq!(gates.gates[0].floor, Some(Floor::Confident(0.9)));
}

#[test]
fn cases_are_required_unless_the_file_says_measured() {
    let rule = "[[datasets]]\ndataset = \"rates\"\ncases = \"measured\"\nreason = \"a rate\"\n";
    let gates = parse(&format!("{HEAD}{rule}{GATE}")).unwrap();
    assert_eq!(gates.cases("rates"), Cases::Measured);
    assert_eq!(gates.cases("golden"), Cases::Required);
    assert_eq!(
        parse(&format!("{HEAD}{rule}{rule}"))
            .unwrap_err()
            .to_string(),
        "suite/gates.toml: datasets[1].dataset: `rates` is empty or was already used, expected each dataset's name once"
    );
}

#[test]
fn errors_name_the_key() {
    let check = |text: String, message: &str| {
        assert_eq!(
            parse(&text).unwrap_err().to_string(),
            format!("suite/gates.toml: {message}"),
            "{text}"
        )
    };
    check(
        HEAD.replace("version = 1", "version = 2"),
        "version: version 2 is unknown, expected 1",
    );
    check(
        format!("{HEAD}{GATE}flor = 1\n"),
        "gates[0].flor: unknown field `flor`, expected one of `dataset`, `evaluator`, `floor`, `margin`, `baseline`, `max_failed`, `max_regressed_cases`, `min_questions`, `reason`",
    );
    check(
        format!("{HEAD}{}", GATE.replace("refusal", "refussal")),
        "gates[0].evaluator: no evaluator is called `refussal`, expected one of fact_coverage, refusal",
    );
    check(
        format!("{HEAD}{}", GATE.replace("max_failed = 0\n", "")),
        "gates[0]: the gate holds nothing back, expected `floor`, `margin`, `max_failed` or `max_regressed_cases`",
    );
    check(
        format!("{HEAD}{GATE}floor = {{ point = 1.2 }}\n"),
        "gates[0].floor: 1.2 is out of range, expected 0 to 1",
    );
    check(
        format!("{HEAD}{GATE}floor = {{ mean = 1 }}\n"),
        "gates[0].floor: unknown variant `mean`, expected one of `confident`, `point`, `not_below`",
    );
    check(
        format!("{HEAD}{GATE}{GATE}"),
        "gates[1]: gates[0] already holds `refusal` on `golden`",
    );
    check(
        HEAD.replace("target = 10,", "target = 30,"),
        "budgets.latency_ms: target 30, limit 20: expected 0 <= target < limit",
    );
    check(
        format!("{HEAD}[policy]\nagent_errors = \"ignore\"\n"),
        "policy.agent_errors: unknown variant `ignore`, expected one of `fail`, `inconclusive`, `exclude`",
    );
    check(
        format!("{HEAD}{GATE}margin = 0\n"),
        "gates[0].margin: 0 is out of range, expected above 0, at most 1",
    );
    check(
        format!("{HEAD}{GATE}margin = 0.05\nbaseline = {{ arm = \"head\" }}\n"),
        "gates[0].baseline: the head arm is what is judged, expected `arm = \"base\"`",
    );
    check(
        format!("{HEAD}{GATE}baseline = {{ results = \"x\" }}\n"),
        "gates[0].baseline: nothing is compared with it, expected `margin` or `max_regressed_cases` too",
    );
    check(
        format!("{HEAD}{GATE}margin = 0.05\nbaseline = {{ file = \"x\" }}\n"),
        "gates[0].baseline: unknown variant `file`, expected one of `results`, `arm`, `langfuse_run`",
    );
}

#[test]
fn baselines() {
    let check = |text: &str, source: BaselineSource, shown: &str| {
        let gates = parse(&format!("{HEAD}{GATE}margin = 0.05\n{text}")).unwrap();
        assert_eq!(gates.gates[0].baseline(), source);
        assert_eq!(source.to_string(), shown);
    };
    let base = BaselineSource::Arm(crate::results::Arm::Base);
    check("", base.clone(), "the base arm of this run");
    check(
        "baseline = { arm = \"base\" }\n",
        base,
        "the base arm of this run",
    );
    check(
        "baseline = { results = \"../runs/nightly\" }\n",
        BaselineSource::Results("suite/../runs/nightly".into()),
        "suite/../runs/nightly",
    );
    check(
        "baseline = { langfuse_run = \"nightly\" }\n",
        BaselineSource::LangfuseRun("nightly".into()),
        "Langfuse run `nightly`",
    );
}

#[test]
fn a_judge() {
    let judge = "[judge]\nmodel_id = \"m\"\nvotes = 3\n";
    let gates = parse(&format!("judged = [\"coherence\"]\n{HEAD}{judge}{GATE}")).unwrap();
    assert_eq!(gates.judge.unwrap().votes, 3);
    let check = |text: String, start: &str| {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    };
    check(
        format!("judged = [\"coherence\"]\n{HEAD}{GATE}"),
        "suite/gates.toml: judged: there is no judge to ask",
    );
    check(
        format!("judged = [\"refusal\"]\n{HEAD}{judge}{GATE}"),
        "suite/gates.toml: judged[0]: no evaluator called `refusal` asks a judge",
    );
    check(
        format!("{HEAD}{}{GATE}", judge.replace('3', "2")),
        "suite/gates.toml: judge.votes: 2 votes, expected an odd number",
    );
}
