//! Access tokens (ES256, one hour) and refresh tokens (a signed counter, nothing stored).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header, Validation};
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::base::call::{Dispatcher, TokenClaims};
use crate::base::error::{Refusal, Result, internal};
use crate::base::ids::SessionId;
use crate::base::random::Rng;
use crate::base::{Span, Ts, UserId};
use crate::doors::App;
use crate::doors::auth::keys::{self, OpenKey, Seal};
use crate::doors::auth::shapes::user_metadata;
use crate::users::session::SignedIn;
use crate::users::signing_keys;

/// How long an access token is good.
pub const LIFETIME: Span = Span::hours(1);
/// The public keys may be cached for so long.
const LEARNED_WITHIN: Span = Span::minutes(10);
const LEEWAY_SECONDS: i64 = 30;
const TOKEN_BYTES_MAX: usize = 4_096;
const REMEMBERED_MAX: usize = 10_000;
const AUDIENCE: &str = "authenticated";

/// Signs and reads tokens.
pub struct Tokens {
    seal: Seal,
    issuer: String,
    instance: u32,
    keys: RwLock<Vec<OpenKey>>,
    /// Tokens whose signature was good, by their hash, with when they end: verifying costs much, looking up little.
    remembered: Mutex<HashMap<[u8; 32], (TokenClaims, i64)>>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: Uuid,
    aud: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(default)]
    email: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    aal: String,
    #[serde(default)]
    amr: Value,
    session_id: Uuid,
    #[serde(default)]
    is_anonymous: bool,
    #[serde(default)]
    app_metadata: Value,
    #[serde(default)]
    user_metadata: Value,
}

impl Tokens {
    /// With the keys of the database; makes the first one.
    pub async fn load(dispatcher: &Arc<Dispatcher>, seal: Seal, public_url: &str) -> Result<Self> {
        let mut rng = dispatcher.entropy().fork();
        let fresh = keys::make_signing_key(&seal, dispatcher.clock.now(), &mut rng)?;
        let rows = dispatcher.system(move |cx| signing_keys::ensure_signing_key(cx, &fresh)).await?;
        let keys = rows.iter().map(|row| keys::open(&seal, row)).collect::<Result<Vec<_>>>()?;
        let instance = u32::from_be_bytes(rng.bytes());
        Ok(Self { seal, issuer: format!("{public_url}/auth/v1"), instance, keys: RwLock::new(keys), remembered: Mutex::default() })
    }

    /// Reads the keys again; makes the next one when the newest signs no more.
    pub async fn reload(&self, dispatcher: &Arc<Dispatcher>) -> Result<()> {
        let fresh = keys::make_signing_key(&self.seal, dispatcher.clock.now(), &mut dispatcher.entropy().fork())?;
        let rows = dispatcher.system(move |cx| signing_keys::ensure_signing_key(cx, &fresh)).await?;
        let keys = rows.iter().map(|row| keys::open(&self.seal, row)).collect::<Result<Vec<_>>>()?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Seals the secret of a second factor.
    pub fn seal_secret(&self, factor: Uuid, secret: &[u8], rng: &mut Rng) -> Result<Vec<u8>> {
        self.seal.seal(&factor.to_string(), secret.to_vec(), rng)
    }

    /// Opens the secret of a second factor.
    pub fn open_secret(&self, factor: Uuid, sealed: &[u8]) -> Result<Vec<u8>> {
        self.seal.open(&factor.to_string(), sealed)
    }

    /// Tells this process from others, in request ids.
    pub fn instance(&self) -> u32 {
        self.instance
    }

    /// An access token for a session.
    pub fn sign(&self, signed_in: &SignedIn) -> Result<(String, i64)> {
        let iat = signed_in.now.as_seconds();
        let exp = iat + LIFETIME.as_milliseconds() / 1_000;
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: signed_in.user.id.0,
            aud: AUDIENCE.into(),
            iat,
            exp,
            nbf: None,
            email: signed_in.password.email.clone(),
            phone: String::new(),
            role: AUDIENCE.into(),
            aal: signed_in.aal.name().into(),
            amr: serde_json::from_str(&signed_in.amr).map_err(internal)?,
            session_id: signed_in.session_id.0,
            is_anonymous: false,
            app_metadata: app_metadata(signed_in),
            user_metadata: user_metadata(signed_in),
        };
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = key_to_sign_with(&keys, signed_in.now)?;
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(key.kid.clone());
        let token = jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(internal)?;
        Ok((token, exp))
    }

