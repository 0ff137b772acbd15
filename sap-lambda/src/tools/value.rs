//! How numbers and codes of SAP are written for the model, and the sums that keep units and currencies apart.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::source::currency::minor_digits;

/// A quantity in one unit.
#[derive(Debug, Serialize)]
pub(super) struct Quantity {
    unit: String,
    quantity: String,
}

/// Sums of quantities, one for each unit, in the units' alphabetical order.
#[derive(Debug, Clone, Default)]
pub(super) struct Quantities(BTreeMap<String, Decimal>);

impl Quantities {
    pub(super) fn add(&mut self, unit: &str, quantity: Decimal) {
        *self.0.entry(unit.to_owned()).or_default() += quantity;
    }

    pub(super) fn list(&self) -> Vec<Quantity> {
        let shown = |(unit, sum): (&String, &Decimal)| Quantity {
            unit: unit.clone(),
            quantity: quantity(*sum),
        };
        self.0.iter().map(shown).collect()
    }
}

/// An amount in one currency.
#[derive(Debug, Serialize)]
pub(super) struct Amount {
    currency: String,
    amount: String,
}

/// Sums of amounts, one for each currency, in the currencies' alphabetical order.
#[derive(Debug, Clone, Default)]
pub(super) struct Amounts(BTreeMap<String, Decimal>);

impl Amounts {
    pub(super) fn add(&mut self, currency: &str, amount: Decimal) {
        *self.0.entry(currency.to_owned()).or_default() += amount;
    }

    pub(super) fn list(&self) -> Vec<Amount> {
        let shown = |(currency, sum): (&String, &Decimal)| Amount {
            currency: currency.clone(),
            amount: amount(*sum, currency),
        };
        self.0.iter().map(shown).collect()
    }
}

/// A quantity or a count: no trailing zeros.
pub(super) fn quantity(value: Decimal) -> String {
    value.normalize().to_string()
}

/// An amount or price with the currency's decimals. SAP sends three for every currency; digits beyond the
/// currency's are kept when they are not zero, because rounding is not ours to do.
pub(super) fn amount(value: Decimal, currency: &str) -> String {
    let mut value = value.normalize();
    let scale = minor_digits(currency);
    if value.scale() < scale {
        value.rescale(scale);
    }
    value.to_string()
}

/// A zero-padded number such as item `00010`, as people write it.
pub(super) fn unpadded(text: &str) -> &str {
    match text.trim_start_matches('0') {
        "" => text,
        rest => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_currencys_decimals() {
        for (wire, currency, expected) in [
            ("209236.000", "USD", "209236.00"),
            ("335.240", "USD", "335.24"),
            ("12000.000", "JPY", "12000"),
            ("1.500", "KWD", "1.500"),
            ("0.000", "EUR", "0.00"),
            ("-5.100", "EUR", "-5.10"),
            ("0.125", "USD", "0.125"),
            ("100", "USD", "100.00"),
            (
                "12345678901234567890.123",
                "USD",
                "12345678901234567890.123",
            ),
        ] {
            assert_eq!(
                amount(wire.parse().unwrap(), currency),
                expected,
                "{wire} {currency}"
            );
        }
    }

    #[test]
    fn quantities_have_no_trailing_zeros() {
        for (wire, expected) in [
            ("362.000", "362"),
            ("0.500", "0.5"),
            ("0.000", "0"),
            ("100", "100"),
            ("-1.0", "-1"),
        ] {
            assert_eq!(quantity(wire.parse().unwrap()), expected, "{wire}");
        }
    }

    #[test]
    fn padding_goes_but_zero_stays() {
        assert_eq!(
            ["00010", "10", "00000"].map(unpadded),
            ["10", "10", "00000"]
        );
    }
}
