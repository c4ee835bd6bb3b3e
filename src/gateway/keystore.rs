//! Keys at rest: a JSON file with one secret, sealed with ChaCha20-Poly1305 under a key that Argon2id makes of a passphrase.
//! Every file has its own salt and nonce.

use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the sealed secret is, so that one file is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sealed {
    /// The private key of the hot wallet, 64 hex digits.
    HotKey,
    /// The extended private key that deposit addresses are derived from.
    DepositKey,
}

/// A keystore file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    sealed: Sealed,
    /// For people: what belongs to it in public.
    public: String,
    /// KiB, passes and lanes of Argon2id.
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    ciphertext: String,
}

const VERSION: u32 = 1;
/// OWASP's second choice for Argon2id, four times over: a key is opened once per start.
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);
/// A file may ask for so much at most.
const COST_MAX: (u32, u32, u32) = (1024 * 1024, 20, 8);

/// Seals `secret`; answers the text of the file.
///
/// # Errors
/// A sentence.
pub fn seal(sealed: Sealed, public: &str, secret: &str, passphrase: &str, salt: [u8; 16], nonce: [u8; 12]) -> Result<String, String> {
    let key = key(passphrase, &salt, COST)?;
    // With room for the tag: a vector that grows leaves a copy of the secret behind.
    let mut bytes = Vec::with_capacity(secret.len() + CHACHA20_POLY1305.tag_len());
    bytes.extend_from_slice(secret.as_bytes());
    let about = about(sealed, public);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut bytes).map_err(|_| "sealing failed")?;
    let (memory_kib, passes, lanes) = COST;
    let file = File {
        version: VERSION,
        sealed,
        public: public.to_owned(),
        memory_kib,
        passes,
        lanes,
        salt: STANDARD.encode(salt),
        nonce: STANDARD.encode(nonce),
        ciphertext: STANDARD.encode(bytes),
    };
    serde_json::to_string_pretty(&file).map_err(|error| error.to_string())
}

/// Opens a keystore file.
///
/// # Errors
/// A sentence that says what is wrong, without saying anything of the secret.
pub fn open(path: &Path, sealed: Sealed, passphrase: &str) -> Result<Zeroizing<String>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    unseal(&text, sealed, passphrase).map_err(|error| failed(&error))
}

fn unseal(text: &str, sealed: Sealed, passphrase: &str) -> Result<Zeroizing<String>, String> {
    let file: File = serde_json::from_str(text).map_err(|_| "this is not a keystore file")?;
    if file.version != VERSION {
        return Err(format!("version {} of a keystore is not known here", file.version));
    }
    if file.sealed != sealed {
        return Err("this keystore holds another kind of key".into());
    }
    let cost = (file.memory_kib, file.passes, file.lanes);
    if cost.0 > COST_MAX.0 || cost.1 > COST_MAX.1 || cost.2 > COST_MAX.2 {
        return Err("this keystore asks for more work than it may".into());
    }
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| "this keystore is damaged".to_owned());
    let salt = bytes(&file.salt)?;
    let nonce: [u8; 12] = bytes(&file.nonce)?.try_into().map_err(|_| "this keystore is damaged")?;
    let mut sealed_bytes = Zeroizing::new(bytes(&file.ciphertext)?);
    let key = key(passphrase, &salt, cost)?;
    let about = about(file.sealed, &file.public);
    let opened = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut sealed_bytes);
    let opened = opened.map_err(|_| "the passphrase does not open this keystore")?;
    String::from_utf8(opened.to_vec()).map(Zeroizing::new).map_err(|_| "this keystore is damaged".into())
}

/// What is readable in the file is under the seal, too.
fn about(sealed: Sealed, public: &str) -> Vec<u8> {
    format!("roborent keystore {VERSION} {sealed:?} {public}").into_bytes()
}

fn key(passphrase: &str, salt: &[u8], (memory_kib, passes, lanes): (u32, u32, u32)) -> Result<LessSafeKey, String> {
    let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|error| error.to_string())?;
    let mut bytes = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase.as_bytes(), salt, &mut *bytes).map_err(|error| error.to_string())?;
    UnboundKey::new(&CHACHA20_POLY1305, &*bytes).map(LessSafeKey::new).map_err(|_| "no key".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_its_passphrase_and_kind_alone() {
        let text = seal(Sealed::HotKey, "Tpublic", "secret", "correct horse", [1; 16], [2; 12]).expect("sealed");
        assert!(!text.contains("secret\""));
        assert_eq!(unseal(&text, Sealed::HotKey, "correct horse").expect("opened").as_str(), "secret");
        assert!(unseal(&text, Sealed::HotKey, "wrong horse").is_err());
        assert!(unseal(&text, Sealed::DepositKey, "correct horse").is_err());
        assert!(unseal(&text.replace("Tpublic", "Tother"), Sealed::HotKey, "correct horse").is_err());
        assert!(unseal(&text.replace("\"passes\": 3", "\"passes\": 300"), Sealed::HotKey, "correct horse").is_err());
        assert!(unseal("{}", Sealed::HotKey, "correct horse").is_err());
    }
}
