//! A world of questions: some are hard, and an agent that stumbles on one stumbles on all of its facts.

use eval_suite::stats::random::SplitMix64;

/// Questions of one suite, each with its difficulty on the logit scale.
pub(crate) struct Suite {
    difficulty: Vec<f64>,
    facts: usize,
    /// SD of what an answer adds to all facts of its question: the question-level noise.
    noise: f64,
}

impl Suite {
    pub(crate) fn draw(random: &mut SplitMix64, questions: usize, facts: usize) -> Self {
        Self {
            difficulty: (0..questions).map(|_| 1.0 + normal(random)).collect(),
            facts,
            noise: 1.5,
        }
    }

    /// The chance that a fact of this question is covered, on the logit scale, in one answer of an agent this much
    /// better or worse than the usual one.
    fn answer(&self, random: &mut SplitMix64, question: usize, ability: f64) -> Vec<f64> {
        let logit = self.difficulty[question] + ability + self.noise * normal(random);
        let chance = logistic(logit);
        (0..self.facts)
            .map(|_| f64::from(u8::from(random.chance(chance))))
            .collect()
    }

    /// Each fact's score, question by question.
    pub(crate) fn facts(&self, random: &mut SplitMix64, ability: f64) -> Vec<f64> {
        (0..self.difficulty.len())
            .flat_map(|question| self.answer(random, question, ability))
            .collect()
    }

    /// The question of each fact of [`Self::facts`].
    pub(crate) fn questions(&self) -> Vec<usize> {
        (0..self.difficulty.len() * self.facts)
            .map(|fact| fact / self.facts)
            .collect()
    }
}

pub(crate) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A standard normal draw (Box and Muller).
pub(crate) fn normal(random: &mut SplitMix64) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}

/// A share of runs, printed with how well this many runs know it.
pub(crate) fn rate(what: &str, hits: usize, runs: usize) -> f64 {
    let share = hits as f64 / runs as f64;
    let error = (share * (1.0 - share) / runs as f64).sqrt();
    eprintln!(
        "{what}: {:.2} % +- {:.2} of {runs} runs",
        100.0 * share,
        100.0 * error
    );
    share
}
