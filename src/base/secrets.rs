//! Secrets of users that this installation makes from its own secret when they are needed, so that none is stored.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

use crate::base::error::{Result, internal};
use crate::base::ids::UserId;

/// What secrets are made from, once the installation's own is known.
#[derive(Debug, Default)]
pub struct Secrets(OnceLock<hmac::Key>);

struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl Secrets {
    /// The secret of the installation is known.
    pub fn learn(&self, secret: &SecretString) -> Result<()> {
        let root = Salt::new(HKDF_SHA256, b"roborent").extract(secret.expose_secret().as_bytes());
        let mut key = [0; 32];
        root.expand(&[b"webhook secrets".as_slice()], Bytes32).and_then(|okm| okm.fill(&mut key)).map_err(internal)?;
        // A second start in the same process has the same secret.
        drop(self.0.set(hmac::Key::new(hmac::HMAC_SHA256, &key)));
        Ok(())
    }

    /// The `number`-th webhook secret of a user.
    pub fn webhook(&self, user: UserId, number: i64) -> Result<WebhookSecret> {
        let key = self.0.get().ok_or_else(|| internal("the secret of this installation is not known yet"))?;
        let mut name = user.0.as_bytes().to_vec();
        name.extend(number.to_be_bytes());
        Ok(WebhookSecret(hmac::sign(key, &name).as_ref().to_vec()))
    }
}

/// What a user checks signatures with; never logged.
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// As it is shown to its owner.
    pub fn show(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    /// The signature of a text.
    pub fn sign(&self, text: &[u8]) -> String {
        STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), text))
    }
}
