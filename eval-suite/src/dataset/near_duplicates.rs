//! Questions that are nearly the same: they count one mistake twice and make a suite look larger than it is.
//!
//! Two texts are compared by the Jaccard similarity of their sets of three-letter pieces, |A ∩ B| / |A ∪ B|, over
//! lower-case letters and digits. Pairs are found through an index of rare pieces (the prefix filter of AllPairs, Bayardo
//! et al. 2007: two sets of similarity t share a piece among the first |A| - ceil(t |A|) + 1 of each, in an order
//! common to both), and every reported similarity is computed exactly.

use std::collections::HashMap;

/// Letters of one piece.
const PIECE_LETTERS: usize = 3;
/// Entries of the index under one piece. Only masses of almost equal questions reach it, and those are found all the same:
/// each still meets this many others.
const MAX_POSTINGS: usize = 256;
/// Pairs reported at most.
pub const MAX_PAIRS: usize = 10_000;

/// Two texts that are nearly the same, by index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The earlier text.
    pub first: usize,
    /// The later text.
    pub second: usize,
    /// Jaccard similarity, at least the threshold and at most 1.
    pub similarity: f64,
    /// Whether they are equal once every number is replaced by the same sign: one template, two orders.
    pub only_numbers_differ: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Ordered by the later text, then the earlier one.
    pub pairs: Vec<Pair>,
    /// Whether a bound was reached, so that there may be further pairs among the same texts.
    pub bounded: bool,
}

/// Finds pairs of texts in the same group (a language, say) whose similarity is at least `threshold`, above 0 up to 1.
///
/// Time grows with the number of texts, not with its square: each text meets a bounded number of others.
///
/// ```
/// use eval_suite::dataset::near_duplicates::find;
/// let texts = [(0, "Who is the supplier of order 17?"), (0, "who is the supplier of order 17"), (0, "How many items?")];
/// let pairs = find(&texts, 0.8).pairs;
/// assert_eq!((pairs.len(), pairs[0].first, pairs[0].second, pairs[0].similarity), (1, 0, 1, 1.0));
/// ```
pub fn find<T: AsRef<str>>(texts: &[(u8, T)], threshold: f64) -> Found {
    let threshold = threshold.clamp(f64::MIN_POSITIVE, 1.0);
    let sets = ordered_by_rarity(texts);
    let mut index: HashMap<u32, Vec<usize>> = HashMap::new();
    let mut found = Found::default();
    let mut met = Vec::new();
    for (second, set) in sets.iter().enumerate() {
        let size = set.len() as f64;
        let prefix =
            set.len() + 1 - ((threshold * size).ceil() as usize).clamp(1, set.len().max(1));
        met.clear();
        for piece in set.iter().take(prefix) {
            let postings = index.entry(*piece).or_default();
            met.extend(postings.iter().copied());
            if postings.len() < MAX_POSTINGS {
                postings.push(second);
            } else {
                found.bounded = true;
            }
        }
        met.sort_unstable();
        met.dedup();
        for &first in &met {
            let other = sets[first].len() as f64;
            // Sizes too far apart cannot reach the threshold.
            if other < threshold * size || size < threshold * other {
                continue;
            }
            let similarity = jaccard(&sets[first], set);
            if similarity + 1e-12 < threshold {
                continue;
            }
            if found.pairs.len() == MAX_PAIRS {
                found.bounded = true;
                return found;
            }
            found.pairs.push(Pair {
                first,
                second,
                similarity,
                only_numbers_differ: only_numbers_differ(
                    texts[first].1.as_ref(),
                    texts[second].1.as_ref(),
                ),
            });
        }
    }
    found
}

/// Each text's pieces as numbers, rare ones first and small ones rare: sets and prefixes are sorted alike.
fn ordered_by_rarity<T: AsRef<str>>(texts: &[(u8, T)]) -> Vec<Vec<u32>> {
    let mut ids: HashMap<(u8, [char; PIECE_LETTERS]), u32> = HashMap::new();
    let mut counts: Vec<u32> = Vec::new();
    let mut sets: Vec<Vec<u32>> = texts
        .iter()
        .map(|(group, text)| {
            let mut set: Vec<u32> = pieces(text.as_ref())
                .map(|piece| {
                    *ids.entry((*group, piece)).or_insert_with(|| {
                        counts.push(0);
                        (counts.len() - 1) as u32
                    })
                })
                .collect();
            set.sort_unstable();
            set.dedup();
            for &piece in &set {
                counts[piece as usize] += 1;
            }
            set
        })
        .collect();
    let mut by_count: Vec<u32> = (0..counts.len() as u32).collect();
    by_count.sort_by_key(|&piece| (counts[piece as usize], piece));
    let mut rank = vec![0_u32; counts.len()];
    for (place, &piece) in by_count.iter().enumerate() {
        rank[piece as usize] = place as u32;
    }
    for set in &mut sets {
        for piece in set.iter_mut() {
            *piece = rank[*piece as usize];
        }
        set.sort_unstable();
    }
    sets
}

