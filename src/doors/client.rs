//! Where a request comes from: the socket's peer, or what a trusted proxy says of it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The address of the other end of the socket.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The client's address: the last one in `X-Forwarded-For` that is not a trusted proxy, when the peer is one.
pub fn address(peer: Peer, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let mut address = peer.0.ip().to_canonical();
    let named = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect::<Vec<_>>();
    for name in named.iter().rev() {
        if !trusted.contains(&address) {
            break;
        }
        match name.trim().parse::<IpAddr>() {
            Ok(next) => address = next.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

/// What limits count as one client: an IPv4 address, or a /64 of IPv6.
pub fn subject(address: IpAddr) -> Uuid {
    let counted = match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    };
    digest("client", &counted.to_string())
}

/// A subject of a limit that is not a user.
pub fn digest(kind: &str, name: &str) -> Uuid {
    let hash = Sha256::digest(format!("{kind} {name}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a header"));
        }
        let trusted: Vec<IpAddr> = trusted.iter().map(|t| t.parse().expect("an address")).collect();
        address(Peer(peer.parse().expect("a socket")), &headers, &trusted).to_string()
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        assert_eq!(seen("9.9.9.9:1", &["1.1.1.1"], &[]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1:1", &["1.1.1.1, 2.2.2.2"], &["10.0.0.1"]), "2.2.2.2");
        assert_eq!(seen("10.0.0.1:1", &["1.1.1.1", "10.0.0.2"], &["10.0.0.1", "10.0.0.2"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1:1", &["1.1.1.1, nonsense"], &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(seen("[::ffff:9.9.9.9]:1", &[], &[]), "9.9.9.9");
    }

    #[test]
    fn ipv6_is_counted_by_its_first_half() {
        let of = |text: &str| subject(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("1.1.1.1"), of("1.1.1.2"));
    }
}
