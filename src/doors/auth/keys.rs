//! The secret of this installation, and what is derived from it: the seal over private keys, the key of refresh tokens.

use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::EncodePrivateKey as _;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::base::error::{Result, internal};
use crate::base::random::Rng;
use crate::base::{Span, Ts};
use crate::users::credentials::SigningKeyRow;

const NONCE: usize = 12;
/// Characters of the shortest secret.
const SECRET_MIN: usize = 32;
const SIGNS_FOR: Span = Span::days(90);
const PUBLISHED_LONGER: Span = Span::hours(2);

/// Keys derived from the secret of the installation.
pub struct Seal {
    aead: LessSafeKey,
    refresh: hmac::Key,
}

struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl Seal {
    /// From the secret.
    pub fn new(secret: &SecretString) -> Result<Self> {
        let root = Salt::new(HKDF_SHA256, b"roborent").extract(secret.expose_secret().as_bytes());
        let derive = |purpose: &'static [u8]| -> Result<[u8; 32]> {
            let mut key = [0; 32];
            root.expand(&[purpose], Bytes32).and_then(|okm| okm.fill(&mut key)).map_err(internal)?;
            Ok(key)
        };
        let aead = UnboundKey::new(&CHACHA20_POLY1305, &derive(b"signing keys at rest")?).map_err(internal)?;
        Ok(Self { aead: LessSafeKey::new(aead), refresh: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"refresh tokens")?) })
    }

    /// The key of refresh tokens.
    pub fn refresh_key(&self) -> &hmac::Key {
        &self.refresh
    }

    pub(super) fn seal(&self, name: &str, mut secret: Vec<u8>, rng: &mut Rng) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE] = rng.bytes();
        self.aead
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name.as_bytes()), &mut secret)
            .map_err(internal)?;
        Ok([nonce.as_slice(), &secret].concat())
    }

    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let wrong = "a secret does not open: auth.secret is not the one it was sealed with";
        let (nonce, rest) = sealed.split_at_checked(NONCE).ok_or_else(|| internal(wrong))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(internal)?;
        let mut rest = rest.to_vec();
        let opened = self.aead.open_in_place(nonce, Aad::from(name.as_bytes()), &mut rest).map_err(|_| internal(wrong))?;
        Ok(opened.to_vec())
    }
}

/// A new ES256 key, sealed, ready to be stored.
pub fn make_signing_key(seal: &Seal, now: Ts, rng: &mut Rng) -> Result<SigningKeyRow> {
    let secret = loop {
        if let Ok(secret) = p256::SecretKey::from_slice(&rng.bytes::<32>()) {
            break secret;
        }
    };
    let kid = rng.hex(16);
    let point = secret.public_key().to_encoded_point(false);
    let coordinate = |bytes: Option<&p256::FieldBytes>| {
        bytes.map(|b| URL_SAFE_NO_PAD.encode(b)).ok_or_else(|| internal("a public key without coordinates"))
    };
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": coordinate(point.x())?, "y": coordinate(point.y())?, "kid": kid, "alg": "ES256", "use": "sig" });
    let der = secret.to_pkcs8_der().map_err(internal)?;
    Ok(SigningKeyRow {
        private_sealed: seal.seal(&kid, der.as_bytes().to_vec(), rng)?,
        public_jwk: jwk.to_string(),
        kid,
        created_at: now,
        sign_until: now.plus(SIGNS_FOR),
        publish_until: now.plus(SIGNS_FOR).plus(PUBLISHED_LONGER),
    })
}

/// A stored key, ready to sign and to verify.
pub struct OpenKey {
    /// Its name in tokens.
    pub kid: String,
    /// Signs.
    pub encoding: EncodingKey,
    /// Verifies.
    pub decoding: DecodingKey,
    /// For everybody.
    pub jwk: Value,
    /// When it was made.
    pub created_at: Ts,
    /// Signs until then.
    pub sign_until: Ts,
}

/// Opens a stored key.
pub fn open(seal: &Seal, row: &SigningKeyRow) -> Result<OpenKey> {
    let der = seal.open(&row.kid, &row.private_sealed)?;
    let jwk: Value = serde_json::from_str(&row.public_jwk).map_err(internal)?;
    let coordinate = |name: &str| jwk[name].as_str().ok_or_else(|| internal("a stored public key without coordinates"));
    let decoding = DecodingKey::from_ec_components(coordinate("x")?, coordinate("y")?).map_err(internal)?;
    Ok(OpenKey {
        kid: row.kid.clone(),
        encoding: EncodingKey::from_ec_der(&der),
        decoding,
        jwk,
        created_at: row.created_at,
        sign_until: row.sign_until,
    })
}

/// The configured secret, or the one in the data folder, made at first start and readable by its owner only.
pub fn load_or_make_secret(configured: &SecretString, data_dir: &Path, rng: &mut Rng) -> std::io::Result<SecretString> {
    if !configured.expose_secret().is_empty() {
        return Ok(configured.clone());
    }
    let path = data_dir.join("auth.secret");
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= SECRET_MIN => return Ok(text.trim().to_owned().into()),
        Ok(_) => return Err(std::io::Error::other(format!("{} does not hold a secret of {SECRET_MIN} characters", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    crate::base::installation::make_data_dir(data_dir)?;
    let secret = rng.base62(43);
    // Whole or not at all: half a secret would be one that others can guess.
    let fresh = data_dir.join("auth.secret.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, &path)?;
    Ok(secret.into())
}
