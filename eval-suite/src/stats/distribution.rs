//! The distribution functions the rest needs, over `statrs`.
//!
//! Arguments are checked by the callers. Probabilities of upper tails are computed as such, not as one minus
//! the lower tail, which would lose their digits. Quantiles of the beta distribution are solved for here: `statrs`
//! 0.19 gave none within minutes for a shape of 5e7, and its Student quantiles, which rest on them, are off in the
//! sixth digit at 100,000 degrees of freedom.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::function::beta::{beta_reg, ln_beta};
use statrs::function::gamma::{gamma_ur, ln_gamma};

/// From here on Student's t is computed from the normal distribution by series in 1/degrees, whose next terms are
/// below the rounding of the incomplete beta function.
const QUANTILE_SERIES: f64 = 1_000.0;
const CDF_SERIES: f64 = 20_000.0;

pub(super) fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

pub(super) fn normal_cdf(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// The two-sided critical value: 1.96 for a confidence of 0.95.
pub(super) fn normal_critical(confidence: f64) -> f64 {
    normal_quantile(0.5 + confidence / 2.0)
}

/// P(T <= t) for Student's t; `degrees` above 0.
pub(super) fn student_cdf(t: f64, degrees: f64) -> f64 {
    if degrees < CDF_SERIES {
        return StudentsT::new(0.0, 1.0, degrees)
            .expect("degrees of freedom are above 0")
            .cdf(t);
    }
    // The series turns for values this large, where the tail is 0 in any case.
    let t = t.clamp(-40.0, 40.0);
    let (v, t2) = (degrees, t * t);
    let first = (t2 + 1.0) / 4.0;
    let second = (13.0 * t2 * t2 + 8.0 * t2 + 3.0) / 96.0;
    let third = (35.0 * t2.powi(3) + 19.0 * t2 * t2 + t2 - 15.0) / 384.0;
    normal_cdf(t * (1.0 - (first - (second - third / v) / v) / v))
}

/// The quantile of Student's t; `degrees` above 0 and p between 0 and 1.
pub(super) fn student_quantile(p: f64, degrees: f64) -> f64 {
    let tail = p.min(1.0 - p);
    let size = if degrees > QUANTILE_SERIES {
        // Cornish and Fisher's expansion around the normal quantile.
        let x = -normal_quantile(tail);
        let x2 = x * x;
        let first = (x2 + 1.0) / 4.0;
        let second = (5.0 * x2 * x2 + 16.0 * x2 + 3.0) / 96.0;
        let third = (3.0 * x2.powi(3) + 19.0 * x2 * x2 + 17.0 * x2 - 15.0) / 384.0;
        let fourth =
            (79.0 * x2.powi(4) + 776.0 * x2.powi(3) + 1_482.0 * x2 * x2 - 1_920.0 * x2 - 945.0)
                / 92_160.0;
        x * (1.0 + (first + (second + (third + fourth / degrees) / degrees) / degrees) / degrees)
    } else if tail > 0.05 {
        // T² / (T² + v) is Beta(1/2, v/2); this way round small quantiles keep their digits.
        let w = beta_quantile(1.0 - 2.0 * tail, 0.5, degrees / 2.0);
        (degrees * w / (1.0 - w)).sqrt()
    } else {
        let y = beta_quantile(2.0 * tail, degrees / 2.0, 0.5);
        (degrees * (1.0 - y) / y).sqrt()
    };
    if p < 0.5 { -size } else { size }
}

pub(super) fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    beta_reg(a, b, x.clamp(0.0, 1.0))
}

/// The quantile of a beta distribution: Newton's steps, halving the bracket where one leaves it.
pub(super) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let ln_beta = ln_beta(a, b);
    let (mut low, mut high) = (0.0, 1.0);
    let mut x = a / (a + b);
    for _ in 0..200 {
        let off = beta_cdf(x, a, b) - p;
        if off > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let ln_density = (a - 1.0) * x.ln() + (b - 1.0) * (1.0 - x).ln() - ln_beta;
        let newton = x - off / ln_density.exp();
        let next = if low < newton && newton < high {
            newton
        } else if low > 0.0 {
            // Halfway in order of magnitude, which finds tiny quantiles too.
            (low * high).sqrt()
        } else {
            high / 16.0
        };
        if (next - x).abs() <= 1e-15 * x {
            return next;
        }
        x = next;
    }
    x
}

pub(super) fn ln_beta_function(a: f64, b: f64) -> f64 {
    ln_beta(a, b)
}

/// P(X <= k) for X ~ Bin(n, p).
pub(super) fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    beta_cdf(1.0 - p, (n - k) as f64, (k + 1) as f64)
}

/// P(X >= k) for X ~ Bin(n, p).
pub(super) fn binomial_upper(k: u64, n: u64, p: f64) -> f64 {
    match k {
        0 => 1.0,
        k if k > n => 0.0,
        k => beta_cdf(p, k as f64, (n - k + 1) as f64),
    }
}

/// P(X = k) for X ~ Bin(n, 1/2).
pub(super) fn fair_binomial(k: u64, n: u64) -> f64 {
    (ln_choose(n, k) - n as f64 * std::f64::consts::LN_2).exp()
}

