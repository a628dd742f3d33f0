//! What may not be seen is not there: one and the same answer for absent and invisible (R40, R21, R23, R46).

use std::{collections::BTreeMap, fmt::Debug};

use jmap_proto::{
    authorization::{
        CheckRequest, ExplainRequest, GetLayerPermissionsRequest, GetProjectRequest, LayerAct,
        LayerGrantsDelta, LayerIds, LayerPermissionsChange, LayerRegistration,
        ListEffectivePermissionsRequest, ListLayerRegistrationsRequest,
        UpdateLayerPermissionsRequest, UpdateLayerRegistrationRequest, get_project_request,
        layer_permissions_change::Change, list_effective_permissions_request::Layers,
    },
    layerdata::{
        AsOf, CompareRevisionsRequest, ComputeStatisticsRequest, CopyOrder, CreateImportRequest,
        DeleteElementsRequest, DeleteLayerRequest, Edit, EditMode, FileFormat, GetElementsRequest,
        GetLayerRequest, ImportElementsRequest, ImportOptions, LayerWatch,
        ListElementChangesRequest, ListElementsRequest, ListLayersRequest, PrepareCopyRequest,
        RestoreElementsRequest, RevertEditsRequest, Selection, UpsertEdit, UpsertElementRequest,
        WatchChangesRequest, as_of::At, edit::Act, layer_watch::Start, revert_edits_request::Edits,
    },
};
use prost_types::FieldMask;
use testkit::{Caller, Stage, everywhere, wire};
use tonic::{Response, Status};
use tonic_types::StatusExt;

const TOWN: &str = "
world: a layer that eve may do everything with, but see
users: [ana, eve]
projects:
  - { project: city, open: [ana, eve] }
  - { project: closed, open: [ana] }
layers:
  - { layer: seen, in: city }
  - { layer: unseen, in: city, editing: true, view: nobody }
  - { layer: behind, in: closed, editing: true }
grants:
  - { layer: unseen, to: ana, give: [view] }
  - { layer: unseen, to: eve, give: [add, modify, delete, modify-attributes, export] }
  - { layer: behind, to: eve, give: [view, add, modify, delete, modify-attributes, export] }
elements:
  - { element: here, in: unseen, by: ana }
  - { element: there, in: behind, by: ana }
";

/// A layer that never was.
const ABSENT: i64 = 900_001;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invisible_layer_answers_as_an_absent_one_to_the_letter() {
    // R40.
    let stage = Stage::set(TOWN).await;
    for who in ["eve", "anonymous"] {
        let caller = stage.caller(who).await;
        let absent = answers(&caller, ABSENT).await;
        for name in ["unseen", "behind"] {
            let id = stage.layer(name);
            let invisible = answers(&caller, id).await;
            for ((call, absent), (_, invisible)) in absent.iter().zip(&invisible) {
                assert_eq!(
                    invisible, absent,
                    "{who}: {call} tells `{name}` from nothing"
                );
            }
        }
    }
}

/// What every call that names a layer answers, with the layer's id blotted out.
async fn answers(caller: &Caller, layer_id: i64) -> Vec<(&'static str, String)> {
    let mut told = elements(caller, layer_id).await;
    told.extend(layers(caller, layer_id).await);
    told.extend(administration(caller, layer_id).await);
    let blot = |text: String| {
        let named = [("`", "`"), ("\"", "\""), ("layer_id: ", ",")];
        named.into_iter().fold(text, |text, (before, after)| {
            text.replace(&format!("{before}{layer_id}{after}"), "_")
        })
    };
    told.into_iter()
        .map(|(call, text)| (call, blot(text)))
        .collect()
}

/// An answer, down to its details.
fn shown<T: Debug>(result: Result<T, Status>) -> String {
    match result {
        Ok(answer) => format!("ok {answer:?}"),
        Err(status) => {
            let (code, message) = (status.code(), status.message());
            let details = status.get_error_details();
            let info = details.error_info().expect("an ErrorInfo");
            let facts: BTreeMap<_, _> = info.metadata.iter().collect();
            let keys: Vec<_> = status
                .metadata()
                .keys()
                .map(|key| format!("{key:?}"))
                .collect();
            let (reason, fields) = (&info.reason, details.bad_request());
            format!("{code:?} {message} {reason} {facts:?} {fields:?} {keys:?}")
        }
    }
}

