//! Definitions, changed while elements are there.

use jmap_domain::{Decision, DenyReason};
use jmap_proto::{
    layerdata::{
        AddAttribute, AttributeRef, ChangeLayerDefinitionRequest, ConstrainAttribute,
        CreateElementRequest, DefinitionChange, DeleteElementRequest, DropAttribute,
        GetElementsRequest, LayerDefinition, ListDroppedAttributesRequest, PurgeAttribute,
        RenameAttribute, RestoreAttribute, SummarizeElementsRequest, WidenAttribute,
        attribute_ref::Attribute, definition_change::Change, summarize_elements_response::Count,
    },
    types::{AttributeConstraints, AttributeDefinition, AttributeType, value::Kind},
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::fixture::{
    LAYER, Service, create_element, given, refusal, refused, revision, text, value,
};

fn request(expected_version: i32, changes: Vec<Change>) -> ChangeLayerDefinitionRequest {
    let change = |change| DefinitionChange {
        change: Some(change),
    };
    ChangeLayerDefinitionRequest {
        layer_id: LAYER,
        expected_version,
        changes: changes.into_iter().map(change).collect(),
        ..Default::default()
    }
}

fn rename(attribute_id: i64, name: &str) -> Change {
    Change::Rename(RenameAttribute {
        attribute_id,
        name: name.to_owned(),
    })
}

fn drop_attribute(attribute_id: i64) -> Change {
    Change::Drop(DropAttribute { attribute_id })
}

fn widen(attribute_id: i64, to: AttributeType) -> Change {
    Change::Widen(WidenAttribute {
        attribute_id,
        r#type: to.into(),
    })
}

fn add(name: &str, default: Option<Kind>) -> Change {
    let attribute = AttributeDefinition {
        name: name.to_owned(),
        r#type: AttributeType::Integer.into(),
        required: true,
        default_value: default.map(value),
        ..Default::default()
    };
    Change::Add(AddAttribute {
        attribute: Some(attribute),
    })
}

fn limit_size(most: i64) -> Change {
    Change::Constrain(ConstrainAttribute {
        attribute_id: 2,
        constraints: Some(AttributeConstraints {
            max_value: Some(value(Kind::Integer(most))),
            ..Default::default()
        }),
        ..Default::default()
    })
}

async fn change(
    service: &Service,
    request: ChangeLayerDefinitionRequest,
) -> Result<LayerDefinition, Status> {
    let answer = service.layers().change_layer_definition(request).await?;
    Ok(answer.into_inner().definition.unwrap())
}

fn names(definition: &LayerDefinition) -> Vec<&str> {
    let attributes = definition.attributes.iter();
    attributes
        .map(|attribute| attribute.name.as_str())
        .collect()
}

#[tokio::test]
async fn a_layer_with_elements_changes_and_its_readers_see_it() {
    // R114.
    let service = Service::start().await;
    let element = service.create(1.0, "old").await;
    let changes = vec![
        rename(1, "title"),
        add("grade", Some(Kind::Integer(3))),
        drop_attribute(3),
    ];
    let definition = change(&service, request(1, changes)).await.unwrap();
    assert_eq!(
        (definition.version, names(&definition)),
        (2, vec!["title", "size", "grade"])
    );
    let wanted = GetElementsRequest {
        layer_id: LAYER,
        element_ids: vec![element.element_id],
        ..Default::default()
    };
    let read = service
        .elements()
        .get_elements(wanted)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.header.unwrap().definition_version, 2);
    let values = &read.elements[0].values;
    assert_eq!(
        (&values[0], &values[2]),
        (&text("old"), &value(Kind::Integer(3)))
    );
    let mut late = create_element(1.0, "x");
    late.element.as_mut().unwrap().values = vec![given("name", text("x"))];
    let answer = service.elements().create_element(late).await;
    assert_eq!(refused(answer).1, "INVALID_ATTRIBUTE");
}