    /// What a token says, when its signature is one of ours and it is in its hour. The session is checked later, in the
    /// transaction of the call.
    ///
    /// # Errors
    /// `invalid_token`.
    pub fn verify(&self, token: &str, now: Ts) -> Result<TokenClaims> {
        let refuse = |why: &'static str| Refusal::InvalidToken { why };
        if token.len() > TOKEN_BYTES_MAX {
            return Err(refuse("it is too long").into());
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied();
        let (claims, exp) = match known {
            Some(known) => known,
            None => self.check_signature(token, now)?,
        };
        if exp + LEEWAY_SECONDS <= now.as_seconds() {
            return Err(refuse("it has expired").into());
        }
        if known.is_none() {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            if remembered.len() >= REMEMBERED_MAX {
                remembered.clear();
            }
            remembered.insert(hash, (claims, exp));
        }
        Ok(claims)
    }

    fn check_signature(&self, token: &str, now: Ts) -> Result<(TokenClaims, i64)> {
        let refuse = |why: &'static str| Refusal::InvalidToken { why };
        let header = jsonwebtoken::decode_header(token).map_err(|_| refuse("it is not a token"))?;
        if header.alg != Algorithm::ES256 {
            return Err(refuse("its algorithm is not ES256").into());
        }
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.iter().find(|key| Some(&key.kid) == header.kid.as_ref()).ok_or(refuse("it is not signed by this server"))?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The times are compared with the clock of this server, which the sandbox moves.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)
            .map_err(|_| refuse("its signature or its claims are wrong"))?
            .claims;
        if claims.nbf.is_some_and(|nbf| nbf > now.as_seconds() + LEEWAY_SECONDS) || claims.iat > now.as_seconds() + LEEWAY_SECONDS {
            return Err(refuse("it is not valid yet").into());
        }
        Ok((TokenClaims { user_id: UserId(claims.sub), session_id: SessionId(claims.session_id) }, claims.exp))
    }

    /// The refresh token that carries `counter`.
    pub fn refresh_token(&self, session: SessionId, counter: i64) -> String {
        let mut bytes = vec![1];
        bytes.extend(session.0.as_bytes());
        bytes.extend(counter.to_be_bytes());
        let tag = hmac::sign(self.seal.refresh_key(), &bytes);
        bytes.extend(&tag.as_ref()[..16]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The session and counter of a refresh token that this server made.
    pub fn read_refresh_token(&self, token: &str) -> Option<(SessionId, i64)> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == 41 && bytes[0] == 1)?;
        let (body, tag) = bytes.split_at(25);
        let right = hmac::sign(self.seal.refresh_key(), body);
        if !bool::from(right.as_ref()[..16].ct_eq(tag)) {
            return None;
        }
        let session = Uuid::from_slice(&body[1..17]).ok()?;
        Some((SessionId(session), i64::from_be_bytes(body[17..].try_into().ok()?)))
    }
}

/// The newest key that every node and client has had time to learn of, or the newest one.
fn key_to_sign_with(keys: &[OpenKey], now: Ts) -> Result<&OpenKey> {
    let usable = || keys.iter().filter(|key| key.sign_until > now);
    usable()
        .find(|key| key.created_at.plus(LEARNED_WITHIN) <= now)
        .or_else(|| usable().next())
        .ok_or_else(|| internal("there is no key to sign with"))
}

/// What the server says of a user, in tokens and in answers.
pub fn app_metadata(signed_in: &SignedIn) -> Value {
    let role = if signed_in.user.is_admin { "admin" } else { "member" };
    json!({ "provider": "email", "providers": ["email"], "is_bot": signed_in.user.is_bot, "role": role })
}

/// The public keys, for clients that verify tokens themselves.
pub async fn jwks(State(app): State<Arc<App>>) -> Response {
    let keys: Vec<Value> = app.tokens.keys.read().unwrap_or_else(PoisonError::into_inner).iter().map(|key| key.jwk.clone()).collect();
    ([(CACHE_CONTROL, "public, max-age=600")], Json(json!({ "keys": keys }))).into_response()
}
