//! The user pool's RSA key: drawn once for a state directory and kept there.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    EncodingKey, Header,
    jwk::{
        AlgorithmParameters, CommonParameters, Jwk, KeyAlgorithm, PublicKeyUse, RSAKeyParameters,
        RSAKeyType,
    },
};
use rsa::{
    RsaPrivateKey,
    pkcs1::{EncodeRsaPrivateKey as _, LineEnding},
    pkcs8::DecodePrivateKey as _,
    traits::PublicKeyParts as _,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

/// File in the state directory, PKCS#8 PEM, mode 0600.
const FILE_NAME: &str = "cognito-key.pem";
/// Length Cognito uses.
const BITS: usize = 2048;

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum KeyError {
    #[error("read signing key {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("write signing key {}", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("parse signing key {}: delete it to have a new one drawn", path.display())]
    Parse {
        path: PathBuf,
        source: rsa::pkcs8::Error,
    },
    #[error("draw a signing key")]
    Draw(#[source] rsa::Error),
    #[error("encode the signing key")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("sign a token")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("the task that drew the signing key ended early")]
    Task(#[source] tokio::task::JoinError),
}

/// The private key and its public face.
pub struct SigningKey {
    encoding: EncodingKey,
    public: Jwk,
    id: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

type Cell = Arc<OnceCell<Arc<SigningKey>>>;

/// Keys by state directory: token endpoint and gateway meet here, and so do the emulators of a test binary.
static KEYS: Mutex<BTreeMap<PathBuf, Cell>> = Mutex::new(BTreeMap::new());

impl SigningKey {
    /// The key of a state directory, made on first use.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub async fn shared(state_dir: &Path) -> Result<Arc<Self>, KeyError> {
        let path = state_dir.join(FILE_NAME);
        let cell = {
            let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(keys.entry(path.clone()).or_default())
        };
        let key = cell.get_or_try_init(|| async move {
            tokio::task::spawn_blocking(move || Self::open(&path))
                .await
                .map_err(KeyError::Task)?
                .map(Arc::new)
        });
        Ok(Arc::clone(key.await?))
    }

    /// Reads the file, or draws a key and writes it.
    fn open(path: &Path) -> Result<Self, KeyError> {
        let key = match std::fs::read_to_string(path) {
            Ok(pem) => RsaPrivateKey::from_pkcs8_pem(&pem).map_err(|source| KeyError::Parse {
                path: path.to_owned(),
                source,
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key =
                    RsaPrivateKey::new(&mut rsa::rand_core::OsRng, BITS).map_err(KeyError::Draw)?;
                write(path, &key)?;
                key
            }
            Err(source) => {
                return Err(KeyError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        Self::new(&key)
    }

    fn new(key: &RsaPrivateKey) -> Result<Self, KeyError> {
        let der = key
            .to_pkcs1_der()
            .map_err(|error| KeyError::Encode(error.into()))?;
        let modulus = key.n().to_bytes_be();
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(&modulus));
        let public = Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::RS256),
                key_id: Some(id.clone()),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::RSA(RSAKeyParameters {
                key_type: RSAKeyType::RSA,
                n: URL_SAFE_NO_PAD.encode(&modulus),
                e: URL_SAFE_NO_PAD.encode(key.e().to_bytes_be()),
            }),
        };
        Ok(Self {
            encoding: EncodingKey::from_rsa_der(der.as_bytes()),
            public,
            id,
        })
    }

    /// The `kid` of its tokens.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What `jwks.json` shows of it.
    pub fn public_jwk(&self) -> &Jwk {
        &self.public
    }

    /// A compact JWS over the claims.
    ///
    /// # Errors
    /// When the claims cannot be serialised.
    pub fn sign(&self, header: &Header, claims: &impl Serialize) -> Result<String, KeyError> {
        jsonwebtoken::encode(header, claims, &self.encoding).map_err(KeyError::Sign)
    }
}

fn write(path: &Path, key: &RsaPrivateKey) -> Result<(), KeyError> {
    use rsa::pkcs8::EncodePrivateKey as _;
    let pem = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|error| KeyError::Encode(error.into()))?;
    let failed = |source| KeyError::Write {
        path: path.to_owned(),
        source,
    };
    // A temporary file is private to its owner (0600) from the start.
    let mut file =
        tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    file.write_all(pem.as_bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
