//! What is called: both services in memory, behind the real stack, with a small world that the calls may do away with.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use jmap_proto::authorization::{
    self as pb, CreateServiceAccountRequest, ServiceAccount, ServiceScope, SignInRequest,
    sign_in_request::Credential,
};
use jmap_wire::reason_of;
use prost::{
    Message as _,
    bytes::{Buf as _, BufMut as _},
};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use testkit::{InMemory, PASSWORD};
use tokio::time::timeout;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

use super::message::Tape;

/// Some streams never end by themselves; what they say at first is enough.
const PATIENCE: Duration = Duration::from_millis(100);
/// A call that takes longer hangs, however busy the machine is.
const HANGS: Duration = Duration::from_mins(1);
const FIRST_MESSAGES: usize = 10;

/// The codes that say what was wrong with a call. Others blame the service (R120).
const CODES: [Code; 10] = [
    Code::Ok,
    Code::InvalidArgument,
    Code::Unauthenticated,
    Code::PermissionDenied,
    Code::NotFound,
    Code::AlreadyExists,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::ResourceExhausted,
    Code::Unimplemented,
];

/// What a call leaves of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It goes on.
    Alive,
    /// layer-data has lost its account to an administrator, and refuses everything from now on (R121).
    Spent,
}

/// One call with its messages, as bytes.
pub(super) struct Call<'t> {
    pub(super) method: &'t MethodDescriptor,
    pub(super) caller: u8,
    pub(super) messages: Vec<Vec<u8>>,
}

/// Both services, their contract, and who calls.
pub(super) struct Target {
    pair: InMemory,
    methods: Vec<MethodDescriptor>,
    reasons: BTreeSet<String>,
    /// Tokens of the administrator, of `ana`, and of a program with every scope.
    tokens: Mutex<Vec<String>>,
    service_key: String,
}

impl Target {
    pub(super) async fn start() -> Self {
        let pair = InMemory::start().await;
        let house = pair.house();
        house.create_user("ana").await;
        let account = ServiceAccount {
            name: "program".to_owned(),
            scopes: vec![ServiceScope::Check.into(), ServiceScope::Register.into()],
            ..ServiceAccount::default()
        };
        let request = CreateServiceAccountRequest {
            service_account: Some(account),
        };
        let mut directory = house.as_administrator().await.directory();
        let made = directory.create_service_account(request).await.unwrap();
        let pool = DescriptorPool::decode(jmap_proto::DESCRIPTORS).unwrap();
        let target = Self {
            pair,
            methods: methods(&pool),
            reasons: reasons(&pool),
            tokens: Mutex::default(),
            service_key: made.into_inner().key,
        };
        target.sign_all_in().await;
        target
    }

    pub(super) fn method(&self, die: u16) -> &MethodDescriptor {
        &self.methods[usize::from(die) % self.methods.len()]
    }

    /// The full names of all calls.
    pub(super) fn methods(&self) -> Vec<String> {
        self.methods.iter().map(path).collect()
    }

    /// Up to three messages for streams, and one for others: of the right shape, or any bytes.
    pub(super) fn messages(&self, die: u16, is_raw: bool, tape: &[u8]) -> Vec<Vec<u8>> {
        let (method, mut tape) = (self.method(die), Tape(tape));
        if is_raw {
            return vec![tape.0.to_vec()];
        }
        let most = if method.is_client_streaming() {
            tape.next() % 4
        } else {
            1
        };
        let messages = (0..most).map(|_| tape.message(&method.input(), 0).encode_to_vec());
        messages.collect()
    }

    /// Makes a call, and fails unless it ends as documented.
    pub(super) async fn probe(&self, call: &Call<'_>) -> State {
        let ended = self.call(call).await;
        let Err(status) = ended else {
            return State::Alive;
        };
        let (path, message) = (path(call.method), status.message());
        if status.code() == Code::Unavailable && path.starts_with("/jmap.layerdata.") {
            return State::Spent;
        }
        assert!(CODES.contains(&status.code()), "{path}: {status:?}");
        let reason = reason_of(&status).unwrap_or_else(|| panic!("{path}: no reason: {message}"));
        assert!(
            self.reasons.contains(&reason),
            "{path}: {reason} is not documented"
        );
        // A call may have ended the sessions that the next ones need.
        if reason == "SESSION_CLOSED" {
            self.sign_all_in().await;
        }
        State::Alive
    }

