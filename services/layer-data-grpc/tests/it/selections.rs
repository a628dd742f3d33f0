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

fn cql2(text: &str) -> Selection {
    by_form(Form::Cql2Text(text.to_owned()))
}

fn circle(x: f64, radius: f64) -> Selection {
    let circle = pb::Circle { x, y: 0.0, radius };
    spatial(
        pb::SpatialRelation::Intersects,
        Some(Operand::Circle(circle)),
    )
}

#[tokio::test]
async fn filters_are_also_written_in_cql2_and_circles_in_metres() {
    // R110, R111.
    let service = with_elements(3).await;
    let json = r#"{"op": "in", "args": [{"property": "name"}, ["e0", "e2"]]}"#;
    let here = Some(Operand::Geometry(point(0.0, 0.0).into()));
    let like = Conditions::Like(pb::PatternCondition {
        attribute: Some(attribute("name")),
        pattern: "E_".to_owned(),
        ignore_case: true,
    });
    for (selection, expected) in [
        (cql2("name in ('e0', 'e2')"), vec![1, 3]),
        (by_form(Form::Cql2Json(json.to_owned())), vec![1, 3]),
        (
            cql2("not name = 'e1' and s_disjoint(geometry, POINT(0 0))"),
            vec![3],
        ),
        (filtered(like), vec![1, 2, 3]),
        (spatial(pb::SpatialRelation::Within, here.clone()), vec![1]),
        (
            spatial(pb::SpatialRelation::Contains, here.clone()),
            vec![1],
        ),
        (spatial(pb::SpatialRelation::Disjoint, here), vec![2, 3]),
        (circle(0.0, 112_000.0), vec![1, 2]),
    ] {
        let request = ListElementsRequest {
            selection: Some(selection.clone()),
            page_size: 0,
            ..list()
        };
        let page = service.elements().list_elements(request).await.unwrap();
        let elements = page.into_inner().elements;
        let ids: Vec<_> = elements.iter().map(|element| element.element_id).collect();
        assert_eq!(ids, expected, "{selection:?}");
    }
}

#[tokio::test]
async fn a_wrong_filter_or_shape_is_refused_by_its_path() {
    // R113, R120.
    let invalid = |reason, field| refusal(Code::InvalidArgument, reason, field);
    let crossing = "s_within(geometry, POLYGON((0 0, 2 2, 2 0, 0 2, 0 0)))";
    let geometry = |bytes: &[u8]| {
        let operand = Operand::Geometry(bytes.to_vec().into());
        spatial(pb::SpatialRelation::Within, Some(operand))
    };
    let text = || invalid("INVALID_FIELD", "selection.filter.cql2_text");
    let json = by_form(Form::Cql2Json("{}".to_owned()));
    refuse_each(vec![
        (cql2("name ="), text()),
        (cql2(&"(".repeat(10_000)), text()),
        (cql2(&"x".repeat(1 << 20)), text()),
        (json, invalid("INVALID_FIELD", "selection.filter.cql2_json")),
        (
            cql2("colour = 'x'"),
            invalid("INVALID_ATTRIBUTE", "selection.filter"),
        ),
        (
            cql2("name = 1"),
            invalid("INVALID_ATTRIBUTE", "selection.filter"),
        ),
        (
            cql2("soundex(name) = 'x'"),
            invalid("INVALID_FIELD", "selection.filter"),
        ),
        (
            cql2(crossing),
            invalid("INVALID_GEOMETRY", "selection.filter"),
        ),
        (
            geometry(&[1, 2]),
            invalid("INVALID_GEOMETRY", "selection.spatial.geometry"),
        ),
        (
            circle(f64::NAN, 1.0),
            invalid("INVALID_GEOMETRY", "selection.spatial.circle"),
        ),
        (
            circle(0.0, 0.0),
            invalid("INVALID_GEOMETRY", "selection.spatial.circle.radius"),
        ),
        (
            circle(0.0, f64::NAN),
            invalid("INVALID_GEOMETRY", "selection.spatial.circle.radius"),
        ),
    ])
    .await;
}
