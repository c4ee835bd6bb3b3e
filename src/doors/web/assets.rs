//! The style and the script of the site, under addresses that name their content: browsers keep them for ever.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest as _, Sha256};

use crate::doors::web::refused::Refused;

const STYLE: &str = include_str!("../../../assets/site.css");
const SCRIPT: &str = include_str!("../../../assets/site.js");

static STYLE_PATH: LazyLock<String> = LazyLock::new(|| named("site", "css", STYLE));
static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| named("site", "js", SCRIPT));

/// Where the style is.
pub fn style() -> &'static str {
    &STYLE_PATH
}

/// Where the script is.
pub fn script() -> &'static str {
    &SCRIPT_PATH
}

/// The routes.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{name}", get(asset))
}

fn named(name: &str, extension: &str, content: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(content.as_bytes()).into();
    let short = u64::from_be_bytes([0, 0, hash[0], hash[1], hash[2], hash[3], hash[4], hash[5]]);
    format!("/assets/{name}-{short:012x}.{extension}")
}

async fn asset(Path(name): Path<String>) -> Response {
    let path = format!("/assets/{name}");
    let (content, kind) = if path == *style() {
        (STYLE, "text/css; charset=utf-8")
    } else if path == *script() {
        (SCRIPT, "text/javascript; charset=utf-8")
    } else {
        return Refused::NotFound.into_response();
    };
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")], content).into_response()
}