async fn elements(caller: &Caller, layer_id: i64) -> Vec<(&'static str, String)> {
    let (mut told, mut elements) = (edits(caller, layer_id).await, caller.elements());
    told.extend(history(caller, layer_id).await);
    let get = GetElementsRequest {
        layer_id,
        element_ids: vec![1],
        mask: None,
        ..Default::default()
    };
    let list = |selection| ListElementsRequest {
        layer_id,
        selection: Some(selection),
        ..ListElementsRequest::default()
    };
    let wrong = Selection {
        element_ids: vec![-1],
        ..Selection::default()
    };
    let got = elements.get_elements(get).await.map(Response::into_inner);
    let listed = elements.list_elements(list(everywhere())).await;
    let misled = elements.list_elements(list(wrong)).await;
    let statistics = ComputeStatisticsRequest {
        layer_id,
        group_by: vec![wire::by_name("nothing")],
        ..ComputeStatisticsRequest::default()
    };
    let computed = elements.compute_statistics(statistics).await;
    told.extend([
        ("GetElements", shown(got)),
        ("ListElements", shown(listed.map(Response::into_inner))),
        (
            "ListElements of wrong ids",
            shown(misled.map(Response::into_inner)),
        ),
        ("ReadElements", shown(caller.read(layer_id).await)),
        ("SummarizeElements", shown(caller.count(layer_id).await)),
        (
            "ComputeStatistics of nothing",
            shown(computed.map(Response::into_inner)),
        ),
    ]);
    told
}

async fn history(caller: &Caller, layer_id: i64) -> Vec<(&'static str, String)> {
    let as_of = Some(AsOf {
        at: Some(At::Revision(0)),
    });
    let past = ListElementsRequest {
        layer_id,
        selection: Some(Selection {
            as_of,
            ..Selection::default()
        }),
        ..ListElementsRequest::default()
    };
    let past = caller.elements().list_elements(past).await;
    let of_element = ListElementChangesRequest {
        layer_id,
        element_id: 1,
        ..ListElementChangesRequest::default()
    };
    let changes = caller.history().list_element_changes(of_element).await;
    let since = CompareRevisionsRequest {
        layer_id,
        from: as_of,
        ..CompareRevisionsRequest::default()
    };
    let compared = caller.history().compare_revisions(since).await;
    let restoration = RestoreElementsRequest {
        layer_id,
        element_ids: vec![1],
        ..RestoreElementsRequest::default()
    };
    let restored = caller.history().restore_elements(restoration).await;
    let reversal = RevertEditsRequest {
        layer_id,
        edits: Some(Edits::Revision(1)),
        ..RevertEditsRequest::default()
    };
    let reverted = caller.history().revert_edits(reversal).await;
    vec![
        (
            "ListElements of the past",
            shown(past.map(Response::into_inner)),
        ),
        (
            "ListElementChanges",
            shown(changes.map(Response::into_inner)),
        ),
        ("CompareRevisions", shown(compared.map(drop))),
        ("WatchChanges", watched(caller, layer_id).await),
        ("RestoreElements", shown(restored.map(Response::into_inner))),
        ("RevertEdits", shown(reverted.map(Response::into_inner))),
    ]
}

async fn watched(caller: &Caller, layer_id: i64) -> String {
    let watch = LayerWatch {
        layer_id,
        // That it has not been yet is nobody's business either.
        start: Some(Start::AfterRevision(1 << 40)),
        ..LayerWatch::default()
    };
    let watch = WatchChangesRequest {
        layers: vec![watch],
        heartbeat: None,
    };
    let watched = caller.history().watch_changes(watch).await;
    shown(watched.map(drop))
}

