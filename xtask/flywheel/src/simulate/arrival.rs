//! When work is meant to start, and what is asked: all drawn from the seed before the run begins.
//!
//! Starts are offsets on one absolute schedule, never "so long after the last one": a slow answer does not push
//! later starts back, so its wait shows up in the response time instead of vanishing (coordinated omission).

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::scenario::{Arrivals, Class, Load, Scenario};

/// Starts of an open run. During the ramp the rate rises linearly from nothing.
pub(crate) fn open_schedule(load: &Load, seed: u64) -> Vec<Duration> {
    let mut rng = StdRng::seed_from_u64(seed);
    let (rate, ramp) = (load.rate_per_second, load.ramp.as_secs_f64());
    let mut starts = Vec::new();
    // Position in units of expected arrivals; the inverse of the cumulative rate turns it into a time.
    let mut position = 0.0;
    loop {
        position += match load.arrivals {
            Arrivals::Constant => 1.0,
            Arrivals::Poisson => -(1.0 - rng.random::<f64>()).ln(),
        };
        let ramped = rate * ramp / 2.0;
        let at = if position < ramped {
            (2.0 * ramp * position / rate).sqrt()
        } else {
            ramp + (position - ramped) / rate
        };
        if at >= load.duration.as_secs_f64() {
            return starts;
        }
        starts.push(Duration::from_secs_f64(at));
    }
}

/// When each closed user begins: evenly over the ramp.
pub(crate) fn user_starts(load: &Load) -> Vec<Duration> {
    (0..load.users)
        .map(|user| load.ramp.mul_f64(user as f64 / load.users as f64))
        .collect()
}

/// Spread of think times: log-normal, as measured for people reading and typing.
const THINK_SIGMA: f64 = 0.8;

/// One pause with median `median`, at most twenty times as long.
pub(crate) fn think_time(median: Duration, rng: &mut StdRng) -> Duration {
    // Box-Muller from two uniform draws.
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    median.mul_f64((THINK_SIGMA * normal).exp().min(20.0))
}

/// An endless order of prompts in which every round holds the classes in their shares.
///
/// A round has one place per unit of share; within a class prompts come by weight, each weight used up before
/// any repeats.
#[derive(Debug)]
pub(crate) struct PromptOrder {
    rng: StdRng,
    round: Vec<Class>,
    classes: Vec<Class>,
    /// Per class: the deck prompts are dealt from, and what is left of it.
    decks: [(Vec<usize>, Vec<usize>); 3],
}

impl PromptOrder {
    /// The order that `seed` gives.
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Self {
        let shares = Class::ALL.map(|class| scenario.mix.share(class));
        let divisor = shares.iter().copied().fold(0, gcd).max(1);
        let round = Class::ALL
            .into_iter()
            .zip(shares)
            .flat_map(|(class, share)| std::iter::repeat_n(class, (share / divisor) as usize))
            .collect();
        let decks = Class::ALL.map(|class| {
            let deck = scenario
                .prompts
                .iter()
                .enumerate()
                .filter(|(_, prompt)| prompt.class == class);
            let deck = deck
                .flat_map(|(index, prompt)| std::iter::repeat_n(index, prompt.weight as usize))
                .collect();
            (deck, Vec::new())
        });
        Self {
            rng: StdRng::seed_from_u64(seed),
            round,
            classes: Vec::new(),
            decks,
        }
    }

    /// Index of the next prompt.
    pub(crate) fn next(&mut self) -> usize {
        let class = deal(&self.round, &mut self.classes, &mut self.rng);
        let (deck, left) = &mut self.decks[class as usize];
        deal(deck, left, &mut self.rng)
    }
}

/// Takes from what is left of a deck, shuffling a fresh copy when it is used up.
fn deal<T: Copy>(deck: &[T], left: &mut Vec<T>, rng: &mut StdRng) -> T {
    if left.is_empty() {
        left.extend_from_slice(deck);
        left.shuffle(rng);
    }
    left.pop()
        .expect("the scenario was checked: a class with a share has prompts")
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::tests::small;
    use super::*;

    #[test]
    fn constant_arrivals_are_even_and_a_ramp_halves_its_part() {
        let mut load = small().load;
        load.rate_per_second = 10.0;
        load.duration = Duration::from_secs(10);
        assert_eq!(open_schedule(&load, 1).len(), 99);
        load.ramp = Duration::from_secs(4);
        let starts = open_schedule(&load, 1);
        assert_eq!(
            starts.len(),
            79,
            "4 s at half the rate, 6 s at the full one, the end excluded"
        );
        assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
        let early = starts.iter().filter(|start| start.as_secs() < 2).count();
        assert_eq!(
            early, 4,
            "a quarter of the ramp's arrivals fall into its first half, the limit excluded"
        );
    }

    #[test]
    fn poisson_arrivals_keep_the_rate_and_repeat_by_seed() {
        let mut load = small().load;
        load.arrivals = Arrivals::Poisson;
        load.rate_per_second = 100.0;
        load.duration = Duration::from_secs(100);
        let starts = open_schedule(&load, 7);
        assert_eq!(starts, open_schedule(&load, 7));
        assert_ne!(starts, open_schedule(&load, 8));
        // 10,000 expected; five standard deviations are 500.
        assert!((9_500..10_500).contains(&starts.len()), "{}", starts.len());
    }

    #[test]
    fn every_round_holds_the_shares() {
        let scenario = small();
        let mut order = PromptOrder::new(&scenario, 3);
        for _ in 0..10 {
            let mut round = [order.next(), order.next()];
            round.sort_unstable();
            assert_eq!(round, [0, 1]);
        }
    }

    #[test]
    fn think_times_centre_on_the_median() {
        let mut rng = StdRng::seed_from_u64(1);
        let median = Duration::from_millis(100);
        let below = (0..2_000)
            .filter(|_| think_time(median, &mut rng) < median)
            .count();
        assert!((900..1_100).contains(&below), "{below}");
    }
}
