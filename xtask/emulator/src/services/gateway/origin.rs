//! Who a browser says is asking, and whom it believes to ask.

use axum::http::{HeaderMap, HeaderName, header};
use url::{Host, Url};

/// Whether `Host` and `Origin`, where they are sent, name this machine; any port will do.
pub(super) fn is_local(headers: &HeaderMap) -> bool {
    let all = |name: HeaderName, is_local: fn(&str) -> bool| {
        let mut values = headers.get_all(name).iter();
        values.all(|value| value.to_str().is_ok_and(is_local))
    };
    all(header::HOST, |host| is_loopback(&format!("http://{host}/")))
        && all(header::ORIGIN, is_loopback)
}

fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let is_bare = url.username().is_empty() && url.password().is_none() && url.path() == "/";
    is_bare
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_this_machine_may_ask_and_be_asked() {
        let check = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
            }
            is_local(&headers)
        };
        for (host, origin) in [
            ("127.0.0.1:8080", None),
            ("localhost", Some("http://localhost:6274")),
            ("[::1]:1", Some("https://127.0.0.1")),
        ] {
            assert!(check(host, origin), "{host} {origin:?}");
        }
        for (host, origin) in [
            ("evil.example.com", None),
            ("localhost.evil.example", None),
            ("localhost@evil.example", None),
            ("127.0.0.1", Some("http://evil.example.com")),
            ("127.0.0.1", Some("null")),
            ("127.0.0.1", Some("http://localhost.evil.example")),
            ("", None),
        ] {
            assert!(!check(host, origin), "{host} {origin:?}");
        }
        assert!(is_local(&HeaderMap::new()));
    }
}
