//! Selections: conditions, boxes and geometries, and what is wrong with them.

use jmap_proto::{
    layerdata::{
        self as pb, Condition, ListElementsRequest, Selection, condition::Kind as Conditions,
        filter::Form, spatial_condition::Operand,
    },
    types::{Box, value::Kind},
};
use tonic::Code;

use crate::{
    fixture::{attribute, point, refusal, refused, value},
    reads::{list, with_elements},
};

fn filtered(kind: Conditions) -> Selection {
    by_form(Form::Tree(Condition { kind: Some(kind) }))
}

fn by_form(form: Form) -> Selection {
    Selection {
        filter: Some(pb::Filter { form: Some(form) }),
        ..Selection::default()
    }
}

fn spatial(relation: pb::SpatialRelation, operand: Option<Operand>) -> Selection {
    Selection {
        spatial: Some(pb::SpatialCondition {
            relation: relation.into(),
            operand,
            epsg: 0,
        }),
        ..Selection::default()
    }
}

fn compare(name: &str, operator: pb::ComparisonOperator, kind: Kind) -> Conditions {
    Conditions::Comparison(pb::Comparison {
        attribute: Some(attribute(name)),
        operator: operator.into(),
        value: Some(value(kind)),
    })
}

#[tokio::test]
async fn conditions_select_by_values() {
    // R110, R111.
    let service = with_elements(3).await;
    let is = |name: &str| Condition {
        kind: Some(compare(
            "name",
            pb::ComparisonOperator::Equal,
            Kind::String(name.to_owned()),
        )),
    };
    let either = Conditions::Or(pb::Conditions {
        conditions: vec![is("e0"), is("e2")],
    });
    let request = ListElementsRequest {
        selection: Some(filtered(either)),
        page_size: 0,
        ..list()
    };
    let page = service
        .elements()
        .list_elements(request)
        .await
        .unwrap()
        .into_inner();
    let ids: Vec<_> = page
        .elements
        .iter()
        .map(|element| element.element_id)
        .collect();
    assert_eq!(ids, [1, 3]);
}

async fn refuse_each(cases: Vec<(Selection, (Code, String, String))>) {
    let service = with_elements(1).await;
    for (selection, expected) in cases {
        let request = ListElementsRequest {
            selection: Some(selection.clone()),
            ..list()
        };
        let answer = service.elements().list_elements(request).await;
        assert_eq!(refused(answer), expected, "{selection:?}");
    }
}

#[tokio::test]
async fn a_wrong_selection_is_refused_by_its_path() {
    // R113, R120.
    let invalid = |reason, field| refusal(Code::InvalidArgument, reason, field);
    let upside_down = Selection {
        r#box: Some(Box {
            min_x: 0.0,
            min_y: 1.0,
            max_x: 1.0,
            max_y: 0.0,
            epsg: 0,
        }),
        ..Selection::default()
    };
    let equal = pb::ComparisonOperator::Equal;
    let no_operator = pb::ComparisonOperator::Unspecified;
    refuse_each(vec![
        (upside_down, invalid("INVALID_FIELD", "selection.box")),
        (
            filtered(compare("colour", equal, Kind::Integer(1))),
            invalid("INVALID_ATTRIBUTE", "selection.filter"),
        ),
        (
            filtered(compare("name", equal, Kind::Integer(1))),
            invalid("INVALID_ATTRIBUTE", "selection.filter"),
        ),
        (
            filtered(compare("name", no_operator, Kind::Integer(1))),
            invalid("INVALID_FIELD", "selection.filter.tree.comparison.operator"),
        ),
        (
            filtered(Conditions::And(pb::Conditions::default())),
            invalid("INVALID_FIELD", "selection.filter"),
        ),
        (
            spatial(pb::SpatialRelation::Intersects, None),
            invalid("INVALID_FIELD", "selection.spatial.operand"),
        ),
        (
            spatial(pb::SpatialRelation::Unspecified, None),
            invalid("INVALID_FIELD", "selection.spatial.relation"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_not_built_is_said_so_and_never_ignored() {
    // R120.
    let not_built = |field| refusal(Code::Unimplemented, "NOT_BUILT", field);
    let here = Some(Operand::Geometry(point(0.0, 0.0).into()));
    let circle = Some(Operand::Circle(pb::Circle::default()));
    refuse_each(vec![
        (
            by_form(Form::Cql2Text("a = 1".to_owned())),
            not_built("selection.filter.cql2_text"),
        ),
        (
            by_form(Form::Cql2Json("{}".to_owned())),
            not_built("selection.filter.cql2_json"),
        ),
        (
            spatial(pb::SpatialRelation::Within, here),
            not_built("selection.spatial.relation"),
        ),
        (
            spatial(pb::SpatialRelation::Intersects, circle),
            not_built("selection.spatial.circle"),
        ),
    ])
    .await;
}
