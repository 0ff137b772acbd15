//! Which candidate to run: quality first, within a margin, then cost, then speed; and how sure that is.
//!
//! Pure functions. The unit of analysis is the question: candidates are compared on the questions that all of them
//! answered, pair by pair.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use eval_suite::stats::{Interval, mean_estimate, unanimous_interval};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

/// With fewer questions no candidate is called "as good as".
pub(crate) const MIN_QUESTIONS: usize = 10;
/// Resamples of the questions for the probability of being best.
pub(crate) const RESAMPLES: usize = 2_000;
/// Fixed, so that a report repeats.
const SEED: u64 = 0xf1e1;
/// A two-sided interval of this level has the one-sided 95 % bounds as its ends.
const ONE_SIDED: f64 = 0.90;
const TWO_SIDED: f64 = 0.95;
/// Means closer than this are the same number.
const TIE: f64 = 1e-9;

/// What the ranking looks at.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// The candidate.
    pub(crate) id: String,
    /// Quality of each question, by case id.
    pub(crate) quality: BTreeMap<String, f64>,
    /// US dollars an answer, if known.
    pub(crate) cost_usd: Option<f64>,
    /// 95th percentile of the answer's latency, in milliseconds.
    pub(crate) latency_ms_p95: Option<f64>,
}

/// A candidate against the one with the highest quality.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Standing {
    /// The candidate.
    pub(crate) candidate: String,
    /// Its mean minus that of the best; 0 for the best itself.
    pub(crate) difference: f64,
    /// One-sided 95 % lower bound of that difference; `None` with fewer than two questions.
    pub(crate) difference_low: Option<f64>,
    /// Whether it is shown to be worse by less than the margin.
    pub(crate) as_good: bool,
    /// Share of the resamples in which it has the highest quality.
    pub(crate) probability_best: f64,
}

/// How the recommended candidate compares with the strongest alternative.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Alternative {
    /// The best one, or the runner-up when the recommended one is the best.
    pub(crate) candidate: String,
    /// Mean quality of the recommended minus that of the alternative.
    pub(crate) difference: f64,
    /// Lower end of the 95 % interval.
    pub(crate) low: Option<f64>,
    /// Upper end of the 95 % interval.
    pub(crate) high: Option<f64>,
}

/// How much the measurements carry the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Evidence {
    /// Better than every alternative beyond chance.
    Clear,
    /// As good as the best within the margin, and cheaper or faster.
    WithinMargin,
    /// These questions do not decide it.
    Inconclusive,
}

/// The outcome of a study.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Ranking {
    /// The candidate to run.
    pub(crate) recommended: String,
    /// The one with the highest mean quality.
    pub(crate) best: String,
    /// How much the measurements carry the choice.
    pub(crate) evidence: Evidence,
    /// Number of questions all candidates have a quality for.
    pub(crate) questions: usize,
    /// The margin that was applied.
    pub(crate) quality_margin: f64,
    /// The strongest alternative; `None` when there is only one candidate.
    pub(crate) alternative: Option<Alternative>,
    /// Every candidate, highest quality first.
    pub(crate) standings: Vec<Standing>,
}

/// Ranks the candidates; `None` when no question was scored for all of them.
pub(crate) fn rank(measured: &[Measured], margin: f64) -> Option<Ranking> {
    let arms = Arms::new(measured)?;
    let order = arms.by_quality();
    let best = *order.first()?;
    let probability = arms.probability_best();
    let standings: Vec<_> = order
        .iter()
        .map(|&arm| {
            let bound = (arm != best)
                .then(|| arms.difference(arm, best, ONE_SIDED))
                .flatten()
                .map(|bound| bound.lo);
            let shown = bound.is_some_and(|low| low > -margin) && arms.questions >= MIN_QUESTIONS;
            Standing {
                candidate: measured[arm].id.clone(),
                difference: arms.mean(arm) - arms.mean(best),
                difference_low: if arm == best { Some(0.0) } else { bound },
                as_good: arm == best || shown,
                probability_best: probability[arm],
            }
        })
        .collect();
    let as_good = order
        .iter()
        .zip(&standings)
        .filter(|(_, standing)| standing.as_good)
        .map(|(&arm, _)| arm);
    let recommended = as_good
        .min_by(|&a, &b| cheaper_then_faster(&measured[a], &measured[b]))
        .unwrap_or(best);
    let other = if recommended == best {
        order.get(1).copied()
    } else {
        Some(best)
    };
    let alternative = other.map(|other| {
        let interval = arms.difference(recommended, other, TWO_SIDED);
        Alternative {
            candidate: measured[other].id.clone(),
            difference: arms.mean(recommended) - arms.mean(other),
            low: interval.map(|interval| interval.lo),
            high: interval.map(|interval| interval.hi),
        }
    });
    let beats_all = order.iter().filter(|&&arm| arm != recommended).all(|&arm| {
        arms.difference(recommended, arm, TWO_SIDED)
            .is_some_and(|interval| interval.lo > 0.0)
    });
    let chosen_within_margin = standings.iter().filter(|standing| standing.as_good).count() > 1;
    let evidence = match () {
        () if arms.questions < MIN_QUESTIONS => Evidence::Inconclusive,
        () if beats_all => Evidence::Clear,
        () if chosen_within_margin => Evidence::WithinMargin,
        () => Evidence::Inconclusive,
    };
    Some(Ranking {
        recommended: measured[recommended].id.clone(),
        best: measured[best].id.clone(),
        evidence,
        questions: arms.questions,
        quality_margin: margin,
        alternative,
        standings,
    })
}

