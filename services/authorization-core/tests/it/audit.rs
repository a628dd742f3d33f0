//! The audit record: each kind of act leaves exactly its record (R122).

use std::{sync::Arc, time::Duration};

use authorization_core::{
    Asking, Authority, Origin, Path, Refusal, Resource, Settings, Timestamp,
    audit::{
        AuditAsked, AuditFilter, AuditKind, AuditPortion, AuditRecord, CallInfo, Order, Outcome,
        Refused, RefusedBy, RefusedElsewhere, SampleRate, ShownRecord, Who,
    },
    directory::NewUser,
    memory::{MemoryPlatform, MemoryStore, Refuse},
    model::AccountPolicy,
    ports::Clock,
    sessions::{Credentials, SignInError, SignedIn},
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, LayerAct, LayerId, Permission, ProjectAct, ProjectId, Question, Scope, SessionId,
    Subject, TallyLimits, UserId,
};

use crate::house::{House, PASSWORD, Person, caller, name, password};

pub(crate) const EVERYTHING: AuditPortion = AuditPortion {
    after: None,
    order: Order::OldestFirst,
    limit: 1_000,
};

pub(crate) fn read(
    authority: &Authority<MemoryStore, MemoryPlatform>,
    who: &Caller,
    asked: &AuditAsked,
) -> Result<Vec<ShownRecord>, Refusal> {
    block_on(authority.audit_part(who, asked, EVERYTHING)).map(|part| part.records)
}

/// All records of some kinds, the oldest first.
pub(crate) fn records(house: &House, kinds: &[AuditKind]) -> Vec<AuditRecord> {
    let filter = AuditFilter {
        kinds: kinds.iter().copied().collect(),
        ..AuditFilter::default()
    };
    let asked = AuditAsked {
        filter,
        project: None,
    };
    let shown = read(&house.authority, &house.administrator, &asked).unwrap();
    shown.into_iter().map(|one| one.record).collect()
}

/// The records that something leaves, with what was gathered.
fn left_by(house: &House, act: impl FnOnce()) -> Vec<AuditRecord> {
    block_on(house.authority.write_notes()).unwrap();
    let before = records(house, &[]).len();
    act();
    block_on(house.authority.write_notes()).unwrap();
    records(house, &[]).split_off(before)
}

fn only(records: &[AuditRecord]) -> &AuditRecord {
    let [record] = records else {
        panic!("one record: {records:?}");
    };
    record
}

fn things(record: &AuditRecord) -> Vec<Resource> {
    let concerns = record.entry.concerns.iter();
    concerns.map(|one| one.resource).collect()
}

pub(crate) fn user_of(caller: &Caller) -> Who {
    Who::of(caller, None)
}

fn wrong(who: &str) -> Credentials {
    Credentials::Password {
        name: name(who),
        password: "wrong".to_owned().into(),
    }
}

pub(crate) fn refused(reason: &str, layer: Option<LayerId>) -> Refused {
    Refused {
        method: Some(Arc::from("/a.B/C")),
        reason: reason.to_owned(),
        resource: layer.map(Resource::Layer),
        request: Some(Arc::from("job-1")),
    }
}

pub(crate) fn now(house: &House) -> Timestamp {
    Clock::now(&house.platform)
}

/// A project with a layer that everybody in it may view.
pub(crate) fn town(house: &House) -> (ProjectId, LayerId) {
    place(house, "Town", "trees")
}

pub(crate) fn place(house: &House, project: &str, layer: &str) -> (ProjectId, LayerId) {
    let project = house.project(project);
    (project, house.layer(project, layer))
}

fn signed_in(house: &House, who: &str) -> SignedIn {
    house.user(who);
    house.sign_in(who)
}

