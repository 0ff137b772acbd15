//! The gate as it is used, from scores over trials to a verdict: an equal agent is not flagged more often than alpha says.

use eval_suite::evaluator::Status;
use eval_suite::gate::{
    ArmScores, Baselines, Gates, Plan, PlannedCase, RunScores, TrialScore, Verdict, judge_run,
};
use eval_suite::stats::random::SplitMix64;

use crate::support::{Suite, rate};

const QUESTIONS: usize = 40;
const FACTS: usize = 3;
const TRIALS: u32 = 2;

const GATES: &str = r#"
version = 1
[budgets]
latency_ms = { target = 10000, limit = 30000 }
cost_usd = { target = 0.02, limit = 0.10 }
[[gates]]
dataset = "simulated"
evaluator = "fact_coverage"
margin = 0.05
reason = "test"
"#;

/// An agent of this ability on a suite: each question's share of covered facts, trial by trial.
fn arm(suite: &Suite, random: &mut SplitMix64, ability: f64) -> ArmScores {
    let mut arm = ArmScores::default();
    for trial in 1..=TRIALS {
        let facts = suite.facts(random, ability);
        for (question, facts) in facts.chunks(FACTS).enumerate() {
            let value = facts.iter().sum::<f64>() / FACTS as f64;
            let score = TrialScore {
                status: Status::Scored,
                value: Some(value),
                passed: Some(value == 1.0),
                identity: "v1".into(),
                reason: None,
            };
            let id = format!("q{question}");
            arm.insert(&id, trial, true, [("fact_coverage", score)]);
        }
    }
    arm
}

fn verdict(gates: &Gates, random: &mut SplitMix64, ability: f64) -> Verdict {
    let suite = Suite::draw(random, QUESTIONS, FACTS);
    let case = |question: usize| PlannedCase {
        id: format!("q{question}"),
        ..PlannedCase::default()
    };
    let plan = Plan {
        dataset: "simulated".into(),
        dataset_hash: "hash".into(),
        cases: (0..QUESTIONS).map(case).collect(),
        trials: TRIALS,
    };
    let run = RunScores {
        base: arm(&suite, random, 0.0),
        head: arm(&suite, random, ability),
        ..RunScores::default()
    };
    let baselines = Baselines::of(gates.of("simulated"), &plan, &run);
    judge_run(gates, &plan, &run, &baselines, None).verdict
}

fn regressed(what: &str, runs: usize, seed: u64, ability: f64) -> f64 {
    let gates = Gates::parse(GATES, "gates.toml".as_ref(), &["fact_coverage"]).unwrap();
    let flagged = (0..runs)
        .filter(|run| {
            let mut random = SplitMix64::new(seed + *run as u64);
            verdict(&gates, &mut random, ability) == Verdict::Regressed
        })
        .count();
    rate(what, flagged, runs)
}

#[test]
#[ignore = "slow"]
fn an_equal_agent_is_not_flagged_by_the_whole_gate() {
    let share = regressed("whole gate flags an equal agent", 600, 7_000, 0.0);
    assert!(share <= 0.06, "{share}");
    let hundred = regressed("whole gate, a hundred repetitions", 100, 1, 0.0);
    assert!(hundred <= 0.05, "{hundred}");
}

#[test]
#[ignore = "slow"]
fn a_much_worse_agent_is_flagged_by_the_whole_gate() {
    let share = regressed("whole gate flags a much worse agent", 200, 9_000, -2.5);
    assert!(share >= 0.8, "{share}");
}