async fn edits(caller: &Caller, layer_id: i64) -> Vec<(&'static str, String)> {
    let element = wire::new_element("POINT(1 2)", Vec::new());
    let act = Some(Act::Create(element.clone()));
    let batch = vec![Edit { layer_id, act }];
    let misfit = wire::new_element("LINESTRING(0 0,1 1)", vec![wire::set_text("nothing", "x")]);
    let moved = || wire::moved("POINT(3 3)");
    let batched = caller.batch(batch, EditMode::Atomic, "").await;
    let deletion = DeleteElementsRequest {
        layer_id,
        selection: Some(everywhere()),
        maximum: 1,
        ..DeleteElementsRequest::default()
    };
    let selected = caller.elements().delete_elements(deletion).await;
    let upsert = UpsertElementRequest {
        layer_id,
        upsert: Some(UpsertEdit {
            key: wire::set_text("nothing", "x").attribute,
            ..UpsertEdit::default()
        }),
        ..UpsertElementRequest::default()
    };
    let upserted = caller.elements().upsert_element(upsert).await;
    vec![
        (
            "CreateElement",
            shown(caller.create(layer_id, element, "").await),
        ),
        (
            "CreateElement that does not fit",
            shown(caller.create(layer_id, misfit, "").await),
        ),
        (
            "UpdateElement",
            shown(caller.change(layer_id, 1, moved()).await),
        ),
        (
            "UpdateElement of nothing",
            shown(caller.change(layer_id, 77_777, moved()).await),
        ),
        ("DeleteElement", shown(caller.delete(layer_id, 1).await)),
        ("UpsertElement", shown(upserted.map(Response::into_inner))),
        ("DeleteElements", shown(selected.map(Response::into_inner))),
        ("BatchEditElements", shown(batched)),
    ]
}

async fn layers(caller: &Caller, layer_id: i64) -> Vec<(&'static str, String)> {
    let delete = DeleteLayerRequest {
        layer_id,
        confirm_name: "unseen".to_owned(),
    };
    let options = ImportOptions {
        format: FileFormat::Geojson.into(),
        ..ImportOptions::default()
    };
    let import = CreateImportRequest {
        layer_id,
        options: Some(options),
        request_id: String::new(),
    };
    let elements = vec![wire::new_element("POINT(1 2)", Vec::new())];
    let stream = tokio_stream::iter([ImportElementsRequest { layer_id, elements }]);
    let got = caller
        .layers()
        .get_layer(GetLayerRequest { layer_id })
        .await;
    let deleted = caller.layers().delete_layer(delete).await;
    let begun = caller.transfer().create_import(import).await;
    let imported = caller.transfer().import_elements(stream).await;
    let order = CopyOrder {
        source_layer_id: layer_id,
        target_layer_id: layer_id,
        ..CopyOrder::default()
    };
    let copied = caller
        .transfer()
        .prepare_copy(PrepareCopyRequest { order: Some(order) })
        .await;
    vec![
        ("GetLayer", shown(got.map(Response::into_inner))),
        ("DeleteLayer", shown(deleted.map(Response::into_inner))),
        ("ExportElements", shown(caller.export(layer_id).await)),
        ("CreateImport", shown(begun.map(Response::into_inner))),
        ("ImportElements", shown(imported.map(Response::into_inner))),
        ("PrepareCopy", shown(copied.map(Response::into_inner))),
    ]
}

async fn administration(caller: &Caller, layer_id: i64) -> Vec<(&'static str, String)> {
    let mut told = questions(caller, layer_id).await;
    let change = LayerPermissionsChange {
        layer_id,
        grants_revision: 77,
        change: Some(Change::Delta(LayerGrantsDelta::default())),
    };
    let table = UpdateLayerPermissionsRequest {
        changes: vec![change],
    };
    let layer = LayerRegistration {
        layer_id,
        name: "mine".to_owned(),
        ..LayerRegistration::default()
    };
    let rename = UpdateLayerRegistrationRequest {
        layer: Some(layer),
        update_mask: Some(FieldMask {
            paths: vec!["name".to_owned()],
        }),
    };
    let mut registry = caller.administration();
    let read = registry
        .get_layer_permissions(GetLayerPermissionsRequest { layer_id })
        .await;
    let written = registry.update_layer_permissions(table).await;
    let renamed = registry.update_layer_registration(rename).await;
    told.extend([
        ("GetLayerPermissions", shown(read.map(Response::into_inner))),
        (
            "UpdateLayerPermissions",
            shown(written.map(Response::into_inner)),
        ),
        (
            "UpdateLayerRegistration",
            shown(renamed.map(Response::into_inner)),
        ),
    ]);
    told
}

