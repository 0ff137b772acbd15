//! S11, several objectives at once: the front, its hypervolume, and how sure either is.

use super::mean::sorted_quantile;
use super::random::{Resampling, SplitMix64};
use super::undefined::{Result, all_finite, at_least, finite, probability, same_length};

/// Which way an objective gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better: quality.
    Up,
    /// Less is better: latency, cost.
    Down,
}

impl Direction {
    /// The value turned so that more is better.
    fn gain(self, value: f64) -> f64 {
        match self {
            Self::Up => value,
            Self::Down => -value,
        }
    }
}

/// The points no other point dominates (at least as good everywhere, better somewhere), in the order given. Equal
/// points do not dominate each other.
///
/// # Errors
/// When a point has another number of objectives than there are directions, or a value is not finite.
pub fn front(points: &[Vec<f64>], directions: &[Direction]) -> Result<Vec<usize>> {
    let mut gains = Vec::with_capacity(points.len());
    for point in points {
        same_length("values and directions", point.len(), directions.len())?;
        all_finite("a value", point)?;
        gains.push(gains_of(point, directions));
    }
    let on_front = front_of(&gains);
    Ok((0..points.len()).filter(|i| on_front[*i]).collect())
}

fn gains_of(point: &[f64], directions: &[Direction]) -> Vec<f64> {
    point
        .iter()
        .zip(directions)
        .map(|(value, direction)| direction.gain(*value))
        .collect()
}

fn front_of(gains: &[Vec<f64>]) -> Vec<bool> {
    gains
        .iter()
        .map(|point| !gains.iter().any(|other| dominates(other, point)))
        .collect()
}

fn dominates(one: &[f64], other: &[f64]) -> bool {
    one.iter().zip(other).all(|(a, b)| a >= b) && one.iter().zip(other).any(|(a, b)| a > b)
}

/// The area two objectives' points dominate, up to a reference point. Points that are not better than it in both
/// objectives add nothing.
///
/// # Errors
/// When a value is not finite.
pub fn hypervolume(
    points: &[[f64; 2]],
    reference: [f64; 2],
    directions: [Direction; 2],
) -> Result<f64> {
    all_finite("a reference value", &reference)?;
    for point in points {
        all_finite("a value", point)?;
    }
    let over = |point: &[f64; 2], axis: usize| {
        directions[axis].gain(point[axis]) - directions[axis].gain(reference[axis])
    };
    let mut corners: Vec<(f64, f64)> = points
        .iter()
        .map(|point| (over(point, 0), over(point, 1)))
        .filter(|(x, y)| *x > 0.0 && *y > 0.0)
        .collect();
    corners.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut area, mut covered) = (0.0, 0.0);
    for (x, y) in corners {
        if y > covered {
            area += x * (y - covered);
            covered = y;
        }
    }
    Ok(area)
}

/// How the questions' values of an objective become one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Summary {
    /// Their mean.
    Mean,
    /// A quantile: 0.95 for p95 latency.
    Quantile(f64),
}

/// One objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Which way it gets better.
    pub direction: Direction,
    /// How questions are summarised.
    pub summary: Summary,
    /// What a unit of it is worth next to the other objectives'; at least 0.
    pub weight: f64,
}

/// Where a configuration stands, with the chances of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The objectives' summaries over all questions.
    pub values: Vec<f64>,
    /// Whether it is on the front of these summaries.
    pub on_front: bool,
    /// Share of resamples in which it is on the front.
    pub front_probability: f64,
    /// Share of resamples in which the weighted sum of its gains is the highest; ties share.
    pub best_probability: f64,
}

impl Standing {
    /// Whether another configuration is better in at least 95 % of resamples: only then it is called dominated.
    pub fn dominated(&self) -> bool {
        self.front_probability <= 0.05
    }
}

/// Stands all configurations against each other by resampling questions, the same for all.
///
/// `values[c][o][q]` is configuration c's objective o on question q.
///
/// # Errors
/// Without configurations, objectives, questions or resamples, with rows of different length, a value that is not
/// finite, a negative weight, or a quantile outside 0..=1.
pub fn standings(
    values: &[Vec<Vec<f64>>],
    objectives: &[Objective],
    resampling: Resampling,
) -> Result<Vec<Standing>> {
    let questions = check(values, objectives)?;
    at_least("resamples", resampling.resamples, 1)?;
    let directions: Vec<Direction> = objectives.iter().map(|o| o.direction).collect();
    let everything: Vec<usize> = (0..questions).collect();
    let points = summaries(values, objectives, &everything);
    let on_front = front_of(&gains(&points, &directions));
    let (mut front_hits, mut best_hits) = (vec![0_usize; values.len()], vec![0.0; values.len()]);
    let mut generator = SplitMix64::new(resampling.seed);
    let mut drawn = everything;
    for _ in 0..resampling.resamples {
        drawn.fill_with(|| generator.below(questions));
        let gains = gains(&summaries(values, objectives, &drawn), &directions);
        for (hits, on_front) in front_hits.iter_mut().zip(front_of(&gains)) {
            *hits += usize::from(on_front);
        }
        let utilities: Vec<f64> = gains
            .iter()
            .map(|point| {
                point
                    .iter()
                    .zip(objectives)
                    .map(|(g, o)| g * o.weight)
                    .sum()
            })
            .collect();
        let best = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let winners = utilities.iter().filter(|u| **u >= best).count() as f64;
        for (hits, utility) in best_hits.iter_mut().zip(&utilities) {
            *hits += if *utility >= best { 1.0 / winners } else { 0.0 };
        }
    }
    let resamples = resampling.resamples as f64;
    Ok(points
        .into_iter()
        .enumerate()
        .map(|(c, values)| Standing {
            values,
            on_front: on_front[c],
            front_probability: front_hits[c] as f64 / resamples,
            best_probability: best_hits[c] / resamples,
        })
        .collect())
}

