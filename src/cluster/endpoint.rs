//! Where a scheduler or an executor is reached.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The port that a scheduler listens on unless told otherwise.
pub const SCHEDULER_PORT: u16 = 50050;

/// A host and a port, written `HOST:PORT`; an IPv6 address stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// A host, by name or address, and a port.
    pub fn new(host: &str, port: u16) -> Self {
        Self {
            host: in_brackets(host),
            port,
        }
    }

    /// The host as it stands in an address: IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{self}")
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(&address.ip().to_string(), address.port())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let wrong = || "a host and a port, such as 127.0.0.1:50050 or [::1]:50050".to_owned();
        let bare = given.strip_prefix("http://").unwrap_or(given);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        if bare.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self::new(bare, SCHEDULER_PORT));
        }
        let (host, port) = match bare.rsplit_once(':') {
            // The last colon of [::1] stands in the address.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            _ => (bare, SCHEDULER_PORT),
        };
        let is_address = |host: &str| {
            let inner = host
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
        };
        let is_name = |host: &str| {
            let allowed = |sign: char| sign.is_alphanumeric() || matches!(sign, '.' | '-' | '_');
            !host.is_empty() && host.chars().all(allowed)
        };
        match port != 0 && (is_name(host) || is_address(host)) {
            true => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            false => Err(wrong()),
        }
    }
}

/// An IPv6 address in brackets; anything else as it is.
pub(crate) fn in_brackets(host: &str) -> String {
    match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_people_write_them() {
        for (given, read) in [
            ("127.0.0.1:50050", "127.0.0.1:50050"),
            ("scheduler.example", "scheduler.example:50050"),
            ("http://scheduler:7000/", "scheduler:7000"),
            ("[::1]:50051", "[::1]:50051"),
            ("[::1]", "[::1]:50050"),
            ("::1", "[::1]:50050"),
        ] {
            let endpoint: Endpoint = given.parse().unwrap();
            assert_eq!(endpoint.to_string(), read, "{given}");
        }
        for wrong in [
            "",
            ":1",
            "a:b",
            "host:0",
            "host:70000",
            "a b:1",
            "[x]:1",
            "h/p:1",
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }
}
