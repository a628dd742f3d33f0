//! Tokens of a real OpenID provider, and bad ones (R11).

#[cfg(test)]
mod keys;
#[cfg(test)]
mod tokens;

#[cfg(test)]
mod site {
    //! A provider, and who knows it.

    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use authorization_clients::{Algorithm, ClaimNames, Issuer, IssuerUrl, Providers, Roots};
    use authorization_core::federation::{FederationError, GroupRules, Identified, UnknownGroups};
    use openid_provider::{Key, OpenIdProvider};
    use serde_json::{Value, json};

    /// The provider and what verifies its tokens.
    pub(crate) struct Site {
        pub(crate) provider: OpenIdProvider,
        pub(crate) known: Providers,
    }

    pub(crate) fn issuer(url: &str) -> Issuer {
        Issuer {
            issuer: IssuerUrl::parse(url).unwrap(),
            audience: "jmap".to_owned(),
            algorithms: vec![Algorithm::RS256],
            claims: ClaimNames {
                name: "preferred_username".to_owned(),
                display_name: "name".to_owned(),
                groups: Some("groups".to_owned()),
            },
            groups: GroupRules {
                unknown: UnknownGroups::Ignored,
                default_group: None,
            },
            max_token_age: Duration::from_mins(10),
            roots: Roots::Public,
        }
    }

    impl Site {
        /// `None` where the provider is not installed.
        pub(crate) fn start() -> Option<Self> {
            Self::start_with(|issuer| issuer)
        }

        pub(crate) fn start_with(change: impl Fn(Issuer) -> Issuer) -> Option<Self> {
            let provider = OpenIdProvider::start()?;
            let known = Providers::new([change(issuer(provider.issuer()))]);
            Some(Self { provider, known })
        }

        pub(crate) async fn identify(&self, token: &str) -> Result<Identified, FederationError> {
            self.known.identify(&token.into()).await
        }

        /// What comes of a token that the provider signed, with these claims in place of good ones.
        pub(crate) async fn with(&self, claims: Value) -> Option<FederationError> {
            let token = self.provider.signed(Key::Own, &json!({}), &merged(&claims));
            self.identify(&token).await.err()
        }
    }

    pub(crate) fn now() -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.unwrap().as_secs()
    }

    /// Good claims, with some in place of them; null takes one away.
    pub(crate) fn merged(claims: &Value) -> Value {
        let mut all = json!({
            "sub": "7", "aud": "jmap", "exp": now() + 60, "iat": now(), "preferred_username": "ana",
        });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        all.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        all
    }
}
