//! The words a judge may choose from, and how a mark becomes one of them.

use super::super::profile::Chance;

/// Ordered scales, worst first.
const SCALES: [&[&str]; 10] = [
    &["no", "yes"],
    &["false", "true"],
    &["fail", "pass"],
    &["not_met", "met"],
    &["incorrect", "correct"],
    &["not_at_all", "mostly_not", "partly", "mostly", "completely"],
    &[
        "not_at_all_helpful",
        "very_unhelpful",
        "somewhat_unhelpful",
        "neutral",
        "somewhat_helpful",
        "very_helpful",
        "above_and_beyond",
    ],
    &["incorrect", "partly_correct", "correct"],
    &["verbose", "adequate", "concise"],
    // Not an order of worth: neighbours are what a careless judge mixes up.
    &["contradicted", "absent", "supported"],
];

/// Which a careless judge takes for which, where there is no order.
const MIXED_UP: [(&str, &str); 8] = [
    ("same", "superset"),
    ("superset", "same"),
    ("subset", "same"),
    ("contradiction", "immaterial"),
    ("immaterial", "same"),
    // Whoever is shown first has an advantage: a judge's well-known bias.
    ("second", "first"),
    ("tie", "first"),
    ("first", "first"),
];

/// The scale all of whose words are on offer.
fn scale(words: &[String]) -> Option<&'static [&'static str]> {
    SCALES.into_iter().find(|scale| {
        scale.len() == words.len() && words.iter().all(|word| scale.contains(&word.as_str()))
    })
}

/// The word for a mark from 0 to 1 on an ordered scale, or none when the words on offer are none that are known.
///
/// Yes and no part at `pass`; longer scales are divided evenly.
pub(super) fn word(words: &[String], mark: f64, pass: f64) -> Option<&'static str> {
    let scale = scale(words)?;
    if scale.len() == 2 {
        return Some(scale[usize::from(mark >= pass)]);
    }
    let step = (mark.clamp(0.0, 1.0) * (scale.len() - 1) as f64).round();
    scale.get(step as usize).copied()
}

/// What a judge of this profile chooses in the end: the right word, or sometimes a neighbour of it.
pub(super) fn drawn(right: &str, words: &[String], chance: &Chance<'_>) -> String {
    if !chance.happens("misjudges", chance.profile.misjudges) {
        return right.to_owned();
    }
    let mixed_up = MIXED_UP
        .iter()
        .find(|(word, _)| *word == right)
        .map(|(_, other)| *other)
        .filter(|other| words.iter().any(|word| word == other));
    let neighbour = scale(words).and_then(|scale| {
        let at = scale.iter().position(|word| *word == right)?;
        let below = at.checked_sub(1).and_then(|below| scale.get(below));
        let above = scale.get(at + 1);
        match (below, above) {
            (Some(below), Some(above)) => Some(if chance.dice.pick("up or down", 2) == 0 {
                *below
            } else {
                *above
            }),
            (one, other) => one.or(other).copied(),
        }
    });
    mixed_up.or(neighbour).unwrap_or(right).to_owned()
}