    async fn call(&self, call: &Call<'_>) -> Result<(), Status> {
        let mut request = Request::new(tokio_stream::iter(call.messages.clone()));
        if let Some(token) = self.token(call.caller) {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", bearer);
        }
        let mut client = Grpc::new(self.channel(call.method));
        client.ready().await.unwrap();
        let path = path(call.method).parse().unwrap();
        let Ok(answer) = timeout(HANGS, client.streaming(request, path, Raw)).await else {
            panic!("{} does not answer", self::path(call.method));
        };
        let mut answers = answer?.into_inner();
        for _ in 0..FIRST_MESSAGES {
            match timeout(PATIENCE, answers.message()).await {
                Ok(Ok(Some(()))) => {}
                Ok(Ok(None)) | Err(_) => return Ok(()),
                Ok(Err(status)) => return Err(status),
            }
        }
        Ok(())
    }

    fn channel(&self, method: &MethodDescriptor) -> Channel {
        let house = self.pair.house();
        if method
            .parent_service()
            .full_name()
            .starts_with("jmap.authorization.")
        {
            house.authorization()
        } else {
            house.layer_data()
        }
    }

    /// Nobody, the administrator, `ana`, or the program.
    fn token(&self, die: u8) -> Option<String> {
        let who = usize::from(die % 4).checked_sub(1)?;
        self.tokens.lock().unwrap().get(who).cloned()
    }

    async fn sign_all_in(&self) {
        let house = self.pair.house();
        let mut tokens = Vec::new();
        for name in ["administrator", "ana"] {
            let signed_in = house.sign_in(name, PASSWORD).await;
            tokens.push(signed_in.map_or_else(|_| "gone".to_owned(), |t| t.access_token));
        }
        let request = SignInRequest {
            credential: Some(Credential::ServiceKey(self.service_key.clone())),
            server: None,
        };
        let signed_in = house.anonymous().sessions().sign_in(request).await;
        let signed_in = signed_in.map(|answer| answer.into_inner().tokens.unwrap());
        tokens.push(signed_in.map_or_else(|_| "gone".to_owned(), |t| t.access_token));
        *self.tokens.lock().unwrap() = tokens;
    }

    /// A text like a token: a real one with bytes put into it, or those bytes alone.
    pub(super) fn damaged_token(&self, at: u8, bytes: &[u8]) -> String {
        let real = self.tokens.lock().unwrap()[1].clone();
        let printable = bytes.iter().map(|byte| char::from(b'!' + byte % 94));
        let printable: String = printable.collect();
        match (at, printable.is_empty()) {
            (0, _) => printable,
            (_, true) => real[..real.len() - 1].to_owned(),
            (_, false) => {
                let at = usize::from(at) % real.len();
                format!("{}{printable}{}", &real[..at], &real[at..])
            }
        }
    }

    /// Nobody is let in by it, and nobody is taken for anonymous (R117, R118).
    pub(super) async fn refuses_token(&self, token: &str) {
        let house = self.pair.house();
        let request = pb::GetCallerRequest {};
        let mut sessions = house.with_token(Some(token)).sessions();
        let status = sessions.get_caller(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{token}");
        let reason = reason_of(&status).unwrap();
        assert!(
            ["TOKEN_MALFORMED", "TOKEN_UNTRUSTED"].contains(&reason.as_str()),
            "{reason}"
        );
    }
}

/// The calls of both services. What tells of the server belongs to the executables.
fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    let ours = ["jmap.authorization.v1", "jmap.layerdata.v1"];
    let services = pool
        .services()
        .filter(|service| ours.contains(&service.package_name()));
    services
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

/// The documented reasons of both services, as they are sent.
fn reasons(pool: &DescriptorPool) -> BTreeSet<String> {
    let enums = pool
        .all_enums()
        .filter(|found| found.name() == "ErrorReason");
    let values = enums.flat_map(|found| {
        let names = found.values().map(|value| value.name().to_owned());
        names.collect::<Vec<_>>()
    });
    let texts = values.filter_map(|name| Some(name.strip_prefix("ERROR_REASON_")?.to_owned()));
    texts
        .filter(|reason| reason != "UNSPECIFIED" && reason != "INTERNAL")
        .collect()
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// Messages as the bytes that they are.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        from.advance(from.remaining());
        Ok(Some(()))
    }
}
