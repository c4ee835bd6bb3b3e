//! Who sends messages and from where, for every message of a request; and the scene of one call.

use std::sync::{Arc, OnceLock};

use axum::http::header::{ACCEPT, HOST, ORIGIN};
use axum::http::{HeaderMap, request};
use serde_json::Value;
use uuid::Uuid;

use crate::base::call::Credentials;
use crate::base::error::{Error, Result};
use crate::doors::App;
use crate::doors::authenticate::credentials;
use crate::doors::client;
use crate::doors::request::{client_address, request_id};

/// Who sends messages.
pub struct Asker {
    /// What was shown; nothing when nobody is signed in.
    pub credentials: Credentials,
    /// The database has just said that the credentials hold.
    pub checked: bool,
    /// Whom the limit of all messages counts: the user, or the address.
    pub subject: Uuid,
    /// Where from, as limits count it.
    pub client: Uuid,
    /// The id of the request.
    pub request_id: String,
    /// Reads event streams, so that a status of HTTP would end the session instead of being read.
    pub reads_results: bool,
    /// The answer goes to an event stream.
    pub on_a_stream: bool,
    /// What rmcp has to see of the request: nothing secret.
    pub headers: HeaderMap,
    /// The header of that name.
    pub idempotency_key: Option<String>,
    /// The key that was made by a registration in one of these messages.
    pub registered: OnceLock<Credentials>,
}

impl Asker {
    /// Reads the headers of a request. Credentials that the database does not know are refused.
    pub async fn of(app: &Arc<App>, parts: &request::Parts) -> Result<Self> {
        let shown = credentials(app, &parts.headers)?;
        let client = client::subject(client_address(app, parts));
        let (subject, checked) = match (is_nobody(&shown), app.dispatcher.last_known(&shown)) {
            (true, _) => (client, true),
            (false, Some(member)) => (member.user_id.0, false),
            (false, None) => (app.dispatcher.who(&shown).await?.user_id.0, true),
        };
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self {
            credentials: shown,
            checked,
            subject,
            client,
            request_id: request_id(&parts.extensions).0,
            reads_results: accepts(&parts.headers, "text/event-stream"),
            on_a_stream: false,
            headers: for_rmcp(&parts.headers),
            idempotency_key: text("idempotency-key"),
            registered: OnceLock::new(),
        })
    }

    /// Whether nobody is signed in.
    pub fn is_anonymous(&self) -> bool {
        is_nobody(&self.credentials)
    }
}

/// One tool call: what the door knows of it beside the message.
pub struct Scene {
    /// Who.
    pub asker: Arc<Asker>,
    /// A key that came among the arguments.
    pub api_key: Option<Value>,
    /// The header that stands for the argument of the same name.
    pub idempotency_key: Option<String>,
    /// A refusal that has a status of HTTP for those who do not read results.
    pub refused: OnceLock<Error>,
}

/// Whether no credential was shown.
pub fn is_nobody(credentials: &Credentials) -> bool {
    *credentials == Credentials::default()
}

/// Whether a media type is accepted by its name, not by a wildcard.
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let texts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media_type));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        named && weight.is_none_or(|weight| !weight.trim_matches(['0', '.']).is_empty())
    })
}

/// Host and origin for its own check, and the headers that the protocol has.
fn for_rmcp(headers: &HeaderMap) -> HeaderMap {
    let wanted = |name: &str| name == HOST.as_str() || name == ORIGIN.as_str() || name.starts_with("mcp-");
    headers.iter().filter(|(name, _)| wanted(name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_accepted_by_its_name() {
        for (accept, answer) in [
            ("application/json, text/event-stream", true),
            ("TEXT/event-stream;q=0.5", true),
            ("text/event-stream; q=1", true),
            ("text/event-stream;q=0", false),
            ("text/event-stream;q=0.0", false),
            ("*/*", false),
            ("text/event-streams", false),
            ("", false),
        ] {
            let headers = [(ACCEPT, accept.parse().expect("a header"))].into_iter().collect();
            assert_eq!(accepts(&headers, "text/event-stream"), answer, "{accept}");
        }
    }
}
