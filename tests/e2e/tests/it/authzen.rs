//! The door for programs that speak AuthZEN, over real sockets and with a client that knows nothing of us: the same
//! decisions as at the gRPC door, for service accounts alone, and off unless wanted.

use std::net::{SocketAddr, TcpListener};

use jmap_proto::authorization::{
    CheckRequest, CreateServiceAccountRequest, LayerAct, ServiceAccount, ServiceScope,
    SignInRequest, decision, sign_in_request::Credential,
};
use serde_json::{Value, json};
use testkit::{
    House, Pair, ServedFloor, Stage, Tuning,
    wire::{about, on_layer},
    world::World,
};
use ureq::Agent;

/// Actions in AuthZEN's and in the contract's words.
const ACTIONS: [(&str, LayerAct); 10] = [
    ("view", LayerAct::View),
    ("add_elements", LayerAct::AddElements),
    ("modify_elements", LayerAct::ModifyElements),
    ("delete_elements", LayerAct::DeleteElements),
    ("modify_attribute_values", LayerAct::ModifyAttributes),
    ("copy_export", LayerAct::CopyExport),
    ("remote_access", LayerAct::RemoteAccess),
    ("read_configuration", LayerAct::ReadConfiguration),
    ("change_structure", LayerAct::ChangeStructure),
    ("delete_layer", LayerAct::DeleteLayer),
];

const TOWN: &str = "
world: somebody who edits its own elements, and somebody who does not come in
users: [ana, ben]
projects: [{ project: city, open: [ana] }]
layers: [{ layer: trees, editing: true }]
grants: [{ layer: trees, to: ana, give: [add, modify], only-own: true }]
";

/// A pair whose authorization answers AuthZEN, and its address.
fn listening() -> (Tuning, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let tuning = Tuning {
        http_listen: Some(address),
        ..Tuning::default()
    };
    (tuning, address)
}

/// The token of a new service account.
async fn program(house: &House, name: &str, scopes: &[ServiceScope]) -> String {
    let account = ServiceAccount {
        name: name.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
        ..ServiceAccount::default()
    };
    let request = CreateServiceAccountRequest {
        service_account: Some(account),
    };
    let mut directory = house.as_administrator().await.directory();
    let made = directory.create_service_account(request).await.unwrap();
    let request = SignInRequest {
        credential: Some(Credential::ServiceKey(made.into_inner().key)),
        server: None,
    };
    let mut sessions = house.anonymous().sessions();
    let signed_in = sessions.sign_in(request).await.unwrap().into_inner();
    signed_in.tokens.unwrap().access_token
}

/// A program with a token, or without one.
struct Program {
    agent: Agent,
    address: SocketAddr,
    token: Option<String>,
}

/// Status and body of an answer; `Null` for a body that is no JSON.
type Answer = (u16, Value);

impl Program {
    fn with(address: SocketAddr, token: Option<String>) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        Self {
            agent: config.build().into(),
            address,
            token,
        }
    }

    fn send(&self, path: &str, body: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.address);
        let mut request = self.agent.post(url).content_type("application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut answer = request.send(body).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), text)
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        let (status, text) = self.send(path, &body.to_string());
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    fn evaluate(&self, body: &Value) -> Answer {
        self.post("/access/v1/evaluation", body)
    }

    fn evaluate_all(&self, body: &Value) -> Answer {
        self.post("/access/v1/evaluations", body)
    }
}

fn on_trees(subject: &Value, action: &str, layer: i64) -> Value {
    json!({
        "subject": subject,
        "action": { "name": action },
        "resource": { "type": "layer", "id": layer.to_string() },
    })
}

fn user_id(id: i64) -> Value {
    json!({ "type": "user_id", "id": id.to_string() })
}

fn user(name: &str) -> Value {
    json!({ "type": "user", "id": name })
}

const NO: fn() -> Value = || json!({ "decision": false });

/// What the gRPC door says, in AuthZEN's words.
fn in_their_words(decision: Option<decision::Decision>) -> Value {
    match decision.unwrap() {
        decision::Decision::All(_) => json!({ "decision": true }),
        decision::Decision::Denied(_) => NO(),
        decision::Decision::Own(own) => {
            let obligation = json!({ "id": "only_own_elements", "creator_id": own.creator_id });
            json!({ "decision": true, "context": { "obligations": [obligation] } })
        }
    }
}