fn check(values: &[Vec<Vec<f64>>], objectives: &[Objective]) -> Result<usize> {
    at_least("configurations", values.len(), 1)?;
    at_least("objectives", objectives.len(), 1)?;
    for objective in objectives {
        super::undefined::not_negative("a weight", objective.weight)?;
        if let Summary::Quantile(q) = objective.summary {
            probability("a quantile", q)?;
        }
    }
    let questions = values[0].first().map_or(0, Vec::len);
    at_least("questions", questions, 1)?;
    for configuration in values {
        same_length(
            "values and objectives",
            configuration.len(),
            objectives.len(),
        )?;
        for row in configuration {
            same_length("questions of two rows", row.len(), questions)?;
            row.iter()
                .try_for_each(|value| finite("a value", *value).map(drop))?;
        }
    }
    Ok(questions)
}

fn summaries(values: &[Vec<Vec<f64>>], objectives: &[Objective], drawn: &[usize]) -> Vec<Vec<f64>> {
    let summary = |row: &[f64], summary: Summary| match summary {
        Summary::Mean => drawn.iter().map(|q| row[*q]).sum::<f64>() / drawn.len() as f64,
        Summary::Quantile(share) => {
            let mut sorted: Vec<f64> = drawn.iter().map(|q| row[*q]).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted_quantile(&sorted, share)
        }
    };
    values
        .iter()
        .map(|rows| {
            rows.iter()
                .zip(objectives)
                .map(|(row, objective)| summary(row, objective.summary))
                .collect()
        })
        .collect()
}

fn gains(points: &[Vec<f64>], directions: &[Direction]) -> Vec<Vec<f64>> {
    points
        .iter()
        .map(|point| gains_of(point, directions))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUALITY: Objective = Objective {
        direction: Direction::Up,
        summary: Summary::Mean,
        weight: 1.0,
    };
    const P95_LATENCY: Objective = Objective {
        direction: Direction::Down,
        summary: Summary::Quantile(0.95),
        weight: 0.0,
    };

    #[test]
    fn fronts() {
        let points = [vec![1.0, 2.0], vec![1.0, 2.0], vec![0.5, 2.0]];
        let directions = [Direction::Up, Direction::Down];
        assert_eq!(
            front(&points, &directions),
            Ok(vec![0, 1]),
            "equal points both stay"
        );
        assert_eq!(front(&[], &directions), Ok(vec![]));
        assert!(front(&[vec![1.0]], &directions).is_err());
        assert!(front(&[vec![1.0, f64::NAN]], &directions).is_err());
    }

    #[test]
    fn hypervolumes() {
        let directions = [Direction::Up, Direction::Down];
        assert_eq!(hypervolume(&[], [0.0, 1.0], directions), Ok(0.0));
        let beyond = [[0.5, 1.5], [-0.5, 0.5]];
        assert_eq!(hypervolume(&beyond, [0.0, 1.0], directions), Ok(0.0));
        let both_up = hypervolume(&[[1.0, 3.0], [2.0, 2.0]], [0.0, 0.0], [Direction::Up; 2]);
        assert_eq!(both_up, Ok(5.0));
    }

    #[test]
    fn standings_with_chances() {
        let constant = |quality: f64, latency: f64| vec![vec![quality; 20], vec![latency; 20]];
        // The third is right on the even questions only: as good as the first on half of them.
        let uneven: Vec<f64> = (0..20).map(|q| f64::from(u8::from(q % 2 == 0))).collect();
        let values = [
            constant(0.9, 3.0),
            constant(0.5, 1.0),
            vec![uneven, vec![5.0; 20]],
            constant(0.4, 1.5),
        ];
        let have = standings(&values, &[QUALITY, P95_LATENCY], Resampling::default()).unwrap();
        let on_front: Vec<bool> = have.iter().map(|standing| standing.on_front).collect();
        assert_eq!(on_front, [true, true, false, false]);
        assert_eq!(have[0].values, [0.9, 3.0]);
        assert_eq!(have[0].front_probability, 1.0);
        assert!(have[0].best_probability > 0.99, "{have:?}");
        assert!(have[3].dominated() && have[2].dominated(), "{have:?}");
        let again = standings(&values, &[QUALITY, P95_LATENCY], Resampling::default());
        assert_eq!(again, Ok(have));
    }

    #[test]
    fn ties_share_the_first_place() {
        let values = vec![vec![vec![0.5; 4]]; 4];
        let have = standings(&values, &[QUALITY], Resampling::default()).unwrap();
        assert!(
            have.iter()
                .all(|standing| standing.best_probability == 0.25)
        );
        assert!(
            have.iter()
                .all(|standing| standing.front_probability == 1.0)
        );
    }

    #[test]
    fn undefined() {
        let run = |values: &[Vec<Vec<f64>>], objectives: &[Objective]| {
            standings(values, objectives, Resampling::default())
        };
        assert!(run(&[], &[QUALITY]).is_err());
        assert!(run(&[vec![vec![]]], &[QUALITY]).is_err());
        assert!(run(&[vec![vec![1.0]]], &[QUALITY, QUALITY]).is_err());
        assert!(run(&[vec![vec![1.0]], vec![vec![1.0, 2.0]]], &[QUALITY]).is_err());
        let negative = Objective {
            weight: -1.0,
            ..QUALITY
        };
        assert!(run(&[vec![vec![1.0]]], &[negative]).is_err());
    }
}
