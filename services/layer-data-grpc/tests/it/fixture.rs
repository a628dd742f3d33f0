//! A service in memory, and messages for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use jmap_domain::{
    ActorId, Caller, Decision, DenyReason, EffectivePermissions, LayerAct, LayerId, Permission,
    Question, SessionCaller, SessionId, SessionKind, UserId,
};
use jmap_proto::{
    layerdata::{
        self as pb, element_service_client::ElementServiceClient,
        history_service_client::HistoryServiceClient, layer_service_client::LayerServiceClient,
        transfer_service_client::TransferServiceClient,
    },
    types::{self, value::Kind},
};
use jmap_service::{
    in_memory::channel,
    stack::{Stack, TimeLimits},
    token::{Authenticator, Claims, PublishedKeys, SigningKey, Validity},
};
use jmap_wire::PageTokenKey;
use layer_data_core::{
    LayerData, Limits,
    ports::{
        Answer, Authorizer, AuthorizerError, Call, EditingSwitch, LayerFilter, LayerPage,
        LayerPlacement, PageRequest, Placement, RegisteredLayer, Registry, RegistryError, Removal,
        Reservation, ReservationState, Reserved,
    },
};
use layer_data_geopackage::GeoPackage;
use layer_data_grpc::{Api, DOMAIN, Staging, StagingLimits};
use tonic::{
    Code, Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};
use tonic_types::StatusExt;

/// The layer of points with attributes `name` (string, required), `size` (integer, 0 to 100) and `note` (string).
pub(crate) const LAYER: i64 = 7;

/// Most calls at the same time.
const CALLS: usize = 64;

/// What authorization answers. Everything is allowed until a test says otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct House(Arc<Mutex<Answers>>);

#[derive(Debug, Default)]
struct Answers {
    decisions: HashMap<Permission, Decision>,
    structure: Option<Decision>,
    unavailable: bool,
    reserved: HashMap<[u8; 16], i64>,
}

impl House {
    pub(crate) fn decide(&self, permission: Permission, decision: Decision) {
        self.0
            .lock()
            .unwrap()
            .decisions
            .insert(permission, decision);
    }

    pub(crate) fn decide_structure(&self, decision: Decision) {
        self.0.lock().unwrap().structure = Some(decision);
    }

    pub(crate) fn deny(&self, permission: Permission, reason: DenyReason) {
        self.decide(permission, Decision::Denied(reason));
    }

    pub(crate) fn go_away(&self) {
        self.0.lock().unwrap().unavailable = true;
    }

    fn decision(&self, question: &Question) -> Decision {
        let (layer, act) = match question {
            Question::Layer(layer, act) => (layer, act),
            Question::Project(project, _) if project.get() == 1 => return Decision::All,
            Question::Project(_, _) | Question::Connection(_, _) | Question::Global(_) => {
                return Decision::Denied(DenyReason::NotVisible);
            }
        };
        if layer.get() > LAYER + 1 {
            return Decision::Denied(DenyReason::NotVisible);
        }
        let answers = self.0.lock().unwrap();
        let told = match act {
            LayerAct::Elements(permission) => answers.decisions.get(permission).copied(),
            LayerAct::ChangeStructure => answers.structure,
            LayerAct::ReadConfiguration | LayerAct::Delete => None,
        };
        told.unwrap_or(Decision::All)
    }
}

fn actor(call: &Call) -> ActorId {
    match call.caller {
        Caller::Session(caller) => caller.user.into(),
        Caller::Anonymous | Caller::Service(_) => UserId::ANONYMOUS.into(),
    }
}

impl Authorizer for House {
    async fn ask(&self, call: &Call, questions: &[Question]) -> Result<Answer, AuthorizerError> {
        if self.0.lock().unwrap().unavailable {
            return Err(AuthorizerError::Unavailable);
        }
        Ok(Answer {
            decisions: questions
                .iter()
                .map(|question| self.decision(question))
                .collect(),
            actor: actor(call),
            valid_until: Instant::now() + Duration::from_mins(1),
            policy_token: "p1".to_owned(),
        })
    }

