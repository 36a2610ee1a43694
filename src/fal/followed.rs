//! Where a request is followed.

use url::Url;

use crate::model::{
    EndpointId, RequestId,
    request::RequestUrls,
    server::{self, Hosts},
};

/// A request to follow: the addresses the server gave when the key may go there, else ours, rebuilt from owner, alias
/// and request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    status: Url,
    stream: Url,
    response: Url,
    cancel: Url,
    origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The server's own addresses.
    Given,
    /// Rebuilt because there were none, or those of a local server at its old port.
    Rebuilt,
    /// Rebuilt because the server named a host that the key must not go to.
    Foreign,
}

impl Followed {
    pub(super) fn new(
        hosts: &Hosts,
        endpoint: &EndpointId,
        request: &RequestId,
        urls: Option<&RequestUrls>,
    ) -> Self {
        let (urls, origin) = match urls.map(|urls| Given::read(hosts, urls)) {
            Some(Given::Usable(urls)) => (*urls, Origin::Given),
            Some(Given::Foreign) => (rebuilt(hosts, endpoint, request), Origin::Foreign),
            Some(Given::Unusable) | None => (rebuilt(hosts, endpoint, request), Origin::Rebuilt),
        };
        let [mut status, response, cancel] = urls;
        let stream = {
            let mut stream = child(&status, ["stream"]);
            stream.query_pairs_mut().append_pair("logs", "1");
            stream
        };
        status.query_pairs_mut().append_pair("logs", "1");
        Self {
            status,
            stream,
            response,
            cancel,
            origin,
        }
    }

    /// Whether the addresses are ours: the server gave none, gave such of a host that may not have the key, or has
    /// moved to another port of this machine since.
    #[must_use]
    pub fn is_rebuilt(&self) -> bool {
        self.origin != Origin::Given
    }

    /// Whether the server named a host that the key must not go to, which is worth telling the user.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.origin == Origin::Foreign
    }

    pub(super) fn status(&self) -> &Url {
        &self.status
    }

    pub(super) fn stream(&self) -> &Url {
        &self.stream
    }

    pub(super) fn response(&self) -> &Url {
        &self.response
    }

    pub(super) fn cancel(&self) -> &Url {
        &self.cancel
    }
}

enum Given {
    Usable(Box<[Url; 3]>),
    Unusable,
    Foreign,
}

impl Given {
    fn read(hosts: &Hosts, urls: &RequestUrls) -> Self {
        let parsed = [&urls.status, &urls.response, &urls.cancel].map(|url| Url::parse(url));
        let [Ok(status), Ok(response), Ok(cancel)] = parsed else {
            return Self::Unusable;
        };
        let urls = [status, response, cancel];
        if urls.iter().all(|url| hosts.may_receive_key(url)) {
            return Self::Usable(Box::new(urls));
        }
        // The embedded server comes back at another port; that is no news.
        let moved = hosts.is_loopback() && urls.iter().all(server::is_loopback);
        if moved { Self::Unusable } else { Self::Foreign }
    }
}

/// The addresses as the server's own clients build them (fal-js, `queue.ts`).
fn rebuilt(hosts: &Hosts, endpoint: &EndpointId, request: &RequestId) -> [Url; 3] {
    let base = child(
        &child(&hosts.queue, endpoint.app().split('/')),
        ["requests", request.as_str()],
    );
    [
        child(&base, ["status"]),
        base.clone(),
        child(&base, ["cancel"]),
    ]
}

/// The addresses as text, to fill in what an answer left out.
pub(super) fn rebuilt_urls(
    hosts: &Hosts,
    endpoint: &EndpointId,
    request: &RequestId,
) -> RequestUrls {
    let [status, response, cancel] = rebuilt(hosts, endpoint, request).map(String::from);
    RequestUrls {
        status,
        response,
        cancel,
    }
}

/// `url` with `segments` behind its path; what is in them is escaped, so none can leave the path.
pub(super) fn child<'a>(url: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url.path_segments_mut()
        .expect("an http address has a path")
        .pop_if_empty()
        .extend(segments);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(hosts: &Hosts, urls: Option<&RequestUrls>) -> Followed {
        let endpoint = "fal-ai/infinitalk/single-text".parse().unwrap();
        Followed::new(hosts, &endpoint, &RequestId::new("0b6f"), urls)
    }

    fn urls_below(base: &str) -> RequestUrls {
        RequestUrls {
            status: format!("{base}/status"),
            response: base.to_owned(),
            cancel: format!("{base}/cancel"),
        }
    }

    #[test]
    fn addresses_of_the_servers_own_hosts_are_kept() {
        let urls = urls_below("https://queue.falrun.com/fal-ai/other/requests/0b6f");
        let followed = followed(&Hosts::fal(), Some(&urls));
        assert!(!followed.is_rebuilt());
        assert_eq!(
            followed.status().as_str(),
            "https://queue.falrun.com/fal-ai/other/requests/0b6f/status?logs=1"
        );
        assert_eq!(
            followed.stream().as_str(),
            "https://queue.falrun.com/fal-ai/other/requests/0b6f/status/stream?logs=1"
        );
    }

    #[test]
    fn addresses_elsewhere_are_rebuilt_without_the_endpoints_path() {
        for base in [
            "https://evil.test/x",
            "http://queue.fal.run/x",
            "https://queue.fal.run@evil.test/x",
            "https://queue.fal.run:444/x",
            "https://queue.fаl.run/x",
            "http://127.0.0.1:9/x",
        ] {
            let followed = followed(&Hosts::fal(), Some(&urls_below(base)));
            assert!(followed.is_rebuilt() && followed.is_foreign(), "{base}");
            assert_eq!(
                followed.cancel().as_str(),
                "https://queue.fal.run/fal-ai/infinitalk/requests/0b6f/cancel"
            );
        }
        let mixed = RequestUrls {
            cancel: "https://evil.test/cancel".to_owned(),
            ..urls_below("https://queue.fal.run/x")
        };
        assert!(followed(&Hosts::fal(), Some(&mixed)).is_foreign());
    }

    #[test]
    fn a_local_server_at_a_new_port_is_followed_without_alarm() {
        let hosts = Hosts::at(&Url::parse("http://127.0.0.1:4101/").unwrap());
        let moved = followed(&hosts, Some(&urls_below("http://127.0.0.1:4100/x")));
        assert!(moved.is_rebuilt() && !moved.is_foreign());
        assert_eq!(
            moved.response().as_str(),
            "http://127.0.0.1:4101/fal-ai/infinitalk/requests/0b6f"
        );
        assert!(followed(&hosts, None).is_rebuilt());
        assert!(followed(&hosts, Some(&urls_below("https://evil.test/x"))).is_foreign());
    }

    #[test]
    fn a_request_id_cannot_leave_its_place() {
        let endpoint = "fal-ai/infinitalk".parse().unwrap();
        for (id, want) in [
            ("../../x?y#z", "..%2F..%2Fx%3Fy%23z"),
            ("a b%2f", "a%20b%252f"),
        ] {
            let [_, response, _] = rebuilt(&Hosts::fal(), &endpoint, &RequestId::new(id));
            assert_eq!(
                response.as_str(),
                format!("https://queue.fal.run/fal-ai/infinitalk/requests/{want}")
            );
        }
    }
}
