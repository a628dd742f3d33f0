//! Authorization behind the whole stack, over one in-memory connection.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use authorization_core::{
    Authority, Claims, Settings, Timestamp,
    audit::CallInfo,
    federation::{FederationError, Identified},
    memory::{MemoryPlatform, MemoryStore},
    model::Account,
    ports::{Calls, Clock, CryptoError, Entropy, IdentityProvider, PasswordHasher, TokenSigner},
    secret::{NewPassword, PasswordHash},
};
use authorization_grpc::{Context, DOMAIN, RefusedCalls, routes};
use jmap_domain::{Name, Scope, ScopeSet, ServiceCaller, SessionCaller};
use jmap_proto::{
    authorization::{
        self as pb, audit_service_client::AuditServiceClient,
        check_service_client::CheckServiceClient, directory_service_client::DirectoryServiceClient,
        layer_administration_service_client::LayerAdministrationServiceClient,
        lookup_service_client::LookupServiceClient,
        personal_layer_service_client::PersonalLayerServiceClient,
        policy_watch_service_client::PolicyWatchServiceClient,
        project_service_client::ProjectServiceClient,
        registry_service_client::RegistryServiceClient,
        session_service_client::SessionServiceClient,
    },
    types,
};
use jmap_service::{
    in_memory::channel,
    refusals,
    stack::{Stack, TimeLimits},
    token::{Authenticator, Claims as TokenClaims, PublishedKeys, SigningKey, Validity},
};
use jmap_wire::{PageTokenKey, reason_of};
use secrecy::{ExposeSecret, SecretString};
use tonic::{Code, Request, Status, transport::Channel};
use tonic_types::StatusExt;

pub(crate) const ISSUER: &str = "installation-1";
pub(crate) const PASSWORD: &str = "correct horse";
/// The password for which no place is free to verify it.
pub(crate) const CROWDED: &str = "crowded house";
/// A federated token whose provider cannot be reached.
pub(crate) const DOWN: &str = "provider.is.down";
/// A federated token that is no longer valid.
pub(crate) const EXPIRED: &str = "was.valid.once";
const PATIENCE: Duration = Duration::from_secs(20);

/// The platform of tests, but with the time of day, by which tokens are verified, and real signatures.
#[derive(Clone, Debug)]
struct TestPlatform {
    memory: MemoryPlatform,
    key: SigningKey,
}

impl Clock for TestPlatform {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(seconds_now() * 1000).unwrap())
    }

    fn elapsed(&self) -> Duration {
        self.memory.elapsed()
    }

    async fn sleep(&self, wait: Duration) {
        self.memory.sleep(wait).await;
    }
}

impl Entropy for TestPlatform {
    fn random(&self) -> [u8; 32] {
        self.memory.random()
    }
}

impl Calls for TestPlatform {
    fn current(&self) -> Option<CallInfo> {
        refusals::current().map(|notes| CallInfo {
            request_id: notes.request_id().shared(),
            method: notes.method(),
        })
    }
}

impl PasswordHasher for TestPlatform {
    async fn hash(&self, password: &SecretString) -> Result<PasswordHash, CryptoError> {
        self.memory.hash(password).await
    }

    async fn verify(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, CryptoError> {
        if password.expose_secret() == CROWDED {
            return Err(CryptoError::Overloaded);
        }
        self.memory.verify(password, hash).await
    }
}

impl TokenSigner for TestPlatform {
    fn sign(&self, claims: &Claims) -> Result<SecretString, CryptoError> {
        let second = |time: Timestamp| u64::try_from(time.as_millis() / 1000).unwrap();
        let validity = Validity {
            issued_at: second(claims.issued_at),
            expires_at: second(claims.expires_at),
        };
        let (session, scopes) = (claims.session, claims.scopes);
        let claims = match claims.account {
            Account::User { user, kind } => TokenClaims::of_session(
                ISSUER,
                SessionCaller {
                    session,
                    user,
                    kind,
                },
                validity,
            ),
            Account::Service { service } => TokenClaims::of_service(
                ISSUER,
                ServiceCaller {
                    session,
                    service,
                    scopes,
                },
                validity,
            ),
        };
        Ok(self.key.sign(&claims).unwrap().into())
    }
}

impl IdentityProvider for TestPlatform {
    async fn identify(&self, token: &SecretString) -> Result<Identified, FederationError> {
        match token.expose_secret() {
            DOWN => Err(FederationError::Unavailable),
            EXPIRED => Err(FederationError::Expired),
            _ => self.memory.identify(token).await,
        }
    }
}

pub(crate) fn seconds_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_seed("k1", &[7; 32]).unwrap()
}