/// Letters and digits in lower case, runs of anything else as one space, with a space at both ends.
fn pieces(text: &str) -> impl Iterator<Item = [char; PIECE_LETTERS]> {
    let mut letters = vec![' '];
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            letters.push(letter);
        } else if letters.last() != Some(&' ') {
            letters.push(' ');
        }
    }
    if letters.last() != Some(&' ') {
        letters.push(' ');
    }
    let count = (letters.len() + 1).saturating_sub(PIECE_LETTERS);
    (0..count).map(move |at| [letters[at], letters[at + 1], letters[at + 2]])
}

/// |A ∩ B| / |A ∪ B| of two sorted sets; 0 where both are empty.
fn jaccard(left: &[u32], right: &[u32]) -> f64 {
    let (mut at, mut beside, mut common) = (0, 0, 0_usize);
    while at < left.len() && beside < right.len() {
        match left[at].cmp(&right[beside]) {
            std::cmp::Ordering::Less => at += 1,
            std::cmp::Ordering::Greater => beside += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                at += 1;
                beside += 1;
            }
        }
    }
    match left.len() + right.len() - common {
        0 => 0.0,
        union => common as f64 / union as f64,
    }
}

fn only_numbers_differ(left: &str, right: &str) -> bool {
    let template = |text: &str| {
        let mut template = String::new();
        for letter in text.to_lowercase().chars() {
            if !letter.is_ascii_digit() {
                template.push(letter);
            } else if !template.ends_with('#') {
                template.push('#');
            }
        }
        template
    };
    left != right && template(left) == template(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: (u8, &str), right: (u8, &str), threshold: f64, expected: Option<(bool, f64)>) {
        let found = find(&[left, right], threshold);
        let pair = found.pairs.first().map(|pair| {
            (
                pair.only_numbers_differ,
                (pair.similarity * 100.0).round() / 100.0,
            )
        });
        assert_eq!(pair, expected, "{left:?} {right:?}");
        assert!(!found.bounded);
    }

    #[test]
    fn pairs() {
        let total = "What is the total of order 4500000520?";
        check(
            (0, total),
            (0, "what is the TOTAL of order 4500000520"),
            0.8,
            Some((false, 1.0)),
        );
        check((0, total), (1, total), 0.8, None);
        check(
            (0, total),
            (0, "What is the total of order 4500000521?"),
            0.8,
            Some((true, 0.89)),
        );
        check(
            (0, total),
            (0, "What is the total of order 4500000521?"),
            0.9,
            None,
        );
        check((0, total), (0, "Who delivers the bolts?"), 0.8, None);
        check(
            (2, "מי הספק של הזמנה 520?"),
            (2, "מי הספק בהזמנה 520?"),
            0.6,
            Some((false, 0.65)),
        );
        check((0, ""), (0, "?"), 0.8, None);
        // Two letters have one piece less than nothing to compare with three.
        check((0, "ab"), (0, "ab"), 1.0, Some((false, 1.0)));
    }

    /// The index finds what comparing all pairs finds.
    #[test]
    fn nothing_is_missed() {
        let nouns = [
            "total",
            "supplier",
            "order date",
            "items",
            "price of the frame",
            "currency",
        ];
        let texts: Vec<(u8, String)> = (0..240)
            .map(|n| {
                let polite = if n % 3 == 0 {
                    "Please tell me the"
                } else {
                    "What is the"
                };
                (
                    (n % 2) as u8,
                    format!(
                        "{polite} {} of order {}",
                        nouns[n % nouns.len()],
                        4_500_000_000_u64 + (n as u64 * 7919) % 977
                    ),
                )
            })
            .collect();
        for threshold in [0.5, 0.7, 0.85, 1.0] {
            let sets = ordered_by_rarity(&texts);
            let mut expected = Vec::new();
            for second in 0..texts.len() {
                for first in 0..second {
                    if jaccard(&sets[first], &sets[second]) + 1e-12 >= threshold {
                        expected.push((first, second));
                    }
                }
            }
            let found: Vec<_> = find(&texts, threshold)
                .pairs
                .iter()
                .map(|pair| (pair.first, pair.second))
                .collect();
            assert_eq!(found, expected, "{threshold}");
        }
    }

    #[test]
    fn masses_of_one_template_are_bounded() {
        let texts: Vec<(u8, String)> = (0..50_000)
            .map(|n| {
                (
                    0,
                    format!(
                        "What is the total of purchase order {}?",
                        4_500_000_000_u64 + n
                    ),
                )
            })
            .collect();
        let found = find(&texts, 0.8);
        assert!(found.bounded);
        assert_eq!(found.pairs.len(), MAX_PAIRS);
    }
}
