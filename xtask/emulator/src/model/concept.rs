//! What questions ask for: concepts, the words that ask for each in three languages, and the fields that hold it.
//!
//! The lexicon speaks of purchasing in general; it holds no name of a tool and no value of any record.
//! What it does not know is found by the words that a question shares with a field's name (see `answer`).

use super::text::{self, Word};

mod table;

pub(crate) use table::CONCEPTS;

/// Something a question can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Total,
    Currency,
    Supplier,
    SupplierName,
    OrderDate,
    CreationDate,
    DeliveryDate,
    PaymentTerms,
    CompanyCode,
    PurchasingOrganization,
    PurchasingGroup,
    OrderType,
    Plant,
    ItemCount,
    TotalQuantity,
    Items,
    UnitPrice,
    Quantity,
    Unit,
    Delivered,
    Invoiced,
    MaterialNumber,
    Description,
    Deleted,
    Returns,
    Exists,
    OrderCount,
    Orders,
    Highest,
    Lowest,
    Latest,
    Oldest,
    Difference,
    Overview,
    Status,
    Incoterms,
    CreatedBy,
    Approver,
    Tax,
    Discount,
    Contact,
    Address,
    TrackingNumber,
    Free,
}

/// How a concept reads in an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noun {
    /// With its article, capitalised.
    pub(crate) english: &'static str,
    /// With its article, capitalised.
    pub(crate) german: &'static str,
    /// With its article if it takes one.
    pub(crate) hebrew: &'static str,
    /// Whether the Hebrew noun is feminine.
    pub(crate) feminine: bool,
}

/// One concept.
#[derive(Debug)]
pub(crate) struct Concept {
    /// Which.
    pub(crate) key: Key,
    /// Words of field names, alternatives in order of preference; `=` means that a field has no other words.
    pub(crate) fields: &'static str,
    /// Patterns of questions.
    pub(crate) asked: &'static str,
    /// How it reads in an answer.
    pub(crate) noun: Noun,
}

/// A concept that a question asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Which.
    pub(crate) key: Key,
    /// Positions of the words that ask for it.
    pub(crate) words: Vec<usize>,
}

/// The row of a concept.
pub(crate) fn concept(key: Key) -> &'static Concept {
    CONCEPTS
        .iter()
        .find(|concept| concept.key == key)
        .unwrap_or(&CONCEPTS[0])
}

/// The concepts a question asks for, in its own order. Where patterns share words, the longest one wins.
pub(crate) fn asked(words: &[Word]) -> Vec<Asked> {
    let mut hits: Vec<Asked> = Vec::new();
    for concept in CONCEPTS {
        hits.extend(
            text::find_all(concept.asked, words)
                .into_iter()
                .map(|words| Asked {
                    key: concept.key,
                    words,
                }),
        );
    }
    hits.retain(|hit| !is_mention(hit, words));
    for hit in &mut hits {
        if hit.key == Key::Total && counts_a_thing(hit, words) {
            hit.key = Key::Quantity;
        }
    }
    hits.sort_by_key(|hit| {
        (
            std::cmp::Reverse(hit.words.len()),
            span(hit),
            hit.words[0],
            hit.key,
        )
    });
    let mut taken: Vec<Asked> = Vec::new();
    for hit in hits {
        if !taken
            .iter()
            .any(|other| other.words.iter().any(|word| hit.words.contains(word)))
        {
            taken.push(hit);
        }
    }
    taken.sort_by_key(|hit| hit.words[0]);
    let mut seen = Vec::new();
    taken.retain(|hit| {
        let new = !seen.contains(&hit.key);
        seen.push(hit.key);
        new
    });
    taken
}

/// "how much steel": a quantity; "how much is it": an amount.
fn counts_a_thing(hit: &Asked, words: &[Word]) -> bool {
    const HOW_MUCH: &str = "how much|wie viel|wieviel";
    const NO_THING: &str = "is|are|was|were|does|do|did|has|have|had|will|would|in|for|of|it|we|i|money|altogether|more|higher|ist|sind|war|hat|haben|kostet|kosten|wurde|beträgt|geld|mehr|macht";
    let asks = words
        .get(hit.words[0]..hit.words[0] + hit.words.len())
        .is_some_and(|said| hit.words.len() == 2 && text::starts_with(HOW_MUCH, said));
    let next = hit.words.last().and_then(|last| words.get(last + 1));
    asks && next.is_some_and(|next| !text::contains(NO_THING, std::slice::from_ref(next)))
}

