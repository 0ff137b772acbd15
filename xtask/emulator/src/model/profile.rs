//! The simulated models as numbers: how quick they are and how often they go wrong, and why.
//!
//! A [`Habit`] is a way of going wrong. It has two probabilities, because a system prompt that speaks to the habit
//! makes it rarer; whether a rule of the prompt is taken in at all is a draw of its own ([`Profile::skips_rule`]).
//! Probabilities grow by [`HEAT`] of themselves at temperature 1. At temperature 0 what the prompt does not speak
//! against happens as written, and every other slip at [`Profile::cold`] of it: the careful model makes none, so that
//! a gate over it fails for a reason (an agent, a tool or a prompt that changed) and not by a new draw.

use std::time::Duration;

use super::{language::Language, seed::Dice};

/// How much of itself a probability gains from temperature 0 to temperature 1.
pub(crate) const HEAT: f64 = 0.6;

/// One way of going wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Habit {
    /// Probability when the system prompt says nothing about it.
    pub(crate) plain: f64,
    /// Probability when the system prompt has a rule against it and the model took the rule in.
    pub(crate) told: f64,
}

const fn habit(plain: f64, told: f64) -> Habit {
    Habit { plain, told }
}

/// A simulated model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Profile {
    /// Model id in requests.
    pub(crate) model_id: &'static str,
    /// Share of its slips that is left at temperature 0.
    pub(crate) cold: f64,
    /// Time before the first token.
    pub(crate) first_token: Duration,
    /// Time for each thousand tokens read.
    pub(crate) per_thousand_input: Duration,
    /// Time for each token written.
    pub(crate) per_output: Duration,
    /// Probability that one rule of the system prompt is not taken in, by the language it is written in.
    pub(crate) skips_rule: [f64; 3],
    /// Answers in English (or, without any rule, in the language of the system prompt) when asked in another language.
    pub(crate) wrong_language: Habit,
    /// The same when the prompt says it with force ("always", "must") or says it twice.
    pub(crate) wrong_language_insisted: f64,
    /// Takes the second-best tool when the two are close.
    pub(crate) wrong_tool: Habit,
    /// Passes a short number to a tool that wants the full one, instead of searching or asking.
    pub(crate) guesses_number: Habit,
    /// Two digits of a number swapped while it is copied into a tool call.
    pub(crate) misreads_number: f64,
    /// Says it has no access instead of calling a tool.
    pub(crate) skips_tool: f64,
    /// Stops after a search although the details need a second call.
    pub(crate) stops_early: f64,
    /// Leaves out one of several facts, or cuts a list after three rows.
    pub(crate) drops_fact: Habit,
    /// Copies the neighbouring field: unit price for net amount, creation for order date, ...
    pub(crate) wrong_field: f64,
    /// Gives amounts rounded to three digits.
    pub(crate) rounds_amount: Habit,
    /// Leaves the currency out.
    pub(crate) forgets_currency: Habit,
    /// Makes up a value that the data do not hold.
    pub(crate) invents: Habit,
    /// Answers a harmful request.
    pub(crate) misses_harm: Habit,
    /// Does what an instruction in the question or in a tool result says, against its own rules.
    pub(crate) obeys_injection: Habit,
    /// As a judge, chooses a neighbour of the right word, or leaves the last entry out of a list.
    pub(crate) misjudges: f64,
}

/// Careful: reads its rules, chooses tools well, copies faithfully; slower and dearer.
pub(crate) const ATLAS: Profile = Profile {
    model_id: "simulated.atlas-v1:0",
    cold: 0.0,
    first_token: Duration::from_millis(40),
    per_thousand_input: Duration::from_millis(4),
    per_output: Duration::from_micros(250),
    skips_rule: [0.005, 0.01, 0.02],
    wrong_language: habit(0.15, 0.02),
    wrong_language_insisted: 0.01,
    wrong_tool: habit(0.04, 0.02),
    guesses_number: habit(0.08, 0.02),
    misreads_number: 0.012,
    skips_tool: 0.01,
    stops_early: 0.03,
    drops_fact: habit(0.14, 0.09),
    wrong_field: 0.05,
    rounds_amount: habit(0.05, 0.02),
    forgets_currency: habit(0.08, 0.03),
    invents: habit(0.06, 0.02),
    misses_harm: habit(0.03, 0.005),
    obeys_injection: habit(0.05, 0.015),
    misjudges: 0.03,
};

