//! A documented approximation of token counts: no vocabulary is shipped, and prices only need the right proportions.

use super::{Block, Request, text::is_hebrew};

/// Fixed cost of one message: its role and separators.
const MESSAGE_OVERHEAD: usize = 4;

/// Fixed cost of one tool definition beyond its texts.
const TOOL_OVERHEAD: usize = 12;

/// Tokens of a text: a run of Latin letters costs one for each started 5 letters, digits one for each started 3,
/// Hebrew and other letters one for each started 2, any other visible character one.
pub(crate) fn count(text: &str) -> usize {
    let mut tokens = 0;
    let mut run = (Class::Space, 0_usize);
    for c in text.chars() {
        let class = Class::of(c);
        if class != run.0 {
            tokens += run.0.tokens(run.1);
            run = (class, 0);
        }
        run.1 += 1;
    }
    tokens + run.0.tokens(run.1)
}

/// Tokens of everything the model reads: system prompt, tools and messages.
pub(crate) fn count_request(request: &Request) -> usize {
    let system: usize = request.system.iter().map(|text| count(text)).sum();
    let tools: usize = request
        .tools
        .iter()
        .map(|tool| {
            count(&tool.name)
                + count(&tool.description)
                + count(&tool.input_schema.to_string())
                + TOOL_OVERHEAD
        })
        .sum();
    let messages: usize = request
        .messages
        .iter()
        .map(|message| count_blocks(&message.content) + MESSAGE_OVERHEAD)
        .sum();
    system + tools + messages
}

/// Tokens of content blocks.
pub(crate) fn count_blocks(blocks: &[Block]) -> usize {
    blocks
        .iter()
        .map(|block| match block {
            Block::Text(text) => count(text),
            Block::ToolUse { name, input, .. } => count(name) + count(&input.to_string()),
            Block::ToolResult { text, .. } => count(text),
        })
        .sum()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Latin,
    Digit,
    Other,
    Mark,
    Space,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            c if c.is_whitespace() => Self::Space,
            c if c.is_ascii_digit() => Self::Digit,
            c if is_hebrew(c) => Self::Other,
            c if c.is_alphabetic() && u32::from(c) < 0x250 => Self::Latin,
            c if c.is_alphanumeric() => Self::Other,
            _ => Self::Mark,
        }
    }

    fn tokens(self, length: usize) -> usize {
        match self {
            Self::Latin => length.div_ceil(5),
            Self::Digit => length.div_ceil(3),
            Self::Other => length.div_ceil(2),
            Self::Mark => length,
            Self::Space => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_script() {
        for (text, tokens) in [
            ("", 0),
            ("order", 1),
            ("orders", 2),
            ("4500000520", 4),
            ("הזמנה", 3),
            ("a, b", 3),
        ] {
            assert_eq!(count(text), tokens, "{text}");
        }
    }
}
