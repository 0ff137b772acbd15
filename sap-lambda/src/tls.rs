//! TLS: rustls on ring, and whom to trust.
//!
//! The roots are built in (`webpki-roots`, Mozilla's list), so that no certificate bundle of the machine is parsed at
//! a cold start. A PEM file can take their place, for a SAP system behind a private certification authority.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use thiserror::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than servers keep a connection, SAP's default among them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_IDLE: usize = 8;
/// The largest system bundles are around 300 kB.
const MAX_CA_FILE_BYTES: u64 = 4 * 1024 * 1024;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Why there is no TLS client.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file with the roots cannot be read.
    #[error("cannot read the certification authorities in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// It holds something that is no certificate.
    #[error("{}:{line}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where the certificate begins, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It holds no certificate at all.
    #[error("{} holds no `{BEGIN}`", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// rustls refuses the combination of settings.
    #[error("cannot set up TLS")]
    Rustls(#[from] rustls::Error),
}

/// A client that trusts the built-in roots, or those of the PEM file instead.
///
/// # Errors
/// When the file is not usable; the message names the line.
pub fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let roots = match ca_file {
        None => RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        },
        Some(path) => roots_of(path)?,
    };
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

/// An HTTP client over it that follows no redirect: one would lead to a logon page, or carry a password elsewhere.
///
/// Kept connections are few and young: what was kept while the environment was frozen is dead when it thaws.
///
/// # Errors
/// When the client cannot be built.
pub fn http_client(tls: ClientConfig) -> Result<reqwest::Client, reqwest::Error> {
    builder(tls)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE)
        .build()
}

/// What all HTTP clients of this function have in common.
pub(crate) fn builder(tls: ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
}

fn roots_of(path: &Path) -> Result<RootCertStore, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_CA_FILE_BYTES {
        return Err(unreadable(io::Error::other("it is larger than 4 MiB")));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    roots_in(&text).map_err(|trouble| match trouble {
        None => TlsError::Empty {
            path: path.to_owned(),
        },
        Some((line, problem)) => TlsError::Malformed {
            path: path.to_owned(),
            line,
            problem,
        },
    })
}

/// The certificates of a PEM text, whatever stands between them; the error is a line and what is wrong there.
fn roots_in(text: &str) -> Result<RootCertStore, Option<(usize, &'static str)>> {
    let mut roots = RootCertStore::empty();
    let mut block: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        match &mut block {
            None if line == BEGIN => block = Some((index + 1, format!("{line}\n"))),
            None => {}
            Some((start, _)) if line == BEGIN => {
                return Err(Some((
                    *start,
                    "the certificate that begins here has no end",
                )));
            }
            Some((start, pem)) => {
                pem.push_str(line);
                pem.push('\n');
                if line == END {
                    let der = CertificateDer::from_pem_slice(pem.as_bytes())
                        .map_err(|_| Some((*start, "the certificate is not valid base64")))?;
                    roots.add(der).map_err(|_| {
                        Some((
                            *start,
                            "the certificate cannot serve as a root (not X.509 v3?)",
                        ))
                    })?;
                    block = None;
                }
            }
        }
    }
    match block {
        Some((start, _)) => Err(Some((start, "the certificate that begins here has no end"))),
        None if roots.is_empty() => Err(None),
        None => Ok(roots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roots_are_there() {
        assert!(webpki_roots::TLS_SERVER_ROOTS.len() > 100);
        assert!(client_config(None).is_ok());
    }

    #[test]
    fn trouble_in_a_bundle_names_its_line() {
        let base64 = format!("# private CA\n\n{BEGIN}\nA*B\n{END}\n");
        let der = format!("{BEGIN}\nAAAA\n{END}\n");
        for (text, expected) in [
            ("", None),
            ("just words", None),
            (
                &format!("\n{BEGIN}\nAAAA\n"),
                Some((2, "the certificate that begins here has no end")),
            ),
            (
                &format!("{BEGIN}\n{BEGIN}\n"),
                Some((1, "the certificate that begins here has no end")),
            ),
            (&base64, Some((3, "the certificate is not valid base64"))),
            (
                &der,
                Some((1, "the certificate cannot serve as a root (not X.509 v3?)")),
            ),
        ] {
            assert_eq!(roots_in(text).unwrap_err(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = client_config(Some(Path::new("no/such.pem"))).unwrap_err();
        assert!(error.to_string().contains("no/such.pem"), "{error}");
    }
}