pub(super) fn ln_choose(n: u64, k: u64) -> f64 {
    if k == 0 || k == n {
        return 0.0;
    }
    let ln_factorial = |x: u64| ln_gamma(x as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// P(X >= x) for a chi-square variable.
pub(super) fn chi_square_upper(x: f64, degrees: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    gamma_ur(degrees / 2.0, x / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(have: f64, want: f64) {
        assert!(
            (have - want).abs() <= 1e-9 * want.abs(),
            "{have:e} is not {want:e}"
        );
    }

    // Reference values: scipy 1.17.1.

    #[test]
    fn normal() {
        for (p, want) in [
            (1e-12, -7.034_483_825_301_131),
            (1e-4, -3.719_016_485_455_680_4),
            (0.025, -1.959_963_984_540_054_5),
            (0.95, 1.644_853_626_951_472_2),
            (0.999_999, 4.753_424_308_817_087),
        ] {
            close(normal_quantile(p), want);
        }
        for (x, want) in [
            (-10.0, 7.619_853_024_160_47e-24),
            (-5.0, 2.866_515_718_791_933e-7),
            (-1.5, 0.066_807_201_268_858_07),
            (2.0, 0.977_249_868_051_820_8),
        ] {
            close(normal_cdf(x), want);
        }
    }

    #[test]
    fn student() {
        for (p, degrees, want) in [
            (0.975, 1.0, 12.706_204_736_174_694),
            (0.975, 2.0, 4.302_652_729_749_462),
            (0.95, 59.0, 1.671_093_032_103_894_6),
            (0.9999, 3.0, 22.203_742_273_205),
            (0.95, 1_999.0, 1.645_616_248_187_262_5),
            (0.975, 1_000.0, 1.962_339_080_826_408_3),
            (0.6, 1_001.0, 0.253_414_448_483_498_26),
            (0.999_999_9, 1_200.0, 5.229_857_304_834_272_5),
            (0.975, 1_500.0, 1.961_546_753_895_018_4),
            (0.975, 99_999.0, 1.959_987_707_771_844_2),
            (0.975, 1e8, 1.959_964_008_262_766_3),
            (1e-6, 5.0, -24.771_029_720_515_948),
            (1e-9, 12.0, -15.894_813_362_266_058),
            (0.52, 7.0, 0.051_975_935_348_859_79),
            (0.5, 3.0, 0.0),
        ] {
            close(student_quantile(p, degrees), want);
        }
        for (t, degrees, want) in [
            (-12.0, 4.0, 0.000_138_214_274_251_486_5),
            (-6.0, 30.0, 6.971_384_383_602_382e-7),
            (-40.0, 9.0, 9.491_499_224_669_911e-12),
            (2.0, 1.0, 0.852_416_382_349_566_7),
            (-1.8605, 9.0, 0.047_868_557_392_515_505),
            (-8.0, 1_999.0, 1.043_482_526_764_798e-15),
            (-2.0, 5_000.0, 0.022_777_129_994_146_977),
            (-2.5, 99_999.0, 0.006_210_459_604_222_498),
            (-6.0, 200_000.0, 9.882_749_439_674_027e-10),
            (-1.2, 1e6, 0.115_069_812_365_862_35),
            (-3.0, 1e8, 0.001_349_898_364_018_646_8),
        ] {
            close(student_cdf(t, degrees), want);
        }
    }

    #[test]
    fn beta() {
        for (p, a, b, want) in [
            (0.025, 8.0, 3.0, 0.443_904_537_692_358_5),
            (0.975, 9.0, 2.0, 0.974_789_273_673_166_6),
            (0.025, 0.5, 20.5, 2.424_647_845_924_273_3e-5),
            (0.975, 57.5, 3.5, 0.985_718_772_160_273_7),
            (0.975, 99_901.0, 100.0, 0.999_186_288_318_029_8),
            (1e-6, 3.0, 500.0, 3.643_507_937_198_76e-5),
            (0.025, 1.0, 100_000.0, 2.531_780_477_933_314e-7),
            (0.975, 1.5, 99_999.5, 4.674_104_248_195_043e-5),
        ] {
            close(beta_quantile(p, a, b), want);
        }
        for (x, a, b, want) in [
            (0.5, 30.0, 80.0, 0.999_999_459_545_878_3),
            (0.01, 40.0, 3.0, 8.442_820_000_000_006e-78),
            (0.999, 2.0, 900.0, 1.0),
            (0.5, 1_000.0, 1_200.0, 0.999_990_128_183_074_2),
            (1e-5, 0.5, 0.5, 0.002_013_171_839_475_387_4),
        ] {
            close(beta_cdf(x, a, b), want);
        }
    }

    #[test]
    fn counts() {
        for (k, n, p, want) in [
            (16, 20, 0.9, 0.132_953_323_434_335_02),
            (0, 60, 0.5, 8.673_617_379_884_035e-19),
            (400, 1_000, 0.5, 1.364_232_078_032_973_5e-10),
            (50, 60, 0.8, 0.786_785_219_543_196),
            (60, 60, 0.5, 1.0),
        ] {
            close(binomial_cdf(k, n, p), want);
        }
        for (k, n, p, want) in [
            (17, 20, 0.8, 0.411_448_861_956_568_66),
            (60, 60, 0.5, 8.673_617_379_884_035e-19),
            (1, 5, 0.1, 0.409_51),
            (0, 5, 0.1, 1.0),
        ] {
            close(binomial_upper(k, n, p), want);
        }
        assert_eq!(binomial_upper(6, 5, 0.1), 0.0);
        close(fair_binomial(2, 4), 0.375);
        for (x, degrees, want) in [
            (7.6, 2.0, 0.022_370_771_856_165_598),
            (40.0, 1.0, 2.539_628_589_470_863_4e-10),
            (100.0, 5.0, 5.285_148_360_943_219e-20),
            (0.01, 1.0, 0.920_344_325_445_942),
        ] {
            close(chi_square_upper(x, degrees), want);
        }
        assert_eq!(chi_square_upper(0.0, 3.0), 1.0);
    }
}
