//! Decimals of currencies.

use rust_decimal::{Decimal, RoundingStrategy};

/// Digits after the point by ISO 4217; two where it is not known.
pub fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// `amount` to the currency's decimals, half a unit away from zero, as SAP rounds values of items.
pub(super) fn rounded(amount: Decimal, currency: &str) -> Decimal {
    amount.round_dp_with_strategy(
        minor_digits(currency),
        RoundingStrategy::MidpointAwayFromZero,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_to_what_can_be_paid() {
        for (amount, currency, expected) in [
            ("1.005", "USD", "1.01"),
            ("-1.005", "EUR", "-1.01"),
            ("1.004", "XXX", "1.00"),
            ("0.5", "JPY", "1"),
            ("1.2345", "KWD", "1.235"),
            ("7", "USD", "7"),
        ] {
            let amount: Decimal = amount.parse().unwrap();
            assert_eq!(
                rounded(amount, currency).to_string(),
                expected,
                "{amount} {currency}"
            );
        }
    }
}
