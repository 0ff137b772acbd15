//! The sign-flip (randomisation) test of paired differences.

use crate::stats::random::SplitMix64;

/// Up to this many nonzero differences every assignment of signs is counted.
pub const EXACT_LIMIT: usize = 20;
/// Above it, this many are drawn.
pub const DRAWS: usize = 100_000;
/// Fixed, so that a report repeats.
const SEED: u64 = 0x5eed_f11b;
/// Sums this close, in units of the largest possible sum, count as equal: adding in another order rounds differently.
const TIE: f64 = 1e-12;

/// P values of the sign-flip test: no assumption but symmetry under "no difference".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlip {
    /// A difference either way.
    pub two_sided: f64,
    /// Head worse than base.
    pub less: f64,
    /// Head better than base.
    pub greater: f64,
}

/// The sign-flip test of paired differences: how often does giving each nonzero difference a random
/// sign make a sum at least as extreme as the observed one?
///
/// Exact up to [`EXACT_LIMIT`] nonzero differences; above, [`DRAWS`] seeded draws and p = (1 + hits) / (1 + draws).
/// Differences of one cluster are added up first: a cluster is turned as a whole.
/// A difference that is no number makes all three p values 1.
pub fn sign_flip(differences: &[f64]) -> SignFlip {
    sign_flip_with(differences, DRAWS, SEED)
}

/// [`sign_flip`] with another number of draws and another seed, used above [`EXACT_LIMIT`] nonzero differences.
pub fn sign_flip_with(differences: &[f64], draws: usize, seed: u64) -> SignFlip {
    if differences.iter().any(|d| !d.is_finite()) {
        return SignFlip {
            two_sided: 1.0,
            less: 1.0,
            greater: 1.0,
        };
    }
    let sizes: Vec<f64> = differences
        .iter()
        .filter(|d| **d != 0.0)
        .map(|d| d.abs())
        .collect();
    let observed: f64 = differences.iter().sum();
    let slack = TIE * sizes.iter().sum::<f64>();
    if sizes.len() <= EXACT_LIMIT {
        exact(&sizes, observed, slack)
    } else {
        drawn(&sizes, observed, slack, draws, seed)
    }
}

/// Counts over all assignments by splitting them into two halves: every sum is one of the first half plus one of the
/// second, and both lists are sorted, so that two walks replace a loop over all pairs.
fn exact(sizes: &[f64], observed: f64, slack: f64) -> SignFlip {
    let (first, second) = sizes.split_at(sizes.len() / 2);
    let (first, second) = (signed_sums(first), signed_sums(second));
    let total = (first.len() * second.len()) as f64;
    let at_most = |limit: f64| {
        let mut end = second.len();
        let mut count = 0;
        for a in &first {
            while end > 0 && a + second[end - 1] > limit {
                end -= 1;
            }
            count += end;
        }
        count as f64 / total
    };
    // Sums lie symmetrically around 0: as many at least x as at most -x.
    let extreme = observed.abs() - slack;
    SignFlip {
        two_sided: if extreme <= 0.0 {
            1.0
        } else {
            2.0 * at_most(-extreme)
        },
        less: at_most(observed + slack),
        greater: at_most(slack - observed),
    }
}

/// The sums of all assignments of signs, ascending.
fn signed_sums(sizes: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for size in sizes {
        let mut merged = Vec::with_capacity(2 * sums.len());
        let (mut down, mut up) = (
            sums.iter().map(|sum| sum - size).peekable(),
            sums.iter().map(|sum| sum + size).peekable(),
        );
        while let (Some(low), Some(high)) = (down.peek(), up.peek()) {
            merged.extend(if low <= high { down.next() } else { up.next() });
        }
        merged.extend(down);
        merged.extend(up);
        sums = merged;
    }
    sums
}

/// Differences whose signed sums are looked up together: 256 sums for one byte of random signs.
const LOOKED_UP: usize = 8;

