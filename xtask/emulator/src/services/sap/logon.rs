//! Who may log on: Basic authentication against the technical user, client 100, and the lock after wrong passwords.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::world;

/// The one client (tenant) of the system.
const CLIENT: &str = "100";
/// Wrong passwords in a row that lock the user: SAP's `login/fails_to_user_lock`.
const FAILS_TO_LOCK: u32 = 5;

/// The technical user's wrong passwords.
#[derive(Debug, Default)]
pub(super) struct Logon {
    failed: Mutex<u32>,
}

impl Logon {
    /// Whether the request may go on. Credentials of others than the technical user count for nobody.
    pub(super) fn admits(&self, user: &world::Sap, query: &str, headers: &HeaderMap) -> bool {
        let Some((name, password)) = credentials(headers) else {
            return false;
        };
        // SAP's user names have no lower case.
        if !name.eq_ignore_ascii_case(&user.username) {
            return false;
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if *failed >= FAILS_TO_LOCK {
            return false;
        }
        if password == user.password {
            *failed = 0;
            knows_client(query, headers)
        } else {
            *failed += 1;
            false
        }
    }

    /// Wrong passwords in a row.
    pub(super) fn failed(&self) -> u32 {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether even the right password is refused.
    pub(super) fn is_locked(&self) -> bool {
        self.failed() >= FAILS_TO_LOCK
    }

    /// What an administrator does in transaction SU01.
    pub(super) fn unlock(&self) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = 0;
    }
}

/// User and password of a Basic `Authorization` header.
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// `sap-client` as query option or header; the default client without it.
fn knows_client(query: &str, headers: &HeaderMap) -> bool {
    let header = || {
        headers
            .get("sap-client")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    super::option(query, "sap-client")
        .or_else(header)
        .is_none_or(|client| client == CLIENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> world::Sap {
        world::Sap {
            username: "DEMO".to_owned(),
            password: "right".to_owned(),
        }
    }

    fn try_password(logon: &Logon, name: &str, password: &str) -> bool {
        let mut headers = HeaderMap::new();
        let encoded = BASE64_STANDARD.encode(format!("{name}:{password}"));
        headers.insert(
            header::AUTHORIZATION,
            format!("Basic {encoded}").parse().unwrap(),
        );
        logon.admits(&user(), "", &headers)
    }

    #[test]
    fn five_wrong_passwords_in_a_row_lock_the_user() {
        let logon = Logon::default();
        for _ in 0..4 {
            assert!(!try_password(&logon, "DEMO", "wrong"));
        }
        assert!(try_password(&logon, "demo", "right"), "four are forgiven");
        for _ in 0..10 {
            assert!(!try_password(&logon, "OTHER", "right"), "not this user's");
        }
        for _ in 0..5 {
            assert!(!try_password(&logon, "DEMO", "wrong"));
        }
        assert!(!try_password(&logon, "DEMO", "right"), "locked");
        assert!(logon.is_locked());
        logon.unlock();
        assert!(try_password(&logon, "DEMO", "right"));
    }

    #[test]
    fn another_client_is_no_wrong_password() {
        let logon = Logon::default();
        let mut headers = HeaderMap::new();
        let encoded = BASE64_STANDARD.encode("DEMO:right");
        headers.insert(
            header::AUTHORIZATION,
            format!("basic {encoded}").parse().unwrap(),
        );
        assert!(!logon.admits(&user(), "sap-client=200", &headers));
        assert_eq!(logon.failed(), 0);
        assert!(logon.admits(&user(), "sap-client=100", &headers));
    }
}
