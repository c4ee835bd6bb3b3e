//! The cookies of the site: the session, the theme. Only this door reads or sets any (beside the link of a referral).

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::base::random::Rng;
use crate::doors::App;

/// Seconds that a browser keeps the session; the server ends it earlier.
const SESSION_SECONDS: u32 = 180 * 86_400;
const YEAR_SECONDS: u32 = 365 * 86_400;

/// A new secret for a session cookie, and the hash that is stored of it.
pub fn fresh(rng: &mut Rng) -> (String, [u8; 32]) {
    let value = URL_SAFE_NO_PAD.encode(rng.bytes::<32>());
    let hash = hash_of(&value);
    (value, hash)
}

/// What is stored of a session cookie.
pub fn hash_of(value: &str) -> [u8; 32] {
    Sha256::digest(value.as_bytes()).into()
}

/// The name of the session cookie: bound to this host where the site has TLS.
pub fn session_name(app: &App) -> &'static str {
    if is_secure(app) { "__Host-rr_session" } else { "rr_session" }
}

/// The line that gives the session to the browser.
pub fn give_session(app: &App, value: &str) -> String {
    format!("{}={value}; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Lax{}", session_name(app), secure(app))
}

/// The line that takes it away.
pub fn take_session(app: &App) -> String {
    format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{}", session_name(app), secure(app))
}

/// The line that keeps the theme.
pub fn give_theme(app: &App, theme: &str) -> String {
    format!("theme={theme}; Path=/; Max-Age={YEAR_SECONDS}; HttpOnly; SameSite=Lax{}", secure(app))
}

/// A cookie of a request.
pub fn read<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value).filter(|value| !value.is_empty() && value.len() <= 200)
}

fn is_secure(app: &App) -> bool {
    app.public_url.starts_with("https://")
}

fn secure(app: &App) -> &'static str {
    if is_secure(app) { "; Secure" } else { "" }
}
