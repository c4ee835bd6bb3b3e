//! What every door reads of a request: its id, where it comes from, its body.

use std::net::{IpAddr, SocketAddr};

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Extensions, HeaderMap, request};

use crate::base::error::{Refusal, Result};
use crate::doors::App;
use crate::doors::client::{self, Peer};
use crate::doors::problem::RequestId;

/// The id that the answer and the log carry.
pub(super) fn request_id(extensions: &Extensions) -> RequestId {
    extensions.get::<RequestId>().cloned().unwrap_or(RequestId(String::new()))
}

/// The address of the client.
pub(super) fn client_address(app: &App, parts: &request::Parts) -> IpAddr {
    client::address(peer(parts), &parts.headers, &app.dispatcher.config.server.trusted_proxies)
}

/// The other end of the socket.
pub(super) fn peer(parts: &request::Parts) -> Peer {
    parts.extensions.get::<Peer>().copied().unwrap_or(Peer(SocketAddr::from(([0, 0, 0, 0], 0))))
}

/// The body, as far as it is not too large. Fails with `body_too_large`.
pub(super) async fn read_body(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Vec<u8>> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if announced.is_some_and(|n| n > bytes_max) {
        return Err(Refusal::BodyTooLarge { bytes_max }.into());
    }
    match to_bytes(body, bytes_max).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) if std::error::Error::source(&error).is_some_and(|s| s.to_string().contains("length limit")) => {
            Err(Refusal::BodyTooLarge { bytes_max }.into())
        }
        Err(_) => Err(Refusal::InvalidJson { why: "the body broke off".into() }.into()),
    }
}
