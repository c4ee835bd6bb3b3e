//! Where nodes answer, as `chain.providers` names them.

use url::{Host, Url};

use super::Chain;

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUrls {
    /// What the log calls it.
    pub host: String,
    /// Where everything is asked that is not solid.
    pub full: String,
    /// Where solid blocks are served.
    pub solid: String,
}

impl Chain {
    /// The providers in their order.
    ///
    /// # Errors
    /// A sentence that names the one that cannot be read.
    pub fn provider_urls(&self) -> Result<Vec<ProviderUrls>, String> {
        let text = |url: &str| url.trim_end_matches('/').to_owned();
        let read = |given: &String| {
            let (full, solid) = halves(given);
            let host = parse(full)?.host_str().unwrap_or_default().to_owned();
            parse(solid)?;
            Ok(ProviderUrls { host, full: text(full), solid: text(solid) })
        };
        self.providers.iter().map(read).collect()
    }

    /// What they must be where there is real money: each another one, and none that somebody on the way can speak for.
    pub(in crate::base) fn check_providers(&self) -> Result<(), String> {
        let mut taken = Vec::new();
        for given in &self.providers {
            let (full, solid) = halves(given);
            let mut places = [place(&parse(full)?)?, place(&parse(solid)?)?].to_vec();
            places.dedup();
            if let Some(again) = places.iter().find(|place| taken.contains(*place)) {
                return Err(format!("chain.providers: {again} is there twice; a quorum is worth something when each is another one"));
            }
            taken.extend(places);
        }
        Ok(())
    }
}

fn halves(given: &str) -> (&str, &str) {
    given.split_once('|').unwrap_or((given, given))
}

fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| format!("chain.providers: \"{text}\" is no address such as https://api.trongrid.io"))
}

/// Host and port of a provider whose answers nobody can change on the way.
fn place(url: &Url) -> Result<String, String> {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let place = format!("{}:{}", url.host_str().unwrap_or_default().trim_end_matches('.'), url.port_or_known_default().unwrap_or_default());
    if url.scheme() == "https" || is_here {
        return Ok(place);
    }
    Err(format!("chain.providers: {place} must be asked over https://, because it is not on this machine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(providers: &[&str]) -> Chain {
        Chain { providers: providers.iter().map(|url| (*url).to_owned()).collect(), ..Chain::default() }
    }

    #[test]
    fn a_provider_is_one_address_or_two() {
        let read = of(&["https://api.trongrid.io/", "http://127.0.0.1:8090|http://127.0.0.1:8091/"]).provider_urls().expect("addresses");
        let urls = |host: &str, full: &str, solid: &str| ProviderUrls { host: host.into(), full: full.into(), solid: solid.into() };
        let one = urls("api.trongrid.io", "https://api.trongrid.io", "https://api.trongrid.io");
        assert_eq!(read, [one, urls("127.0.0.1", "http://127.0.0.1:8090", "http://127.0.0.1:8091")]);
        for wrong in
            ["trongrid", "", "api.trongrid.io:443", "ftp://api.trongrid.io", "https://", "https://a.example|b", "|https://a.example"]
        {
            let why = of(&[wrong]).provider_urls().expect_err(wrong);
            assert!(why.starts_with("chain.providers: \"") && why.contains("is no address"), "{why}");
        }
    }

    #[test]
    fn real_money_wants_different_providers_and_https() {
        for (providers, expected) in [
            (&["https://a.example", "https://b.example"][..], None),
            (&["https://a.example:8090|https://a.example:8091", "https://a.example"], None),
            (&["http://127.0.0.1:8090", "http://[::1]:8090", "http://localhost:8090"], None),
            (&["https://a.example", "https://A.example.:443/"], Some("a.example:443 is there twice")),
            (&["https://a.example/x", "https://a.example/y"], Some("a.example:443 is there twice")),
            (&["https://a.example|https://s.example", "https://b.example|https://s.example"], Some("s.example:443 is there twice")),
            (&["http://a.example"], Some("a.example:80 must be asked over https://")),
            (&["https://a.example|http://10.0.0.1:8091"], Some("10.0.0.1:8091 must be asked over https://")),
        ] {
            let checked = of(providers).check_providers();
            match expected {
                None => assert_eq!(checked, Ok(()), "{providers:?}"),
                Some(text) => assert!(checked.as_ref().is_err_and(|why| why.contains(text)), "{checked:?}"),
            }
        }
    }
}
