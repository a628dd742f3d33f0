//! Addresses of providers: encrypted, or on this machine.

use ::url::{Host, Url};

/// An issuer: an `https` address, or an `http` one on this machine, without query and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerUrl(String);

/// Why a text is not an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIssuer {
    /// It is not an address.
    #[error("it is not a URL")]
    NotAUrl,
    /// Keys fetched in clear text could be anybody's.
    #[error("it has to begin with https:// (http:// is for providers on this machine)")]
    Plain,
    /// Issuers have none (OpenID Connect Discovery 1.0, section 2).
    #[error("it has a user, a query or a fragment")]
    TooMuch,
}

impl IssuerUrl {
    /// Checks an issuer. It is kept as it is written, because tokens have to name it in the same way.
    ///
    /// # Errors
    /// [`BadIssuer`].
    pub fn parse(text: &str) -> Result<Self, BadIssuer> {
        let url = check(text)?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(BadIssuer::TooMuch);
        }
        Ok(Self(text.to_owned()))
    }

    /// The issuer, as tokens name it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its discovery document is.
    pub(super) fn discovery(&self) -> String {
        let base = self.0.trim_end_matches('/');
        format!("{base}/.well-known/openid-configuration")
    }

    /// Checks where the provider says its keys are: only one on this machine may have them in clear text here.
    pub(super) fn check_keys(&self, text: &str) -> Result<(), BadIssuer> {
        let url = check(text)?;
        if url.scheme() == "https" || self.is_local() {
            Ok(())
        } else {
            Err(BadIssuer::Plain)
        }
    }

    /// Whether the provider is on this machine, where no proxy leads.
    pub(super) fn is_local(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }
}

/// An address that something may be fetched from.
fn check(text: &str) -> Result<Url, BadIssuer> {
    let url = Url::parse(text).map_err(|_library| BadIssuer::NotAUrl)?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(BadIssuer::Plain),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_encrypted_or_on_this_machine() {
        for good in [
            "https://login.example/realms/city",
            "http://127.0.0.1:4000",
            "http://[::1]:4000/x",
            "http://localhost:4000",
        ] {
            assert!(IssuerUrl::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("login.example", BadIssuer::NotAUrl),
            ("http://login.example", BadIssuer::Plain),
            ("http://127.0.0.1.login.example", BadIssuer::Plain),
            ("file:///etc/passwd", BadIssuer::Plain),
            ("https://login.example?tenant=1", BadIssuer::TooMuch),
            ("https://login.example#x", BadIssuer::TooMuch),
            ("https://us:er@login.example", BadIssuer::TooMuch),
        ] {
            assert_eq!(IssuerUrl::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn the_discovery_document_is_below_the_issuer() {
        for issuer in ["https://login.example/city", "https://login.example/city/"] {
            let discovery = IssuerUrl::parse(issuer).unwrap().discovery();
            assert_eq!(
                discovery,
                "https://login.example/city/.well-known/openid-configuration"
            );
        }
    }
}