fn drawn(sizes: &[f64], observed: f64, slack: f64, draws: usize, seed: u64) -> SignFlip {
    let tables: Vec<[f64; 256]> = sizes.chunks(LOOKED_UP).map(sums_by_signs).collect();
    let mut generator = SplitMix64::new(seed);
    let (mut two_sided, mut less, mut greater) = (0_usize, 0_usize, 0_usize);
    for _ in 0..draws {
        let mut sum = 0.0;
        for eight_tables in tables.chunks(8) {
            let signs = generator.next_u64().to_le_bytes();
            for (table, byte) in eight_tables.iter().zip(signs) {
                sum += table[usize::from(byte)];
            }
        }
        two_sided += usize::from(sum.abs() >= observed.abs() - slack);
        less += usize::from(sum <= observed + slack);
        greater += usize::from(sum >= observed - slack);
    }
    // The observed assignment is one of the possible ones, hence the added one: p is never 0.
    let p = |hits: usize| (1 + hits) as f64 / (1 + draws) as f64;
    SignFlip {
        two_sided: p(two_sided),
        less: p(less),
        greater: p(greater),
    }
}

/// The sum of up to eight sizes for every byte of signs; a set bit is a minus.
fn sums_by_signs(sizes: &[f64]) -> [f64; 256] {
    std::array::from_fn(|signs| {
        sizes
            .iter()
            .enumerate()
            .map(|(i, size)| if signs >> i & 1 == 1 { -size } else { *size })
            .sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All assignments one by one: slow, and plainly right.
    fn by_hand(differences: &[f64]) -> SignFlip {
        let observed: f64 = differences.iter().sum();
        let sums: Vec<f64> = (0..1_u32 << differences.len())
            .map(|signs| {
                let flipped = |(i, d): (usize, &f64)| if signs >> i & 1 == 1 { -d } else { *d };
                differences.iter().enumerate().map(flipped).sum()
            })
            .collect();
        let share = |extreme: &dyn Fn(f64) -> bool| {
            sums.iter().filter(|sum| extreme(**sum)).count() as f64 / sums.len() as f64
        };
        SignFlip {
            two_sided: share(&|sum| sum.abs() >= observed.abs() - 1e-9),
            less: share(&|sum| sum <= observed + 1e-9),
            greater: share(&|sum| sum >= observed - 1e-9),
        }
    }

    #[test]
    fn two_halves_count_what_one_loop_counts() {
        let mut generator = SplitMix64::new(3);
        for n in [1, 2, 3, 7, 10, 11] {
            for _ in 0..8 {
                // Few distinct sizes, so that sums tie.
                let differences: Vec<f64> = (0..n)
                    .map(|_| (generator.below(7) as f64 - 3.0) / 10.0)
                    .collect();
                let (have, want) = (sign_flip(&differences), by_hand(&differences));
                let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
                assert!(
                    close(have.two_sided, want.two_sided)
                        && close(have.less, want.less)
                        && close(have.greater, want.greater),
                    "{differences:?}: {have:?} is not {want:?}"
                );
            }
        }
    }

    #[test]
    fn nothing_to_flip() {
        let all = SignFlip {
            two_sided: 1.0,
            less: 1.0,
            greater: 1.0,
        };
        assert_eq!(sign_flip(&[]), all);
        assert_eq!(sign_flip(&[0.0, 0.0]), all);
        assert_eq!(sign_flip(&[f64::NAN, -1.0]), all);
    }

    #[test]
    fn many_differences_are_drawn_and_repeat() {
        let differences: Vec<f64> = (0..30)
            .map(|i| if i % 3 == 0 { 0.2 } else { -0.1 })
            .collect();
        let once = sign_flip_with(&differences, 5_000, 1);
        assert_eq!(once, sign_flip_with(&differences, 5_000, 1));
        assert_ne!(once, sign_flip_with(&differences, 5_000, 2));
        assert!(
            once.two_sided > 0.9,
            "the sum is 0, so nearly everything is as extreme: {once:?}"
        );
        let worse = sign_flip_with(&[-0.5; 30], 5_000, 1);
        assert!(
            worse.less < 1e-3 && worse.two_sided < 1e-3 && worse.greater == 1.0,
            "{worse:?}"
        );
    }

    #[test]
    fn draws_come_close_to_the_exact_count() {
        let sizes: Vec<f64> = (1..=16).map(f64::from).collect();
        let observed = -60.0;
        let (exact, drawn) = (
            exact(&sizes, observed, 1e-9),
            drawn(&sizes, observed, 1e-9, 20_000, 9),
        );
        assert!(
            (exact.less - drawn.less).abs() < 0.01,
            "{exact:?} {drawn:?}"
        );
        assert!(
            (exact.two_sided - drawn.two_sided).abs() < 0.01,
            "{exact:?} {drawn:?}"
        );
    }
}
