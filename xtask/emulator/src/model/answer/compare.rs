//! Two or more documents side by side.

use rust_decimal::Decimal;

use super::{Answer, record, rows, totals, voice::Voice};
use crate::model::{
    concept::Key,
    phrases::{self, Subject},
    reading::{PastCall, Reading},
};

/// Whether the question wants documents compared.
pub(super) fn applies(reading: &Reading<'_>) -> bool {
    [Key::Highest, Key::Lowest, Key::Difference]
        .iter()
        .any(|key| reading.asks(*key))
}

/// Says each total, then which is higher or lower, or by how much they differ.
pub(super) fn tell(
    records: &[&PastCall],
    reading: &Reading<'_>,
    voice: &Voice<'_>,
    answer: &mut Answer,
) {
    let totals: Vec<(Subject, Decimal, String, Option<String>)> = records
        .iter()
        .filter_map(|call| {
            let (amount, currency) = totals::total(&call.result)?;
            Some((
                record::subject(call),
                amount.parse().ok()?,
                amount,
                currency,
            ))
        })
        .collect();
    for (subject, _, amount, currency) in &totals {
        let said = voice.amount(amount, currency.as_deref());
        answer.sentences.push(phrases::fact(
            voice.language,
            &crate::model::concept::concept(Key::Total).noun,
            subject,
            &said,
        ));
    }
    let highest = totals.iter().max_by_key(|(_, value, ..)| *value);
    let lowest = totals.iter().min_by_key(|(_, value, ..)| *value);
    let (Some(highest), Some(lowest)) = (highest, lowest) else {
        return;
    };
    let key = if reading.asks(Key::Lowest) {
        Key::Lowest
    } else {
        Key::Highest
    };
    let (subject, _, amount, currency) = if key == Key::Lowest { lowest } else { highest };
    let comparable = totals.iter().all(|(.., other)| other == currency);
    if comparable {
        let said = format!(
            "{} {}",
            rows::column_name(Key::Total, voice.language),
            voice.amount(amount, currency.as_deref())
        );
        answer.sentences.push(phrases::superlative(
            voice.language,
            key,
            &subject.opening(voice.language),
            &said,
        ));
        if reading.asks(Key::Difference) {
            let difference = voice.amount(&(highest.1 - lowest.1).to_string(), currency.as_deref());
            answer
                .sentences
                .push(phrases::difference(voice.language, &difference));
        }
    } else {
        answer
            .sentences
            .push(phrases::not_comparable(voice.language));
    }
}
