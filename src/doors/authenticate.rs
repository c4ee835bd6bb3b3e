//! Reads credentials from the headers and checks them as far as that goes without the database.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::base::call::Credentials;
use crate::base::error::{Refusal, Result};
use crate::doors::App;
use crate::users::ApiKey;

/// The credentials of a request.
///
/// # Errors
/// `invalid_api_key`, `wrong_environment`, `invalid_token`, `ambiguous_credentials`.
pub fn credentials(app: &App, headers: &HeaderMap) -> Result<Credentials> {
    let network = app.dispatcher.config.installation.network;
    let mut found = Credentials::default();
    if let Some(text) = single(headers, "x-api-key")? {
        found.key = Some(ApiKey::parse(text.trim(), network)?.hash());
    }
    let Some(authorization) = single(headers, AUTHORIZATION.as_str())? else { return Ok(found) };
    let bearer = match authorization.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => return Err(Refusal::InvalidToken { why: "Authorization must be `Bearer` and a token" }.into()),
    };
    if bearer == app.dispatcher.config.auth.anon_key {
        return Ok(found);
    }
    if bearer.starts_with("rr_") {
        let hash = ApiKey::parse(bearer, network)?.hash();
        if found.key.is_some_and(|other| other != hash) {
            return Err(Refusal::AmbiguousCredentials.into());
        }
        found.key = Some(hash);
        return Ok(found);
    }
    found.token = Some(app.tokens.verify(bearer, app.dispatcher.clock.now())?);
    Ok(found)
}

/// A header that may stand once.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Refusal::AmbiguousCredentials.into()),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Refusal::InvalidApiKey.into()),
    }
}
