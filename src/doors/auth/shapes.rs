//! Users and sessions in the shapes that Supabase clients keep.

use serde_json::{Map, Value, json};

use crate::base::{Result, Ts};
use crate::doors::App;
use crate::doors::auth::tokens::{LIFETIME, app_metadata};
use crate::users::people::factors::Factor;
use crate::users::session::SignedIn;

/// The session. The token is signed here, after the commit.
pub(super) fn session_of(app: &App, signed_in: &SignedIn) -> Result<Value> {
    let (access_token, expires_at) = app.tokens.sign(signed_in)?;
    Ok(json!({
        "access_token": access_token,
        "token_type": "bearer",
        "expires_in": LIFETIME.as_milliseconds() / 1_000,
        "expires_at": expires_at,
        "refresh_token": app.tokens.refresh_token(signed_in.session_id, signed_in.refresh_counter),
        "user": user_of(signed_in),
    }))
}

/// The user.
pub(super) fn user_of(signed_in: &SignedIn) -> Value {
    let SignedIn { user, password, .. } = signed_in;
    let identity = json!({
        "identity_id": user.id, "id": user.id, "user_id": user.id, "provider": "email", "email": password.email,
        "identity_data": { "email": password.email, "email_verified": password.email_confirmed_at.is_some(), "sub": user.id },
        "last_sign_in_at": password.last_sign_in_at, "created_at": user.created_at, "updated_at": password.updated_at,
    });
    let mut shape = json!({
        "id": user.id, "aud": "authenticated", "role": "authenticated", "email": password.email, "phone": "",
        "email_confirmed_at": password.email_confirmed_at, "confirmed_at": password.email_confirmed_at,
        "last_sign_in_at": password.last_sign_in_at,
        "app_metadata": app_metadata(signed_in), "user_metadata": user_metadata(signed_in), "identities": [identity],
        "created_at": user.created_at, "updated_at": password.updated_at, "is_anonymous": false,
    });
    if let Some(address) = &signed_in.new_email {
        shape["new_email"] = json!(address);
    }
    if !signed_in.factors.is_empty() {
        shape["factors"] = signed_in.factors.iter().map(factor_of).collect();
    }
    shape
}

fn factor_of(factor: &Factor) -> Value {
    json!({
        "id": factor.id, "status": if factor.verified_at.is_some() { "verified" } else { "unverified" },
        "friendly_name": factor.friendly_name, "factor_type": "totp", "phone": "",
        "created_at": factor.created_at, "updated_at": factor.updated_at, "last_challenged_at": factor.challenged_at,
    })
}

/// What the user keeps with his account.
pub(super) fn user_metadata(signed_in: &SignedIn) -> Value {
    serde_json::from_str(&signed_in.metadata).unwrap_or_else(|_| json!({}))
}

/// A user that does not exist, for whoever asks whether an address is taken. It looks like one that waits for its mail.
pub(super) fn made_up_user(app: &App, email: &str, metadata: &Map<String, Value>) -> Value {
    let now: Ts = app.dispatcher.clock.now();
    let id = uuid::Builder::from_random_bytes(app.dispatcher.entropy().fork().bytes()).into_uuid();
    json!({
        "id": id, "aud": "authenticated", "role": "", "email": email, "phone": "", "confirmation_sent_at": now,
        "app_metadata": { "provider": "email", "providers": ["email"] }, "user_metadata": metadata, "identities": [],
        "created_at": now, "updated_at": now, "is_anonymous": false,
    })
}
