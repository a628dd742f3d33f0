//! Where a call comes from: the other end of the connection, or what trusted proxies in front say.

use std::net::{IpAddr, SocketAddr};

use tonic::{Request, metadata::MetadataMap};

/// Where proxies write down whom they have a call from, each behind those before it.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// How many proxies in front of the service are trusted to say where a call comes from.
///
/// With none, the header that proxies write is not looked at: anybody can send it. With some, everything that was in
/// the header before the outermost of them wrote to it is not looked at either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(pub u8);

impl TrustedProxies {
    /// The caller's address; `None` for calls in memory. A header that says less than it should is not taken: then
    /// the call comes from the proxy.
    #[must_use]
    pub fn caller_address<T>(self, request: &Request<T>) -> Option<IpAddr> {
        let peer = request.remote_addr().map(|address| address.ip());
        self.forwarded_for(request.metadata()).or(peer)
    }

    fn forwarded_for(self, metadata: &MetadataMap) -> Option<IpAddr> {
        let nth = usize::from(self.0).checked_sub(1)?;
        let lines = metadata.get_all(FORWARDED_FOR).iter();
        let lines: Vec<&str> = lines
            .map(|line| line.to_str().unwrap_or_default())
            .collect();
        let mut entries = lines.iter().rev().flat_map(|line| line.rsplit(','));
        address(entries.nth(nth)?.trim())
    }
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(hops: u8, lines: &[&str]) -> Option<String> {
        let mut request = Request::new(());
        for line in lines {
            let line = line.parse().unwrap();
            request.metadata_mut().append(FORWARDED_FOR, line);
        }
        let address = TrustedProxies(hops).caller_address(&request);
        address.map(|address| address.to_string())
    }

    #[test]
    fn without_trusted_proxies_nobody_says_where_it_is() {
        assert_eq!(seen(0, &["192.0.2.1"]), None);
    }

    #[test]
    fn what_the_outermost_trusted_proxy_wrote_counts_and_nothing_before_it() {
        let one = Some("192.0.2.1".to_owned());
        assert_eq!(seen(1, &["203.0.113.9, 192.0.2.1"]), one);
        assert_eq!(seen(2, &["203.0.113.9, 192.0.2.1", "198.51.100.2"]), one);
        assert_eq!(seen(1, &["192.0.2.1:4711"]), one);
        let six = Some("2001:db8::1".to_owned());
        assert_eq!(seen(1, &["[2001:db8::1]:443"]), six);
        assert_eq!(seen(1, &["2001:db8::1"]), six);
    }

    #[test]
    fn a_header_that_says_less_is_not_taken() {
        assert_eq!(seen(1, &[]), None);
        assert_eq!(seen(2, &["192.0.2.1"]), None);
        for hidden in ["_hidden, 192.0.2.1", ", 192.0.2.1"] {
            assert_eq!(seen(2, &[hidden]), None);
        }
    }
}
