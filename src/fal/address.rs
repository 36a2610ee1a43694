//! Which addresses may be fetched from when a server, and not the user, names them.

use std::{
    env, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Whether `ip` lies in the public part of the Internet (IANA's special-purpose registries).
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !matches!(
        ip.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        // Mapped addresses, and those that NAT64 makes of public names where there is IPv6 only.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        // Protocol assignments with Teredo, documentation, 6to4.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Whether `url` is https to a public address, as far as its text tells; names are checked again when they are looked
/// up.
pub(super) fn is_public_https(url: &Url) -> bool {
    url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && match url.host() {
            Some(Host::Ipv4(ip)) => is_public_v4(ip),
            Some(Host::Ipv6(ip)) => is_public_v6(ip),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name != "localhost" && !name.ends_with(".localhost")
            }
            None => false,
        }
}

/// Looks names up and gives out their public addresses only, so that no answer of a name server leads inside.
pub(super) struct PublicOnly {
    /// Names that may lead inside: the server's own and the proxies of the environment, both the user's choice.
    pub(super) chosen: Vec<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let is_chosen = self.chosen.iter().any(|chosen| chosen == name.as_str());
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let usable: Vec<_> = found
                .into_iter()
                .filter(|address| is_chosen || is_public(address.ip()))
                .collect();
            if usable.is_empty() {
                return Err(io::Error::other("the name leads to no public address").into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

/// The hosts of the proxies that https goes through, from the variables that the HTTP library reads too.
pub(super) fn proxies_of_environment() -> Vec<String> {
    ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        .iter()
        .filter_map(|name| env::var(name).ok())
        .filter_map(|value| proxy_host(&value))
        .collect()
}

fn proxy_host(value: &str) -> Option<String> {
    let url = if value.contains("://") {
        Url::parse(value)
    } else {
        Url::parse(&format!("http://{value}"))
    };
    Some(url.ok()?.host_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    #[test]
    fn inner_addresses_are_not_public_in_any_spelling() {
        for inner in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
        ] {
            assert!(!is_public(inner.parse().unwrap()), "{inner}");
        }
        for public in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn only_https_to_public_hosts_is_fetched() {
        let public = |text: &str| is_public_https(&Url::parse(text).unwrap());
        for good in [
            "https://v3.fal.media/files/x.mp4",
            "https://storage.example/a?sig=1",
            "https://8.8.8.8/x",
        ] {
            assert!(public(good), "{good}");
        }
        for bad in [
            "http://v3.fal.media/x",
            "https://127.0.0.1/x",
            "https://127.1/x",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://localhost/x",
            "https://a.localhost./x",
            "https://user@v3.fal.media/x",
            "file:///etc/passwd",
            "data:video/mp4;base64,AAAA",
            "ftp://v3.fal.media/x",
        ] {
            assert!(!public(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_unless_the_user_chose_it() {
        let look_up = async |chosen: Vec<String>| {
            let name = Name::from_str("localhost").unwrap();
            PublicOnly { chosen }.resolve(name).await.is_ok()
        };
        assert!(!look_up(vec![]).await);
        assert!(look_up(vec!["localhost".to_owned()]).await);
    }

    #[test]
    fn a_proxy_is_read_with_and_without_a_scheme() {
        for value in [
            "proxy.corp:3128",
            "http://proxy.corp:3128/",
            "http://me:pass@proxy.corp",
        ] {
            assert_eq!(proxy_host(value).as_deref(), Some("proxy.corp"), "{value}");
        }
        assert_eq!(proxy_host(""), None);
    }
}
