//! Addresses that people will click on: http and https, nothing else.

use url::Url;

use crate::tasks::TaskRefusal;

/// The address in its plain form.
///
/// # Errors
/// `invalid_url` for other schemes (`javascript:`, `data:`), addresses without a host, and ones that hold a password.
pub(super) fn http_link(field: &'static str, text: &str) -> Result<String, TaskRefusal> {
    let url = Url::parse(text).map_err(|_| TaskRefusal::InvalidUrl { field })?;
    let fits = matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.username().is_empty() && url.password().is_none();
    if fits { Ok(url.into()) } else { Err(TaskRefusal::InvalidUrl { field }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_pass() {
        for good in ["https://x.com/user/status/123", "http://example.com", "https://example.com/a?b=c#d"] {
            assert!(http_link("proof_url", good).is_ok(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "x.com/a",
            "https://",
            "https://a:b@c.de",
            "java\nscript:alert(1)",
            "ftp://a.b",
        ] {
            assert!(http_link("proof_url", bad).is_err(), "{bad}");
        }
    }
}