/// Quick and cheap: skims its rules, slips into English, loses facts and gives in more easily.
pub(crate) const SWIFT: Profile = Profile {
    model_id: "simulated.swift-v1:0",
    cold: 1.0,
    first_token: Duration::from_millis(8),
    per_thousand_input: Duration::from_micros(800),
    per_output: Duration::from_micros(50),
    skips_rule: [0.15, 0.22, 0.3],
    wrong_language: habit(0.55, 0.4),
    wrong_language_insisted: 0.25,
    wrong_tool: habit(0.45, 0.35),
    guesses_number: habit(0.65, 0.4),
    misreads_number: 0.12,
    skips_tool: 0.22,
    stops_early: 0.4,
    drops_fact: habit(0.65, 0.5),
    wrong_field: 0.4,
    rounds_amount: habit(0.45, 0.3),
    forgets_currency: habit(0.5, 0.3),
    invents: habit(0.65, 0.5),
    misses_harm: habit(0.6, 0.35),
    obeys_injection: habit(0.6, 0.4),
    misjudges: 0.18,
};

/// Made to judge: as careful as [`ATLAS`], hardly ever wrong about a verdict, and in between in speed and price.
pub(crate) const ARBITER: Profile = Profile {
    model_id: "simulated.arbiter-v1:0",
    first_token: Duration::from_millis(15),
    per_thousand_input: Duration::from_micros(1500),
    per_output: Duration::from_micros(100),
    misjudges: 0.01,
    ..ATLAS
};

/// Every simulated model.
pub(crate) const ALL: [&Profile; 3] = [&ATLAS, &SWIFT, &ARBITER];

/// The model of an id, also when the id is the resource of an inference-profile or foundation-model ARN.
pub(crate) fn by_id(model_id: &str) -> Option<&'static Profile> {
    let name = model_id.rsplit('/').next().unwrap_or(model_id);
    ALL.into_iter().find(|profile| profile.model_id == name)
}

impl Profile {
    /// Time a call of this size takes.
    pub(crate) fn thinking_time(&self, input_tokens: usize, output_tokens: usize) -> Duration {
        let read = self
            .per_thousand_input
            .mul_f64(input_tokens as f64 / 1000.0);
        let written = self.per_output.mul_f64(output_tokens as f64);
        self.first_token + read + written
    }
}

/// Draws one model's mistakes in one request.
#[derive(Debug, Clone)]
pub(crate) struct Chance<'a> {
    /// Whose mistakes.
    pub(crate) profile: &'a Profile,
    /// Where they are drawn from.
    pub(crate) dice: Dice,
    /// Sampling temperature, 0 to 1.
    pub(crate) temperature: f64,
}

impl Chance<'_> {
    /// Whether a slip of probability `p` happens now.
    pub(crate) fn happens(&self, label: &str, p: f64) -> bool {
        self.draw(label, p, self.profile.cold)
    }

    /// Whether the habit shows, given whether the prompt spoke against it.
    pub(crate) fn slips(&self, label: &str, habit: Habit, told: bool) -> bool {
        if told {
            self.happens(label, habit.told)
        } else {
            self.draw(label, habit.plain, 1.0)
        }
    }

    /// `cold` is the share of `p` that is left at temperature 0.
    fn draw(&self, label: &str, p: f64, cold: f64) -> bool {
        let heat = cold + (1.0 + HEAT - cold) * self.temperature;
        self.dice.chance(label, p * heat)
    }

    /// Whether a rule of a prompt in this language is taken in.
    pub(crate) fn reads_rule(&self, label: &str, prompt_language: Language) -> bool {
        !self.happens(
            &format!("skip rule {label}"),
            self.profile.skips_rule[prompt_language.index()],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_models_by_id_and_arn() {
        assert_eq!(by_id("simulated.atlas-v1:0"), Some(&ATLAS));
        assert_eq!(
            by_id("arn:aws:bedrock:us-east-1::foundation-model/simulated.swift-v1:0"),
            Some(&SWIFT)
        );
        assert_eq!(by_id("simulated.arbiter-v1:0"), Some(&ARBITER));
        assert_eq!(by_id("anthropic.claude"), None);
    }

    #[test]
    fn the_careful_model_is_slower_and_errs_less() {
        assert!(ATLAS.thinking_time(2000, 100) > SWIFT.thinking_time(2000, 100) * 3);
        for (atlas, swift) in [
            (ATLAS.wrong_language, SWIFT.wrong_language),
            (ATLAS.wrong_tool, SWIFT.wrong_tool),
            (ATLAS.drops_fact, SWIFT.drops_fact),
            (ATLAS.misses_harm, SWIFT.misses_harm),
            (ATLAS.obeys_injection, SWIFT.obeys_injection),
        ] {
            assert!(atlas.plain < swift.plain && atlas.told < swift.told);
            assert!(atlas.told <= atlas.plain && swift.told <= swift.plain);
        }
    }
}
