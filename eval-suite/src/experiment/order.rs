//! In which order questions are asked.

use crate::stats::random::SplitMix64;

/// The order of a run, fixed before its first question.
#[derive(Debug)]
pub(super) struct Order {
    /// Case numbers, when they are not asked as the dataset has them.
    shuffled: Option<Vec<u32>>,
    cases: usize,
    trials: u32,
}

impl Order {
    /// The dataset's order, or a random one.
    ///
    /// In the dataset's order each trial goes through all cases before the next begins, so that a run that is stopped
    /// has asked every case about as often. In random order the trials of a case stand together, because a case says
    /// nothing to a test before all of them are there.
    pub(super) fn new(cases: usize, trials: u32, random: bool, seed: u64) -> Self {
        let shuffled = random.then(|| {
            let mut order: Vec<u32> = (0..u32::try_from(cases).unwrap_or(u32::MAX)).collect();
            SplitMix64::new(seed).shuffle(&mut order);
            order
        });
        Self {
            shuffled,
            cases,
            trials,
        }
    }

    /// Every case and trial, trials from 1.
    pub(super) fn units(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let trials = self.trials as usize;
        (0..self.cases * trials).map(move |at| match &self.shuffled {
            Some(order) => (order[at / trials] as usize, (at % trials) as u32 + 1),
            None => (at % self.cases, (at / self.cases) as u32 + 1),
        })
    }

    /// The case at a place of the order.
    pub(super) fn case(&self, place: usize) -> Option<usize> {
        match &self.shuffled {
            Some(order) => order.get(place).map(|&case| case as usize),
            None => (place < self.cases).then_some(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_and_trial_once() {
        let plain: Vec<_> = Order::new(2, 2, false, 1).units().collect();
        assert_eq!(plain, [(0, 1), (1, 1), (0, 2), (1, 2)]);
        let order = Order::new(50, 3, true, 7);
        let random: Vec<_> = order.units().collect();
        assert_eq!(
            random,
            Order::new(50, 3, true, 7).units().collect::<Vec<_>>()
        );
        assert_ne!(
            random,
            Order::new(50, 3, true, 8).units().collect::<Vec<_>>()
        );
        assert!(
            random
                .chunks(3)
                .all(|trials| trials.iter().map(|u| u.1).eq(1..=3))
        );
        assert_eq!(order.case(1), Some(random[3].0));
        let mut sorted = random;
        sorted.sort_unstable();
        assert!(
            (0..50)
                .flat_map(|case| (1..=3).map(move |trial| (case, trial)))
                .eq(sorted)
        );
    }
}
