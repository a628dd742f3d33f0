//! The audit record of both services: refusals end to end, under the request ids of the calls (R122).

use std::{collections::BTreeMap, fs, time::Duration};

use jmap_proto::{
    authorization::{
        AuditFilter, AuditKind, AuditRecord, AuditedResourceKind, ListAuditRecordsRequest,
        ListUsersRequest, StreamAuditRecordsRequest, StreamAuditRecordsResponse,
        UpdateLayerRegistrationRequest,
    },
    layerdata::{
        CreateLayerRequest, DeleteLayerRequest, Edit, EditMode, LayerDefinition, LayerQuery,
        ReadElementsRequest, UpdateEdit, UpdateElementRequest, edit::Act,
    },
    types::GeometryType,
};
use tempfile::TempDir;
use testkit::{
    AuditTimes, Caller, Home, PASSWORD, Pair, Places, Stage, Tuning, everywhere, ready::eventually,
    wire,
};
use tonic::{Request, Status, Streaming, metadata::MetadataValue};

const TOWN: &str = "
world: one who edits its own, one who may nothing, and a layer that neither sees
users: [ana, ben, chief]
projects: [{ project: city, open: [ana, ben, chief], administrate: [chief] }]
layers: [{ layer: trees, editing: true }, { layer: hidden, editing: true, view: nobody }]
grants:
  - { layer: trees, to: ana, give: [add, modify], only-own: true }
  - { layer: trees, to: ben, give: [add] }
elements: [{ element: bens, in: trees, by: ben }]
";

/// No layer has this id.
const ABSENT: i64 = 999_999;

const ELEMENTS: &str = "/jmap.layerdata.v1.ElementService/";

fn tuning() -> Tuning {
    Tuning {
        audit: AuditTimes {
            gather: Duration::from_millis(200),
            life: None,
        },
        ..Tuning::default()
    }
}

/// What the administrator is shown.
async fn listed(reader: &Caller, filter: AuditFilter) -> Vec<AuditRecord> {
    let request = ListAuditRecordsRequest {
        filter: Some(filter),
        page_size: 1_000,
        page_token: String::new(),
    };
    let page = reader.audit().list_audit_records(request).await.unwrap();
    page.into_inner().records
}

fn refusals() -> AuditFilter {
    AuditFilter {
        kinds: vec![AuditKind::Refusal.into()],
        ..AuditFilter::default()
    }
}

/// The refusals by their request ids, once there are as many.
async fn refused(reader: &Caller, count: usize) -> BTreeMap<String, AuditRecord> {
    let look = || async {
        let records = listed(reader, refusals()).await;
        (records.len() >= count).then_some(records)
    };
    let records = eventually("the refusals", look).await;
    let by_request = records
        .iter()
        .map(|one| (one.request_id.clone(), one.clone()));
    let by_request: BTreeMap<_, _> = by_request.collect();
    assert_eq!(records.len(), count, "one record each: {records:#?}");
    by_request
}

fn under<T>(request_id: &'static str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let id = MetadataValue::from_static(request_id);
    request.metadata_mut().insert("x-request-id", id);
    request
}

fn update((layer_id, element_id): (i64, i64)) -> UpdateElementRequest {
    UpdateElementRequest {
        layer_id,
        element_id,
        expected: wire::any_revision(),
        change: Some(wire::moved("POINT(9 9)")),
        request_id: String::new(),
    }
}

fn foreign_edit((layer_id, element_id): (i64, i64)) -> Edit {
    let act = UpdateEdit {
        element_id,
        expected: wire::any_revision(),
        change: Some(wire::moved("POINT(9 9)")),
    };
    Edit {
        layer_id,
        act: Some(Act::Update(act)),
    }
}

fn read(layer_id: i64, partial: bool) -> ReadElementsRequest {
    let query = LayerQuery {
        layer_id,
        selection: Some(everywhere()),
        ..LayerQuery::default()
    };
    ReadElementsRequest {
        queries: vec![query],
        partial,
    }
}