#[tokio::test]
async fn what_was_dropped_is_listed_and_restored_until_it_is_purged() {
    // R114.
    let service = Service::start().await;
    let dropped = change(&service, request(1, vec![drop_attribute(3)]))
        .await
        .unwrap();
    assert_eq!(names(&dropped), ["name", "size"]);
    let list = ListDroppedAttributesRequest { layer_id: LAYER };
    let listed = service
        .layers()
        .list_dropped_attributes(list)
        .await
        .unwrap()
        .into_inner();
    let attribute = listed.attributes[0].attribute.clone().unwrap();
    assert_eq!(
        (attribute.attribute_id, attribute.name.as_str()),
        (3, "note")
    );
    let restore = Change::Restore(RestoreAttribute { attribute_id: 3 });
    let restored = change(&service, request(2, vec![restore.clone()]))
        .await
        .unwrap();
    assert_eq!(names(&restored), ["name", "size", "note"]);
    let purge = Change::Purge(PurgeAttribute { attribute_id: 3 });
    change(&service, request(3, vec![drop_attribute(3), purge]))
        .await
        .unwrap();
    let answer = change(&service, request(4, vec![restore])).await;
    let gone = refusal(Code::InvalidArgument, "INVALID_ATTRIBUTE", "changes[0]");
    assert_eq!(refused(answer), gone);
}

#[tokio::test]
async fn a_change_that_cannot_be_is_refused_by_its_path() {
    // R64, R105, R114, R120.
    let service = Service::start().await;
    let cases = [
        (vec![], "changes"),
        (vec![rename(1, "a"), rename(2, "SIZE_")], ""),
        (vec![rename(2, "NAME")], "changes[0]"),
        (vec![rename(1, "_x")], "changes[0]"),
        (vec![drop_attribute(3), rename(1, "fid")], "changes[1]"),
        (vec![drop_attribute(3), rename(3, "x")], "changes[1]"),
        (vec![add("b", None)], "changes[0]"),
        (vec![drop_attribute(0)], "changes[0].drop.attribute_id"),
        (vec![widen(2, AttributeType::Double)], ""),
        (vec![widen(2, AttributeType::DateTime)], "changes[0]"),
        (vec![widen(2, AttributeType::Integer)], "changes[0]"),
        (vec![widen(1, AttributeType::Integer)], "changes[0]"),
        (
            vec![widen(2, AttributeType::Unspecified)],
            "changes[0].widen.type",
        ),
        (
            vec![widen(0, AttributeType::Double)],
            "changes[0].widen.attribute_id",
        ),
        // A range is none of strings.
        (
            vec![limit_size(9), widen(2, AttributeType::String)],
            "changes[1]",
        ),
    ];
    for (changes, field) in cases {
        let wanted = ChangeLayerDefinitionRequest {
            validate_only: true,
            ..request(1, changes.clone())
        };
        match change(&service, wanted).await {
            Ok(_) => assert_eq!(field, "", "{changes:?}"),
            refusal @ Err(_) => assert_eq!(refused(refusal).2, field, "{changes:?}"),
        }
    }
    let now = change(&service, request(1, vec![rename(3, "x")]))
        .await
        .unwrap();
    assert_eq!(now.version, 2, "nothing was changed before");
}

#[tokio::test]
async fn two_administrators_do_not_overwrite_each_other_and_a_retry_changes_once() {
    // R108, R109, R114.
    let service = Service::start().await;
    let first = ChangeLayerDefinitionRequest {
        request_id: "6f1b2c0e-6a39-4d2b-9d3e-5a4f3c2b1a00".to_owned(),
        ..request(1, vec![rename(1, "title")])
    };
    let done = change(&service, first.clone()).await.unwrap();
    assert_eq!(change(&service, first.clone()).await.unwrap(), done);
    let other = ChangeLayerDefinitionRequest {
        validate_only: true,
        ..first
    };
    let reused = refusal(Code::FailedPrecondition, "REQUEST_ID_REUSED", "");
    assert_eq!(refused(change(&service, other).await), reused);
    let stale = change(&service, request(1, vec![rename(2, "extent")]))
        .await
        .unwrap_err();
    let info = stale.get_details_error_info().unwrap();
    assert_eq!(
        (stale.code(), info.reason.as_str()),
        (Code::Aborted, "STALE_DEFINITION")
    );
    assert_eq!(info.metadata["current_version"], "2");
}

#[tokio::test]
async fn a_rule_that_elements_contradict_names_them_and_none_of_their_values() {
    // R46, R105, R114.
    let service = Service::start().await;
    for size in [7, 77, 99] {
        let mut element = create_element(1.0, "x");
        let values = &mut element.element.as_mut().unwrap().values;
        values.push(given("size", value(Kind::Integer(size))));
        service.elements().create_element(element).await.unwrap();
    }
    let status = change(&service, request(1, vec![limit_size(50)]))
        .await
        .unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!(
        (status.code(), info.reason.as_str()),
        (Code::FailedPrecondition, "DATA_CONTRADICTS")
    );
    assert_eq!(
        (
            info.metadata["count"].as_str(),
            info.metadata["element_ids"].as_str()
        ),
        ("2", "2,3")
    );
    assert!(!status.message().contains("77"), "{status}");
    let loosened = change(&service, request(1, vec![limit_size(1_000)]))
        .await
        .unwrap();
    assert_eq!(loosened.version, 2);
}

