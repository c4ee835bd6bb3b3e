//! A URL that a user gave, as far as it may be used without asking anybody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::base::strangers::is_public;

const PORTS: [u16; 2] = [443, 8443];
/// Names that mean something inside of a network only.
const INSIDE: [&str; 8] = ["local", "localhost", "localdomain", "internal", "intranet", "lan", "home", "corp"];

/// What is allowed besides the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `127.0.0.1`, `::1` and `localhost` themselves, on any port and without TLS.
    pub loopback: bool,
}

/// A URL whose form is allowed.
#[derive(Clone, Debug)]
pub struct Target {
    url: Url,
    loopback: bool,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// Why it may not be used, for the person who gave it.
    pub fn parse(text: &str, rule: Rule) -> Result<Self, &'static str> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err("it holds characters that no URL has");
        }
        let mut url = Url::parse(text).map_err(|_| "it is not a URL")?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err("it must start with https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must hold no user name or password");
        }
        url.set_fragment(None);
        let loopback = rule.loopback && is_loopback(&url);
        if !loopback {
            public(&url)?;
        }
        Ok(Self { url, loopback })
    }

    /// As it is used.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The name that has to be resolved; nothing when the URL holds an address.
    pub fn name(&self) -> Option<&str> {
        self.url.domain()
    }

    /// Whether the name may lead to this address.
    pub fn may_reach(&self, address: IpAddr) -> bool {
        if self.loopback { address.to_canonical().is_loopback() } else { is_public(address) }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

fn public(url: &Url) -> Result<(), &'static str> {
    const PRIVATE: &str = "it must not lead to a private or reserved address";
    match url.host() {
        None => return Err("it names no host"),
        Some(Host::Ipv4(address)) if !is_public(address.into()) => return Err(PRIVATE),
        Some(Host::Ipv6(address)) if !is_public(address.into()) => return Err(PRIVATE),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => {}
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let last = name.rsplit_once('.').map(|(_, last)| last);
            if last.is_none_or(|last| INSIDE.contains(&last)) || name.ends_with("home.arpa") {
                return Err("its host must have a public name");
            }
        }
    }
    if url.scheme() != "https" {
        return Err("it must start with https://");
    }
    match url.port_or_known_default() {
        Some(port) if PORTS.contains(&port) => Ok(()),
        _ => Err("its port must be 443 or 8443"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_https_is_allowed_and_loopback_where_the_rule_says_so() {
        for text in [
            "https://example.com",
            "https://example.com:8443/a?b=c#d",
            "https://1.1.1.1/",
            "https://[2606:4700::1]/x",
            "https://bücher.example/",
        ] {
            for loopback in [true, false] {
                assert!(Target::parse(text, Rule { loopback }).is_ok(), "{text}");
            }
        }
        for text in ["http://127.0.0.1:8080/hook", "http://localhost:1/", "https://[::1]:9/", "http://2130706433/"] {
            assert!(Target::parse(text, Rule { loopback: true }).is_ok(), "{text}");
            assert!(Target::parse(text, Rule { loopback: false }).is_err(), "{text}");
        }
        for text in
            ["http://127.0.0.2/", "http://[::ffff:127.0.0.1]/", "http://localhost./", "http://localhost.example/", "http://10.0.0.1/"]
        {
            assert!(Target::parse(text, Rule { loopback: true }).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_reaches_what_its_rule_allows() {
        let public = Target::parse("https://example.com", Rule { loopback: true }).expect("public");
        assert!(public.may_reach(Ipv4Addr::new(1, 1, 1, 1).into()) && !public.may_reach(Ipv4Addr::LOCALHOST.into()));
        let here = Target::parse("http://localhost:9", Rule { loopback: true }).expect("here");
        assert!(!here.may_reach(Ipv4Addr::new(1, 1, 1, 1).into()) && here.may_reach(Ipv6Addr::LOCALHOST.into()));
    }
}
