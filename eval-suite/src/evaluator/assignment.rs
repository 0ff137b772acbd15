//! The best one-to-one assignment between two lists.

/// For each row, the column it is assigned to, so that the sum of the weights is largest; rectangular matrices leave
/// some rows or columns out. The Hungarian method with potentials, O(n² m) (Kuhn 1955, Munkres 1957).
///
/// Weights must be finite and rows of equal length.
pub(super) fn best_assignment(weights: &[Vec<f64>]) -> Vec<Option<usize>> {
    let rows = weights.len();
    let columns = weights.first().map_or(0, Vec::len);
    if columns == 0 {
        return vec![None; rows];
    }
    if rows > columns {
        // The method wants at least as many columns as rows.
        let transposed: Vec<Vec<f64>> = (0..columns)
            .map(|column| weights.iter().map(|row| row[column]).collect())
            .collect();
        let mut assigned = vec![None; rows];
        for (column, row) in best_assignment(&transposed).into_iter().enumerate() {
            if let Some(row) = row {
                assigned[row] = Some(column);
            }
        }
        return assigned;
    }
    // Index 0 is a virtual row and column; costs are negated weights.
    let mut row_potential = vec![0.0; rows + 1];
    let mut column_potential = vec![0.0; columns + 1];
    let mut row_of = vec![0; columns + 1];
    let mut previous = vec![0; columns + 1];
    for row in 1..=rows {
        row_of[0] = row;
        let mut column = 0;
        let mut least = vec![f64::INFINITY; columns + 1];
        let mut used = vec![false; columns + 1];
        loop {
            used[column] = true;
            let current = row_of[column];
            let (mut delta, mut next) = (f64::INFINITY, 0);
            for j in 1..=columns {
                if used[j] {
                    continue;
                }
                let reduced =
                    -weights[current - 1][j - 1] - row_potential[current] - column_potential[j];
                if reduced < least[j] {
                    (least[j], previous[j]) = (reduced, column);
                }
                if least[j] < delta {
                    (delta, next) = (least[j], j);
                }
            }
            for j in 0..=columns {
                if used[j] {
                    row_potential[row_of[j]] += delta;
                    column_potential[j] -= delta;
                } else {
                    least[j] -= delta;
                }
            }
            column = next;
            if row_of[column] == 0 {
                break;
            }
        }
        while column != 0 {
            row_of[column] = row_of[previous[column]];
            column = previous[column];
        }
    }
    let mut assigned = vec![None; rows];
    for column in 1..=columns {
        if row_of[column] != 0 {
            assigned[row_of[column] - 1] = Some(column - 1);
        }
    }
    assigned
}

/// The sum of the weights under [`best_assignment`].
pub(super) fn best_sum(weights: &[Vec<f64>]) -> f64 {
    best_assignment(weights)
        .into_iter()
        .enumerate()
        .filter_map(|(row, column)| column.map(|column| weights[row][column]))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_trying_all(weights: &[Vec<f64>], row: usize, used: &mut Vec<bool>) -> f64 {
        if row == weights.len() {
            return 0.0;
        }
        let mut best = by_trying_all(weights, row + 1, used);
        for column in 0..used.len() {
            if !used[column] {
                used[column] = true;
                best = best.max(weights[row][column] + by_trying_all(weights, row + 1, used));
                used[column] = false;
            }
        }
        best
    }

    #[test]
    fn is_the_best_of_all() {
        let mut state = 7_u64;
        let mut draw = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1_u64 << 24) as f64
        };
        for rows in 0..6 {
            for columns in 0..6 {
                for _ in 0..20 {
                    let weights: Vec<Vec<f64>> = (0..rows)
                        .map(|_| (0..columns).map(|_| draw()).collect())
                        .collect();
                    let best = by_trying_all(&weights, 0, &mut vec![false; columns]);
                    assert!((best_sum(&weights) - best).abs() < 1e-12, "{weights:?}");
                }
            }
        }
    }
}