#[tokio::test]
async fn a_wider_type_takes_all_values_or_names_those_that_it_cannot() {
    // R114: what elements had counts as well, because history tells it.
    let service = Service::start().await;
    let size = |size| {
        let mut element = create_element(1.0, "x");
        let values = &mut element.element.as_mut().unwrap().values;
        values.push(given("size", value(Kind::Integer(size))));
        element
    };
    let lift = Change::Constrain(ConstrainAttribute {
        attribute_id: 2,
        constraints: Some(AttributeConstraints::default()),
        ..Default::default()
    });
    change(&service, request(1, vec![lift])).await.unwrap();
    let mut elements = service.elements();
    elements.create_element(size(7)).await.unwrap();
    let odd = (1 << 53) + 1;
    let created = elements.create_element(size(odd)).await.unwrap();
    let created = created.into_inner().element.unwrap();
    let widening = |version| request(version, vec![widen(2, AttributeType::Double)]);
    let status = change(&service, widening(2)).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "DATA_CONTRADICTS");
    assert_eq!(info.metadata.get("past"), None);
    assert!(!status.message().contains(&odd.to_string()), "{status}");
    let gone = DeleteElementRequest {
        layer_id: LAYER,
        element_id: created.element_id,
        expected: Some(revision(created.revision)),
        ..Default::default()
    };
    elements.delete_element(gone).await.unwrap();
    let status = change(&service, widening(2)).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    let facts = ["count", "element_ids", "past"].map(|key| info.metadata[key].as_str());
    assert_eq!(facts, ["1", "2", "true"]);
    let texts = request(2, vec![widen(2, AttributeType::String)]);
    let now = change(&service, texts).await.unwrap();
    assert_eq!(now.attributes[1].r#type(), AttributeType::String);
    let wanted = GetElementsRequest {
        layer_id: LAYER,
        element_ids: vec![1],
        ..Default::default()
    };
    let read = elements.get_elements(wanted).await.unwrap().into_inner();
    assert_eq!(read.elements[0].values[1], text("7"));
}

#[tokio::test]
async fn who_may_not_change_the_structure_learns_nothing_of_it() {
    // R40, R113: neither what is stored, nor whether a rule would hold, nor what was dropped.
    let service = Service::start().await;
    service.create(1.0, "x").await;
    for (reason, code, name) in [
        (DenyReason::NoGrant, Code::PermissionDenied, "NOT_PERMITTED"),
        (DenyReason::NotVisible, Code::NotFound, "NOT_FOUND"),
    ] {
        service.house.decide_structure(Decision::Denied(reason));
        for changes in [vec![limit_size(-1)], vec![rename(99, "x")]] {
            for expected in [1, 9] {
                let answer = change(&service, request(expected, changes.clone())).await;
                assert_eq!(refused(answer), refusal(code, name, ""));
            }
        }
        let list = ListDroppedAttributesRequest { layer_id: LAYER };
        let answer = service.layers().list_dropped_attributes(list).await;
        assert_eq!(refused(answer), refusal(code, name, ""));
    }
}

/// An element whose name is given by the attribute's id, which renames leave alone.
fn element_by_id() -> CreateElementRequest {
    let mut request = create_element(1.0, "x");
    let values = &mut request.element.as_mut().unwrap().values;
    values[0].attribute = Some(AttributeRef {
        attribute: Some(Attribute::AttributeId(1)),
    });
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_go_on_while_the_definition_changes() {
    // R114: what was checked against an older form is checked again, and no caller notices.
    let service = Service::start().await;
    let writer = || async {
        for _ in 0..20 {
            let created = service.elements().create_element(element_by_id()).await;
            created.unwrap();
        }
    };
    let changes = async {
        for version in 1..=9 {
            let name = format!("name {version}");
            change(&service, request(version, vec![rename(1, &name)]))
                .await
                .unwrap();
        }
    };
    tokio::join!(writer(), writer(), writer(), changes);
    let summary = SummarizeElementsRequest {
        layer_id: LAYER,
        ..Default::default()
    };
    let summary = service
        .elements()
        .summarize_elements(summary)
        .await
        .unwrap();
    assert_eq!(summary.into_inner().count, Some(Count::ExactCount(60)));
}
