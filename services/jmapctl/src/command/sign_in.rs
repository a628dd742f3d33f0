//! Signing in and out, and who one is.

use std::path::PathBuf;

use clap::Args;
use jmap_proto::authorization::{
    GetCallerRequest, PasswordCredential, SignInRequest, SignOutRequest,
    sign_in_request::Credential,
};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;

use crate::{
    client::{Client, Credential as As, call},
    command::Context,
    console::{Console, PasswordSource},
    error::{Failure, Kind},
    output::{Report, View},
    session::Session,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl sign-in administrator
  jmapctl sign-in ana --server http://127.0.0.1:50051
  echo \"$PASSWORD\" | jmapctl sign-in ana --password-stdin

  cat id-token.jwt | jmapctl sign-in --federated-token-file -

The password is asked for, or taken from JMAP_PASSWORD or standard input; never from an argument, which other
users of the machine could read. An ID token of an OpenID provider that the service is configured for opens one
session, once, soon after it was issued. A program may set JMAP_TOKEN to an access token instead of signing in.";

/// Sign in and remember the session
#[derive(Args, Debug)]
pub(crate) struct SignIn {
    /// The user's name
    #[arg(required_unless_present = "federated_token_file")]
    name: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Sign in with the ID token of an OpenID provider in this file instead; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "password_stdin"])]
    federated_token_file: Option<PathBuf>,
}

/// As whom calls are made.
#[derive(Debug, Serialize)]
struct Caller {
    server: String,
    user_id: i64,
    name: String,
    session_id: i64,
}

impl View for Caller {
    const COLUMNS: &'static [&'static str] = &["name", "user id", "session", "server"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.user_id.to_string(),
            self.session_id.to_string(),
            self.server.clone(),
        ]
    }
}

impl SignIn {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let message = SignInRequest {
            credential: Some(self.credential(context)?),
            server: None,
        };
        // A stale session must not stand in the way of a new one.
        let client = Client::new(context.client.server(), As::Anonymous)?;
        let session = Session::from_sign_in(call!(client, client.sessions(), sign_in, message))?;
        let _lock = context.session_file.lock()?;
        context.session_file.save(&session)?;
        let text = format!(
            "signed in as {} at {}",
            session.account_name,
            client.server()
        );
        let caller = Caller {
            server: client.server().to_owned(),
            user_id: session.user_id,
            name: session.account_name,
            session_id: session.id,
        };
        Report::new(text, &caller)
    }

    fn credential(self, context: &Context) -> Result<Credential, Failure> {
        if let Some(file) = &self.federated_token_file {
            let token = Console::token_in(file)?;
            return Ok(Credential::FederatedToken(token.expose_secret().to_owned()));
        }
        let source = if self.password_stdin {
            PasswordSource::StandardInput
        } else {
            PasswordSource::Ask
        };
        let password = context.console.password(source)?;
        Ok(Credential::Password(PasswordCredential {
            user_name: self.name.unwrap_or_default(),
            password: password.expose_secret().to_owned(),
        }))
    }
}

/// Closes the session at the server and forgets it here; one that has ended already is forgotten too.
pub(crate) async fn sign_out(context: &Context) -> Result<Report, Failure> {
    let closed = close(&context.client).await;
    context.session_file.remove()?;
    match closed {
        Err(failure) if failure.kind != Kind::Refused => Err(failure),
        Ok(()) | Err(_) => Report::new("signed out", &json!({"signed_out": true})),
    }
}

async fn close(client: &Client) -> Result<(), Failure> {
    call!(client, client.sessions(), sign_out, SignOutRequest {});
    Ok(())
}

/// Asks the server, so that the answer is true now.
pub(crate) async fn whoami(context: &Context) -> Result<Report, Failure> {
    let client = &context.client;
    let answer = call!(client, client.sessions(), get_caller, GetCallerRequest {});
    let session = answer.session.unwrap_or_default();
    let name = if session.session_id == 0 {
        "anonymous".to_owned()
    } else {
        session.account_name
    };
    Report::one(&Caller {
        server: client.server().to_owned(),
        user_id: session.user_id,
        name,
        session_id: session.session_id,
    })
}
