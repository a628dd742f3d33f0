//! Boxes, filters and page tokens (R115, R120).

use std::time::Duration;

use jmap_proto::{
    authorization::{
        CheckRequest, CreateGroupRequest, CreateProjectRequest, CreateUserRequest, Group,
        LayerQuestion, ListUsersRequest, Project, ProjectGrantChange, Question, Subject,
        UpdateLayerPermissionsRequest, UpdateProjectPermissionsRequest, UpdateProjectRequest,
        UpdateUserRequest, User, question, subject,
    },
    layerdata::{
        AttributeValue, BatchEditElementsRequest, Comparison, Condition, CreateElementRequest,
        CreateLayerRequest, DeleteElementRequest, Edit, ElementChange, ElementMask, Filter,
        GetElementsRequest, LayerDefinition, LayerQuery, ListElementsRequest, NewElement,
        ReadElementsRequest, Selection, UpdateElementRequest, condition,
        create_layer_request::Placement, edit::Act, filter,
    },
    types::{
        AllowedValue, AttributeConstraints, AttributeDefinition, AttributeType, Box,
        ExpectedRevision, GeometryType, LayerGrant, Permission, Value, ZPolicy, value::Kind,
    },
};
use prost_types::FieldMask;
use testkit::{Caller, Pair, wire, world::Outcome};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{ATTRIBUTE, FIELD, GEOMETRY, Ground, create_layer, definition, discreet, refused};

#[tokio::test]
async fn boxes_filters_and_pages_that_are_none_are_refused() {
    // R115, R120.
    let ground = Ground::lay().await;
    let list = |selection: Selection, page_size, page_token: &str| ListElementsRequest {
        layer_id: ground.points,
        selection: Some(selection),
        mask: None,
        page_size,
        page_token: page_token.to_owned(),
    };
    let boxed = |min_x, min_y, max_x, max_y| Selection {
        r#box: Some(Box {
            min_x,
            min_y,
            max_x,
            max_y,
            epsg: 4326,
        }),
        ..Selection::default()
    };
    let mut elements = ground.editor.elements();
    for selection in [
        boxed(f64::NAN, 0.0, 1.0, 1.0),
        boxed(0.0, 0.0, f64::INFINITY, 1.0),
        boxed(0.0, 1.0, 1.0, 0.0),
    ] {
        let status = elements
            .list_elements(list(selection, 0, ""))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert!(
            details.bad_request().unwrap().field_violations[0]
                .field
                .starts_with("selection.box")
        );
    }
    let unknown = Selection {
        r#box: Some(Box {
            epsg: 999_999,
            max_x: 1.0,
            max_y: 1.0,
            ..Box::default()
        }),
        ..Selection::default()
    };
    refused(
        elements.list_elements(list(unknown, 0, "")).await,
        FIELD,
        "selection.box.epsg",
    );
    let compared = |name: &str, operator, kind| Selection {
        filter: Some(Filter {
            form: Some(filter::Form::Tree(Condition {
                kind: Some(condition::Kind::Comparison(Comparison {
                    attribute: Some(wire::by_name(name)),
                    operator,
                    value: Some(Value { kind: Some(kind) }),
                })),
            })),
        }),
        ..Selection::default()
    };
    for selection in [
        compared("nothing", 1, Kind::Integer(1)),
        compared("count", 99, Kind::Integer(1)),
        compared("count", 1, Kind::String("1' or '1'='1".to_owned())),
        compared("\"; drop table l_1; --", 1, Kind::Integer(1)),
    ] {
        let status = elements
            .list_elements(list(selection, 0, ""))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{}", status.message());
        let details = status.get_error_details();
        let path = &details.bad_request().unwrap().field_violations[0].field;
        assert!(path.starts_with("selection.filter"), "{path}");
    }
    refused(
        elements
            .list_elements(list(Selection::default(), -1, ""))
            .await,
        FIELD,
        "page_size",
    );
    let forged = elements
        .list_elements(list(Selection::default(), 0, "forged"))
        .await;
    refused(forged, "INVALID_ARGUMENT INVALID_PAGE_TOKEN", "page_token");
    let request = ListUsersRequest {
        page_size: 0,
        page_token: "forged".to_owned(),
    };
    refused(
        ground.editor.directory().list_users(request).await,
        FIELD,
        "page_token",
    );
}
