//! A person signs up with an e-mail address and a password.

use serde_json::{Map, Value};

use crate::base::error::Refusal;
use crate::base::{Context, Result, UserId};
use crate::users::UserRefusal;
use crate::users::names::not_blank;
use crate::users::people::one_time::{self, Purpose};
use crate::users::people::{account, email, mails, store};
use crate::users::referral_code;
use crate::users::register::{NewUser, register};
use crate::users::store as users;

/// Bytes of what a user keeps with his account: it stands in his tokens, too, and those have at most 4 KiB.
const METADATA_BYTES_MAX: usize = 2_048;

/// Who signs up.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// As typed.
    pub email: String,
    /// From [`crate::users::password::hash`].
    pub hash: String,
    /// What others see; may be empty.
    pub name: String,
    /// The code of who sent him here.
    pub referral_code: Option<String>,
    /// The user's own; `agent_name` and `referral_code` in it are looked at where the fields above are not given.
    pub metadata: Map<String, Value>,
}

/// The new user, and whether he may sign in at once.
#[derive(Clone, Copy, Debug)]
pub struct SignedUp {
    /// Who.
    pub user_id: UserId,
    /// The address counts as his; otherwise a mail is on its way.
    pub confirmed: bool,
}

/// Makes the user.
///
/// # Errors
/// `invalid_email`, `unknown_referral_code`, `invalid_field`; `email_taken`, and then the mail about it is kept.
pub fn sign_up(cx: &mut Context<'_, '_>, sign_up: &SignUp) -> Result<SignedUp> {
    let address = email::normalized(&sign_up.email)?;
    let metadata = metadata(&sign_up.metadata)?;
    let in_metadata = |name: &str| sign_up.metadata.get(name).and_then(Value::as_str);
    let name = Some(sign_up.name.trim()).filter(|name| !name.is_empty()).or_else(|| in_metadata("agent_name")).unwrap_or_default().trim();
    if !name.is_empty() && (name.chars().count() > 64 || not_blank(name, &()).is_err()) {
        return Err(Refusal::InvalidField { field: "name".into(), why: "at most 64 visible characters".into() }.into());
    }
    let code = sign_up.referral_code.as_deref().or_else(|| in_metadata("referral_code")).filter(|code| !code.is_empty());
    if let Some(code) = code
        && !(referral_code::is_well_formed(code) && referral_code::exists(cx, code)?)
    {
        return Err(UserRefusal::UnknownReferralCode { code: code.chars().take(32).collect() }.into());
    }
    let confirmed = confirms_at_once(cx);
    // Whatever else may be wrong was refused before: whether an address is taken shows in nothing.
    if users::password_by_email(cx, &address)?.is_some() {
        if !confirmed {
            // Its owner is told so.
            account::ask(cx, &address, Purpose::SignUp)?;
        }
        return Err(UserRefusal::EmailTaken.into());
    }
    let new = NewUser { display_name: name, username_prefix: "user", is_bot: false, is_admin: false, referral_code: code };
    let user = register(cx, &new)?;
    users::insert_password(cx, user.id, &address, &sign_up.hash, confirmed)?;
    store::save_person(cx, user.id, &metadata, None)?;
    if !confirmed {
        // The only mail that confirms the address with this password. Whoever asks for one later may be somebody else.
        let token = one_time::issue(cx, user.id, Purpose::SignUp, &address)?;
        mails::send_token(cx, &address, Purpose::SignUp, &token)?;
    }
    Ok(SignedUp { user_id: user.id, confirmed })
}

/// Whether an address counts as its user's without a mail: in the sandbox always, elsewhere where no mail can be sent or
/// the settings say so.
pub fn confirms_at_once(cx: &Context<'_, '_>) -> bool {
    !cx.config.auth.confirm_email || !cx.config.mail.sends(cx.config.installation.network)
}

/// What a user keeps with his account, as text.
///
/// # Errors
/// `invalid_field` when it is too much.
pub(super) fn metadata(metadata: &Map<String, Value>) -> Result<String> {
    let text = Value::Object(metadata.clone()).to_string();
    if text.len() <= METADATA_BYTES_MAX && !text.contains("\\u0000") {
        return Ok(text);
    }
    Err(Refusal::InvalidField { field: "data".into(), why: format!("at most {METADATA_BYTES_MAX} bytes of JSON, without NUL") }.into())
}
