//! S10, who gets the next answers when several configurations compete for a budget. Budgets are numbers of answers.

use super::multiplicity::holm;
use super::paired_binary::mid_p_worse;
use super::undefined::{Result, all_finite, at_least, finite, level, not_negative, same_length};

/// Finalists of [`halve_then_repeat`].
pub const FINALISTS: usize = 4;
/// Questions before a race first drops someone.
pub const RACE_FIRST: usize = 8;
/// Questions between two looks of a race.
pub const RACE_EACH: usize = 2;

/// One round of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Configurations still in.
    pub configurations: usize,
    /// New questions each of them gets.
    pub questions: usize,
}

/// Successive halving down to `keep` configurations (Karnin 2013; Jamieson and Talwalkar 1502.07943):
/// R = ceil(log2(n / keep)) rounds, floor(budget / (|S| R)) new questions a configuration and round, the better half,
/// rounded up, stays.
///
/// # Errors
/// With nothing to keep, fewer configurations than that, or a budget too small for one question a round.
pub fn halving_schedule(configurations: usize, budget: usize, keep: usize) -> Result<Vec<Round>> {
    at_least("configurations to keep", keep, 1)?;
    at_least("configurations", configurations, keep)?;
    let mut sizes = Vec::new();
    let mut left = configurations;
    let mut reach = keep;
    while reach < configurations {
        reach = reach.saturating_mul(2);
        sizes.push(left);
        left = left.div_ceil(2).max(keep);
    }
    let rounds = sizes.len();
    at_least("answers of the budget", budget, configurations * rounds)?;
    Ok(sizes
        .into_iter()
        .map(|configurations| Round {
            configurations,
            questions: budget / (configurations * rounds),
        })
        .collect())
}

/// One step of a Hyperband bracket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Configurations still in.
    pub configurations: u64,
    /// Resource of each, in units of the least one: cases times repeats.
    pub resource: f64,
}

/// The brackets of Hyperband (1603.06560, section 2), from the most configurations to the fewest; the bracket at index
/// i is the paper's s = s_max - i. n = ceil((s_max + 1) eta^s / (s + 1)), n_i = floor(n eta^-i), r_i = R eta^(i-s).
///
/// # Errors
/// When R is below 1 or eta below 2.
pub fn hyperband_brackets(max_resource: u64, eta: u64) -> Result<Vec<Vec<Step>>> {
    at_least("units of the resource", max_resource as usize, 1)?;
    at_least("eta", eta as usize, 2)?;
    let mut most = 0;
    while eta
        .checked_pow(most + 1)
        .is_some_and(|power| power <= max_resource)
    {
        most += 1;
    }
    Ok((0..=most)
        .rev()
        .map(|s| {
            let start = (u64::from(most + 1) * eta.pow(s)).div_ceil(u64::from(s + 1));
            (0..=s)
                .map(|i| Step {
                    configurations: start / eta.pow(i),
                    resource: max_resource as f64 / eta.pow(s - i) as f64,
                })
                .collect()
        })
        .collect())
}

/// Halving to the finalists with half of the budget, the rest for fresh answers of the finalists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalveThenRepeat {
    /// The halving rounds; empty when there are no more configurations than finalists.
    pub rounds: Vec<Round>,
    /// Configurations in the final.
    pub finalists: usize,
    /// Full passes over the suite for each finalist. The final ranking uses only these fresh answers.
    pub full_passes: usize,
    /// Questions of one more, partial pass, the same for each finalist.
    pub extra_questions: usize,
    /// Answers the plan buys; at most the budget.
    pub answers: usize,
}

/// Plans [`HalveThenRepeat`] for a suite of that many questions. No configuration is asked a question twice during the
/// halving, and what that leaves goes to the final.
///
/// # Errors
/// With no finalist, configuration or question, or a budget too small for one question a round or one of the final.
pub fn halve_then_repeat(
    configurations: usize,
    questions: usize,
    budget: usize,
    finalists: usize,
) -> Result<HalveThenRepeat> {
    at_least("configurations", configurations, 1)?;
    at_least("questions", questions, 1)?;
    at_least("finalists", finalists, 1)?;
    let finalists = finalists.min(configurations);
    let mut rounds = halving_schedule(configurations, budget / 2, finalists)?;
    let mut asked = 0;
    for round in &mut rounds {
        round.questions = round.questions.min(questions - asked);
        asked += round.questions;
    }
    rounds.retain(|round| round.questions > 0);
    let halving: usize = rounds
        .iter()
        .map(|round| round.configurations * round.questions)
        .sum();
    let fresh = (budget - halving) / finalists;
    at_least("answers left for a finalist", fresh, 1)?;
    Ok(HalveThenRepeat {
        rounds,
        finalists,
        full_passes: fresh / questions,
        extra_questions: fresh % questions,
        answers: halving + fresh * finalists,
    })
}

