//! The settings of sign-in, and of the mails that belong to it.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{Network, hidden};

/// Sign-in.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Seals the keys at rest, at least 32 characters; empty = made at first start in the data folder.
    #[serde(serialize_with = "hidden")]
    pub secret: SecretString,
    /// A file that holds the secret; empty = none.
    pub secret_file: String,
    /// The public string that Supabase clients send as `apikey`; grants nothing.
    pub anon_key: String,
    /// API keys that a user may have alive.
    pub api_keys_max: u32,
    /// Whether people may sign up.
    pub sign_up: bool,
    /// Whether an address must be confirmed by a mail before its user signs in; where no mail is sent, it need not.
    pub confirm_email: bool,
    /// Admins need a second factor, in the sandbox too; on real networks they always do.
    pub admin_2fa: bool,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            secret: String::new().into(),
            secret_file: String::new(),
            anon_key: "rr_anon".into(),
            api_keys_max: 10,
            sign_up: true,
            confirm_email: true,
            admin_2fa: false,
        }
    }
}

/// How mails are sent. The sandbox sends none; it shows them at `/sandbox/mails`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// `smtps://user:password@host` or `smtp://user:password@host:587?tls=required`; empty = no mail is sent.
    #[serde(serialize_with = "hidden")]
    pub smtp_url: SecretString,
    /// A file that holds the URL; empty = none.
    pub smtp_url_file: String,
    /// Whom mails come from, such as `Market <no-reply@example.com>`.
    pub from: String,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self { smtp_url: String::new().into(), smtp_url_file: String::new(), from: String::new() }
    }
}

impl MailSettings {
    /// Whether mails go out.
    pub fn sends(&self, network: Network) -> bool {
        !network.is_sandbox() && !self.smtp_url.expose_secret().is_empty()
    }

    /// Whether a mail can be read by somebody: it goes out, or the sandbox shows it.
    pub fn exists(&self, network: Network) -> bool {
        network.is_sandbox() || self.sends(network)
    }
}
