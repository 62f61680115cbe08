//! Settings of the HTTP API.

use super::reader::Reader;
use super::values::{self, PublicUrl};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use url::Url;

/// The HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// Where it listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Origin at which it is reached; `None`: at [`ApiSettings::bind`], which is loopback then.
    pub public_url: Option<PublicUrl>,
    /// Worker threads.
    pub workers: usize,
    /// Origins whose pages may call it, as browsers write them.
    pub cors_origins: Vec<String>,
    /// Proxies that say in `x-forwarded-for` for whom they ask.
    pub proxies: Vec<IpNet>,
}

impl ApiSettings {
    /// The origin at which the API is reached once it listens on an address.
    pub fn public_url_at(&self, address: SocketAddr) -> Option<PublicUrl> {
        match &self.public_url {
            Some(url) => Some(url.clone()),
            None => PublicUrl::parse(&format!("http://{address}")).ok(),
        }
    }
}

/// The inner value is `None` if there is to be no API, the outer if something is wrong.
/// `calls`: where the carrier reaches the server.
pub(super) fn read(reader: &mut Reader<'_>, calls: Option<SocketAddr>) -> Option<Option<ApiSettings>> {
    let bind = reader.parsed("SAMVAD_API_BIND", |text| match text {
        "off" => Ok(None),
        _ => text.parse::<SocketAddr>().map(Some).map_err(|_| {
            (
                "is neither an address with a port nor off",
                "write for example 127.0.0.1:8090, or off",
            )
        }),
    });
    let public_url = match reader.text("SAMVAD_API_PUBLIC_URL").is_some() {
        true => reader.parsed("SAMVAD_API_PUBLIC_URL", PublicUrl::parse).map(Some),
        false => Some(None),
    };
    let workers = reader.number("SAMVAD_API_WORKERS", 1..=64);
    let cors_origins = match reader.text("SAMVAD_CORS_ORIGINS").is_some() {
        true => reader.parsed("SAMVAD_CORS_ORIGINS", origins),
        false => Some(Vec::new()),
    };
    let proxies = match reader.text("SAMVAD_API_PROXIES").is_some() {
        true => reader.parsed("SAMVAD_API_PROXIES", networks),
        false => Some(Vec::new()),
    };
    let Some(bind) = bind? else {
        return Some(None);
    };
    if Some(bind) == calls && bind.port() != 0 {
        reader.fault(
            "SAMVAD_API_BIND",
            "is the address of SAMVAD_BIND, and the API listens apart from calls",
            "write another port, for example 127.0.0.1:8090, or off",
        );
        return None;
    }
    let public_url = public_url?;
    if public_url.is_none() && !bind.ip().is_loopback() {
        reader.fault(
            "SAMVAD_API_PUBLIC_URL",
            "is not set, and SAMVAD_API_BIND is open to other machines",
            "write the https origin at which the API is reached, or bind it to 127.0.0.1",
        );
        return None;
    }
    Some(Some(ApiSettings {
        bind,
        public_url,
        workers: workers?,
        cors_origins: cors_origins?,
        proxies: proxies?,
    }))
}

/// Addresses and networks.
fn networks(text: &str) -> Result<Vec<IpNet>, super::reader::Invalid> {
    let texts = text.split(',').map(str::trim).filter(|network| !network.is_empty());
    let network = |text: &str| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    texts.map(network).collect::<Result<_, _>>().map_err(|_| {
        (
            "holds what is neither an address nor a network",
            "write for example 127.0.0.1,10.0.0.0/8",
        )
    })
}

fn origins(text: &str) -> Result<Vec<String>, super::reader::Invalid> {
    const REMEDY: &str = "write origins such as https://reports.example.org, with commas between them";
    let texts = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    texts
        .map(|text| {
            let url: Url = values::web_url(text, REMEDY)?;
            if url.path() != "/" {
                return Err(("holds an origin with a path", REMEDY));
            }
            Ok(url.origin().ascii_serialization())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{faults, read};

    #[test]
    fn the_api_listens_on_this_machine_unless_told_otherwise_and_can_be_left_out() {
        let settings = read(&[]).expect("settings");
        let api = settings.api.expect("an API");
        assert!(api.bind.ip().is_loopback());
        let url = api.public_url_at("127.0.0.1:4000".parse().expect("an address"));
        assert_eq!(url.expect("a URL").origin(), "http://127.0.0.1:4000");
        let off = read(&[("SAMVAD_API_BIND", "off")]).expect("settings");
        assert_eq!(off.api, None);
    }

    #[test]
    fn an_api_that_is_open_to_others_needs_to_know_its_origin() {
        assert_eq!(
            faults(&[("SAMVAD_API_BIND", "0.0.0.0:8090")]),
            ["SAMVAD_API_PUBLIC_URL"]
        );
        let public = [
            ("SAMVAD_API_BIND", "0.0.0.0:8090"),
            ("SAMVAD_API_PUBLIC_URL", "https://surveys.example.org"),
        ];
        assert!(read(&public).is_ok());
    }

    #[test]
    fn the_api_and_calls_cannot_share_an_address_unless_both_are_given_a_free_port() {
        let both = |address| [("SAMVAD_BIND", address), ("SAMVAD_API_BIND", address)];
        assert_eq!(faults(&both("127.0.0.1:8080")), ["SAMVAD_API_BIND"]);
        assert!(read(&both("127.0.0.1:0")).is_ok());
    }

    #[test]
    fn every_fault_of_the_apis_settings_is_named() {
        assert_eq!(faults(&[("SAMVAD_API_BIND", "nowhere")]), ["SAMVAD_API_BIND"]);
        assert_eq!(faults(&[("SAMVAD_API_WORKERS", "0")]), ["SAMVAD_API_WORKERS"]);
        assert_eq!(
            faults(&[("SAMVAD_API_PROXIES", "127.0.0.1,everybody")]),
            ["SAMVAD_API_PROXIES"]
        );
        assert_eq!(
            faults(&[("SAMVAD_API_PUBLIC_URL", "http://surveys.example.org")]),
            ["SAMVAD_API_PUBLIC_URL"]
        );
        assert_eq!(
            faults(&[("SAMVAD_CORS_ORIGINS", "https://a.example,https://b.example/path")]),
            ["SAMVAD_CORS_ORIGINS"]
        );
    }
}
