//! A running pair, wherever it runs: two channels and the administrator's password.

use std::{collections::BTreeMap, sync::Mutex};

use jmap_proto::authorization::{
    AccountPolicy, CreateUserRequest, PasswordCredential, SignInRequest, Tokens, User,
    sign_in_request::Credential,
};
use jmap_service::client::channel;
use tonic::{Status, transport::Channel};

use crate::caller::Caller;

/// The password of every account that tests make; the administrator's as well.
pub const PASSWORD: &str = "correct horse battery staple";

/// A running pair as its callers see it.
#[derive(Debug)]
pub struct House {
    authorization: Channel,
    layer_data: Channel,
    signed_in: Mutex<BTreeMap<String, Caller>>,
}

impl House {
    /// A pair at two addresses, such as `http://127.0.0.1:50051`.
    ///
    /// # Panics
    /// When an address is none.
    #[must_use]
    pub fn at(authorization: &str, layer_data: &str) -> Self {
        let channel = |address| channel(address).expect("an address");
        Self::over(channel(authorization), channel(layer_data))
    }

    /// A pair at the other ends of two channels.
    pub(crate) fn over(authorization: Channel, layer_data: Channel) -> Self {
        Self {
            authorization,
            layer_data,
            signed_in: Mutex::default(),
        }
    }

    /// The way to authorization, for clients of other makes.
    #[must_use]
    pub fn authorization(&self) -> Channel {
        self.authorization.clone()
    }

    /// The way to layer-data, for clients of other makes.
    #[must_use]
    pub fn layer_data(&self) -> Channel {
        self.layer_data.clone()
    }

    /// Whoever calls without a token (R118).
    #[must_use]
    pub fn anonymous(&self) -> Caller {
        self.with_token(None)
    }

    /// Whoever calls with that token, or without any.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Caller {
        Caller::new(self.authorization.clone(), self.layer_data.clone(), token)
    }

    /// The administrator who always exists (R1), signed in once.
    pub async fn as_administrator(&self) -> Caller {
        self.as_user("administrator").await
    }

    /// An account by name, in a session of the kind that it opens, signed in once.
    ///
    /// # Panics
    /// When it cannot sign in.
    pub async fn as_user(&self, name: &str) -> Caller {
        let known = self.signed_in.lock().expect("no panic").get(name).cloned();
        if let Some(caller) = known {
            return caller;
        }
        let tokens = self.sign_in(name, PASSWORD).await;
        let tokens = tokens.unwrap_or_else(|status| panic!("sign `{name}` in: {status}"));
        let caller = self.with_token(Some(&tokens.access_token));
        let mut signed_in = self.signed_in.lock().expect("no panic");
        signed_in.insert(name.to_owned(), caller.clone());
        caller
    }

    /// Forgets a session, so that the account signs in anew.
    ///
    /// # Panics
    /// Never, unless another test thread panicked.
    pub fn forget(&self, name: &str) {
        self.signed_in.lock().expect("no panic").remove(name);
    }

    /// Signs an account in.
    ///
    /// # Errors
    /// What authorization answers.
    ///
    /// # Panics
    /// When it answers without tokens.
    pub async fn sign_in(&self, user_name: &str, password: &str) -> Result<Tokens, Status> {
        let credential = PasswordCredential {
            user_name: user_name.to_owned(),
            password: password.to_owned(),
        };
        let request = SignInRequest {
            credential: Some(Credential::Password(credential)),
            server: None,
        };
        let answer = self.anonymous().sessions().sign_in(request).await?;
        Ok(answer.into_inner().tokens.expect("tokens"))
    }

    /// Creates an ordinary account, by the administrator, and answers its id.
    ///
    /// # Panics
    /// When it cannot be created.
    pub async fn create_user(&self, name: &str) -> i64 {
        let request = CreateUserRequest {
            user: Some(User {
                name: name.to_owned(),
                enabled: true,
                policy: AccountPolicy::Ordinary.into(),
                ..User::default()
            }),
            password: PASSWORD.to_owned(),
            request_id: String::new(),
        };
        let administrator = self.as_administrator().await;
        let answer = administrator.directory().create_user(request).await;
        let made = answer.unwrap_or_else(|status| panic!("create user `{name}`: {status}"));
        made.into_inner().user.expect("a user").user_id
    }
}
