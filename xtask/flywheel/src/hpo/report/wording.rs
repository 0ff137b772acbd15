//! The recommendation in sentences: why this candidate, and how sure that is.

use super::CandidateReport;
use super::table::usd;
use crate::hpo::ranking::{Evidence, MIN_QUESTIONS, RESAMPLES, Ranking};

/// Why this candidate.
pub(super) fn reason(ranking: &Ranking, candidates: &[CandidateReport]) -> String {
    let id = &ranking.recommended;
    let Some(recommended) = candidates.iter().find(|candidate| &candidate.id == id) else {
        return format!("{id} is recommended.");
    };
    let name = format!("{id} ({})", recommended.label);
    let others = ranking
        .standings
        .iter()
        .filter(|standing| standing.as_good)
        .count()
        .saturating_sub(1);
    let margin = ranking.quality_margin;
    let price = recommended
        .cost_usd_per_answer
        .map(|cost| format!(" ({} an answer)", usd(cost)))
        .unwrap_or_default();
    if ranking.standings.len() == 1 {
        return format!("{name} is the only candidate that was scored.");
    }
    if &ranking.best != id {
        return format!(
            "{name} is the cheapest{price} of the {} candidates that are as good as the best one, {}, within the \
             margin of {margin}.",
            others + 1,
            ranking.best
        );
    }
    match (others, ranking.evidence) {
        (0, Evidence::Clear) => {
            format!(
                "{name} has the highest quality, and no other candidate is as good within the margin of {margin}."
            )
        }
        (0, _) => format!(
            "{name} has the highest quality; of no other candidate it is shown that it is as good within the margin \
             of {margin}."
        ),
        (others, _) => format!(
            "{name} has the highest quality and is the cheapest{price} of it and the {others} that are as good within \
             the margin of {margin}."
        ),
    }
}

/// How sure that is.
pub(super) fn uncertainty(ranking: &Ranking) -> String {
    let mut sentences = Vec::new();
    let questions = ranking.questions;
    if questions < MIN_QUESTIONS {
        sentences.push(format!(
            "Only {questions} questions were scored for all candidates; with fewer than {MIN_QUESTIONS} the choice is \
             a guess."
        ));
    }
    if let Some(other) = &ranking.alternative {
        let interval = match (other.low, other.high) {
            (Some(low), Some(high)) => format!(", 95 % interval {low:+.3} to {high:+.3}"),
            _ => String::new(),
        };
        sentences.push(format!(
            "{} minus {} in quality is {:+.3} over {questions} questions{interval}{}.",
            ranking.recommended,
            other.candidate,
            other.difference,
            match (other.low, other.high) {
                (Some(low), _) if low > 0.0 => ": better beyond chance",
                (_, Some(high)) if high < 0.0 => ": lower beyond chance, but within the margin",
                _ => ": these questions do not tell which of the two answers better",
            }
        ));
    }
    let percent = |id: &str| {
        let standing = ranking
            .standings
            .iter()
            .find(|standing| standing.candidate == id);
        format!(
            "{:.0} %",
            100.0 * standing.map_or(0.0, |standing| standing.probability_best)
        )
    };
    if ranking.standings.len() > 1 {
        let other = ranking
            .alternative
            .as_ref()
            .map(|other| format!(", {} in {}", other.candidate, percent(&other.candidate)));
        sentences.push(format!(
            "When the questions are drawn anew {RESAMPLES} times, {} has the highest quality in {} of the draws{}.",
            ranking.recommended,
            percent(&ranking.recommended),
            other.unwrap_or_default()
        ));
    }
    if ranking.evidence == Evidence::Inconclusive && questions >= MIN_QUESTIONS {
        sentences.push(
            "The study is inconclusive: take more questions before paying more for this one."
                .to_owned(),
        );
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpo::ranking::{Alternative, Standing};

    fn ranking(best: &str, evidence: Evidence, interval: (f64, f64), questions: usize) -> Ranking {
        let standing = |id: &str, as_good, probability_best| Standing {
            candidate: id.to_owned(),
            difference: 0.0,
            difference_low: None,
            as_good,
            probability_best,
        };
        let other = if best == "c01" { "c02" } else { "c01" };
        Ranking {
            recommended: "c01".to_owned(),
            best: best.to_owned(),
            evidence,
            questions,
            quality_margin: 0.03,
            alternative: Some(Alternative {
                candidate: if best == "c01" {
                    other.to_owned()
                } else {
                    best.to_owned()
                },
                difference: (interval.0 + interval.1) / 2.0,
                low: Some(interval.0),
                high: Some(interval.1),
            }),
            standings: vec![
                standing("c01", true, 0.25),
                standing("c02", best != "c01", 0.75),
            ],
        }
    }

    #[test]
    fn the_words_fit_the_numbers() {
        let said = [
            uncertainty(&ranking("c01", Evidence::Clear, (0.1, 0.3), 60)),
            uncertainty(&ranking("c02", Evidence::WithinMargin, (-0.02, -0.01), 60)),
            uncertainty(&ranking("c01", Evidence::Inconclusive, (-0.1, 0.2), 60)),
            uncertainty(&ranking("c01", Evidence::Inconclusive, (-0.1, 0.2), 4)),
        ];
        insta::assert_snapshot!(said.join("\n"), @r"
        c01 minus c02 in quality is +0.200 over 60 questions, 95 % interval +0.100 to +0.300: better beyond chance. When the questions are drawn anew 2000 times, c01 has the highest quality in 25 % of the draws, c02 in 75 %.
        c01 minus c02 in quality is -0.015 over 60 questions, 95 % interval -0.020 to -0.010: lower beyond chance, but within the margin. When the questions are drawn anew 2000 times, c01 has the highest quality in 25 % of the draws, c02 in 75 %.
        c01 minus c02 in quality is +0.050 over 60 questions, 95 % interval -0.100 to +0.200: these questions do not tell which of the two answers better. When the questions are drawn anew 2000 times, c01 has the highest quality in 25 % of the draws, c02 in 75 %. The study is inconclusive: take more questions before paying more for this one.
        Only 4 questions were scored for all candidates; with fewer than 10 the choice is a guess. c01 minus c02 in quality is +0.050 over 4 questions, 95 % interval -0.100 to +0.200: these questions do not tell which of the two answers better. When the questions are drawn anew 2000 times, c01 has the highest quality in 25 % of the draws, c02 in 75 %.
        ");
    }
}
