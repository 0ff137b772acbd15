//! S11, which dimension of a study mattered: main effects and pairwise interactions.

use std::collections::{BTreeMap, BTreeSet};

use super::mean::{MeanEstimate, clustered_mean};
use super::undefined::{Result, all_finite, at_least, out_of_range, same_length};

/// A configuration's level in every dimension, with its score on every question.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// One level a dimension.
    pub levels: Vec<String>,
    /// One score a question, in the same order for all cells.
    pub scores: Vec<f64>,
}

/// The mean of one level over everything else.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The level.
    pub level: String,
    /// Its mean over the other dimensions and the questions; questions are the clusters.
    pub estimate: MeanEstimate,
}

/// Means of each level of one dimension, in the order of their names.
///
/// Compare levels only when every level met the same other levels; in a full grid they did.
///
/// # Errors
/// Without cells, with cells of different shape, a dimension there is not, fewer than two questions, or a score that is
/// not finite.
pub fn main_effects(cells: &[Cell], dimension: usize) -> Result<Vec<Level>> {
    check(cells, &[dimension])?;
    level_names(cells, dimension)
        .into_iter()
        .map(|level| {
            let (mut values, mut questions) = (Vec::new(), Vec::new());
            for cell in cells.iter().filter(|cell| cell.levels[dimension] == level) {
                values.extend_from_slice(&cell.scores);
                questions.extend(0..cell.scores.len());
            }
            Ok(Level {
                estimate: clustered_mean(&values, &questions)?,
                level: level.to_owned(),
            })
        })
        .collect()
}

/// How much a pair of levels does beyond the sum of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// Level of the first dimension.
    pub first: String,
    /// Level of the second dimension.
    pub second: String,
    /// Mean of the pair.
    pub mean: f64,
    /// Mean of the pair minus both levels' means plus the grand mean; 0 when the dimensions do not interact.
    pub beyond_additive: f64,
}

/// The table of two dimensions' pairs of levels, over the pairs there are.
///
/// # Errors
/// As [`main_effects`].
pub fn interactions(cells: &[Cell], first: usize, second: usize) -> Result<Vec<Interaction>> {
    check(cells, &[first, second])?;
    let mut pairs: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for cell in cells {
        let mean = cell.scores.iter().sum::<f64>() / cell.scores.len() as f64;
        pairs
            .entry((&cell.levels[first], &cell.levels[second]))
            .or_default()
            .push(mean);
    }
    // Means of pair means, so that a pair tried more often does not weigh more.
    let means: BTreeMap<(&str, &str), f64> = pairs
        .into_iter()
        .map(|(pair, means)| (pair, average(means.iter().copied())))
        .collect();
    let grand = average(means.values().copied());
    Ok(means
        .iter()
        .map(|(pair, mean)| {
            let of_first = average(means.iter().filter(|(p, _)| p.0 == pair.0).map(|(_, m)| *m));
            let of_second = average(means.iter().filter(|(p, _)| p.1 == pair.1).map(|(_, m)| *m));
            Interaction {
                first: pair.0.to_owned(),
                second: pair.1.to_owned(),
                mean: *mean,
                beyond_additive: mean - of_first - of_second + grand,
            }
        })
        .collect())
}

fn average(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    sum / f64::from(n.max(1))
}

fn level_names(cells: &[Cell], dimension: usize) -> BTreeSet<&str> {
    cells
        .iter()
        .map(|cell| cell.levels[dimension].as_str())
        .collect()
}

fn check(cells: &[Cell], dimensions: &[usize]) -> Result<()> {
    at_least("configurations", cells.len(), 1)?;
    let (levels, questions) = (cells[0].levels.len(), cells[0].scores.len());
    at_least("questions", questions, 2)?;
    for dimension in dimensions {
        if *dimension >= levels {
            return Err(out_of_range(
                "the dimension",
                *dimension as f64,
                "below the number of dimensions",
            ));
        }
    }
    for cell in cells {
        same_length("levels of two configurations", cell.levels.len(), levels)?;
        same_length(
            "questions of two configurations",
            cell.scores.len(),
            questions,
        )?;
        all_finite("a score", &cell.scores)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(model: &str, prompt: &str, score: f64) -> Cell {
        Cell {
            levels: vec![model.to_owned(), prompt.to_owned()],
            scores: vec![score - 0.1, score + 0.1, score],
        }
    }

    #[test]
    fn a_dimension_that_matters_and_one_that_does_not() {
        let grid = [
            cell("atlas", "short", 0.8),
            cell("atlas", "long", 0.8),
            cell("swift", "short", 0.6),
            cell("swift", "long", 0.6),
        ];
        let models = main_effects(&grid, 0).unwrap();
        let named: Vec<(&str, f64)> = models
            .iter()
            .map(|level| {
                (
                    level.level.as_str(),
                    (level.estimate.mean * 1e6).round() / 1e6,
                )
            })
            .collect();
        assert_eq!(named, [("atlas", 0.8), ("swift", 0.6)]);
        // Three questions are three units, however often they were asked.
        assert_eq!(models[0].estimate.units, 3);
        let table = interactions(&grid, 0, 1).unwrap();
        assert_eq!(table.len(), 4);
        assert!(table.iter().all(|pair| pair.beyond_additive.abs() < 1e-12));
    }

    #[test]
    fn an_interaction() {
        let grid = [
            cell("atlas", "short", 0.8),
            cell("atlas", "long", 0.6),
            cell("swift", "short", 0.6),
            cell("swift", "long", 0.8),
        ];
        let table = interactions(&grid, 0, 1).unwrap();
        let beyond: Vec<f64> = table
            .iter()
            .map(|pair| (pair.beyond_additive * 10.0).round())
            .collect();
        assert_eq!(beyond, [-1.0, 1.0, 1.0, -1.0]);
    }

    #[test]
    fn undefined() {
        assert!(main_effects(&[], 0).is_err());
        assert!(main_effects(&[cell("a", "b", 0.5)], 2).is_err());
        let uneven = Cell {
            levels: vec!["a".to_owned()],
            scores: vec![0.5; 3],
        };
        assert!(main_effects(&[cell("a", "b", 0.5), uneven], 0).is_err());
    }
}
