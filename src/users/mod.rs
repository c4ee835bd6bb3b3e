//! Who takes part: registration, keys, sessions, profiles.

pub mod admin_action;
mod api_key;
mod api_keys;
mod authenticate;
mod create_admin;
pub mod credentials;
mod forget_ended;
mod guessable;
mod names;
pub mod password;
pub mod people;
mod profile;
pub mod referral_code;
mod register;
mod register_agent;
pub mod reputation;
pub mod second_factor;
pub mod session;
pub mod signing_keys;
pub(crate) mod store;
pub mod user;
pub mod webhook;

use serde_json::json;

use crate::base::context::Scope;
use crate::base::limit::Policy;
use crate::base::operation::{Access, Method, Operation, command, query};
use crate::base::tool::tool;

pub use api_key::ApiKey;
pub use api_keys::save_last_uses;
pub use authenticate::resolve;
pub use create_admin::{create_admin, there_is_an_admin};
pub use forget_ended::{forget_ended_keys, forget_ended_sessions};
pub use profile::named;

crate::refusals! {
    /// What this room refuses.
    pub enum UserRefusal {
        UnknownReferralCode { code: String } = 422 "unknown_referral_code": "There is no referral code `{code}`." => "Check the code, or register without one.";
        UsernameTaken { username: String } = 409 "username_taken": "The username `{username}` is taken." => "Choose another one.";
        UsernameFixed = 409 "username_fixed": "The username was changed once already." => "It stays as it is; the display name may be changed at any time.";
        TooManyKeys { most: u32 } = 409 "too_many_keys": "There are {most} keys already." => "Revoke one that is not used any more.";
        KeyRotated = 409 "key_rotated": "This key was rotated already; it works until it expires." => "Rotate the newer key.";
        KeyRevoked = 409 "key_revoked": "This key works no more." => "Create a new key.";
        WeakPassword { min: usize, max: usize } = 422 "weak_password": "The password must have {min} to {max} characters and not be easy to guess." => "Choose a longer one.";
        NoWebhook = 409 "no_webhook": "You have no webhook." => "Set webhook_url first.";
        InvalidEmail = 422 "invalid_email": "This is not an e-mail address." => "Check it.";
        EmailTaken = 409 "email_taken": "Somebody signs in with this e-mail address already." => "Sign in, or use another address.";
        WrongCredentials = 400 "invalid_credentials": "The e-mail address or the password is wrong." => "Check both; \"Forgot your password?\" leads to a new one.";
        CurrentPasswordRequired = 400 "current_password_required": "The password of now is missing." => "Send it as current_password.";
        SignUpClosed = 422 "sign_up_closed": "Nobody can sign up here at the moment." => "Ask the operator of this marketplace.";
        SamePassword = 422 "same_password": "The new password is the old one." => "Choose another one.";
        EmailNotConfirmed = 403 "email_not_confirmed": "The address is not confirmed." => "Open the link in the mail that was sent to it.";
        CodeWrong = 422 "second_factor_wrong": "The code is not the one of this moment." => "Wait for the next code of your app and type that one.";
        CodesTried = 422 "second_factor_expired": "This request for a code is over." => "Ask for a new one.";
        FactorNameTaken = 422 "second_factor_name_taken": "There is a second factor of this name." => "Choose another name.";
        TooManyFactors { most: usize } = 422 "too_many_second_factors": "There are {most} second factors already." => "Remove one that is not used any more.";
        SecondFactorRequired { why: &'static str } = 403 "second_factor_required": "{why}" => "Show a code: sign in on the site, or POST /auth/v1/factors/{factor_id}/challenge and /verify, and call with the token of that answer within 15 minutes. An API key cannot show one.";
        PasswordChanged = 409 "password_changed": "The password was changed in the meantime." => "Sign in with the new password.";
    }
}

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    vec![
        command("register_agent", Method::Post, "/api/v1/agent/register", Access::Open, register_agent::register_agent)
            .limit(Policy::Register)
            .creates()
            .shows_a_secret()
            .example(json!({ "agent_name": "MyBot" }))
            .about("Register a bot and get an API key at once. The key is shown only in this answer.")
            .tool(tool("Register a bot", "Create a bot account and return its API key, shown only once. Call it first when you have no key. No credential is needed. Afterwards send the key as X-API-Key or as the argument api_key; on an SSE stream without a key you are signed in at once. Five registrations an hour from one address.")),
        query("get_profile", Method::Get, "/api/v1/agent/profile", Access::User(Scope::Read), profile::get_profile)
            .about("Your own profile.")
            .tool(tool("Get your profile", "Return your own profile: names, bio, capabilities, webhook URL, hourly spend cap, referral code. Use it to see your settings before update_profile; the settings of the whole marketplace come from get_platform_rules, your money from get_balance.")),
        command("update_profile", Method::Patch, "/api/v1/agent/profile", Access::Keys, profile::patch_profile)
            .example(json!({ "display_name": "My Bot", "bio": "I translate.", "max_hourly_spend_usd": 50 }))
            .asks_outside(webhook::look_outside)
            .about("Change your profile; what you leave out stays, null clears the webhook URL and the spend cap.")
            .tool(tool("Update your profile", "Change your own profile: names, bio, capabilities, webhook URL, hourly spend cap. Fields left out stay; null clears the webhook URL or the cap. Read the present values with get_profile. The username can be changed once only, and the key needs all four scopes. The cap limits publish_task and tip_worker.")),
        query("get_user", Method::Get, "/api/v1/users/{user}", Access::Open, profile::get_user)
            .about("What everybody may see of a user, by id or username."),
        query("list_api_keys", Method::Get, "/api/v1/agent/keys", Access::User(Scope::Read), api_keys::list_keys)
            .about("Your API keys, without their secrets."),
        command("create_api_key", Method::Post, "/api/v1/agent/keys", Access::Keys, api_keys::create_key)
            .creates()
            .shows_a_secret()
            .example(json!({ "name": "reader", "scopes": ["read"] }))
            .about("Make another API key. The key is shown only in this answer."),
        command("rotate_api_key", Method::Post, "/api/v1/agent/keys/{key_id}/rotate", Access::Keys, api_keys::rotate_key)
            .creates()
            .shows_a_secret()
            .about("Replace a key by a new one with the same name and scopes; the old one works 24 hours more."),
        command("revoke_api_key", Method::Delete, "/api/v1/agent/keys/{key_id}", Access::Keys, api_keys::revoke_key)
            .about("End a key at once."),
    ]
}
