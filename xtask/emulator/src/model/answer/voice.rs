//! How one model says things in one answer: its language, and its mistakes in copying.

use rust_decimal::Decimal;

use super::Answer;
use crate::model::{
    concept::Key, instructions::Instructions, language::Language, locale, phrases, profile::Chance,
    reading::Reading, tool_choice,
};

/// Rows of a list that are left when it is cut short.
const CUT_LIST: usize = 3;

/// Leading digits that are left of a rounded amount.
const ROUNDED_DIGITS: u32 = 3;

/// A model's way of saying things.
#[derive(Debug)]
pub(super) struct Voice<'a> {
    pub(super) language: Language,
    instructions: &'a Instructions,
    chance: &'a Chance<'a>,
    /// Rounding and forgetting are moods of a whole answer, not of a number.
    rounds: bool,
    forgets_currency: bool,
}

impl<'a> Voice<'a> {
    pub(super) fn new(reading: &'a Reading<'_>, chance: &'a Chance<'a>) -> Self {
        let profile = chance.profile;
        let instructions = &reading.instructions;
        Self {
            language: reading.language(chance),
            instructions,
            rounds: chance.slips("rounds", profile.rounds_amount, instructions.exact),
            forgets_currency: chance.slips(
                "forgets the currency",
                profile.forgets_currency,
                instructions.currency,
            ),
            chance,
        }
    }

    /// An amount with its currency.
    pub(super) fn amount(&self, amount: &str, currency: Option<&str>) -> String {
        let rounded = if self.rounds { round(amount) } else { None };
        let mut text = locale::number(self.language, rounded.as_deref().unwrap_or(amount));
        if let Some(currency) =
            currency.filter(|currency| !self.forgets_currency && !currency.is_empty())
        {
            text.push(' ');
            text.push_str(currency);
        }
        if rounded.is_some() {
            phrases::about(self.language, &text)
        } else {
            text
        }
    }

    /// A quantity with its unit.
    pub(super) fn quantity(&self, quantity: &str, unit: Option<&str>) -> String {
        let number = locale::number(self.language, quantity);
        unit.map_or_else(|| number.clone(), |unit| format!("{number} {unit}"))
    }

    /// A date in words.
    pub(super) fn date(&self, iso: &str) -> String {
        locale::date(self.language, iso)
    }

    /// Any value: a date in words, everything else as it is.
    pub(super) fn text(&self, value: &str) -> String {
        locale::date(self.language, value)
    }

    /// The field a careless eye lands on instead of the one that is asked for.
    pub(super) fn looked_at(&self, key: Key, exists: impl Fn(Key) -> bool) -> Key {
        let neighbour = match key {
            Key::Total => Key::UnitPrice,
            Key::UnitPrice => Key::Total,
            Key::OrderDate => Key::CreationDate,
            Key::CreationDate => Key::OrderDate,
            Key::PurchasingOrganization => Key::PurchasingGroup,
            Key::PurchasingGroup => Key::PurchasingOrganization,
            Key::CompanyCode => Key::PurchasingGroup,
            Key::ItemCount => Key::TotalQuantity,
            Key::TotalQuantity => Key::ItemCount,
            key => key,
        };
        let errs = neighbour != key
            && self.chance.happens(
                &format!("wrong field {key:?}"),
                self.chance.profile.wrong_field,
            );
        if errs && exists(neighbour) {
            neighbour
        } else {
            key
        }
    }

    /// The row a careless eye lands on instead of row `at` of `rows`.
    pub(super) fn looked_at_row(&self, at: usize, rows: usize) -> usize {
        if rows > 1
            && self
                .chance
                .happens("wrong row", self.chance.profile.wrong_field)
        {
            (at + 1) % rows
        } else {
            at
        }
    }

    /// A value that the data do not hold, made up; none when the model stays honest.
    pub(super) fn invented(&self, key: Key) -> Option<String> {
        if !self.chance.slips(
            &format!("invents {key:?}"),
            self.chance.profile.invents,
            self.instructions.grounded,
        ) {
            return None;
        }
        let number = 1 + self.chance.dice.pick("invented", 28);
        Some(match key {
            Key::Total | Key::UnitPrice => {
                self.amount(&format!("{}.00", number * 137), Some("USD"))
            }
            Key::OrderDate | Key::CreationDate | Key::DeliveryDate => {
                self.date(&format!("2024-{:02}-{number:02}", 1 + number % 12))
            }
            Key::Quantity | Key::TotalQuantity | Key::ItemCount => number.to_string(),
            _ => format!("{:04}", 1000 + number * 10),
        })
    }

    /// The whole text, after what the model leaves out.
    pub(super) fn finish(&self, mut answer: Answer, reading: &Reading<'_>) -> String {
        let slips = |label: &str| {
            self.chance.slips(
                label,
                self.chance.profile.drops_fact,
                self.instructions.complete,
            )
        };
        if answer.sentences.len() > 1 && slips("drops a fact") {
            let dropped = self
                .chance
                .dice
                .pick("dropped fact", answer.sentences.len());
            answer.sentences.remove(dropped);
        }
        if answer.list.len() > CUT_LIST && slips("cuts the list") {
            answer.list.truncate(CUT_LIST);
        }
        let mut text = answer.sentences.join(" ");
        for line in answer
            .lead
            .iter()
            .cloned()
            .chain(answer.list.iter().map(|line| format!("- {line}")))
        {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&line);
        }
        let tools: Vec<String> = reading
            .good_calls()
            .map(|call| tool_choice::own_words(&call.tool).join("_"))
            .collect();
        let source = (self.instructions.name_source
            && !self.instructions.brief
            && !tools.is_empty())
        .then(|| {
            let mut distinct = tools.clone();
            distinct.dedup();
            phrases::source(self.language, &distinct.join(", "))
        });
        for sentence in answer.closing.into_iter().chain(source) {
            text.push_str(if answer.list.is_empty() { " " } else { "\n" });
            text.push_str(&sentence);
        }
        text.trim().to_owned()
    }
}

/// The amount with all but its first digits as zeros; none when that changes nothing.
fn round(amount: &str) -> Option<String> {
    let value: Decimal = amount.parse().ok()?;
    let rounded = value.round_sf(ROUNDED_DIGITS)?.normalize();
    (rounded != value).then(|| rounded.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_three_digits() {
        for (amount, rounded) in [
            ("209236.00", Some("209000")),
            ("335.24", Some("335")),
            ("11.50", None),
            ("100", None),
        ] {
            assert_eq!(round(amount).as_deref(), rounded, "{amount}");
        }
    }
}
