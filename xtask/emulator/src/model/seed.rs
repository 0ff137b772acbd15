//! Chance without a clock: every draw is a function of the request.

use sha2::{Digest, Sha256};

/// A source of draws. Two dice made of the same text give the same answer to the same label, in any order of asking.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    key: [u8; 32],
}

impl Dice {
    /// Dice for everything that makes a request what it is.
    pub(crate) fn new(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self {
            key: hash.finalize().into(),
        }
    }

    /// True with probability `p`.
    pub(crate) fn chance(&self, label: &str, p: f64) -> bool {
        p > 0.0 && self.fraction(label) < p
    }

    /// One of `n` choices; 0 when there are none.
    pub(crate) fn pick(&self, label: &str, n: usize) -> usize {
        usize::try_from(self.bits(label) % (n.max(1) as u64)).unwrap_or(0)
    }

    /// A name of 22 letters and digits, for ids.
    pub(crate) fn name(&self, label: &str) -> String {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        self.digest(label)
            .iter()
            .take(22)
            .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
            .collect()
    }

    fn fraction(&self, label: &str) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.bits(label) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn bits(&self, label: &str) -> u64 {
        let digest = self.digest(label);
        digest[..8]
            .iter()
            .fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }

    fn digest(&self, label: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(label.as_bytes());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_the_text_and_the_label_only() {
        let dice = Dice::new(&["a", "b"]);
        assert_eq!(dice.name("x"), Dice::new(&["a", "b"]).name("x"));
        assert_ne!(dice.name("x"), dice.name("y"));
        assert_ne!(dice.name("x"), Dice::new(&["ab", ""]).name("x"));
    }

    #[test]
    fn chance_keeps_its_probability() {
        let hits = (0..2000)
            .filter(|n| Dice::new(&[&n.to_string()]).chance("drop", 0.3))
            .count();
        assert!((500..700).contains(&hits), "{hits} of 2000");
        assert!(!Dice::new(&["a"]).chance("never", 0.0));
        assert!(Dice::new(&["a"]).chance("always", 1.0));
    }
}