/// The `keep` configurations with the highest means, best first; equal means in the order given. The incumbent stays
/// in any case, in the last place if need be.
///
/// # Errors
/// When a mean is not finite.
pub fn survivors(means: &[f64], keep: usize, incumbent: Option<usize>) -> Result<Vec<usize>> {
    all_finite("a mean", means)?;
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|a, b| means[*b].total_cmp(&means[*a]));
    order.truncate(keep);
    if let Some(incumbent) = incumbent.filter(|index| *index < means.len() && keep > 0)
        && !order.contains(&incumbent)
    {
        order.pop();
        order.push(incumbent);
    }
    Ok(order)
}

/// Whether a race looks after this many questions: after [`RACE_FIRST`], then every [`RACE_EACH`].
pub fn race_looks(questions: usize) -> bool {
    questions >= RACE_FIRST && (questions - RACE_FIRST).is_multiple_of(RACE_EACH)
}

/// Configurations a race drops now: those whose one-sided paired mid-p value against the leader, adjusted by Holm over
/// all challengers, is below alpha. Wins and losses are the signs of the per-question differences.
///
/// `scores[c][q]` is configuration c on question q. The leader, whoever ties its mean, and the incumbent stay. Nothing
/// is dropped between two looks ([`race_looks`]).
///
/// # Errors
/// Without configurations, with rows of different length, a score that is not finite, or alpha not between 0 and 1.
pub fn race_drops(scores: &[Vec<f64>], incumbent: Option<usize>, alpha: f64) -> Result<Vec<usize>> {
    level("alpha", alpha)?;
    at_least("configurations", scores.len(), 1)?;
    let questions = scores[0].len();
    for row in scores {
        same_length("questions of two configurations", row.len(), questions)?;
        all_finite("a score", row)?;
    }
    if !race_looks(questions) {
        return Ok(Vec::new());
    }
    let totals: Vec<f64> = scores.iter().map(|row| row.iter().sum()).collect();
    let leader =
        (1..scores.len()).fold(0, |best, c| if totals[c] > totals[best] { c } else { best });
    let challengers: Vec<usize> = (0..scores.len()).filter(|c| *c != leader).collect();
    let p_values: Vec<f64> = challengers
        .iter()
        .map(|&challenger| {
            let count = |condition: fn(f64, f64) -> bool| {
                scores[challenger]
                    .iter()
                    .zip(&scores[leader])
                    .filter(|(own, leading)| condition(**own, **leading))
                    .count()
            };
            mid_p_worse(
                count(|own, leading| own > leading),
                count(|own, leading| own < leading),
            )
        })
        .collect();
    let adjusted = holm(&p_values)?;
    Ok(challengers
        .into_iter()
        .zip(adjusted)
        .filter(|(challenger, p)| {
            *p < alpha && totals[*challenger] < totals[leader] && Some(*challenger) != incumbent
        })
        .map(|(challenger, _)| challenger)
        .collect())
}

/// A configuration as a bandit's arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BanditArm {
    /// Mean of its answers so far; not looked at without answers.
    pub mean: f64,
    /// Number of answers so far.
    pub n: usize,
}

/// UCB-E's index of an arm: mean + sqrt(a / n) (2407.06172); infinite without answers.
///
/// # Errors
/// When the mean is not finite or a is negative.
pub fn ucb_e_index(arm: BanditArm, a: f64) -> Result<f64> {
    not_negative("a", a)?;
    if arm.n == 0 {
        return Ok(f64::INFINITY);
    }
    Ok(finite("a mean", arm.mean)? + (a / arm.n as f64).sqrt())
}

/// The arm UCB-E asks next: the highest index, the first of equals. For more than about 30 configurations.
///
/// # Errors
/// Without arms, or as [`ucb_e_index`].
pub fn ucb_e_next(arms: &[BanditArm], a: f64) -> Result<usize> {
    at_least("arms", arms.len(), 1)?;
    let mut best = (0, f64::NEG_INFINITY);
    for (index, arm) in arms.iter().enumerate() {
        let value = ucb_e_index(*arm, a)?;
        if value > best.1 {
            best = (index, value);
        }
    }
    Ok(best.0)
}

