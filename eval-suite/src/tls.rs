//! One TLS provider for every client of this crate.

/// Makes ring the process's TLS provider unless the binary has already chosen one.
///
/// `reqwest` is built without a provider, so a client made before this call would refuse to build.
pub(crate) fn ensure_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // A second thread may win the race; its provider is as good as ours.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    }
}
