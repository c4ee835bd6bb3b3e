//! `/auth/v1/factors`: second factors, for those who have signed in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::Result;
use crate::base::error::{Error, Refusal};
use crate::base::hourly_limits;
use crate::base::limit::Policy;
use crate::doors::App;
use crate::doors::auth::asked::{Asked, answer};
use crate::doors::auth::gate;
use crate::doors::auth::refusal::AuthRefusal;
use crate::doors::auth::shapes::session_of;
use crate::users::UserRefusal;
use crate::users::people::factors::{self, Tried, Try};
use crate::users::session::SignedIn;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const NAME_CHARACTERS_MAX: usize = 60;

/// A new factor, as its user puts it into an app.
pub struct NewFactor {
    /// Which.
    pub id: Uuid,
    /// What the app makes codes from, to type.
    pub secret: String,
    /// The same as an address, to scan.
    pub uri: String,
    /// The address as a picture.
    pub qr_code: String,
}

/// Makes a factor for whoever has this session.
///
/// # Errors
/// What [`factors::enroll`] refuses.
pub async fn enroll(app: &Arc<App>, of: &SignedIn, name: &str) -> Result<NewFactor> {
    let mut rng = app.dispatcher.entropy().fork();
    let id = uuid::Builder::from_random_bytes(rng.bytes()).into_uuid();
    let secret: [u8; 20] = rng.bytes();
    let sealed = app.tokens.seal_secret(id, &secret, &mut rng)?;
    let (session, name) = (of.session_id, name.to_owned());
    app.dispatcher.system(move |cx| factors::enroll(cx, session, id, &name, &sealed)).await?;
    for_an_app(app, of, id, &secret)
}

/// A factor that was begun and whose code has not been right yet, as it was shown before.
///
/// # Errors
/// `not_found`.
pub fn once_more(app: &App, of: &SignedIn, id: Uuid) -> Result<NewFactor> {
    let begun = of.factors.iter().find(|one| one.id == id && one.verified_at.is_none()).ok_or(Refusal::NotFound)?;
    for_an_app(app, of, id, &app.tokens.open_secret(id, &begun.secret_sealed)?)
}