/// Unknown costs and times come last: nothing is called cheap for want of a price.
fn cheaper_then_faster(a: &Measured, b: &Measured) -> Ordering {
    let known = |value: Option<f64>| value.unwrap_or(f64::INFINITY);
    known(a.cost_usd)
        .total_cmp(&known(b.cost_usd))
        .then(known(a.latency_ms_p95).total_cmp(&known(b.latency_ms_p95)))
}

/// The qualities as a table: one row a candidate, one column a question that all candidates have.
struct Arms<'a> {
    measured: &'a [Measured],
    rows: Vec<Vec<f64>>,
    questions: usize,
}

impl<'a> Arms<'a> {
    fn new(measured: &'a [Measured]) -> Option<Self> {
        let cases = |arm: &Measured| arm.quality.keys().cloned().collect::<BTreeSet<_>>();
        let common = measured
            .iter()
            .map(cases)
            .reduce(|all, more| all.intersection(&more).cloned().collect())?;
        let rows = measured
            .iter()
            .map(|arm| common.iter().map(|case| arm.quality[case]).collect())
            .collect();
        (!common.is_empty()).then_some(Self {
            measured,
            rows,
            questions: common.len(),
        })
    }

    fn mean(&self, arm: usize) -> f64 {
        self.rows[arm].iter().sum::<f64>() / self.questions as f64
    }