/// R18, R20, R31, R34, R40, R51, R56, R86, R88.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_doors_decide_alike() {
    for name in ["only-own", "special-principals", "server-accounts"] {
        let (tuning, address) = listening();
        let (pair, world) = (Pair::start_with(tuning).await, World::named(name));
        let floor = ServedFloor::of(pair.house(), &world).await;
        let token = program(&pair, "gateway", &[ServiceScope::Check]).await;
        let program = Program::with(address, Some(token));
        let mut checks = pair.as_administrator().await.checks();
        let special = [("administrator", 1), ("anonymous", 2)];
        let special = special.map(|(name, id)| (name.to_owned(), id));
        let made = world.users.iter().chain(&world.servers);
        let made = made.map(|name| (name.clone(), floor.user(name)));
        for (user_name, id) in made.chain(special) {
            for layer in &world.layers {
                let layer = floor.layer(&layer.layer);
                let questions = ACTIONS.map(|(_, act)| on_layer(layer, act.into()));
                let request = CheckRequest {
                    subject: Some(about(id)),
                    questions: questions.to_vec(),
                    freshness: None,
                };
                let decisions = checks.check(request).await.unwrap().into_inner().decisions;
                let expected = decisions
                    .into_iter()
                    .map(|one| in_their_words(one.decision));
                let expected: Vec<Value> = expected.collect();
                for subject in [user(&user_name), user_id(id)] {
                    let actions = ACTIONS.map(|(name, _)| json!({ "action": { "name": name } }));
                    let mut body = on_trees(&subject, "view", layer);
                    body["evaluations"] = actions.to_vec().into();
                    let answer = program.evaluate_all(&body);
                    assert_eq!(
                        answer,
                        (200, json!({ "evaluations": expected })),
                        "{name} {body}"
                    );
                }
            }
        }
    }
}

/// Contract: service accounts with the scope *check*. R117, R118.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_a_service_account_with_the_scope_asks() {
    let (tuning, address) = listening();
    let stage = Stage::set_with(tuning, TOWN).await;
    let layer = stage.layer("trees");
    let body = on_trees(&user("ana"), "view", layer);
    let ask = |token: Option<&str>| {
        let program = Program::with(address, token.map(str::to_owned));
        program.evaluate(&body).0
    };
    // R118: no token is anonymous; a bad one is nobody, and neither asks.
    assert_eq!(ask(None), 401);
    assert_eq!(ask(Some("nonsense")), 401);
    for name in ["administrator", "ana"] {
        let tokens = stage.pair.sign_in(name, testkit::PASSWORD).await.unwrap();
        assert_eq!(ask(Some(&tokens.access_token)), 403, "{name}");
    }
    let registrar = program(&stage.pair, "registrar", &[ServiceScope::Register]).await;
    assert_eq!(ask(Some(&registrar)), 403);
    let gateway = program(&stage.pair, "gateway", &[ServiceScope::Check]).await;
    assert_eq!(ask(Some(&gateway)), 200);
    // R117: signing out takes effect on the next call.
    let mut sessions = stage.pair.with_token(Some(&gateway)).sessions();
    sessions
        .sign_out(jmap_proto::authorization::SignOutRequest {})
        .await
        .unwrap();
    assert_eq!(ask(Some(&gateway)), 401);
}