fn for_an_app(app: &App, of: &SignedIn, id: Uuid, secret: &[u8]) -> Result<NewFactor> {
    let secret = base32(secret);
    let issuer = url::Url::parse(&app.public_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let address: String = url::form_urlencoded::byte_serialize(of.password.email.as_bytes()).collect();
    let uri = format!("otpauth://totp/roborent:{address}?secret={secret}&issuer=roborent%20{issuer}&algorithm=SHA1&digits=6&period=30");
    let qr_code = crate::doors::qr::svg(&uri)?;
    Ok(NewFactor { id, secret, uri, qr_code })
}

/// Tries a code of a factor, after a challenge of its own.
///
/// # Errors
/// `second_factor_wrong`, `second_factor_expired`, `rate_limited`.
pub async fn show(
    app: &Arc<App>,
    of: &SignedIn,
    tried: (Uuid, Uuid, String),
    cookie_hash: Option<[u8; 32]>,
) -> Result<(SignedIn, Vec<String>)> {
    counted(app, of, try_one(app, of, tried, cookie_hash)).await
}

/// Tries a code of any of the user's factors, or a recovery code; the session goes on under another cookie.
///
/// # Errors
/// `second_factor_wrong`, `rate_limited`.
pub async fn show_any(app: &Arc<App>, of: &SignedIn, code: &str, cookie_hash: [u8; 32]) -> Result<()> {
    counted(app, of, try_any(app, of, code, Some(cookie_hash))).await
}

/// Counts a guess before it is known how it ends; only a wrong one stays counted.
async fn counted<T>(app: &Arc<App>, of: &SignedIn, guessing: impl Future<Output = Result<T>>) -> Result<T> {
    let user = of.user.id.0;
    app.dispatcher.count(user, Policy::SignIn)?;
    let guess = app.dispatcher.system(move |cx| gate::count(cx, user, Policy::SecondFactorFailure)).await?;
    let done = guessing.await;
    let was_no_guess = match &done {
        Ok(_) => true,
        Err(error) => matches!(error.code(), "second_factor_expired" | "not_found" | "user_suspended"),
    };
    if was_no_guess {
        app.dispatcher.system(move |cx| hourly_limits::take_back(cx, guess)).await?;
    }
    done
}

async fn try_any(app: &Arc<App>, of: &SignedIn, code: &str, cookie_hash: Option<[u8; 32]>) -> Result<()> {
    let digits = code.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    if digits.len() != 6 {
        let of = of.clone();
        let used = app.dispatcher.system(move |cx| factors::try_recovery_code(cx, &of, &digits, cookie_hash)).await?;
        return used.map(drop).ok_or_else(|| UserRefusal::CodeWrong.into());
    }
    let mut last = UserRefusal::CodeWrong.into();
    for factor in of.factors.iter().filter(|factor| factor.verified_at.is_some()) {
        let (challenge, _) = challenge(app, of, factor.id).await?;
        match try_one(app, of, (factor.id, challenge, digits.clone()), cookie_hash).await {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn try_one(
    app: &Arc<App>,
    of: &SignedIn,
    (factor, challenge, code): (Uuid, Uuid, String),
    cookie_hash: Option<[u8; 32]>,
) -> Result<(SignedIn, Vec<String>)> {
    let stored = of.factors.iter().find(|one| one.id == factor).ok_or(Refusal::NotFound)?;
    let secret = app.tokens.open_secret(factor, &stored.secret_sealed)?;
    let (of, tried) = (of.clone(), Try { factor, challenge, secret, code, cookie_hash });
    match app.dispatcher.system(move |cx| factors::try_code(cx, &of, &tried)).await? {
        Tried::Right(signed_in, codes) => Ok((*signed_in, codes)),
        Tried::Wrong => Err(UserRefusal::CodeWrong.into()),
        Tried::Expired => Err(UserRefusal::CodesTried.into()),
    }
}

/// A challenge for a factor of this session's user.
pub async fn challenge(app: &Arc<App>, of: &SignedIn, factor: Uuid) -> Result<(Uuid, crate::base::Ts)> {
    let user = of.user.id;
    app.dispatcher.system(move |cx| factors::challenge(cx, user, factor)).await
}

pub(super) async fn enrolled(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, new_factor).await
}

async fn new_factor(app: Arc<App>, asked: Asked) -> Result<Option<Value>, AuthRefusal> {
    let of = asked.signed_in(&app).await?;
    if asked.text("factor_type", 20)? != "totp" {
        return Err(AuthRefusal::invalid("factor_type needs to be totp"));
    }
    let name = asked.optional_text("friendly_name", 200)?.unwrap_or_default().trim();
    if name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        return Err(AuthRefusal::invalid("friendly_name has at most 60 characters"));
    }
    let refused = |error: Error| match error.code() {
        "second_factor_required" => AuthRefusal::new(403, "insufficient_aal", "AAL2 required to enroll a new factor"),
        _ => error.into(),
    };
    let made = enroll(&app, &of, name).await.map_err(refused)?;
    let totp = json!({ "qr_code": made.qr_code, "secret": made.secret, "uri": made.uri });
    Ok(Some(json!({ "id": made.id, "type": "totp", "friendly_name": name, "totp": totp })))
}

pub(super) async fn challenged(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request<Body>) -> Response<Body> {
    answer(app, request, async move |app, asked| {
        let of = asked.signed_in(&app).await?;
        let (challenge, until) = challenge(&app, &of, id_of(&id)?).await?;
        Ok(Some(json!({ "id": challenge, "type": "totp", "expires_at": until.as_seconds() })))
    })
    .await
}

pub(super) async fn shown(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request<Body>) -> Response<Body> {
    answer(app, request, async move |app, asked| {
        let of = asked.signed_in(&app).await?;
        let challenge = asked.text("challenge_id", 60)?.parse().map_err(|_| AuthRefusal::invalid("challenge_id is not an id"))?;
        let tried = (id_of(&id)?, challenge, asked.text("code", 20)?.to_owned());
        let (signed_in, _) = show(&app, &of, tried, None).await?;
        Ok(Some(session_of(&app, &signed_in)?))
    })
    .await
}

pub(super) async fn removed(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request<Body>) -> Response<Body> {
    answer(app, request, async move |app, asked| {
        let (session, id) = (asked.signed_in(&app).await?.session_id, id_of(&id)?);
        let refused = |error: Error| match error.code() {
            "second_factor_required" => AuthRefusal::new(422, "insufficient_aal", "AAL2 required to unenroll verified factor"),
            _ => error.into(),
        };
        app.dispatcher.system(move |cx| factors::unenroll(cx, session, id)).await.map_err(refused)?;
        Ok(Some(json!({ "id": id })))
    })
    .await
}

fn id_of(text: &str) -> Result<Uuid, AuthRefusal> {
    text.parse().map_err(|_| AuthRefusal::new(404, "mfa_factor_not_found", "Factor not found"))
}

fn base32(bytes: &[u8]) -> String {
    bytes.chunks(5).fold(String::new(), |mut text, chunk| {
        let mut five = [0; 8];
        five[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(five);
        (0..8).rev().for_each(|at| text.push(char::from(BASE32[usize::try_from(bits >> (5 * at) & 31).unwrap_or(0)])));
        text
    })
}