    /// Highest mean first; equal ones by cost and speed, then as given.
    fn by_quality(&self) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.rows.len()).collect();
        order.sort_by(|&a, &b| {
            let (quality_a, quality_b) = (self.mean(a), self.mean(b));
            if (quality_a - quality_b).abs() < TIE {
                cheaper_then_faster(&self.measured[a], &self.measured[b])
            } else {
                quality_b.total_cmp(&quality_a)
            }
        });
        order
    }

    /// The t interval of the mean difference between two candidates, question by question. Where they agree on every
    /// question it has no width, and the share of questions they could still differ on takes its place.
    fn difference(&self, head: usize, base: usize, confidence: f64) -> Option<Interval> {
        let differences: Vec<_> = self.rows[head]
            .iter()
            .zip(&self.rows[base])
            .map(|(head, base)| head - base)
            .collect();
        let questions: Vec<_> = (0..self.questions).collect();
        let interval = mean_estimate(&differences, &questions)?.interval(confidence);
        if differences.iter().all(|difference| difference.abs() < TIE) {
            let unseen = unanimous_interval(0.0, self.questions, confidence).hi;
            return Some(Interval {
                lo: -unseen,
                hi: unseen,
            });
        }
        Some(interval)
    }

    /// How often each candidate has the highest mean when the questions are drawn anew, the same for all; candidates
    /// that share the first place share the draw.
    fn probability_best(&self) -> Vec<f64> {
        let mut rng = StdRng::seed_from_u64(SEED);
        let mut wins = vec![0.0; self.rows.len()];
        for _ in 0..RESAMPLES {
            let mut sums = vec![0.0; self.rows.len()];
            for _ in 0..self.questions {
                let question = rng.random_range(0..self.questions);
                for (sum, row) in sums.iter_mut().zip(&self.rows) {
                    *sum += row[question];
                }
            }
            let highest = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let first: Vec<_> = (0..sums.len())
                .filter(|&arm| highest - sums[arm] < TIE)
                .collect();
            for &arm in &first {
                wins[arm] += 1.0 / first.len() as f64;
            }
        }
        wins.iter().map(|wins| wins / RESAMPLES as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A candidate whose question `q` has the quality that `quality` gives.
    fn arm(id: &str, questions: usize, cost_usd: f64, quality: impl Fn(usize) -> f64) -> Measured {
        Measured {
            id: id.to_owned(),
            quality: (0..questions)
                .map(|q| (format!("q{q:03}"), quality(q)))
                .collect(),
            cost_usd: Some(cost_usd),
            latency_ms_p95: Some(100.0),
        }
    }

    /// 0.8 and 1.0 in turn: mean 0.9.
    fn wavy(q: usize) -> f64 {
        if q.is_multiple_of(2) { 0.8 } else { 1.0 }
    }

    #[track_caller]
    fn check(arms: &[Measured], recommended: &str, evidence: Evidence) -> Ranking {
        let ranking = rank(arms, 0.03).unwrap();
        assert_eq!(
            (ranking.recommended.as_str(), ranking.evidence),
            (recommended, evidence),
            "{ranking:#?}"
        );
        ranking
    }

    #[test]
    fn a_clearly_better_candidate_wins_at_any_price() {
        let dear = arm("dear", 60, 0.01, wavy);
        let cheap = arm("cheap", 60, 0.001, |q| wavy(q) - 0.3);
        let ranking = check(&[cheap, dear], "dear", Evidence::Clear);
        assert_eq!(ranking.standings[0].probability_best, 1.0);
        assert!(!ranking.standings[1].as_good);
    }

    #[test]
    fn among_equals_the_cheapest_wins() {
        let dear = arm("dear", 60, 0.01, |q| wavy(q) + 0.001);
        let cheap = arm("cheap", 60, 0.001, wavy);
        let ranking = check(&[dear, cheap], "cheap", Evidence::WithinMargin);
        assert_eq!(ranking.best, "dear");
        let alternative = ranking.alternative.unwrap();
        assert_eq!(alternative.candidate, "dear");
        assert!((alternative.difference + 0.001).abs() < 1e-9);
    }

    #[test]
    fn a_close_second_that_may_be_much_worse_is_not_preferred() {
        // 0.02 lower on average, but it swings: from 0.38 better to 0.42 worse.
        let dear = arm("dear", 20, 0.01, |_| 0.6);
        let cheap = arm("cheap", 20, 0.001, |q| {
            if q.is_multiple_of(2) { 0.98 } else { 0.18 }
        });
        let ranking = check(&[dear, cheap], "dear", Evidence::Inconclusive);
        let probability = ranking.standings[0].probability_best;
        assert!((0.5..0.8).contains(&probability), "{probability}");
    }

    #[test]
    fn identical_candidates_differ_by_cost_and_share_the_first_place() {
        let mut fast = arm("fast", 95, 0.01, wavy);
        fast.latency_ms_p95 = Some(50.0);
        let slow = arm("slow", 95, 0.01, wavy);
        let ranking = check(&[slow, fast], "fast", Evidence::WithinMargin);
        assert!(
            ranking
                .standings
                .iter()
                .all(|standing| (standing.probability_best - 0.5).abs() < 1e-9)
        );
    }

    #[test]
    fn an_unknown_price_is_not_cheap() {
        let mut unknown = arm("unknown", 95, 0.0, wavy);
        unknown.cost_usd = None;
        check(
            &[unknown, arm("known", 95, 0.01, wavy)],
            "known",
            Evidence::WithinMargin,
        );
    }

    /// Agreement on every question is not agreement on every question there is.
    #[test]
    fn few_unanimous_questions_show_nothing_within_the_margin() {
        let same = |id| arm(id, 30, 0.01, wavy);
        check(&[same("a"), same("b")], "a", Evidence::Inconclusive);
    }

    #[test]
    fn few_questions_decide_nothing() {
        let few = [arm("dear", 9, 0.01, wavy), arm("cheap", 9, 0.001, wavy)];
        let ranking = rank(&few, 0.03).unwrap();
        assert_eq!(ranking.evidence, Evidence::Inconclusive);
        assert!(rank(&[arm("a", 0, 0.0, wavy)], 0.03).is_none());
        assert!(rank(&[], 0.03).is_none());
    }

    #[test]
    fn only_common_questions_count() {
        let long = arm("long", 60, 0.01, wavy);
        let short = arm("short", 40, 0.01, wavy);
        assert_eq!(rank(&[long, short], 0.03).unwrap().questions, 40);
    }

    #[test]
    fn one_candidate_has_no_alternative() {
        let ranking = check(&[arm("only", 30, 0.01, wavy)], "only", Evidence::Clear);
        assert_eq!(ranking.alternative, None);
    }
}