/// A running service, and those who call it.
pub(crate) struct Running {
    channel: Channel,
    authority: Arc<Authority<MemoryStore, TestPlatform>>,
    /// The key of a service with both scopes.
    pub(crate) service_key: String,
    /// The key of a service without any.
    pub(crate) idle_key: String,
    /// Time, and the people whom an OpenID provider knows.
    pub(crate) memory: MemoryPlatform,
}

pub(crate) async fn start() -> Running {
    let key = signing_key();
    let published = PublishedKeys {
        issuer: ISSUER.to_owned(),
        keys: vec![key.public().clone()],
    };
    let memory = MemoryPlatform::default();
    let platform = TestPlatform {
        memory: memory.clone(),
        key,
    };
    let authority = Authority::start(MemoryStore::default(), platform, Settings::default())
        .await
        .unwrap();
    let password = NewPassword::parse(PASSWORD.into()).unwrap();
    authority.set_first_password(&password).await.unwrap();
    let service = async |name: &str, scopes| {
        let name = Name::parse(name).unwrap();
        let (_, key) = authority.provision_service(name, scopes).await.unwrap();
        key.expose_secret().to_owned()
    };
    let service_key = service("layer-data", Scope::ALL.into_iter().collect()).await;
    let idle_key = service("idle", ScopeSet::default()).await;
    let authority = Arc::new(authority);
    let authenticator = Arc::new(Authenticator::with_keys(&published));
    let stack = Stack {
        domain: DOMAIN,
        descriptor_set: jmap_proto::DESCRIPTORS,
        max_concurrent_calls: 16,
        time_limits: TimeLimits {
            unary: PATIENCE,
            streaming: PATIENCE,
        },
        authenticator: Arc::clone(&authenticator),
        refusals: Some(Arc::new(RefusedCalls(Arc::clone(&authority)))),
    };
    let pages = PageTokenKey::derive(b"pages");
    let context = Context::new(Arc::clone(&authority), authenticator, published, pages).among(64);
    let service = stack.wrap(routes(Arc::new(context), 1 << 20)).unwrap();
    Running {
        channel: channel(service),
        authority,
        service_key,
        idle_key,
        memory,
    }
}

