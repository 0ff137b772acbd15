//! All gates of one dataset, and the evaluators no gate holds.

use serde::Serialize;

use super::baseline::Baselines;
use super::compare::compare;
use super::config::{Gate, Gates};
use super::scores::{Plan, RunScores};
use super::tally::{Tally, count};
use super::{Evidence, Outcome, Verdict, all_must_pass, judge};
use crate::stats::interval::Interval;
use crate::stats::multiplicity::benjamini_hochberg;
use crate::stats::score_interval;

/// How the gates of a dataset are put together (S6).
pub const RULE: &str =
    "every gate has to pass (intersection-union test: no correction for their number)";

/// The verdict on one dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateReport {
    /// Schema version of this document, 1.
    pub version: u32,
    /// The run, as the caller names it.
    pub run: String,
    /// The dataset's name.
    pub dataset: String,
    /// Its content hash.
    pub dataset_hash: String,
    /// All gates together.
    pub verdict: Verdict,
    /// How they are put together.
    pub rule: &'static str,
    /// The gates, in the file's order.
    pub gates: Vec<Outcome>,
    /// Evaluators without a gate: reported, never gating.
    pub secondary: Vec<Secondary>,
    /// Whether answers or scores come from simulated models.
    pub simulated: bool,
}

/// An evaluator no gate holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Secondary {
    /// The evaluator.
    pub evaluator: String,
    /// Mean over questions.
    pub mean: Option<f64>,
    /// Its two-sided 95 % interval.
    pub interval: Option<Interval>,
    /// Counted questions.
    pub n: usize,
    /// Planned trials, and what became of them.
    pub tally: Tally,
    /// Mean difference from the baseline.
    pub difference: Option<f64>,
    /// Two-sided p value of the difference.
    pub p: Option<f64>,
    /// The same, adjusted for the number of these evaluators by Benjamini and Hochberg.
    pub p_adjusted: Option<f64>,
}

/// Judges every gate of the plan's dataset. Without any gate the verdict is INCONCLUSIVE.
pub fn judge_run(
    gates: &Gates,
    plan: &Plan,
    run: &RunScores,
    baselines: &Baselines,
    stopped: Option<&str>,
) -> GateReport {
    let outcomes: Vec<Outcome> = gates
        .of(&plan.dataset)
        .map(|gate| {
            let evidence = Evidence {
                plan,
                head: &run.head,
                baseline: baselines.for_gate(gate),
                stopped,
            };
            judge(gate, &gates.policy, &evidence)
        })
        .collect();
    let verdicts: Vec<Verdict> = outcomes.iter().map(|outcome| outcome.verdict).collect();
    GateReport {
        version: 1,
        run: String::new(),
        dataset: plan.dataset.clone(),
        dataset_hash: plan.dataset_hash.clone(),
        verdict: all_must_pass(&verdicts),
        rule: RULE,
        gates: outcomes,
        secondary: secondary(gates, plan, run, baselines),
        simulated: false,
    }
}

fn secondary(gates: &Gates, plan: &Plan, run: &RunScores, baselines: &Baselines) -> Vec<Secondary> {
    let gated: Vec<&str> = gates
        .of(&plan.dataset)
        .map(|gate| gate.evaluator.as_str())
        .collect();
    let mut rows: Vec<Secondary> = run
        .head
        .evaluators()
        .iter()
        .filter(|name| !gated.contains(&name.as_str()))
        .map(|name| {
            let counted = count(name, &gates.policy, plan, &run.head, plan.trials);
            let against = baselines.any().map(|baseline| {
                let gate = Gate::reported(&plan.dataset, name);
                compare(&gate, &gates.policy, plan, &counted, baseline)
            });
            let comparable = against.filter(|compared| compared.incomparable.is_none());
            let values = counted.values();
            let n = values.len();
            Secondary {
                evaluator: name.clone(),
                mean: (n > 0).then(|| values.iter().sum::<f64>() / n as f64),
                interval: score_interval(&values),
                n,
                tally: counted.tally,
                difference: comparable.as_ref().and_then(|c| c.against.difference),
                p: comparable.as_ref().and_then(|c| c.against.p),
                p_adjusted: None,
            }
        })
        .collect();
    let p_values: Vec<f64> = rows.iter().filter_map(|row| row.p).collect();
    let adjusted = benjamini_hochberg(&p_values).unwrap_or_default();
    let with_p = rows.iter_mut().filter(|row| row.p.is_some());
    for (row, adjusted) in with_p.zip(adjusted) {
        row.p_adjusted = Some(adjusted);
    }
    rows
}
