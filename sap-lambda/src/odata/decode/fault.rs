//! What SAP says when it refuses: JSON, its XML twin, or HTML.

use serde::Deserialize;

/// Longest sentence handed on.
const MAX_CHARS: usize = 200;

/// SAP's own words in an error body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// Message class and number, such as `/IWFND/MED/170`; empty in HTML.
    pub code: String,
    /// One line of bounded length without addresses.
    pub sentence: String,
}

/// Reads an error body: OData JSON, OData XML (sent when a proxy rewrote `Accept`), or the title of an HTML
/// page, which is usual for 401, 500 and 503. `None` when there is nothing to read.
///
/// `user` is the technical user, whose name is left out: SAP likes to repeat it.
pub fn fault(body: &[u8], user: &str) -> Option<Fault> {
    let text = std::str::from_utf8(body)
        .ok()?
        .trim_start_matches('\u{feff}');
    let (code, sentence) = match text.trim_start().chars().next()? {
        '{' => json(text)?,
        '<' => markup(text)?,
        _ => return None,
    };
    let sentence = cleaned(&sentence, user);
    let code = code.chars().take(MAX_CHARS).collect();
    (!sentence.is_empty()).then_some(Fault { code, sentence })
}

fn json(text: &str) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Body {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        code: String,
        message: Message,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Message {
        V2 { value: String },
        Plain(String),
    }
    let error = serde_json::from_str::<Body>(text).ok()?.error;
    let (Message::V2 { value } | Message::Plain(value)) = error.message;
    Some((error.code, value))
}

fn markup(text: &str) -> Option<(String, String)> {
    if let Some(message) = element(text, "message") {
        return Some((element(text, "code").unwrap_or_default(), message));
    }
    let title = element(text, "title").or_else(|| element(text, "h1"))?;
    Some((String::new(), title))
}

/// Text of the first element of that name, without the elements inside it.
fn element(text: &str, name: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    let start = loop {
        let at = from + lower.get(from..)?.find(&format!("<{name}"))? + name.len() + 1;
        match lower[at..].chars().next()? {
            '>' | ' ' | '\t' | '\r' | '\n' => break at + lower[at..].find('>')? + 1,
            _ => from = at,
        }
    };
    let end = start + lower[start..].find(&format!("</{name}"))?;
    let mut plain = String::new();
    let mut in_tag = false;
    for c in text[start..end].chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                plain.push(' ');
            }
            _ if !in_tag => plain.push(c),
            _ => {}
        }
    }
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    Some(
        entities
            .iter()
            .fold(plain, |text, (entity, c)| text.replace(entity, c)),
    )
}

/// One line of bounded length without anything that looks like an address, a path of the server or the user.
fn cleaned(text: &str, user: &str) -> String {
    let words = text
        .split_whitespace()
        .filter(|word| !is_address(word) && !names(word, user));
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn names(word: &str, user: &str) -> bool {
    !user.is_empty() && bare(word).eq_ignore_ascii_case(user)
}

/// A URL, a path below `/sap/`, an IP address, or a host name: two or more points, or a port, or an ending that
/// internal hosts have.
fn is_address(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    if lower.contains("://") || lower.contains("/sap/") {
        return true;
    }
    let lower = bare(&lower);
    let (host, port) = match lower.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (lower, None),
    };
    let labels: Vec<&str> = host.split('.').collect();
    let is_host = labels.iter().all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    let has_port = port.is_some_and(|port| {
        (2..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit())
    });
    let last = labels.last().copied().unwrap_or_default();
    let internal = [
        "local", "internal", "corp", "lan", "intra", "com", "net", "org",
    ];
    is_host
        && ((has_port && !host.bytes().all(|b| b.is_ascii_digit()))
            || labels.len() > 2
            || (labels.len() == 2 && internal.contains(&last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_bodies_become_a_sentence() {
        for (body, code, sentence) in [
            (
                r#"{"error":{"code":"005056A509B11EE1","message":{"lang":"en","value":"Invalid key in\n https://sap.internal:44300/x for Y at /sap/opu/odata"}}}"#,
                "005056A509B11EE1",
                "Invalid key in for Y at",
            ),
            (
                r#"{"error":{"code":"X/1","message":"User DEMO ('demo') on s4h.corp.example:44300 and vhcals4hci.local has no rights"}}"#,
                "X/1",
                "User on and has no rights",
            ),
            (
                r#"<?xml version="1.0"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><code>/IWFND/CM_MGW/051</code><message xml:lang="en">Property &apos;A &lt; B&apos; not found</message><innererror/></error>"#,
                "/IWFND/CM_MGW/051",
                "Property 'A < B' not found",
            ),
            (
                "<html><head><TITLE>Logon failed for 10.0.0.5:50000</TITLE></head><body><h1>x</h1></body></html>",
                "",
                "Logon failed for",
            ),
            (
                "<html><body><h1>500 <b>SAP</b> Internal Server Error</h1></body></html>",
                "",
                "500 SAP Internal Server Error",
            ),
            (
                r#"{"error":{"message":{"value":"Item 00010: quantity 12.5 is at 10:30, version 7.50"}}}"#,
                "",
                "Item 00010: quantity 12.5 is at 10:30, version 7.50",
            ),
        ] {
            let expected = Fault {
                code: code.to_owned(),
                sentence: sentence.to_owned(),
            };
            assert_eq!(fault(body.as_bytes(), "DEMO"), Some(expected), "{body}");
        }
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        for body in [
            "",
            "Service Unavailable",
            "<html><body>no title</body></html>",
            "<title>unclosed",
            "<message",
            r#"{"error":{}}"#,
            r#"{"error":{"message":{"value":"https://only.an.address/"}}}"#,
            "<message>://</message>",
        ] {
            assert_eq!(fault(body.as_bytes(), "DEMO"), None, "{body}");
        }
        assert_eq!(fault(&[0xff, 0xfe], ""), None);
        let long = format!(r#"{{"error":{{"message":"{}"}}}}"#, "wörd ".repeat(100));
        assert!(fault(long.as_bytes(), "").unwrap().sentence.chars().count() <= 201);
    }
}