#[test]
fn a_change_is_recorded_once_with_who_what_and_by_which_right() {
    // R122, R59.
    let house = House::new();
    let ana = house.user("ana");
    house.platform.work_on(Some(CallInfo {
        request_id: Arc::from("job-7"),
        method: Some(Arc::from(
            "/jmap.authorization.v1.DirectoryService/CreateUser",
        )),
    }));
    let left = left_by(&house, || {
        house.disable(ana.id);
    });
    let entry = &only(&left).entry;
    assert_eq!(entry.kind, AuditKind::Change);
    assert_eq!(entry.who, user_of(&house.administrator));
    assert_eq!(entry.name, Some(name("administrator")));
    assert_eq!(entry.outcome, Outcome::Done);
    assert_eq!(entry.path, Some(Path::Direct));
    assert_eq!(entry.request.as_deref(), Some("job-7"));
    assert_eq!(entry.revision, Some(house.authority.snapshot().revision()));
    assert_eq!(things(only(&left)), [Resource::User(ana.id)]);
    assert_eq!(entry.concerns[0].name, Some(name("ana")));
}

#[test]
fn what_is_not_changed_leaves_no_record() {
    // R122: validation errors and stale revisions are no refusals.
    let house = House::new();
    house.user("ana");
    let left = left_by(&house, || {
        let new = NewUser {
            name: name("ANA"),
            display_name: None,
            policy: AccountPolicy::Ordinary,
            password: None,
        };
        block_on(house.authority.create_user(&house.administrator, new)).unwrap_err();
    });
    assert_eq!(left, []);
}

#[test]
fn sessions_are_recorded_when_they_are_opened_and_closed_and_not_when_refreshed() {
    // R117, R122.
    let house = House::new();
    let ana = house.user("ana");
    let mut signed_in = None;
    let left = left_by(&house, || signed_in = Some(house.sign_in("ana")));
    let signed_in = signed_in.unwrap();
    let me = user_of(&caller(&signed_in));
    assert_eq!(
        (only(&left).entry.kind, only(&left).entry.who),
        (AuditKind::SignIn, me)
    );
    assert_eq!(things(only(&left)), [Resource::User(ana.id)]);
    let mut refreshed = None;
    let token = signed_in.refresh_token.clone().unwrap();
    let left = left_by(&house, || {
        refreshed = Some(block_on(house.authority.refresh(&token)).unwrap());
    });
    assert_eq!(left, []);
    let left = left_by(&house, || {
        block_on(house.authority.sign_out(&caller(&signed_in))).unwrap();
    });
    assert_eq!(
        (only(&left).entry.kind, only(&left).entry.who),
        (AuditKind::SignOut, me)
    );
    let id = signed_in.session.id;
    assert_eq!(
        things(only(&left)),
        [Resource::User(ana.id), Resource::Session(id)]
    );
}

#[test]
fn a_closed_session_is_recorded_with_who_closed_it_and_why() {
    // R117, R122.
    let house = House::new();
    let ana = house.user("ana");
    let first = house.sign_in("ana");
    let left = left_by(&house, || {
        let close = house
            .authority
            .close_session(&house.administrator, first.session.id);
        block_on(close).unwrap();
    });
    let entry = &only(&left).entry;
    assert_eq!(entry.kind, AuditKind::SessionClosed);
    assert_eq!(entry.who, user_of(&house.administrator));
    assert_eq!(entry.reason.as_deref(), Some("CLOSED"));
    let open = house.sign_in("ana").session.id;
    let left = left_by(&house, || {
        let password = password();
        let set = house
            .authority
            .set_password(&house.administrator, ana.id, &password);
        block_on(set).unwrap();
    });
    let closed = left
        .iter()
        .filter(|one| one.entry.kind == AuditKind::SessionClosed);
    let closed: Vec<_> = closed.collect();
    assert!(
        closed
            .iter()
            .all(|one| one.entry.reason.as_deref() == Some("PASSWORD_SET"))
    );
    assert!(
        closed
            .iter()
            .any(|one| things(one).contains(&Resource::Session(open)))
    );
    let changes = left
        .iter()
        .filter(|one| one.entry.kind == AuditKind::Change);
    assert_eq!(changes.count(), 1);
}

