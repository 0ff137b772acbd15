//! S6, several tests at once: adjusted p values, in the order of the input.
//!
//! "Every primary evaluator must be non-inferior" needs no adjustment: see [`super::verdict::all_must_pass`].

use super::undefined::{Result, probability};

/// Holm's step-down adjustment (1979): the chance of one false alarm among all stays at alpha, whatever the
/// dependence. adjusted(i) = max over j <= i of (m - j + 1) p(j), p sorted upwards, capped at 1.
///
/// # Errors
/// When a p value is outside 0..=1.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p_values)?;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max((p_values.len() - rank) as f64 * p_values[index]);
        adjusted[index] = largest.min(1.0);
    }
    Ok(adjusted)
}

/// Benjamini and Hochberg's step-up adjustment (1995): the expected share of false alarms among the alarms stays at
/// alpha, for independent or positively dependent tests. For lists, never for a gate.
/// adjusted(i) = min over j >= i of m p(j) / j, p sorted upwards.
///
/// # Errors
/// When a p value is outside 0..=1.
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p_values)?;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut smallest: f64 = 1.0;
    for (rank, &index) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values.len() as f64 * p_values[index] / (rank + 1) as f64);
        adjusted[index] = smallest;
    }
    Ok(adjusted)
}

fn ascending(p_values: &[f64]) -> Result<Vec<usize>> {
    for p in p_values {
        probability("a p value", *p)?;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_limits() {
        // The same p values in another order give the same adjustments in that order.
        assert_eq!(holm(&[0.04, 0.01, 0.9]), Ok(vec![0.08, 0.03, 0.9]));
        assert_eq!(holm(&[0.6, 0.7]), Ok(vec![1.0, 1.0]));
        assert_eq!(benjamini_hochberg(&[0.04, 0.01]), Ok(vec![0.04, 0.02]));
        assert_eq!(holm(&[]), Ok(vec![]));
        assert!(holm(&[0.1, f64::NAN]).is_err());
        assert!(benjamini_hochberg(&[1.1]).is_err());
    }
}