/// R40: what does not exist, what is hidden and what has an impossible id are one answer, byte for byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_answered_as_what_is_hidden() {
    let (tuning, address) = listening();
    let stage = Stage::set_with(tuning, TOWN).await;
    let layer = stage.layer("trees");
    let token = program(&stage.pair, "gateway", &[ServiceScope::Check]).await;
    let program = Program::with(address, Some(token));
    let (yes, no) = ((200, json!({ "decision": true })), (200, NO()));
    assert_eq!(
        program.evaluate(&on_trees(&user("ana"), "view", layer)),
        yes
    );
    assert_eq!(
        program.evaluate(&on_trees(&user("ANA"), "view", layer)),
        yes
    );
    assert_eq!(program.evaluate(&on_trees(&user("ben"), "view", layer)), no);
    for subject in ["nobody", "4711", "", "a\u{0}b", "99999999999999999999"] {
        let answer = program.evaluate(&on_trees(&user(subject), "view", layer));
        assert_eq!(answer, no, "{subject}");
    }
    assert_eq!(program.evaluate(&on_trees(&user("ana"), "view", 4711)), no);
    assert_eq!(program.evaluate(&on_trees(&user("ana"), "view", -1)), no);
    let anonymous = json!({ "type": "anonymous", "id": "anonymous" });
    assert_eq!(program.evaluate(&on_trees(&anonymous, "view", layer)), no);
    // A session is asked about as long as it is open (R117).
    let caller = stage.caller("ana").await;
    let mut sessions = caller.sessions();
    let request = jmap_proto::authorization::GetCallerRequest {};
    let session = sessions
        .get_caller(request)
        .await
        .unwrap()
        .into_inner()
        .session;
    let id = session.unwrap().session_id.to_string();
    let session = json!({ "type": "session", "id": id });
    assert_eq!(program.evaluate(&on_trees(&session, "view", layer)), yes);
    sessions
        .sign_out(jmap_proto::authorization::SignOutRequest {})
        .await
        .unwrap();
    assert_eq!(program.evaluate(&on_trees(&session, "view", layer)), no);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_understood_is_refused_with_a_sentence() {
    // R120.
    let (mut tuning, address) = listening();
    tuning.service.max_message_bytes = 100_000;
    let stage = Stage::set_with(tuning, TOWN).await;
    let token = program(&stage.pair, "gateway", &[ServiceScope::Check]).await;
    let program = Program::with(address, Some(token));
    let good = on_trees(&user("ana"), "view", stage.layer("trees"));
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    let bad = [
        ("{".to_owned(), "EOF"),
        ("[]".to_owned(), "expected"),
        ("{}".to_owned(), "`subject` is missing"),
        (
            with("subject", json!({ "type": "user" })),
            "missing field `id`",
        ),
        (
            with("subject", json!({ "type": "robot", "id": "1" })),
            "subject type `robot`",
        ),
        (
            with("resource", json!({ "type": "house", "id": "1" })),
            "resource type `house`",
        ),
        (with("action", json!({ "name": "fly" })), "action `fly`"),
        (with("action", json!({ "name": "open" })), "of type `layer`"),
    ];
    for (body, sentence) in bad {
        let (status, text) = program.send("/access/v1/evaluation", &body);
        assert_eq!(status, 400, "{body}: {text}");
        assert!(text.contains(sentence), "{body}: {text}");
    }
    let many = json!({ "evaluations": vec![good.clone(); 101] });
    assert_eq!(program.evaluate_all(&many).0, 400);
    let large = with("context", "x".repeat(100_000).into());
    assert_eq!(program.send("/access/v1/evaluation", &large).0, 413);
    // One of several that is wrong is a no with its reason, and spoils no other.
    let mixed = json!({ "evaluations": [good, { "subject": user("ana") }] });
    let (status, answer) = program.evaluate_all(&mixed);
    assert_eq!(
        (status, &answer["evaluations"][0]),
        (200, &json!({ "decision": true }))
    );
    let error = &answer["evaluations"][1]["context"]["error"];
    assert_eq!(answer["evaluations"][1]["decision"], json!(false));
    assert_eq!(error["status"], 400, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_take_defaults_end_early_and_keep_their_request_id() {
    let (tuning, address) = listening();
    let stage = Stage::set_with(tuning, TOWN).await;
    let token = program(&stage.pair, "gateway", &[ServiceScope::Check]).await;
    let program = Program::with(address, Some(token.clone()));
    let defaults = on_trees(&user("ana"), "view", stage.layer("trees"));
    // Without a list it is one evaluation.
    assert_eq!(
        program.evaluate_all(&defaults),
        (200, json!({ "decision": true }))
    );
    let [yes, no] = ["view", "delete_elements"].map(|name| json!({ "action": { "name": name } }));
    let with = |semantic: &str| {
        let mut body = defaults.clone();
        body["evaluations"] = json!([yes, no, yes]);
        body["options"] = json!({ "evaluations_semantic": semantic });
        let (status, answer) = program.evaluate_all(&body);
        assert_eq!(status, 200, "{answer}");
        let evaluations = answer["evaluations"].as_array().unwrap();
        let decisions = evaluations
            .iter()
            .map(|one| one["decision"].as_bool().unwrap());
        decisions.collect::<Vec<_>>()
    };
    assert_eq!(with("execute_all"), [true, false, true]);
    assert_eq!(with("deny_on_first_deny"), [true, false]);
    assert_eq!(with("permit_on_first_permit"), [true]);
    let url = |path: &str| format!("http://{address}{path}");
    let request = program.agent.post(url("/access/v1/evaluation"));
    let request = request.header("authorization", format!("Bearer {token}"));
    let request = request.header("x-request-id", "job-7");
    let answer = request.send(defaults.to_string()).unwrap();
    assert_eq!(answer.headers()["x-request-id"], "job-7");
    let found = program
        .agent
        .get(url("/.well-known/authzen-configuration"))
        .call();
    let found: Value = found.unwrap().body_mut().read_json().unwrap();
    let expected = json!({
        "policy_decision_point": format!("http://{address}"),
        "access_evaluation_endpoint": url("/access/v1/evaluation"),
        "access_evaluations_endpoint": url("/access/v1/evaluations"),
    });
    assert_eq!(found, expected);
}
