//! Where a user wants his events sent, and the secrets that sign them.

pub(crate) mod store;

use serde_json::Value;

use crate::base::config::Config;
use crate::base::error::Refusal;
use crate::base::operation::Checking;
use crate::base::secrets::WebhookSecret;
use crate::base::strangers::{Rule, Target, check, system_lookup};
use crate::base::{Context, Error, Result, Span, Ts, UserId};
use crate::users::UserRefusal;
use crate::users::user::User;

pub use store::{Endpoint, endpoint, endpoints_locked, save_since, switch_off};

/// How long the former secret signs beside a new one.
const OVERLAP: Span = Span::hours(24);

/// What these settings allow.
pub fn rule(config: &Config) -> Rule {
    Rule { loopback: config.webhooks.allow_loopback.is_allowed(config.installation.network.is_sandbox()) }
}

/// Before the call: where the name in a new URL leads.
pub(super) fn look_outside(input: &Value, config: &Config) -> Option<Checking> {
    let target = Target::parse(input["webhook_url"].as_str()?, rule(config)).ok()?;
    target.name()?;
    Some(Box::pin(async move { check(&system_lookup(), &target).await.map_err(|why| refused(&why)) }))
}

fn refused(why: &str) -> Error {
    Refusal::InvalidField { field: "webhook_url".into(), why: why.to_owned() }.into()
}

/// Sets or clears the URL of a locked user, rotates the secret; answers the secret when its owner is to see it.
#[expect(clippy::option_option, reason = "see PatchProfile")]
pub(super) fn change(cx: &mut Context<'_, '_>, user: &mut User, url: Option<Option<&str>>, rotate: bool) -> Result<Option<String>> {
    let before = store::endpoint_locked(cx, user.id)?;
    let is_new = before.is_none();
    let mut endpoint = before.unwrap_or_else(Endpoint::new);
    match url {
        None => {}
        Some(None) => {
            user.webhook_url = None;
            (endpoint.is_on, endpoint.since_seq, endpoint.switched_off_at) = (false, None, None);
        }
        Some(Some(text)) => {
            let target = Target::parse(text, rule(cx.config)).map_err(refused)?;
            if !endpoint.is_on {
                (endpoint.is_on, endpoint.since_seq, endpoint.switched_off_at) = (true, None, None);
            }
            user.webhook_url = Some(target.url().to_string());
        }
    }
    if user.webhook_url.is_none() && is_new {
        return if rotate { Err(UserRefusal::NoWebhook.into()) } else { Ok(None) };
    }
    if rotate && !is_new {
        endpoint.secret_number += 1;
        endpoint.former_secret_until = Some(cx.now.plus(OVERLAP));
    }
    store::save_endpoint(cx, user.id, &endpoint)?;
    if is_new || rotate { Ok(Some(cx.secrets.webhook(user.id, endpoint.secret_number)?.show())) } else { Ok(None) }
}

/// The secrets that sign now, the newest first.
pub fn secrets(cx: &Context<'_, '_>, user: UserId, endpoint: &Endpoint) -> Result<Vec<WebhookSecret>> {
    let mut secrets = vec![cx.secrets.webhook(user, endpoint.secret_number)?];
    if endpoint.former_secret_until.is_some_and(|until: Ts| cx.now < until) && endpoint.secret_number > 1 {
        secrets.push(cx.secrets.webhook(user, endpoint.secret_number - 1)?);
    }
    Ok(secrets)
}