/// Whether a batch may be bought: what is spent and the upper estimate of the batch stay within the cap.
///
/// # Errors
/// When an amount is negative or not finite.
pub fn affordable(spent: f64, batch_upper_estimate: f64, cap: f64) -> Result<bool> {
    Ok(not_negative("what is spent", spent)?
        + not_negative("the estimate of the batch", batch_upper_estimate)?
        <= not_negative("the cap", cap)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        let sizes = |n, keep| -> Vec<usize> {
            halving_schedule(n, 1_000, keep)
                .unwrap()
                .iter()
                .map(|round| round.configurations)
                .collect()
        };
        assert_eq!(sizes(16, 4), [16, 8]);
        assert_eq!(sizes(6, 4), [6]);
        assert_eq!(sizes(9, 2), [9, 5, 3]);
        assert_eq!(sizes(3, 3), [0_usize; 0]);
        assert!(
            halving_schedule(16, 63, 1).is_err(),
            "less than a question a round"
        );
        assert!(halving_schedule(2, 100, 3).is_err());
        assert!(halving_schedule(2, 100, 0).is_err());
        assert_eq!(hyperband_brackets(1, 3).unwrap().len(), 1);
        assert!(hyperband_brackets(81, 1).is_err());
        assert!(hyperband_brackets(0, 3).is_err());
    }

    #[test]
    fn halve_then_repeat_costs_one_grid() {
        let plan = halve_then_repeat(16, 60, 960, FINALISTS).unwrap();
        let rounds: Vec<(usize, usize)> = plan
            .rounds
            .iter()
            .map(|round| (round.configurations, round.questions))
            .collect();
        assert_eq!(rounds, [(16, 15), (8, 30)]);
        assert_eq!((plan.full_passes, plan.extra_questions), (2, 0));
        assert_eq!(plan.answers, 960);
    }

    #[test]
    fn plans_keep_to_suite_and_budget() {
        for (configurations, questions, budget) in [
            (16, 60, 500),
            (8, 30, 192),
            (8, 30, 4_000),
            (3, 20, 60),
            (24, 40, 961),
            (5, 7, 33),
        ] {
            let plan = halve_then_repeat(configurations, questions, budget, FINALISTS).unwrap();
            let asked: usize = plan.rounds.iter().map(|round| round.questions).sum();
            assert!(asked <= questions, "{plan:?}");
            assert!(
                plan.answers <= budget && budget - plan.answers < plan.finalists,
                "{plan:?}"
            );
        }
        // With no more configurations than finalists all goes to the final.
        let plan = halve_then_repeat(3, 20, 130, FINALISTS).unwrap();
        assert_eq!((plan.rounds.len(), plan.finalists), (0, 3));
        assert_eq!((plan.full_passes, plan.extra_questions), (2, 3));
        assert!(halve_then_repeat(16, 60, 40, FINALISTS).is_err());
    }

    #[test]
    fn the_incumbent_survives() {
        let means = [0.5, 0.9, 0.7, 0.9];
        assert_eq!(survivors(&means, 2, None), Ok(vec![1, 3]));
        assert_eq!(survivors(&means, 2, Some(0)), Ok(vec![1, 0]));
        assert_eq!(survivors(&means, 3, Some(1)), Ok(vec![1, 3, 2]));
        assert_eq!(survivors(&means, 9, Some(9)), Ok(vec![1, 3, 2, 0]));
        assert!(survivors(&[f64::NAN], 1, None).is_err());
    }

    #[test]
    fn races() {
        let looks: Vec<usize> = (0..14).filter(|n| race_looks(*n)).collect();
        assert_eq!(looks, [8, 10, 12]);

        let (good, bad) = (vec![1.0; 8], vec![0.0; 8]);
        let middling = vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0];
        let field = [middling, bad.clone(), good.clone(), bad.clone()];
        assert_eq!(race_drops(&field, None, 0.05), Ok(vec![1, 3]));
        assert_eq!(race_drops(&field, Some(3), 0.05), Ok(vec![1]));
        // A tie with the leader is no loss, and between two looks nothing happens.
        assert_eq!(
            race_drops(&[good.clone(), good.clone()], None, 0.05),
            Ok(vec![])
        );
        assert_eq!(
            race_drops(&[vec![1.0; 9], vec![0.0; 9]], None, 0.05),
            Ok(vec![])
        );
        assert!(race_drops(&[good, vec![0.0]], None, 0.05).is_err());
        assert!(race_drops(&[bad], None, 0.0).is_err());
    }

    #[test]
    fn bandits() {
        let arm = |mean, n| BanditArm { mean, n };
        assert_eq!(ucb_e_index(arm(0.5, 4), 1.0), Ok(1.0));
        assert_eq!(ucb_e_next(&[arm(0.9, 100), arm(0.5, 3)], 1.0), Ok(1));
        assert_eq!(ucb_e_next(&[arm(0.9, 100), arm(0.5, 4)], 0.0), Ok(0));
        assert_eq!(ucb_e_next(&[arm(0.9, 3), arm(f64::NAN, 0)], 1.0), Ok(1));
        assert!(ucb_e_next(&[], 1.0).is_err());
        assert!(ucb_e_index(arm(0.5, 4), -1.0).is_err());
    }

    #[test]
    fn caps() {
        assert_eq!(affordable(9.0, 1.0, 10.0), Ok(true));
        assert_eq!(affordable(9.0, 1.01, 10.0), Ok(false));
        assert!(affordable(f64::NAN, 1.0, 10.0).is_err());
    }
}