    async fn layers(
        &self,
        _: &Call,
        filter: &LayerFilter,
        _: &PageRequest,
    ) -> Result<LayerPage, AuthorizerError> {
        let layers = match filter {
            LayerFilter::Project(_) => vec![LayerId::new(LAYER).unwrap()],
            LayerFilter::Layers(layers) => layers.clone(),
        };
        let layers = layers.into_iter().map(|layer| RegisteredLayer {
            layer,
            name: "hydrants".to_owned(),
            placement: LayerPlacement::Project(1.try_into().unwrap()),
            connection: None,
            editing: EditingSwitch::Enabled,
            permissions: EffectivePermissions {
                all: Permission::ALL.into_iter().collect(),
                ..EffectivePermissions::default()
            },
        });
        Ok(LayerPage {
            layers: layers.collect(),
            next_token: String::new(),
            policy_token: "p1".to_owned(),
        })
    }
}

impl Registry for House {
    async fn reserve(&self, _: &Call, wanted: &Reservation) -> Result<Reserved, RegistryError> {
        assert!(matches!(wanted.placement, Placement::Project(_)));
        let mut answers = self.0.lock().unwrap();
        if wanted.name == "taken" {
            return Err(RegistryError::NameTaken);
        }
        let next = LAYER + i64::try_from(answers.reserved.len()).unwrap();
        let known = answers.reserved.get(&wanted.request_id).copied();
        answers
            .reserved
            .insert(wanted.request_id, known.unwrap_or(next));
        Ok(Reserved {
            layer: LayerId::new(known.unwrap_or(next)).unwrap(),
            name: wanted.name.clone(),
            state: match known {
                Some(_) => ReservationState::Active,
                None => ReservationState::Pending,
            },
        })
    }

    async fn activate(&self, _: &Call, _: LayerId) -> Result<String, RegistryError> {
        Ok("p2".to_owned())
    }

    async fn abandon(&self, _: &Call, _: LayerId) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn unregister(&self, _: &Call, _: LayerId, name: &str) -> Result<String, RegistryError> {
        if name == "hydrants" {
            Ok("p3".to_owned())
        } else {
            Err(RegistryError::ConfirmationMismatch)
        }
    }

    async fn removals(&self) -> Result<Vec<Removal>, RegistryError> {
        Ok(Vec::new())
    }

    async fn confirm_removals(&self, _: &[LayerId]) -> Result<(), RegistryError> {
        Ok(())
    }
}

/// A running service, with the layer [`LAYER`] made.
pub(crate) struct Service {
    pub(crate) house: House,
    channel: Channel,
    _folder: tempfile::TempDir,
}

/// Puts a user's token into each call.
#[derive(Clone)]
pub(crate) struct As(i64);

impl Interceptor for As {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = format!("Bearer {}", token(self.0)).parse().unwrap();
        request.metadata_mut().insert("authorization", token);
        Ok(request)
    }
}

pub(crate) type Client = InterceptedService<Channel, As>;

fn key() -> SigningKey {
    SigningKey::from_seed("k1", &[1; 32]).unwrap()
}

fn token(user: i64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let caller = SessionCaller {
        session: SessionId::new(user).unwrap(),
        user: UserId::new(user).unwrap(),
        kind: SessionKind::Ordinary,
    };
    let validity = Validity {
        issued_at: now,
        expires_at: now + 600,
    };
    key()
        .sign(&Claims::of_session("i", caller, validity))
        .unwrap()
}

impl Service {
    /// With the usual limits.
    pub(crate) async fn start() -> Self {
        Self::with_limits(Limits::default()).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = GeoPackage::open(&folder.path().join("l.gpkg"))
            .await
            .unwrap();
        let house = House::default();
        let port = Arc::new(house.clone());
        let data = LayerData::new(Arc::new(store), Arc::clone(&port), port, limits);
        let staging_limits = StagingLimits {
            file_bytes: 2 << 20,
            files: 6,
            files_each: 4,
            ..StagingLimits::default()
        };
        let staging = Staging::open(&folder.path().join("uploads"), staging_limits).unwrap();
        let api = Api::new(
            data,
            PageTokenKey::derive(b"secret"),
            Arc::new(staging),
            CALLS,
        );
        let keys = PublishedKeys {
            issuer: "i".to_owned(),
            keys: vec![key().public().clone()],
        };
        let stack = Stack {
            domain: DOMAIN,
            descriptor_set: jmap_proto::DESCRIPTORS,
            max_concurrent_calls: CALLS,
            time_limits: TimeLimits {
                unary: Duration::from_secs(30),
                streaming: Duration::from_secs(30),
            },
            authenticator: Arc::new(Authenticator::with_keys(&keys)),
            refusals: None,
        };
        let service = Self {
            house,
            channel: channel(stack.wrap(api.routes(4 << 20)).unwrap()),
            _folder: folder,
        };
        service.layers().create_layer(create_layer()).await.unwrap();
        service
    }