#[test]
fn a_session_that_could_not_be_stored_as_closed_is_recorded_once_it_is() {
    let house = House::new();
    house.user("ana");
    let signed_in = house.sign_in("ana");
    house.store.refuse_sessions();
    let left = left_by(&house, || {
        block_on(house.authority.sign_out(&caller(&signed_in))).unwrap_err();
    });
    assert_eq!(left, []);
    house.store.accept_sessions();
    let left = left_by(&house, || block_on(house.authority.keep_in_step()).unwrap());
    assert_eq!(only(&left).entry.kind, AuditKind::SignOut);
}

#[test]
fn a_reused_refresh_token_is_recorded_as_nobodys_act_on_the_account() {
    // R117, R122.
    let house = House::new();
    let ana = house.user("ana");
    let token = house.sign_in("ana").refresh_token.unwrap();
    block_on(house.authority.refresh(&token)).unwrap();
    let left = left_by(&house, || {
        block_on(house.authority.refresh(&token)).unwrap_err();
    });
    let entry = &only(&left).entry;
    assert_eq!(entry.who, Who::Unknown { via: None });
    assert_eq!(entry.reason.as_deref(), Some("REFRESH_TOKEN_REUSED"));
    assert_eq!(things(only(&left))[0], Resource::User(ana.id));
}

#[test]
fn a_refused_sign_in_names_the_account_that_was_meant_and_keeps_no_other_text() {
    // R122: a name as typed may be a password in the wrong field.
    let house = House::new();
    let ana = house.user("ana");
    let left = left_by(&house, || {
        for who in ["ana", "ana", "hunter2"] {
            house.platform.advance(Duration::from_secs(1));
            let signed_in = block_on(house.authority.sign_in(&wrong(who), Origin::default()));
            assert_eq!(signed_in.unwrap_err(), SignInError::WrongCredentials);
        }
    });
    let [of_ana, of_nobody] = left.as_slice() else {
        panic!("two records: {left:?}");
    };
    assert_eq!(things(of_ana), [Resource::User(ana.id)]);
    assert_eq!(of_ana.entry.count, 2);
    assert_eq!(of_ana.entry.who, Who::Unknown { via: None });
    assert_eq!(of_ana.entry.reason.as_deref(), Some("CREDENTIAL_REFUSED"));
    assert_eq!(of_nobody.entry.concerns, []);
    assert!(!format!("{left:?}").contains("hunter2"));
}

#[test]
fn equal_refusals_are_one_record_with_a_count_and_the_first_request_id() {
    // R122.
    let house = House::new();
    let (town, trees) = town(&house);
    let ben = house.user("ben");
    let start = now(&house);
    let left = left_by(&house, || {
        for request in ["job-1", "job-2", "job-3"] {
            house.platform.advance(Duration::from_secs(1));
            let refused = Refused {
                request: Some(Arc::from(request)),
                ..refused("NOT_PERMITTED", Some(trees))
            };
            house.authority.note_refusal(user_of(&ben.caller), refused);
        }
    });
    let entry = &only(&left).entry;
    assert_eq!(
        (entry.kind, entry.outcome),
        (AuditKind::Refusal, Outcome::Refused)
    );
    assert_eq!(entry.count, 3);
    assert_eq!(entry.first_at, start.after(Duration::from_secs(1)));
    assert_eq!(entry.last_at, start.after(Duration::from_secs(3)));
    assert_eq!(entry.request.as_deref(), Some("job-1"));
    assert_eq!(entry.concerns[0].project, Some(town));
}

#[test]
fn other_callers_reasons_and_resources_are_records_of_their_own() {
    // R122.
    let house = House::new();
    let (_, trees) = town(&house);
    let (ana, ben) = (house.user("ana"), house.user("ben"));
    let left = left_by(&house, || {
        let note =
            |who: Person, refused| house.authority.note_refusal(user_of(&who.caller), refused);
        note(ana, refused("NOT_PERMITTED", Some(trees)));
        note(ben, refused("NOT_PERMITTED", Some(trees)));
        note(ben, refused("NOT_PERMITTED", None));
        note(ben, refused("EDITING_DISABLED", Some(trees)));
    });
    assert_eq!(left.len(), 4);
}

