//! What tags allow facts to say, and whether the facts keep to it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::Fact;

/// Something untrue, as a sentence without the case's name.
pub(super) type Problem = String;

/// What one tag is about: values of which at least one must be said.
#[derive(Debug, Default, Clone)]
pub(super) struct Claim {
    pub(super) numbers: Vec<Decimal>,
    /// Dates as `yyyy-mm-dd`, ids, names and texts; a fact may say a part of one.
    pub(super) texts: Vec<String>,
    /// The truth is a yes, a no or a state, so words of any kind may tell it.
    pub(super) in_words: bool,
    /// The tag only says where to look (`line_20`): facts may use it and need not.
    pub(super) optional: bool,
    /// Of a list: each of these must be met, too.
    pub(super) each: Vec<Claim>,
}

impl Claim {
    pub(super) fn number(number: impl Into<Decimal>) -> Self {
        Self {
            numbers: vec![number.into()],
            ..Self::default()
        }
    }

    pub(super) fn text(text: &str) -> Self {
        Self {
            texts: vec![text.to_owned()],
            ..Self::default()
        }
    }

    pub(super) fn words(numbers: Vec<Decimal>) -> Self {
        Self {
            numbers,
            in_words: true,
            ..Self::default()
        }
    }

    /// A list of which every part must be said.
    pub(super) fn list(parts: Vec<Claim>) -> Self {
        let mut whole = Self {
            each: parts.clone(),
            ..Self::default()
        };
        for part in parts {
            whole.numbers.extend(part.numbers);
            whole.texts.extend(part.texts);
        }
        whole
    }

    /// Whether a spelling of a fact says it.
    fn is_met(&self, facts: &[Fact]) -> bool {
        let said = |spelling: &str| {
            self.names(spelling) || sayings(spelling).iter().any(|saying| self.holds(saying))
        };
        self.optional
            || (facts.iter().flat_map(Fact::spellings).any(said)
                && self.each.iter().all(|part| part.is_met(facts)))
    }

    /// Whether the whole spelling stands in one of the texts.
    fn names(&self, spelling: &str) -> bool {
        self.texts
            .iter()
            .any(|known| contains_words(known, spelling))
    }

    fn holds(&self, saying: &Saying<'_>) -> bool {
        match saying {
            Saying::Number(_, number) => self.numbers.contains(number),
            Saying::Text(text) => self.names(text),
            Saying::Words(text) => self.in_words || self.names(text),
        }
    }
}

/// Whether `part` stands in `whole`, from word boundary to word boundary.
fn contains_words(whole: &str, part: &str) -> bool {
    let fold = |text: &str| {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        format!(" {} ", words.join(" "))
    };
    fold(whole).contains(&fold(part))
}

/// Claims by tag.
#[derive(Debug, Default)]
pub(super) struct Claims(BTreeMap<String, Claim>);

impl Claims {
    pub(super) fn insert(&mut self, tag: &str, claim: Claim) {
        let known = self.0.entry(tag.to_owned()).or_default();
        known.numbers.extend(claim.numbers);
        known.texts.extend(claim.texts);
        known.in_words |= claim.in_words;
        known.optional |= claim.optional;
        known.each.extend(claim.each);
    }

    /// Also allows what another call of the same case is about.
    pub(super) fn add(&mut self, other: Claims) {
        for (tag, claim) in other.0 {
            self.insert(&tag, claim);
        }
    }

    pub(super) fn knows(&self, tag: &str) -> bool {
        self.0.contains_key(tag)
    }

    /// Sayings of the facts that no tag explains, and tags that no fact meets.
    pub(super) fn unexplained(&self, facts: &[Fact]) -> Vec<Problem> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut problems = Vec::new();
        for fact in facts {
            let has_spellings = !fact.any_of.is_empty();
            for (index, spelling) in fact.spellings().enumerate() {
                for saying in sayings(spelling) {
                    // A title beside its spellings may be any sentence, but not one with a wrong number in it.
                    let is_title =
                        index == 0 && has_spellings && matches!(saying, Saying::Words(_));
                    if !is_title && !self.explained(spelling, &saying) {
                        problems.push(format!(
                            "the fact `{}` says {}, which no tag explains",
                            fact.text,
                            saying.shown()
                        ));
                    }
                }
            }
        }
        for (tag, _) in self.0.iter().filter(|(_, claim)| !claim.is_met(facts)) {
            problems.push(format!("no fact says what the tag {tag} is about"));
        }
        problems
    }

    fn explained(&self, spelling: &str, saying: &Saying<'_>) -> bool {
        self.0
            .values()
            .any(|claim| claim.names(spelling) || claim.holds(saying))
    }
}

/// One thing that a spelling says.
#[derive(Debug)]
enum Saying<'a> {
    Number(&'a str, Decimal),
    /// A date or an id: it has digits and is no number.
    Text(&'a str),
    /// The whole spelling, which has no digit.
    Words(&'a str),
}

impl Saying<'_> {
    fn shown(&self) -> String {
        match self {
            Saying::Number(text, _) | Saying::Text(text) => (*text).to_owned(),
            Saying::Words(text) => format!("`{text}`"),
        }
    }
}

/// Facts are written in English notation: `209,236.00`, `2019-10-21`.
fn sayings(spelling: &str) -> Vec<Saying<'_>> {
    let with_digits: Vec<_> = spelling
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.contains(|c: char| c.is_ascii_digit()))
        .map(|word| match word.replace(',', "").parse::<Decimal>() {
            Ok(number) => Saying::Number(word, number),
            Err(_) => Saying::Text(word),
        })
        .collect();
    if with_digits.is_empty() {
        vec![Saying::Words(spelling)]
    } else {
        with_digits
    }
}
