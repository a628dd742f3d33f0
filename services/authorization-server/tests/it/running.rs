//! Authorization on port 0, with its files in a folder.

use std::{net::SocketAddr, path::Path, time::Duration};

use authorization_core::Settings;
use authorization_server::{AuditTimes, Config, Federation, serve};
use jmap_proto::authorization::{self as pb, session_service_client::SessionServiceClient};
use jmap_service::{client, config::ServiceOptions, peer::TrustedProxies};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, transport::Channel};

pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct Running {
    pub(crate) sessions: SessionServiceClient<Channel>,
    stop: CancellationToken,
    served: JoinHandle<anyhow::Result<()>>,
}

pub(crate) fn config(folder: &Path) -> Config {
    Config {
        database: folder.join("policy.sqlite").into(),
        http_listen: None,
        authzen_url: None,
        administrator_password: Some(PASSWORD.into()),
        service_key_file: Some(folder.join("layer-data.key")),
        public_address: None,
        layer_data_public_address: "http://127.0.0.1:1".to_owned(),
        settings: Settings::default(),
        audit: AuditTimes::default(),
        federation: Federation::default(),
        trusted_proxies: TrustedProxies::default(),
        service: ServiceOptions {
            drain_timeout: Duration::from_secs(5),
            ..ServiceOptions::default()
        },
    }
}

pub(crate) async fn start(config: Config) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener, config, stop.clone().cancelled_owned()));
    let channel = client::channel(&format!("http://{address}")).unwrap();
    Running {
        sessions: SessionServiceClient::new(channel),
        stop,
        served,
    }
}

impl Running {
    pub(crate) async fn sign_in(
        &mut self,
        credential: pb::sign_in_request::Credential,
    ) -> Result<String, Status> {
        let request = pb::SignInRequest {
            credential: Some(credential),
            server: None,
        };
        let response = self.sessions.sign_in(request).await?.into_inner();
        Ok(response.tokens.unwrap().access_token)
    }

    /// Who holds the token, by name.
    pub(crate) async fn caller(&mut self, token: &str) -> Result<String, Status> {
        let mut request = Request::new(pb::GetCallerRequest {});
        request
            .metadata_mut()
            .insert("authorization", format!("Bearer {token}").parse().unwrap());
        let response = self.sessions.get_caller(request).await?.into_inner();
        Ok(response.session.unwrap().account_name)
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.served.await.unwrap()
    }
}

pub(crate) fn password(password: &str) -> pb::sign_in_request::Credential {
    pb::sign_in_request::Credential::Password(pb::PasswordCredential {
        user_name: "administrator".to_owned(),
        password: password.to_owned(),
    })
}