/// Reads a stream to its end.
async fn drain(caller: &Caller, request: Request<ReadElementsRequest>) {
    let opened = caller.elements().read_elements(request).await;
    let Ok(opened) = opened else { return };
    let mut stream = opened.into_inner();
    while let Ok(Some(_)) = stream.message().await {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_layer_data_are_recorded_under_the_request_ids_of_the_calls() {
    // R122, R51, R40.
    let stage = Stage::set_with(tuning(), TOWN).await;
    let (ana, administrator) = (
        stage.caller("ana").await,
        stage.caller("administrator").await,
    );
    let (trees, hidden, bens) = (
        stage.layer("trees"),
        stage.layer("hidden"),
        stage.floor.element("bens"),
    );
    let mut elements = ana.elements();
    elements
        .update_element(under("job-own", update(bens)))
        .await
        .unwrap_err();
    elements
        .update_element(under("job-hidden", update((hidden, 1))))
        .await
        .unwrap_err();
    let batch = jmap_proto::layerdata::BatchEditElementsRequest {
        edits: vec![foreign_edit(bens)],
        mode: EditMode::Partial.into(),
        request_id: String::new(),
        validate_only: false,
    };
    // The answer is no error: what is refused stands in it.
    elements
        .batch_edit_elements(under("job-batch", batch))
        .await
        .unwrap();
    drain(&ana, under("job-stream", read(hidden, false))).await;
    drain(&ana, under("job-partial", read(ABSENT, true))).await;
    let found = refused(&administrator, 5).await;
    for (request, method, reason, layer) in [
        ("job-own", "UpdateElement", "NOT_OWN_ELEMENT", trees),
        ("job-hidden", "UpdateElement", "NOT_FOUND", hidden),
        ("job-batch", "BatchEditElements", "NOT_OWN_ELEMENT", trees),
    ] {
        let record = &found[request];
        assert_eq!(record.act, format!("{ELEMENTS}{method}"), "{request}");
        assert_eq!(record.reason, reason, "{request}");
        let about = &record.resources[0];
        assert_eq!(
            (about.kind(), about.id),
            (AuditedResourceKind::Layer, layer),
            "{request}"
        );
        let caller = record.caller.as_ref().unwrap();
        assert_eq!(
            (caller.name.as_str(), caller.via_service_name.as_str()),
            ("ana", "layer-data")
        );
        assert_eq!(caller.user_id, stage.floor.user("ana"));
    }
    for (request, layer) in [("job-stream", hidden), ("job-partial", ABSENT)] {
        assert_eq!(found[request].act, format!("{ELEMENTS}ReadElements"));
        assert_eq!(found[request].resources[0].id, layer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_refusals_are_counted_and_what_is_no_refusal_is_not_recorded() {
    // R122: validation errors and stale revisions are no refusals.
    let stage = Stage::set_with(tuning(), TOWN).await;
    let (ana, administrator) = (
        stage.caller("ana").await,
        stage.caller("administrator").await,
    );
    let (trees, bens) = (stage.layer("trees"), stage.floor.element("bens"));
    let mine = ana.add(trees, "POINT(1 2)").await.unwrap();
    let outdated = jmap_proto::layerdata::EditedElement {
        revision: mine.revision + 1_000,
        ..mine
    };
    ana.change_as_of(trees, outdated, wire::moved("POINT(3 4)"))
        .await
        .unwrap_err();
    ana.add(trees, "LINESTRING(1 2, 3 4)").await.unwrap_err();
    ana.change(trees, 999, wire::moved("POINT(3 4)"))
        .await
        .unwrap_err();
    for _ in 0..4 {
        ana.change(trees, bens.1, wire::moved("POINT(3 4)"))
            .await
            .unwrap_err();
    }
    let all = || async {
        let records = listed(&administrator, refusals()).await;
        let count: i64 = records.iter().map(|one| one.count).sum();
        (count >= 4).then_some(records)
    };
    let records = eventually("four refusals", all).await;
    assert!(
        records.iter().all(|one| one.reason == "NOT_OWN_ELEMENT"),
        "{records:#?}"
    );
    assert_eq!(records.iter().map(|one| one.count).sum::<i64>(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_authorization_are_recorded_once_whoever_passes_the_call_on() {
    // R122.
    let stage = Stage::set_with(tuning(), TOWN).await;
    let (ben, administrator) = (
        stage.caller("ben").await,
        stage.caller("administrator").await,
    );
    let users = under("job-users", ListUsersRequest::default());
    ben.directory().list_users(users).await.unwrap_err();
    let rename = UpdateLayerRegistrationRequest::default();
    // A wrong field is no refusal.
    let rename = under("job-wrong", rename);
    ben.administration()
        .update_layer_registration(rename)
        .await
        .unwrap_err();
    let project = jmap_proto::layerdata::create_layer_request::Placement::ProjectId(
        stage.floor.project("city"),
    );
    let create = CreateLayerRequest {
        placement: Some(project),
        name: "new".to_owned(),
        definition: Some(LayerDefinition {
            geometry_type: GeometryType::Point.into(),
            ..LayerDefinition::default()
        }),
        ..CreateLayerRequest::default()
    };
    ben.layers()
        .create_layer(under("job-create", create))
        .await
        .unwrap_err();
    let delete = DeleteLayerRequest {
        layer_id: stage.layer("trees"),
        confirm_name: "trees".to_owned(),
    };
    ben.layers()
        .delete_layer(under("job-delete", delete))
        .await
        .unwrap_err();
    let bad = stage.pair.with_token(Some("no token"));
    let token = under("job-token", ListUsersRequest::default());
    bad.directory().list_users(token).await.unwrap_err();
    let found = refused(&administrator, 4).await;
    let who = |request: &str| {
        let caller = found[request].caller.clone().unwrap();
        (caller.name, caller.via_service_name)
    };
    let told = |name: &str, via: &str| (name.to_owned(), via.to_owned());
    assert_eq!(who("job-users"), told("ben", ""));
    assert_eq!(who("job-create"), told("ben", "layer-data"));
    assert_eq!(who("job-delete"), told("ben", "layer-data"));
    assert_eq!(who("job-token"), told("", ""));
    assert_eq!(found["job-token"].reason, "TOKEN_MALFORMED");
    assert_eq!(
        found["job-users"].act,
        "/jmap.authorization.v1.DirectoryService/ListUsers"
    );
    assert_eq!(found["job-delete"].resources.len(), 1);
}

/// The next record of a stream, but for those of whoever was refused the stream itself.
async fn next(stream: &mut Streaming<StreamAuditRecordsResponse>) -> Result<AuditRecord, Status> {
    loop {
        let part = stream.message().await?.expect("the stream goes on");
        let mut records = part.records.into_iter();
        if let Some(record) = records.find(|one| !one.act.ends_with("StreamAuditRecords")) {
            return Ok(record);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn administrators_of_a_project_follow_what_concerns_it_until_the_right_goes() {
    // R122, R119.
    let mut stage = Stage::set_with(tuning(), TOWN).await;
    let (ana, chief) = (stage.caller("ana").await, stage.caller("chief").await);
    let city = AuditFilter {
        project_id: stage.floor.project("city"),
        kinds: vec![AuditKind::Refusal.into(), AuditKind::Change.into()],
        ..AuditFilter::default()
    };
    let follow = |filter| StreamAuditRecordsRequest {
        filter,
        follow: true,
        from_now: true,
        after_record_id: 0,
    };
    for nobody in [&ana, &stage.pair.anonymous()] {
        nobody
            .audit()
            .stream_audit_records(follow(Some(city.clone())))
            .await
            .unwrap_err();
    }
    chief
        .audit()
        .stream_audit_records(follow(None))
        .await
        .unwrap_err();
    let opened = chief.audit().stream_audit_records(follow(Some(city))).await;
    let mut stream = opened.unwrap().into_inner();
    let bens = stage.floor.element("bens");
    ana.change(bens.0, bens.1, wire::moved("POINT(3 4)"))
        .await
        .unwrap_err();
    let seen = next(&mut stream).await.unwrap();
    assert_eq!(seen.reason, "NOT_OWN_ELEMENT");
    crate::change(
        &mut stage,
        "{ revoke: { layer: trees, from: ana, take: [modify] } }",
    )
    .await;
    let seen = next(&mut stream).await.unwrap();
    assert_eq!((seen.kind(), seen.changes.len()), (AuditKind::Change, 1));
    let taken = "{ revoke-project: { project: city, principal: chief, right: administrate } }";
    crate::change(&mut stage, taken).await;
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            if let Err(status) = next(&mut stream).await {
                return status;
            }
        }
    });
    let status = ended.await.expect("the stream ends within 5 s");
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
}

/// In a file, because only that can be searched here; the name keeps it out of runs on the other engine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_beside_a_geopackage_survives_a_restart_and_holds_no_secret() {
    // R122.
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let places = Places {
        authorization: file("authorization.sqlite"),
        layers: file("layers.gpkg"),
    };
    let pair = Pair::start_in(Home::at(places.clone()), tuning()).await;
    pair.create_user("ana").await;
    let tokens = pair.sign_in("ana", PASSWORD).await.unwrap();
    let administrator = pair.as_administrator().await;
    let before = listed(&administrator, AuditFilter::default()).await;
    pair.sign_in("ana", "hunter2-wrong").await.unwrap_err();
    pair.sign_in("hunter2-as-name", PASSWORD).await.unwrap_err();
    let secrets = [
        PASSWORD.to_owned(),
        "hunter2".to_owned(),
        tokens.access_token,
        tokens.refresh_token,
        pair.service_key(),
    ];
    pair.stop().await;
    let pair = Pair::start_in(Home::at(places), tuning()).await;
    let administrator = pair.as_administrator().await;
    let after = listed(&administrator, AuditFilter::default()).await;
    assert!(after.ends_with(&before), "nothing is lost or changed");
    // What was gathered was written at the end of the service before.
    let refused = after
        .iter()
        .filter(|one| one.reason == "CREDENTIAL_REFUSED");
    assert_eq!(refused.count(), 2);
    pair.stop().await;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
    }
}
