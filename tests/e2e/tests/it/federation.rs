//! Federated sign-in through both services, with a real OpenID provider (R8, R11).

use authorization_server::Federation;
use jmap_proto::authorization::{
    GetCallerRequest, ListGroupMembersRequest, ListGroupsRequest, Session, SignInRequest,
    UpdateUserRequest, User, sign_in_request::Credential,
};
use openid_provider::OpenIdProvider;
use prost_types::FieldMask;
use serde_json::{Value, json};
use testkit::{Caller, PASSWORD, Stage, Tuning, wire, world::Outcome};
use tonic::Status;

const TOWN: &str = "
world: a project that a group opens
users: [ben]
groups: [{ group: crew }, { group: Field Team }]
projects: [{ project: city, open: [crew] }]
layers: [{ layer: trees, editing: true }]
grants: [{ layer: trees, to: crew, give: [add] }]
";

/// The pair, and a provider whose tokens it takes.
struct Site {
    provider: OpenIdProvider,
    stage: Stage,
}

impl Site {
    /// `None` where the provider is not installed.
    async fn start(settings: &str) -> Option<Self> {
        let provider = OpenIdProvider::start()?;
        let issuer = provider.issuer();
        let text = format!(
            "issuers:\n  - issuer: {issuer}\n    audience: jmap\n    groups_claim: groups\n{settings}"
        );
        let tuning = Tuning {
            federation: Federation::parse(&text, None).unwrap(),
            ..Tuning::default()
        };
        let stage = Stage::set_with(tuning, TOWN).await;
        Some(Self { provider, stage })
    }

    fn token(&self, subject: &str, groups: &Value) -> String {
        let claims = json!({ "preferred_username": subject, "name": "Ana B.", "groups": groups });
        self.provider.sign_in(subject, &claims)
    }

    async fn exchange(&self, token: String) -> Result<(Caller, Session), Status> {
        let request = SignInRequest {
            credential: Some(Credential::FederatedToken(token)),
            server: None,
        };
        let mut sessions = self.stage.pair.anonymous().sessions();
        let answer = sessions.sign_in(request).await?.into_inner();
        let token = answer.tokens.unwrap().access_token;
        let caller = self.stage.pair.with_token(Some(&token));
        Ok((caller, answer.session.unwrap()))
    }

    async fn sign_in(&self, subject: &str, groups: Value) -> (Caller, Session) {
        let token = self.token(subject, &groups);
        self.exchange(token).await.unwrap()
    }

    /// The members of a group, with whom the provider knows them as; `None` when there is no such group.
    async fn members(&self, group: &str) -> Option<Vec<(String, String)>> {
        let mut directory = self.stage.caller("administrator").await.directory();
        let groups = directory.list_groups(ListGroupsRequest::default()).await;
        let groups = groups.unwrap().into_inner().groups;
        let group_id = groups.iter().find(|one| one.name == group)?.group_id;
        let request = ListGroupMembersRequest {
            group_id,
            ..ListGroupMembersRequest::default()
        };
        let users = directory.list_group_members(request).await.unwrap();
        let members = users.into_inner().users.into_iter().map(|user| {
            let identity = user.federated_identity.unwrap_or_default();
            (user.name, identity.subject)
        });
        Some(members.collect())
    }

    async fn may_add(&self, caller: &Caller) -> bool {
        let layer = self.stage.layer("trees");
        caller.add(layer, "POINT(1 2)").await.is_ok()
    }
}

fn refused(code: &str, reason: &str) -> Outcome {
    Outcome::refused(code, reason)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_groups_of_each_token_decide_what_its_person_may() {
    // R11, R10, R5.
    let Some(site) = Site::start("").await else {
        return;
    };
    let (ana, session) = site
        .sign_in("ana", json!(["crew", "field team", "nobody's"]))
        .await;
    assert_eq!(session.account_name, "ana");
    assert!(site.may_add(&ana).await);
    let member = ("ana".to_owned(), "ana".to_owned());
    assert_eq!(site.members("crew").await.unwrap(), [member]);
    // One that differs only in case is refused, and an unknown one is not made.
    assert_eq!(site.members("Field Team").await.unwrap(), []);
    assert_eq!(site.members("nobody's").await, None);
    // The next token takes the group away from the sessions before it as well.
    let (again, other) = site.sign_in("ana", json!([])).await;
    assert_eq!(other.user_id, session.user_id);
    assert!(!site.may_add(&again).await && !site.may_add(&ana).await);
    let caller = ana.sessions().get_caller(GetCallerRequest {}).await;
    assert!(caller.unwrap().into_inner().session.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_groups_and_a_default_group_are_made_where_they_are_configured() {
    // R11.
    let settings = "    unknown_groups: create\n    default_group: guests\n";
    let Some(site) = Site::start(settings).await else {
        return;
    };
    site.sign_in("ana", json!(["surveyors"])).await;
    site.sign_in("eve", json!([])).await;
    let one = |name: &str| vec![(name.to_owned(), name.to_owned())];
    assert_eq!(site.members("surveyors").await, Some(one("ana")));
    assert_eq!(site.members("guests").await, Some(one("eve")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_exchanged_once_and_names_nobody_elses_account() {
    // R8.
    let Some(site) = Site::start("").await else {
        return;
    };
    let token = site.token("ana", &json!([]));
    let (_, session) = site.exchange(token.clone()).await.unwrap();
    let spent = site.exchange(token).await;
    let outcome = refused("UNAUTHENTICATED", "CREDENTIAL_REFUSED");
    assert_eq!(wire::outcome(&spent), outcome);
    for name in ["ben", "BEN", "administrator"] {
        let refusal = site.exchange(site.token(name, &json!([]))).await;
        let outcome = refused("ALREADY_EXISTS", "NAME_TAKEN");
        assert_eq!(wire::outcome(&refusal), outcome, "{name}");
    }
    let request = UpdateUserRequest {
        user: Some(User {
            user_id: session.user_id,
            enabled: false,
            ..User::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["enabled".to_owned()],
        }),
    };
    let mut directory = site.stage.caller("administrator").await.directory();
    directory.update_user(request).await.unwrap();
    let disabled = site.exchange(site.token("ana", &json!([]))).await;
    let outcome = refused("UNAUTHENTICATED", "ACCOUNT_DISABLED");
    assert_eq!(wire::outcome(&disabled), outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_accounts_sign_in_while_the_provider_is_down() {
    // R11, R120.
    let Some(site) = Site::start("").await else {
        return;
    };
    let token = site.token("ana", &json!([]));
    site.provider.set_up(&json!(false));
    let down = site.exchange(token).await;
    assert_eq!(wire::outcome(&down), refused("UNAVAILABLE", "UNAVAILABLE"));
    site.stage.pair.sign_in("ben", PASSWORD).await.unwrap();
}