async fn questions(caller: &Caller, layer_id: i64) -> Vec<(&'static str, String)> {
    let check = CheckRequest {
        subject: Some(wire::oneself()),
        questions: (1..=10).map(|act| wire::on_layer(layer_id, act)).collect(),
        freshness: None,
    };
    let explain = ExplainRequest {
        subject: Some(wire::oneself()),
        question: Some(wire::on_layer(layer_id, LayerAct::AddElements.into())),
        freshness: None,
    };
    let layer_ids = vec![layer_id];
    let flags = ListEffectivePermissionsRequest {
        subject: Some(wire::oneself()),
        layers: Some(Layers::LayerIds(LayerIds { layer_ids })),
        ..ListEffectivePermissionsRequest::default()
    };
    let mut checks = caller.checks();
    let checked = checks
        .check(check)
        .await
        .map(|answer| answer.into_inner().decisions);
    let explained = checks.explain(explain).await.map(Response::into_inner);
    let listed = checks.list_effective_permissions(flags).await;
    vec![
        ("Check", shown(checked)),
        ("Explain", shown(explained)),
        (
            "ListEffectivePermissions",
            shown(listed.map(|answer| answer.into_inner().layers)),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_project_answers_as_an_absent_one() {
    // R21, R40.
    let stage = Stage::set(TOWN).await;
    let closed = stage.floor.project("closed");
    for who in ["eve", "anonymous"] {
        let caller = stage.caller(who).await;
        let mut told = Vec::new();
        for id in [closed, 800_001] {
            let which = Some(get_project_request::Project::ProjectId(id));
            let got = caller
                .projects()
                .get_project(GetProjectRequest { project: which })
                .await;
            let listed = caller
                .layers()
                .list_layers(ListLayersRequest {
                    project_id: id,
                    ..ListLayersRequest::default()
                })
                .await;
            let request = ListLayerRegistrationsRequest {
                project_id: id,
                ..ListLayerRegistrationsRequest::default()
            };
            let registered = caller
                .administration()
                .list_layer_registrations(request)
                .await;
            let all = [
                shown(got.map(Response::into_inner)),
                shown(listed.map(Response::into_inner)),
                shown(registered.map(Response::into_inner)),
            ];
            let without_id = |text: String| {
                let text = text.replace(&format!("`{id}`"), "_");
                text.replace(&format!("\"{id}\""), "_")
            };
            told.push(all.map(without_id));
        }
        assert_eq!(told[0], told[1], "{who}");
        let by_name = |name: &str| GetProjectRequest {
            project: Some(get_project_request::Project::Name(name.to_owned())),
        };
        let closed = caller
            .projects()
            .get_project(by_name("closed"))
            .await
            .map(Response::into_inner);
        let absent = caller
            .projects()
            .get_project(by_name("absent"))
            .await
            .map(Response::into_inner);
        assert_eq!(
            shown(closed).replace("closed", "_"),
            shown(absent).replace("absent", "_")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_does_not_probe_an_unseen_layer() {
    // R40: a condition on what is not there is not judged before the right is.
    let stage = Stage::set(TOWN).await;
    let eve = stage.caller("eve").await;
    let query = |layer_id| jmap_proto::layerdata::LayerQuery {
        layer_id,
        output_epsg: 999_999,
        mask: Some(jmap_proto::layerdata::ElementMask {
            attributes: vec![wire::by_name("name"), wire::by_name("nothing")],
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut told = Vec::new();
    for layer_id in [stage.layer("unseen"), ABSENT] {
        let request = jmap_proto::layerdata::ReadElementsRequest {
            queries: vec![query(layer_id)],
            partial: false,
        };
        let status = match eve.elements().read_elements(request).await {
            Err(status) => status,
            Ok(stream) => stream.into_inner().message().await.unwrap_err(),
        };
        told.push(shown::<()>(Err(status)).replace(&format!("`{layer_id}`"), "_"));
    }
    assert_eq!(told[0], told[1]);
}
