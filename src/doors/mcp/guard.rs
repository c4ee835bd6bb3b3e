//! Which hosts and which web pages may call: a page of another site must not reach an agent's server, also not under a name
//! that leads to it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use axum::middleware::Next;
use serde_json::Value;
use url::Url;

use crate::base::config::Config;
use crate::doors::App;
use crate::doors::mcp::{PATH, answer};

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The hosts and origins of this installation.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// Host, and the port when only one is meant.
    hosts: Vec<(String, Option<u16>)>,
    /// Scheme, host, port.
    origins: Vec<(String, String, u16)>,
}

impl Allowed {
    /// As the settings say.
    pub fn of(config: &Config) -> Self {
        let site = Url::parse(&config.server.site()).ok();
        let mut hosts: Vec<_> = LOOPBACK.iter().map(|name| ((*name).to_owned(), None)).collect();
        hosts.extend(site.as_ref().and_then(Url::host_str).map(|host| (host.to_owned(), None)));
        hosts.extend(config.mcp.allowed_hosts.iter().filter_map(|text| host_and_port(text)));
        let configured = config.mcp.allowed_origins.iter().filter_map(|text| Url::parse(text).ok());
        Self { hosts, origins: site.into_iter().chain(configured).filter_map(|url| origin_of(&url)).collect() }
    }

    /// As rmcp wants them.
    pub fn host_names(&self) -> Vec<String> {
        self.hosts.iter().map(|(host, port)| port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))).collect()
    }

    /// As rmcp wants them.
    pub fn origin_names(&self) -> Vec<String> {
        let local = LOOPBACK.iter().flat_map(|name| [format!("http://{name}:*"), format!("https://{name}:*")]);
        local.chain(self.origins.iter().map(|(scheme, host, port)| format!("{scheme}://{host}:{port}"))).collect()
    }

    /// Why a request may not come in.
    fn refuse(&self, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
        // HTTP/2 names the host in the request line; HTTP/1.1 does in Host, and may in both.
        let in_header = headers.get_all(HOST).iter().map(|value| value.to_str().unwrap_or_default());
        let mut hosts = uri.authority().map(Authority::as_str).into_iter().chain(in_header).peekable();
        if hosts.peek().is_none() || !hosts.all(|host| self.is_host(host)) {
            return Some(
                "This server does not answer under that host name. Use its public address; its operator can add names with mcp.allowed_hosts.",
            );
        }
        if !headers.get_all(ORIGIN).iter().all(|origin| self.is_origin(origin.to_str().unwrap_or_default())) {
            return Some("Web pages of that origin may not call this server. Its operator can add origins with mcp.allowed_origins.");
        }
        None
    }

    fn is_host(&self, text: &str) -> bool {
        host_and_port(text)
            .is_some_and(|(host, port)| self.hosts.iter().any(|(known, only)| *known == host && (only.is_none() || *only == port)))
    }

    fn is_origin(&self, text: &str) -> bool {
        let parsed = Url::parse(text).ok().filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none());
        let Some(origin) = parsed.as_ref().and_then(origin_of) else { return false };
        self.origins.contains(&origin) || LOOPBACK.contains(&origin.1.as_str())
    }
}

fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let authority: Authority = text.parse().ok()?;
    (!text.contains('@')).then(|| (authority.host().to_ascii_lowercase(), authority.port_u16()))
}

fn origin_of(url: &Url) -> Option<(String, String, u16)> {
    let is_plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    is_plain.then(|| Some((url.scheme().to_owned(), url.host_str()?.to_owned(), url.port_or_known_default()?)))?
}

/// Stands before every path of the door, also before the answers to preflights.
pub async fn guard(State((app, allowed)): State<(Arc<App>, Arc<Allowed>)>, request: Request, next: Next) -> Response<Body> {
    let path = request.uri().path();
    let is_ours = path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match is_ours.then(|| allowed.refuse(request.uri(), request.headers())).flatten() {
        None => next.run(request).await,
        Some(why) => {
            tracing::debug!(request_id = app.tokens.instance(), "an MCP request of a foreign host or origin");
            answer::error(StatusCode::FORBIDDEN, &Value::Null, answer::SERVER_ERROR, why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Allowed {
        let mut config = Config::default();
        config.server.public_url = "https://market.example".into();
        config.mcp.allowed_hosts = vec!["inner.example:8443".into()];
        config.mcp.allowed_origins = vec!["https://app.example".into()];
        Allowed::of(&config)
    }

    #[test]
    fn hosts_are_compared_as_a_whole() {
        let allowed = allowed();
        for host in ["market.example", "MARKET.example:443", "localhost:8080", "127.0.0.1", "[::1]:9", "inner.example:8443"] {
            assert!(allowed.is_host(host), "{host}");
        }
        for host in ["", "evil.example", "market.example.evil.example", "inner.example", "user@localhost", "127.0.0.2", "0.0.0.0"] {
            assert!(!allowed.is_host(host), "{host}");
        }
    }

    #[test]
    fn origins_are_compared_as_scheme_host_and_port() {
        let allowed = allowed();
        for origin in ["https://market.example", "https://market.example:443", "http://localhost:3000", "https://app.example"] {
            assert!(allowed.is_origin(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://market.example",
            "https://market.example:444",
            "https://market.example.evil.example",
            "http://localhost.evil.example",
            "https://market.example/path",
            "file://localhost",
            "https://user@market.example",
        ] {
            assert!(!allowed.is_origin(origin), "{origin}");
        }
    }
}