    pub(crate) fn layers(&self) -> LayerServiceClient<Client> {
        LayerServiceClient::with_interceptor(self.channel.clone(), As(10))
    }

    pub(crate) fn elements(&self) -> ElementServiceClient<Client> {
        self.elements_as(10)
    }

    pub(crate) fn elements_as(&self, user: i64) -> ElementServiceClient<Client> {
        ElementServiceClient::with_interceptor(self.channel.clone(), As(user))
    }

    pub(crate) fn history(&self) -> HistoryServiceClient<Client> {
        HistoryServiceClient::with_interceptor(self.channel.clone(), As(10))
    }

    pub(crate) fn transfers(&self) -> TransferServiceClient<Client> {
        self.transfers_as(10)
    }

    pub(crate) fn transfers_as(&self, user: i64) -> TransferServiceClient<Client> {
        TransferServiceClient::with_interceptor(self.channel.clone(), As(user))
    }

    pub(crate) fn transfers_of_nobody(&self) -> TransferServiceClient<Channel> {
        TransferServiceClient::new(self.channel.clone())
    }

    /// Creates an element and answers its id and revision.
    pub(crate) async fn create(&self, x: f64, name: &str) -> pb::EditedElement {
        let created = self
            .elements()
            .create_element(create_element(x, name))
            .await;
        created.unwrap().into_inner().element.unwrap()
    }
}

/// Code, reason and field of a refusal.
pub(crate) fn refused<T>(answer: Result<T, Status>) -> (Code, String, String) {
    let Err(status) = answer else {
        panic!("was not refused")
    };
    let info = status.get_details_error_info().expect("an ErrorInfo");
    assert_eq!(info.domain, DOMAIN);
    let field = info.metadata.get("field").cloned().unwrap_or_default();
    (status.code(), info.reason, field)
}

/// A refusal to compare with.
pub(crate) fn refusal(code: Code, reason: &str, field: &str) -> (Code, String, String) {
    (code, reason.to_owned(), field.to_owned())
}

pub(crate) fn create_layer() -> pb::CreateLayerRequest {
    let attribute = |name: &str, kind: types::AttributeType| types::AttributeDefinition {
        name: name.to_owned(),
        r#type: kind.into(),
        ..Default::default()
    };
    let size = types::AttributeDefinition {
        constraints: Some(types::AttributeConstraints {
            min_value: Some(value(Kind::Integer(0))),
            max_value: Some(value(Kind::Integer(100))),
            ..Default::default()
        }),
        ..attribute("size", types::AttributeType::Integer)
    };
    let name = types::AttributeDefinition {
        required: true,
        ..attribute("name", types::AttributeType::String)
    };
    pb::CreateLayerRequest {
        placement: Some(pb::create_layer_request::Placement::ProjectId(1)),
        name: "hydrants".to_owned(),
        definition: Some(pb::LayerDefinition {
            geometry_type: types::GeometryType::Point.into(),
            attributes: vec![name, size, attribute("note", types::AttributeType::String)],
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// A point as ISO WKB.
pub(crate) fn point(x: f64, y: f64) -> Vec<u8> {
    let mut wkb = vec![1, 1, 0, 0, 0];
    wkb.extend(x.to_le_bytes());
    wkb.extend(y.to_le_bytes());
    wkb
}

pub(crate) const fn value(kind: Kind) -> types::Value {
    types::Value { kind: Some(kind) }
}

pub(crate) fn text(text: &str) -> types::Value {
    value(Kind::String(text.to_owned()))
}

pub(crate) fn attribute(name: &str) -> pb::AttributeRef {
    pb::AttributeRef {
        attribute: Some(pb::attribute_ref::Attribute::Name(name.to_owned())),
    }
}

pub(crate) fn given(name: &str, value: types::Value) -> pb::AttributeValue {
    pb::AttributeValue {
        attribute: Some(attribute(name)),
        value: Some(value),
    }
}

pub(crate) fn new_element(x: f64, name: &str) -> pb::NewElement {
    pb::NewElement {
        geometry: point(x, 0.0).into(),
        values: vec![given("name", text(name))],
    }
}

pub(crate) fn create_element(x: f64, name: &str) -> pb::CreateElementRequest {
    pb::CreateElementRequest {
        layer_id: LAYER,
        element: Some(new_element(x, name)),
        request_id: String::new(),
    }
}

pub(crate) const fn revision(revision: i64) -> types::ExpectedRevision {
    types::ExpectedRevision {
        expected: Some(types::expected_revision::Expected::Revision(revision)),
    }
}
