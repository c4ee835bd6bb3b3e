//! One message, one reading: what a proxy and this server could understand differently is refused, and the connection
//! ends with it. hyper refuses the rest.

use axum::body::Body;
use axum::http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Version};

use crate::base::error::Refusal;
use crate::doors::problem::{self, RequestId};

/// The answer to a message that has no single reading; nothing when it has one.
pub(super) fn refusal<B>(request: &Request<B>) -> Option<Response<Body>> {
    let why = ambiguity(request)?;
    let mut response = problem::render(&Refusal::MalformedRequest { why }.into(), &RequestId("none".into()));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}

fn ambiguity<B>(request: &Request<B>) -> Option<&'static str> {
    let headers = request.headers();
    if request.version() > Version::HTTP_11 {
        return None;
    }
    if request.method() != Method::CONNECT && request.uri().path().is_empty() {
        return Some("its target has no path");
    }
    let count = |name: &HeaderName| headers.get_all(name).iter().count();
    if count(&HOST) > 1 || (count(&HOST) == 0 && request.version() == Version::HTTP_11) {
        return Some("HTTP/1.1 has one Host header");
    }
    if count(&TRANSFER_ENCODING) > 0 && !is_chunked_once(headers) {
        return Some("the only transfer coding taken is `chunked`, once");
    }
    None
}

fn is_chunked_once(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    codings.next().is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked")) && codings.next().is_none()
}