#[test]
fn a_flood_fills_neither_memory_nor_the_record_and_is_a_number() {
    // R122.
    let house = House::new();
    let ben = house.user("ben");
    let flood = 10_000;
    let left = left_by(&house, || {
        for layer in 1..=flood {
            let layer = LayerId::new(layer).unwrap();
            let refused = refused("NOT_FOUND", Some(layer));
            house.authority.note_refusal(user_of(&ben.caller), refused);
        }
    });
    let limit = TallyLimits::default().of_one;
    assert_eq!(left.len(), limit + 1);
    let dropped = left.last().unwrap();
    assert_eq!(dropped.entry.kind, AuditKind::Dropped);
    assert_eq!(
        dropped.entry.count,
        u64::try_from(flood).unwrap() - limit as u64
    );
}

#[test]
fn refusals_that_cannot_be_written_are_written_later() {
    // R122.
    let house = House::new();
    let ben = house.user("ben");
    let note = || {
        house
            .authority
            .note_refusal(user_of(&ben.caller), refused("NOT_PERMITTED", None));
    };
    let left = left_by(&house, || {
        note();
        house.store.refuse_records(Refuse::All);
        block_on(house.authority.write_notes()).unwrap_err();
        note();
        house.store.refuse_records(Refuse::Nothing);
    });
    assert_eq!(only(&left).entry.count, 2);
}

#[test]
fn another_services_refusals_are_recorded_for_whoever_holds_the_session() {
    // R122.
    let house = House::new();
    let (_, trees) = town(&house);
    let ben = signed_in(&house, "ben");
    let report = |by| RefusedElsewhere {
        by,
        refused: refused("NOT_OWN_ELEMENT", Some(trees)),
        first_at: Timestamp::from_millis(1_000),
        last_at: Timestamp::from_millis(2_000),
        count: 7,
    };
    let Caller::Service(layer_data) = house.layer_data else {
        panic!("a service");
    };
    let via = Some(layer_data.service);
    let left = left_by(&house, || {
        let by = [
            RefusedBy::Session(ben.session.id),
            RefusedBy::Anonymous,
            RefusedBy::Session(SessionId::new(999).unwrap()),
        ];
        let reports = by.map(report).to_vec();
        let told = house
            .authority
            .report_refusals(&house.layer_data, reports, 5);
        told.unwrap();
    });
    let who: Vec<Who> = left.iter().map(|one| one.entry.who).collect();
    let ben = Who::of(&caller(&ben), via);
    for expected in [
        ben,
        Who::Anonymous { via },
        Who::Unknown { via },
        Who::System,
    ] {
        assert!(who.contains(&expected), "{expected:?} in {who:?}");
    }
    let dropped = left.last().unwrap();
    assert_eq!(
        (dropped.entry.kind, dropped.entry.count),
        (AuditKind::Dropped, 5)
    );
    assert!(left[..3].iter().all(|one| one.entry.count == 7));
}

#[test]
fn only_services_that_check_report_refusals() {
    let house = House::new();
    let ben = house.user("ben");
    for who in [ben.caller, house.administrator, Caller::Anonymous] {
        let told = house.authority.report_refusals(&who, Vec::new(), 1);
        assert!(matches!(told, Err(Refusal::Forbidden(_))), "{who:?}");
    }
}