impl Running {
    pub(crate) fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    /// Records what was gathered.
    pub(crate) async fn write_notes(&self) {
        self.authority.write_notes().await.unwrap();
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.channel.clone())
    }

    pub(crate) fn checks(&self) -> CheckServiceClient<Channel> {
        CheckServiceClient::new(self.channel.clone())
    }

    pub(crate) fn registry(&self) -> RegistryServiceClient<Channel> {
        RegistryServiceClient::new(self.channel.clone())
    }

    pub(crate) fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel.clone())
    }

    pub(crate) fn projects(&self) -> ProjectServiceClient<Channel> {
        ProjectServiceClient::new(self.channel.clone())
    }

    pub(crate) fn layers(&self) -> LayerAdministrationServiceClient<Channel> {
        LayerAdministrationServiceClient::new(self.channel.clone())
    }

    pub(crate) fn lookups(&self) -> LookupServiceClient<Channel> {
        LookupServiceClient::new(self.channel.clone())
    }

    pub(crate) fn personal(&self) -> PersonalLayerServiceClient<Channel> {
        PersonalLayerServiceClient::new(self.channel.clone())
    }

    pub(crate) fn watches(&self) -> PolicyWatchServiceClient<Channel> {
        PolicyWatchServiceClient::new(self.channel.clone())
    }

    pub(crate) async fn sign_in(&self, name: &str) -> Caller {
        let tokens = self.try_sign_in(password(name, PASSWORD)).await.unwrap();
        Caller {
            token: Some(tokens.tokens.unwrap().access_token),
        }
    }

    pub(crate) async fn service(&self, key: &str) -> Caller {
        let credential = pb::sign_in_request::Credential::ServiceKey(key.to_owned());
        let request = pb::SignInRequest {
            credential: Some(credential),
            server: None,
        };
        let tokens = self.try_sign_in(request).await.unwrap();
        Caller {
            token: Some(tokens.tokens.unwrap().access_token),
        }
    }

    pub(crate) async fn try_sign_in(
        &self,
        request: pb::SignInRequest,
    ) -> Result<pb::SignInResponse, Status> {
        self.sessions()
            .sign_in(request)
            .await
            .map(tonic::Response::into_inner)
    }

    /// The administrator and a new user of that name, both signed in, with the user's id.
    pub(crate) async fn with_user(&self, name: &str) -> (Caller, Caller, i64) {
        let administrator = self.sign_in("administrator").await;
        let request = administrator.says(new_user(name));
        let user = self
            .directory()
            .create_user(request)
            .await
            .unwrap()
            .into_inner()
            .user
            .unwrap();
        (administrator, self.sign_in(name).await, user.user_id)
    }

    /// A project of the administrator that the user may open, with a layer that everybody in it may view.
    pub(crate) async fn with_layer(&self, owner: &Caller, user: i64) -> (i64, i64) {
        let request = owner.says(new_project("Roads"));
        let project = self
            .projects()
            .create_project(request)
            .await
            .unwrap()
            .into_inner();
        let project_id = project.project.unwrap().project_id;
        let changes = vec![grant_project(user, types::ProjectPermission::Open)];
        let request = owner.says(pb::UpdateProjectPermissionsRequest {
            project_id,
            changes,
        });
        self.projects()
            .update_project_permissions(request)
            .await
            .unwrap();
        let service = self.service(&self.service_key).await;
        let request = service.says_for(owner, reserve(project_id, "Lanes", 1));
        let layer_id = self
            .registry()
            .reserve_layer(request)
            .await
            .unwrap()
            .into_inner()
            .layer_id;
        let request = service.says_for(owner, pb::ActivateLayerRequest { layer_id });
        self.registry().activate_layer(request).await.unwrap();
        (project_id, layer_id)
    }
}

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) token: Option<String>,
}

impl Caller {
    pub(crate) const ANONYMOUS: Self = Self { token: None };

    pub(crate) fn says<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request
                .metadata_mut()
                .insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        request
    }

    pub(crate) fn says_for<T>(&self, user: &Self, message: T) -> Request<T> {
        let mut request = self.says(message);
        if let Some(token) = &user.token {
            request
                .metadata_mut()
                .insert("jmap-user-token", token.parse().unwrap());
        }
        request
    }
}

pub(crate) fn federated(token: &str) -> pb::SignInRequest {
    let credential = pb::sign_in_request::Credential::FederatedToken(token.to_owned());
    pb::SignInRequest {
        credential: Some(credential),
        server: None,
    }
}

pub(crate) fn password(name: &str, password: &str) -> pb::SignInRequest {
    let credential = pb::PasswordCredential {
        user_name: name.to_owned(),
        password: password.to_owned(),
    };
    pb::SignInRequest {
        credential: Some(pb::sign_in_request::Credential::Password(credential)),
        server: None,
    }
}