/// "supplier AB-1", "item 30": the word introduces a value instead of asking for one.
fn is_mention(hit: &Asked, words: &[Word]) -> bool {
    const INTRODUCES: [Key; 4] = [Key::Supplier, Key::MaterialNumber, Key::Plant, Key::Items];
    const ORDER: &str = "po|purchase|order|bestell*|auftrag*";
    const CALLED: &str = "called|named|namens|genannt|בשם|שנקראת";
    let next = hit.words.last().and_then(|last| words.get(last + 1));
    let called = hit.key == Key::CompanyCode
        && next.is_some_and(|next| text::contains(CALLED, std::slice::from_ref(next)));
    called
        || INTRODUCES.contains(&hit.key)
            && next.is_some_and(|next| {
                let number = next.raw.bytes().all(|b| b.is_ascii_digit())
                    && next.raw.len() < super::entities::FULL_NUMBER;
                let name = next.raw.starts_with(char::is_uppercase) && hit.key != Key::Items;
                number || (name && !text::contains(ORDER, std::slice::from_ref(next)))
            })
}

/// Of two matches with as many words, the tighter one is meant.
fn span(hit: &Asked) -> usize {
    hit.words.last().unwrap_or(&0) - hit.words[0]
}

#[cfg(test)]
mod tests {
    use super::{Key::*, *};

    fn check(question: &str, expected: &[Key]) {
        let keys: Vec<Key> = asked(&text::words(question))
            .into_iter()
            .map(|hit| hit.key)
            .collect();
        assert_eq!(keys, expected, "{question}");
    }

    #[test]
    fn every_concept_has_one_row() {
        for (i, concept) in CONCEPTS.iter().enumerate() {
            assert!(
                CONCEPTS[..i].iter().all(|other| other.key != concept.key),
                "{:?} twice",
                concept.key
            );
            for pattern in concept.asked.split('|') {
                assert_eq!(pattern, text::fold(pattern), "patterns are written folded");
            }
        }
    }

    #[test]
    fn english_questions() {
        check(
            "What is the total value of purchase order 4711000042?",
            &[Total],
        );
        check("How much does PO 4711000042 cost?", &[Total]);
        check(
            "Who is the supplier of 4711000042 and in which currency is it?",
            &[Supplier, Currency],
        );
        check("What is the name of the supplier?", &[SupplierName]);
        check("When was order 4711000042 placed?", &[OrderDate]);
        check("When was order 4711000042 created?", &[CreationDate]);
        check("How many items does PO 4711000042 have?", &[ItemCount]);
        check("How many units were ordered in total?", &[TotalQuantity]);
        check("How many Wheels are in PO 4711000042?", &[Quantity]);
        check("Which item is the most expensive?", &[Items, Highest]);
        check("Has PO 4711000042 been fully delivered?", &[Delivered]);
        check("How many orders does supplier AB-1 have?", &[OrderCount]);
        check("Which orders are from supplier AB-1?", &[Orders]);
        check("What is the unit price of item 30?", &[UnitPrice]);
        check("What is the latest order of supplier AB-1?", &[Latest]);
        check("Does purchase order 4711009999 exist?", &[Exists]);
    }

    #[test]
    fn german_questions() {
        check(
            "Wie hoch ist der Gesamtwert der Bestellung 4711000042?",
            &[Total],
        );
        check("Wer ist der Lieferant von 4711000042?", &[Supplier]);
        check("Wie heißt der Lieferant?", &[SupplierName]);
        check(
            "Wann wurde die Bestellung 4711000042 aufgegeben?",
            &[OrderDate],
        );
        check("Wann wurde 4711000042 angelegt?", &[CreationDate]);
        check(
            "Wie viele Positionen hat die Bestellung 4711000042?",
            &[ItemCount],
        );
        check("Welche Position ist am teuersten?", &[Items, Highest]);
        check(
            "Wie viele Bestellungen hat der Lieferant AB-1?",
            &[OrderCount],
        );
        check(
            "Welche Bestellungen gibt es vom Lieferanten AB-1?",
            &[Orders],
        );
        check("Was ist der Stückpreis von Position 30?", &[UnitPrice]);
        check(
            "Wurde die Bestellung 4711000042 schon geliefert?",
            &[Delivered],
        );
        check("In welcher Währung?", &[Currency]);
    }

    #[test]
    fn hebrew_questions() {
        check("מה הסכום הכולל של הזמנה 4711000042?", &[Total]);
        check("מי הספק של הזמנת רכש 4711000042?", &[Supplier]);
        check("מה שם הספק?", &[SupplierName]);
        check("מתי בוצעה הזמנה 4711000042?", &[OrderDate]);
        check("כמה פריטים יש בהזמנה 4711000042?", &[ItemCount]);
        check("מה המחיר ליחידה של פריט 30?", &[UnitPrice]);
        check("באיזה מטבע ההזמנה?", &[Currency]);
        check("כמה הזמנות יש לספק AB-1?", &[OrderCount]);
        check("אילו הזמנות יש מהספק AB-1?", &[Orders]);
        check("איזה פריט הכי יקר?", &[Items, Highest]);
        check("האם הזמנה 4711000042 סופקה?", &[Delivered]);
    }
}
