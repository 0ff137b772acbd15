//! A text that must not reach a log.

use std::fmt;

/// A credential. `Debug` prints a mask; the only way to the text is [`Secret::reveal`].
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that puts it on the wire.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_is_a_mask() {
        let secret = Secret::new("sk-lf-1234");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.reveal(), "sk-lf-1234");
    }
}
