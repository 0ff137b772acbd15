//! The gate of S5: an equal agent is not called worse, a worse one does not pass, more often than alpha says.

use eval_suite::stats::mean::{clustered_mean, sample_mean};

use eval_suite::stats::random::SplitMix64;
use eval_suite::stats::verdict::{Comparison, Decision, Rules, Verdict, decide};

use crate::support::{Suite, rate};

const QUESTIONS: usize = 20;
const FACTS: usize = 3;
/// The contract's limit for the gate's type-I error.
const LIMIT: f64 = 0.06;

/// Two arms over one suite, fact by fact.
struct Arms {
    head: Vec<f64>,
    base: Vec<f64>,
    questions: Vec<usize>,
}

impl Arms {
    fn draw(random: &mut SplitMix64, questions: usize, ability: f64) -> Self {
        let suite = Suite::draw(random, questions, FACTS);
        Self {
            head: suite.facts(random, ability),
            base: suite.facts(random, 0.0),
            questions: suite.questions(),
        }
    }

    fn differences(&self) -> Vec<f64> {
        self.head
            .iter()
            .zip(&self.base)
            .map(|(head, base)| head - base)
            .collect()
    }

    fn decide(&self, margin: f64) -> Decision {
        let differences = self.differences();
        decide(
            &Comparison {
                differences: &differences,
                clusters: Some(&self.questions),
                missing: 0,
                mismatch: None,
            },
            &Rules::with_margin(margin),
        )
    }
}

#[test]
#[ignore = "slow"]
fn an_equal_agent_is_not_called_worse() {
    const RUNS: usize = 8_000;
    let mut random = SplitMix64::new(1);
    let (mut regressed, mut two_sided, mut naive) = (0, 0, 0);
    for _ in 0..RUNS {
        let arms = Arms::draw(&mut random, QUESTIONS, 0.0);
        let decision = arms.decide(0.05);
        regressed += usize::from(decision.verdict == Verdict::Regressed);
        let by_question = clustered_mean(&arms.differences(), &arms.questions).unwrap();
        two_sided += usize::from(by_question.p_two_sided(0.0) < 0.05);
        // For contrast: facts as if they were questions of their own.
        let by_fact = sample_mean(&arms.differences()).unwrap();
        naive += usize::from(by_fact.p_two_sided(0.0) < 0.05);
    }
    let regressed = rate("gate says REGRESSED of an equal agent", regressed, RUNS);
    let two_sided = rate("two-sided paired t by question", two_sided, RUNS);
    let naive = rate("two-sided paired t by fact (wrong)", naive, RUNS);
    assert!(regressed <= LIMIT, "{regressed}");
    assert!(two_sided <= LIMIT, "{two_sided}");
    assert!(naive > LIMIT, "facts are not independent here: {naive}");
}

#[test]
#[ignore = "slow"]
fn an_agent_worse_by_the_margin_does_not_pass() {
    const RUNS: usize = 8_000;
    // How much worse this ability is, to take as the margin: the mean over many questions.
    const ABILITY: f64 = -0.6;
    let mut random = SplitMix64::new(2);
    let far = Arms::draw(&mut random, 400_000, ABILITY);
    let margin = far
        .base
        .iter()
        .zip(&far.head)
        .map(|(b, h)| b - h)
        .sum::<f64>()
        / far.base.len() as f64;
    assert!((0.05..0.15).contains(&margin), "{margin}");
    let passes = (0..RUNS)
        .filter(|_| {
            Arms::draw(&mut random, QUESTIONS, ABILITY)
                .decide(margin)
                .verdict
                == Verdict::Pass
        })
        .count();
    let passes = rate("gate passes an agent worse by the margin", passes, RUNS);
    assert!(passes <= LIMIT, "{passes}");
}

#[test]
#[ignore = "slow"]
fn sparse_losses_do_not_pass() {
    const RUNS: usize = 2_000;
    for (questions, margin, wins) in [
        (20, 0.05, 0.0),
        (20, 0.05, 0.02),
        (60, 0.05, 0.0),
        (60, 0.10, 0.0),
        (60, 0.05, 0.05),
        (200, 0.05, 0.0),
    ] {
        let mut random = SplitMix64::new(3);
        let (mut passes, mut by_t) = (0, 0);
        for _ in 0..RUNS {
            let differences: Vec<f64> = (0..questions)
                .map(|_| match random.unit() {
                    u if u < wins + margin => -1.0,
                    u if u < 2.0 * wins + margin => 1.0,
                    _ => 0.0,
                })
                .collect();
            // Where the t bound does not pass, the verdict is not PASS, whatever the slower sign-flip test says.
            let bounds = sample_mean(&differences).unwrap().one_sided(0.95);
            if bounds.lo <= -margin {
                continue;
            }
            by_t += 1;
            let comparison = Comparison {
                differences: &differences,
                clusters: None,
                missing: 0,
                mismatch: None,
            };
            let decision = decide(&comparison, &Rules::with_margin(margin));
            passes += usize::from(decision.verdict == Verdict::Pass);
        }
        let what = format!("{questions} questions, margin {margin}, wins {wins}");
        rate(&format!("{what}: t bound alone"), by_t, RUNS);
        let passes = rate(&format!("{what}: gate"), passes, RUNS);
        assert!(passes <= LIMIT, "{what}: {passes}");
    }
}

#[test]
#[ignore = "slow"]
fn a_hundred_repetitions_of_an_equal_agent() {
    let mut flagged = 0;
    for repetition in 0..100 {
        let mut random = SplitMix64::new(1_000 + repetition);
        let decision = Arms::draw(&mut random, QUESTIONS, 0.0).decide(0.05);
        flagged += usize::from(decision.verdict == Verdict::Regressed);
    }
    let flagged = rate("flagged in a hundred repetitions", flagged, 100);
    assert!(flagged <= 0.05, "{flagged}");
}

#[test]
#[ignore = "slow"]
fn a_worse_agent_is_called_worse() {
    const RUNS: usize = 2_000;
    let mut random = SplitMix64::new(5);
    let regressed = (0..RUNS)
        .filter(|_| {
            Arms::draw(&mut random, QUESTIONS, -2.5)
                .decide(0.05)
                .verdict
                == Verdict::Regressed
        })
        .count();
    let power = rate("gate says REGRESSED of a much worse agent", regressed, RUNS);
    assert!(
        power > 0.8,
        "a gate that never says REGRESSED errs never: {power}"
    );
}
