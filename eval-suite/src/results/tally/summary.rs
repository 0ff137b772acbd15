//! The figures of a run: every number with what it was taken from.

use serde::Serialize;

use super::{Mark, Outcome, Sheet, Tally, kind_word};
use crate::results::Arm;
use crate::stats::{self, Interval};

/// One arm of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmSummary {
    /// Results planned: cases times trials.
    pub planned: usize,
    /// Results with an answer.
    pub answered: usize,
    /// Results without an answer because the agent failed.
    pub failed: usize,
    /// Results without an answer for other reasons, after all attempts so far; `--resume` asks these again.
    pub prevented: usize,
    /// Results that are absent: not asked, because the run was stopped.
    pub not_run: usize,
    /// Why there is no answer: kind, number of results, and one message of it.
    pub errors: Vec<ErrorFigures>,
    /// Quality over questions, over all evaluators of quality together.
    pub quality: EvaluatorFigures,
    /// Each evaluator.
    pub evaluators: Vec<EvaluatorFigures>,
    /// Median of the answers' milliseconds.
    pub latency_ms_p50: Option<f64>,
    /// 95th percentile of the answers' milliseconds.
    pub latency_ms_p95: Option<f64>,
}

/// Quality of head minus base, question by question. A gate is the place to decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// Mean difference; negative when head is worse.
    pub mean: Option<f64>,
    /// Its 95 % t interval.
    pub interval: Option<Interval>,
    /// Questions that both have a quality for.
    pub questions: usize,
    /// Questions that head does better.
    pub won: usize,
    /// Questions that head does worse.
    pub lost: usize,
}

/// One kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorFigures {
    /// The kind, in one word.
    pub kind: &'static str,
    /// Results that ended so.
    pub results: usize,
    /// One of the messages.
    pub example: String,
}

/// One evaluator over an arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluatorFigures {
    /// The evaluator.
    pub evaluator: String,
    /// Mean over questions of the mean over a question's trials; `None` without any value.
    pub mean: Option<f64>,
    /// Its 95 % interval over questions ([`stats::score_interval`]); `None` with fewer than two questions.
    pub interval: Option<Interval>,
    /// Questions with a value: what mean and interval are taken over.
    pub questions: usize,
    /// Results with a value.
    pub scored: usize,
    /// Scored results the evaluator was not content with.
    pub failed: usize,
    /// Results without a value although the evaluator applies: no answer, no reference, or it failed itself.
    pub missing: usize,
    /// Results it does not apply to.
    pub not_applicable: usize,
}

impl Tally {
    /// The figures of one arm; those of a baseline that there is not are all 0.
    pub fn summary(&self, arm: Arm) -> ArmSummary {
        let none = Sheet::new(self.evaluators.len(), 0);
        let sheet = self.sheet(arm).unwrap_or(&none);
        let count = |is: fn(&Outcome) -> bool| sheet.outcomes.iter().filter(|o| is(o)).count();
        let latencies: Vec<f64> = present(&sheet.latency_ms).collect();
        ArmSummary {
            planned: sheet.outcomes.len(),
            answered: count(|outcome| *outcome == Outcome::Answered),
            failed: count(|outcome| matches!(outcome, Outcome::Failed(_))),
            prevented: count(|outcome| matches!(outcome, Outcome::Prevented(_))),
            not_run: count(|outcome| *outcome == Outcome::Absent),
            errors: self.errors(sheet),
            quality: self.quality(sheet),
            evaluators: (0..self.evaluators.len())
                .map(|index| self.figures(sheet, index))
                .collect(),
            latency_ms_p50: stats::quantile(&latencies, 0.5),
            latency_ms_p95: stats::quantile(&latencies, 0.95),
        }
    }

    /// Head minus base over the questions that both arms have a quality for; `None` without a baseline.
    pub fn compared(&self) -> Option<Compared> {
        let base = self.base.as_ref()?;
        let differences: Vec<f64> = self
            .by_question(&self.head.quality)
            .zip(self.by_question(&base.quality))
            .filter_map(|(head, base)| Some(head? - base?))
            .collect();
        let n = differences.len();
        Some(Compared {
            mean: (n > 0).then(|| differences.iter().sum::<f64>() / n as f64),
            interval: stats::mean_interval(&differences),
            questions: n,
            won: differences.iter().filter(|d| **d > 0.0).count(),
            lost: differences.iter().filter(|d| **d < 0.0).count(),
        })
    }

    fn errors(&self, sheet: &Sheet) -> Vec<ErrorFigures> {
        let figures = self.messages.iter().map(|(&kind, example)| ErrorFigures {
            kind,
            results: sheet
                .outcomes
                .iter()
                .filter(|outcome| match outcome {
                    Outcome::Failed(of) | Outcome::Prevented(of) => kind_word(*of) == kind,
                    Outcome::Absent | Outcome::Answered => false,
                })
                .count(),
            example: example.clone(),
        });
        figures.filter(|error| error.results > 0).collect()
    }

    fn quality(&self, sheet: &Sheet) -> EvaluatorFigures {
        let questions: Vec<f64> = self.by_question(&sheet.quality).flatten().collect();
        let scored = present(&sheet.quality).count();
        let asked = sheet.outcomes.iter().filter(|o| **o != Outcome::Absent);
        EvaluatorFigures {
            scored,
            failed: 0,
            missing: asked.count() - scored,
            not_applicable: 0,
            ..over("quality", &questions)
        }
    }

    fn figures(&self, sheet: &Sheet, index: usize) -> EvaluatorFigures {
        let marks = &sheet.marks[index];
        let count = |kind| marks.kinds.iter().filter(|mark| **mark == kind).count();
        let questions: Vec<f64> = self.by_question(&marks.values).flatten().collect();
        EvaluatorFigures {
            scored: count(Mark::Passed) + count(Mark::Failed),
            failed: count(Mark::Failed),
            missing: count(Mark::Missing),
            not_applicable: count(Mark::NotApplicable),
            ..over(&self.evaluators[index], &questions)
        }
    }

    /// The mean of each question's trials; `None` for a question without a value.
    fn by_question<'a>(&self, values: &'a [f64]) -> impl Iterator<Item = Option<f64>> + 'a {
        values.chunks(self.trials.max(1) as usize).map(|trials| {
            let n = present(trials).count();
            (n > 0).then(|| present(trials).sum::<f64>() / n as f64)
        })
    }
}

fn present(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().filter(|value| !value.is_nan())
}

fn over(evaluator: &str, questions: &[f64]) -> EvaluatorFigures {
    let n = questions.len();
    EvaluatorFigures {
        evaluator: evaluator.to_owned(),
        mean: (n > 0).then(|| questions.iter().sum::<f64>() / n as f64),
        interval: stats::score_interval(questions),
        questions: n,
        scored: 0,
        failed: 0,
        missing: 0,
        not_applicable: 0,
    }
}
