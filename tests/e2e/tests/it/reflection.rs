//! A client that knows nothing of the contract finds it by reflection, and signs in, asks and edits with it.

use std::collections::BTreeSet;

use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor,
    prost_types::FileDescriptorProto,
};
use serde_json::{Value, json};
use testkit::{PASSWORD, Stage};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

const TOWN: &str = "
world: one who edits
users: [ana]
projects: [{ project: city, open: [ana] }]
layers: [{ layer: trees, editing: true }]
grants: [{ layer: trees, to: ana, give: [add, modify] }]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generic_client_signs_in_asks_and_edits() {
    let stage = Stage::set(TOWN).await;
    let layer = stage.layer("trees").to_string();
    let mut authorization = Generic::discover(stage.pair.authorization()).await;
    let mut layer_data = Generic::discover(stage.pair.layer_data()).await;
    let password = json!({ "password": { "userName": "ana", "password": PASSWORD } });
    let signed_in = authorization
        .call("SessionService", "SignIn", password)
        .await
        .unwrap();
    let token = signed_in["tokens"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    (authorization.token, layer_data.token) = (Some(token.clone()), Some(token));
    let question = json!({ "layer": { "layerId": layer, "act": "LAYER_ACT_ADD_ELEMENTS" } });
    let check = json!({ "subject": { "self": {} }, "questions": [question] });
    let answer = authorization
        .call("CheckService", "Check", check)
        .await
        .unwrap();
    assert_eq!(answer["decisions"], json!([{ "all": {} }]));
    // A point at 1 2 as WKB, in base64 as JSON has it.
    let geometry = "AQEAAAAAAAAAAADwPwAAAAAAAABA";
    let element = json!({ "geometry": geometry, "values": [
        { "attribute": { "name": "name" }, "value": { "string": "oak" } },
    ] });
    let create = json!({ "layerId": layer, "element": element });
    let made = layer_data
        .call("ElementService", "CreateElement", create)
        .await
        .unwrap();
    let id = made["element"]["elementId"].clone();
    let get = json!({ "layerId": layer, "elementIds": [id] });
    let got = layer_data
        .call("ElementService", "GetElements", get)
        .await
        .unwrap();
    assert_eq!(got["elements"][0]["geometry"], geometry);
    assert_eq!(got["elements"][0]["values"], json!([{ "string": "oak" }]));
    let delete = json!({ "layerId": layer, "elementId": id, "expected": { "any": {} } });
    let refused = layer_data
        .call("ElementService", "DeleteElement", delete)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}

/// A client of any gRPC service.
struct Generic {
    channel: Channel,
    pool: DescriptorPool,
    token: Option<String>,
}

impl Generic {
    /// Asks a server for everything that it has.
    async fn discover(channel: Channel) -> Self {
        let services = ask(&channel, MessageRequest::ListServices(String::new())).await;
        let MessageResponse::ListServicesResponse(list) = services else {
            panic!("not a list of services")
        };
        let mut wanted: Vec<_> = list
            .service
            .into_iter()
            .map(|service| MessageRequest::FileContainingSymbol(service.name))
            .collect();
        let (mut files, mut known) = (Vec::new(), BTreeSet::new());
        while let Some(request) = wanted.pop() {
            let MessageResponse::FileDescriptorResponse(answer) = ask(&channel, request).await
            else {
                panic!("not a file")
            };
            for bytes in answer.file_descriptor_proto {
                let file = FileDescriptorProto::decode(bytes.as_slice()).unwrap();
                if known.insert(file.name().to_owned()) {
                    let needed = file.dependency.iter().cloned();
                    wanted.extend(needed.map(MessageRequest::FileByFilename));
                    files.push(file);
                }
            }
        }
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_protos(files).unwrap();
        let token = None;
        Self {
            channel,
            pool,
            token,
        }
    }

    fn method(&self, service: &str, method: &str) -> MethodDescriptor {
        let mut services = self.pool.services();
        let service = services.find(|found| found.name() == service).unwrap();
        let mut methods = service.methods();
        methods.find(|found| found.name() == method).unwrap()
    }

    /// Makes a call with a message in JSON.
    async fn call(&self, service: &str, method: &str, message: Value) -> Result<Value, Status> {
        let method = self.method(service, method);
        let message = DynamicMessage::deserialize(method.input(), message).unwrap();
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        let service = method.parent_service().full_name().to_owned();
        let path = format!("/{service}/{}", method.name()).parse().unwrap();
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        let answer = client
            .unary(request, path, Dynamic(method.output()))
            .await?;
        Ok(serde_json::to_value(answer.into_inner()).unwrap())
    }
}

async fn ask(channel: &Channel, request: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let mut client = ServerReflectionClient::new(channel.clone());
    let answer = client
        .server_reflection_info(tokio_stream::iter([request]))
        .await;
    let message = answer
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    message.message_response.unwrap()
}

/// Messages that are known by their descriptor alone.
#[derive(Clone)]
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(into)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), from);
        message
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