#[test]
fn checks_are_recorded_by_the_configured_part_with_decision_and_path() {
    // R122.
    let house = House::new();
    let (town, trees) = town(&house);
    let ben = signed_in(&house, "ben");
    house.grant_project(
        town,
        UserId::new(ben_id(&ben)).unwrap(),
        &[ProjectAct::Open],
    );
    let settings = Settings {
        check_sample: SampleRate::ALL,
        ..Settings::default()
    };
    let sampling = Authority::start(house.store.clone(), house.platform.clone(), settings);
    let sampling = block_on(sampling).unwrap();
    let act = |permission| Question::Layer(trees, LayerAct::Elements(permission));
    let questions = [act(Permission::View), act(Permission::DeleteElements)];
    let left = left_by(&house, || {
        let asking = Asking {
            caller: &house.layer_data,
            subject: Some(Subject::Session(ben.session.id)),
            at_least: None,
        };
        sampling.check(asking, &questions).unwrap();
        block_on(sampling.write_notes()).unwrap();
        // Without sampling nothing is recorded.
        house.authority.check(asking, &questions).unwrap();
    });
    let [view, delete] = left.as_slice() else {
        panic!("two records: {left:?}");
    };
    let (view, delete) = if view.entry.outcome == Outcome::Done {
        (view, delete)
    } else {
        (delete, view)
    };
    assert_eq!(
        (view.entry.kind, view.entry.act.as_deref()),
        (AuditKind::Check, Some("view"))
    );
    assert_eq!(view.entry.path, Some(Path::Everyone));
    assert_eq!(delete.entry.outcome, Outcome::Refused);
    assert_eq!(delete.entry.reason.as_deref(), Some("NO_GRANT"));
    assert_eq!(delete.entry.path, None);
    assert_eq!(delete.entry.who.user().map(UserId::get), Some(ben_id(&ben)));
}

fn ben_id(signed_in: &SignedIn) -> i64 {
    let Caller::Session(session) = caller(signed_in) else {
        panic!("a user");
    };
    session.user.get()
}

#[test]
fn names_of_what_is_deleted_stay_in_the_record() {
    // R59.
    let house = House::new();
    let ana = house.user("ana");
    house
        .authority
        .note_refusal(user_of(&ana.caller), refused("NOT_PERMITTED", None));
    block_on(house.authority.write_notes()).unwrap();
    block_on(house.authority.delete_user(&house.administrator, ana.id)).unwrap();
    let filter = AuditFilter {
        user: Some(ana.id),
        ..AuditFilter::default()
    };
    let asked = AuditAsked {
        filter,
        project: None,
    };
    let shown = read(&house.authority, &house.administrator, &asked).unwrap();
    assert!(
        shown
            .iter()
            .all(|one| one.record.entry.name == Some(name("ana")))
    );
    assert!(!shown.is_empty());
}

#[test]
fn records_are_removed_by_age_and_numbers_never_come_again() {
    // R122.
    let house = House::new();
    let old = records(&house, &[]);
    house.platform.advance(Duration::from_hours(48));
    let ana = house.user("ana");
    block_on(house.authority.prune_records(Duration::from_hours(24))).unwrap();
    let left = records(&house, &[]);
    assert!(left.iter().all(|one| one.id > old.last().unwrap().id));
    assert!(
        left.iter()
            .any(|one| things(one).contains(&Resource::User(ana.id)))
    );
    let mark = block_on(house.authority.last_record()).unwrap();
    block_on(house.authority.prune_records(Duration::ZERO)).unwrap();
    assert_eq!(block_on(house.authority.last_record()).unwrap(), mark);
}

#[test]
fn nothing_in_the_record_is_secret() {
    // R122.
    let house = House::new();
    house.user("ana");
    let signed_in = house.sign_in("ana");
    block_on(house.authority.sign_in(&wrong("ana"), Origin::default())).unwrap_err();
    let scopes = [Scope::Check].into_iter().collect();
    let created = house
        .authority
        .create_service(&house.administrator, name("robot"), scopes);
    let (_, key) = block_on(created).unwrap().value;
    block_on(house.authority.write_notes()).unwrap();
    let asked = AuditAsked::default();
    let text = format!(
        "{:?}",
        read(&house.authority, &house.administrator, &asked).unwrap()
    );
    let secret =
        |secret: &secrecy::SecretString| secrecy::ExposeSecret::expose_secret(secret).to_owned();
    for secret in [
        PASSWORD.to_owned(),
        secret(&key),
        secret(&signed_in.access_token),
        secret(&signed_in.refresh_token.unwrap()),
    ] {
        assert!(!text.contains(&secret));
    }
}