pub(crate) fn new_user(name: &str) -> pb::CreateUserRequest {
    pb::CreateUserRequest {
        user: Some(pb::User {
            name: name.to_owned(),
            ..Default::default()
        }),
        password: PASSWORD.to_owned(),
        request_id: String::new(),
    }
}

pub(crate) fn new_project(name: &str) -> pb::CreateProjectRequest {
    pb::CreateProjectRequest {
        project: Some(pb::Project {
            name: name.to_owned(),
            ..Default::default()
        }),
        request_id: String::new(),
    }
}

pub(crate) fn reserve(project_id: i64, name: &str, request: u8) -> pb::ReserveLayerRequest {
    pb::ReserveLayerRequest {
        placement: Some(pb::reserve_layer_request::Placement::ProjectId(project_id)),
        name: name.to_owned(),
        request_id: uuid(request),
        ..Default::default()
    }
}

pub(crate) fn uuid(number: u8) -> String {
    format!("00000000-0000-4000-8000-0000000000{number:02x}")
}

pub(crate) fn user(user_id: i64) -> Option<types::Principal> {
    Some(types::Principal {
        principal: Some(types::principal::Principal::UserId(user_id)),
    })
}

pub(crate) fn grant_project(
    user_id: i64,
    permission: types::ProjectPermission,
) -> pb::ProjectGrantChange {
    pb::ProjectGrantChange {
        principal: user(user_id),
        add: vec![permission.into()],
        remove: vec![],
    }
}

pub(crate) fn layer_grant(user_id: i64, permissions: &[types::Permission]) -> types::LayerGrant {
    types::LayerGrant {
        principal: user(user_id),
        permissions: permissions.iter().map(|one| (*one).into()).collect(),
        only_own: false,
    }
}

pub(crate) fn delta(
    layer_id: i64,
    add: Vec<types::LayerGrant>,
) -> pb::UpdateLayerPermissionsRequest {
    let delta = pb::LayerGrantsDelta {
        add,
        remove: vec![],
    };
    pb::UpdateLayerPermissionsRequest {
        changes: vec![pb::LayerPermissionsChange {
            layer_id,
            grants_revision: 0,
            change: Some(pb::layer_permissions_change::Change::Delta(delta)),
        }],
    }
}

pub(crate) fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask {
        paths: paths.iter().map(ToString::to_string).collect(),
    })
}

pub(crate) fn about_itself() -> Option<pb::Subject> {
    subject(pb::subject::Subject::Self_(pb::SelfSubject {}))
}

pub(crate) fn subject(subject: pb::subject::Subject) -> Option<pb::Subject> {
    Some(pb::Subject {
        subject: Some(subject),
        end_user_assertion: String::new(),
    })
}

pub(crate) fn layer_question(layer_id: i64, act: pb::LayerAct) -> pb::Question {
    let question = pb::LayerQuestion {
        layer_id,
        act: act.into(),
    };
    pb::Question {
        question: Some(pb::question::Question::Layer(question)),
    }
}

/// Asserts the code and the machine-readable reason of a refusal.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    result: Result<T, Status>,
    code: Code,
    reason: &str,
) -> Status {
    let status = result.unwrap_err();
    let found = (status.code(), reason_of(&status));
    assert_eq!(
        found,
        (code, Some(reason.to_owned())),
        "{}",
        status.message()
    );
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.domain, DOMAIN);
    status
}

/// Asserts that a field was refused, by its path.
#[track_caller]
pub(crate) fn wrong<T: std::fmt::Debug>(result: Result<T, Status>, path: &str) {
    let status = refused(result, Code::InvalidArgument, "INVALID_FIELD");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, path, "{}", status.message());
}

/// Asserts that a field was refused as not built yet, by its path.
#[track_caller]
pub(crate) fn not_built<T: std::fmt::Debug>(result: Result<T, Status>, path: &str) {
    let status = refused(result, Code::Unimplemented, "NOT_BUILT");
    assert_eq!(
        status.get_details_error_info().unwrap().metadata["field"],
        path
    );
}
