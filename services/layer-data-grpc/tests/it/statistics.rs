//! Statistics, and what is wrong with a question for them.

use jmap_domain::{DenyReason, Permission};
use jmap_proto::{
    layerdata::{self as pb, ComputeStatisticsRequest, attribute_statistics as wire},
    types::{Value, value::Kind},
};
use tonic::Code;

use crate::{
    fixture::{LAYER, Service, attribute, refusal, refused, text, value},
    reads::{everywhere, with_elements},
};

fn question() -> ComputeStatisticsRequest {
    ComputeStatisticsRequest {
        layer_id: LAYER,
        attributes: vec![attribute("name"), attribute("size")],
        ..Default::default()
    }
}

async fn groups(service: &Service, request: ComputeStatisticsRequest) -> Vec<pb::StatisticsGroup> {
    let answer = service.elements().compute_statistics(request).await;
    answer.unwrap().into_inner().groups
}

/// Three elements `e0` to `e2` along a line, and one more `e2` of size 9.
async fn ground() -> Service {
    let service = with_elements(3).await;
    let sized = pb::NewElement {
        values: vec![
            crate::fixture::given("name", text("e2")),
            crate::fixture::given("size", value(Kind::Integer(9))),
        ],
        ..crate::fixture::new_element(3.0, "e2")
    };
    let request = pb::CreateElementRequest {
        element: Some(sized),
        ..crate::fixture::create_element(3.0, "e2")
    };
    service.elements().create_element(request).await.unwrap();
    service
}

#[tokio::test]
async fn statistics_are_told_by_groups_and_by_distinct_values() {
    // R110, R115.
    let service = ground().await;
    let whole = groups(&service, question()).await;
    let [name, size] = whole[0].attributes.as_slice() else {
        panic!("two attributes");
    };
    assert_eq!((whole[0].count, name.count, size.count), (4, 4, 1));
    assert_eq!(name.min_value, Some(text("e0")));
    assert_eq!(
        (name.sum.clone(), name.mean, name.distinct.clone()),
        (None, None, None)
    );
    assert_eq!(size.sum, Some(wire::Sum::IntegerSum(9)));
    assert_eq!((size.mean, size.deviation), (Some(9.0), Some(0.0)));
    let by_name = ComputeStatisticsRequest {
        group_by: vec![attribute("name")],
        distinct_limit: 1,
        extent: true,
        output_epsg: 3857,
        ..question()
    };
    let told = groups(&service, by_name).await;
    let keys: Vec<&Value> = told.iter().flat_map(|group| &group.keys).collect();
    assert_eq!(keys, [&text("e0"), &text("e1"), &text("e2")]);
    assert_eq!(told[2].count, 2);
    let extent = told[2].extent.unwrap();
    assert_eq!(extent.epsg, 3857);
    assert!((extent.min_x - 222_638.98).abs() < 0.01, "{extent:?}");
    let distinct = told[2].attributes[0].distinct.clone().unwrap();
    assert!(matches!(distinct, wire::Distinct::DistinctValues(all) if all.values[0].count == 2));
    let few = ComputeStatisticsRequest {
        distinct_limit: 2,
        ..question()
    };
    let distinct = groups(&service, few).await[0].attributes[0]
        .distinct
        .clone();
    assert!(matches!(distinct, Some(wire::Distinct::TooManyValues(_))));
}

#[tokio::test]
async fn a_wrong_question_is_refused_by_its_path() {
    // R113, R120.
    let service = ground().await;
    let invalid = |reason, field| refusal(Code::InvalidArgument, reason, field);
    let colour = || vec![attribute("colour")];
    let cases = [
        (
            ComputeStatisticsRequest {
                attributes: colour(),
                ..question()
            },
            invalid("INVALID_ATTRIBUTE", "attributes"),
        ),
        (
            ComputeStatisticsRequest {
                group_by: colour(),
                ..question()
            },
            invalid("INVALID_ATTRIBUTE", "group_by"),
        ),
        (
            ComputeStatisticsRequest {
                attributes: vec![attribute("size"); 33],
                ..question()
            },
            invalid("INVALID_FIELD", "attributes"),
        ),
        (
            ComputeStatisticsRequest {
                distinct_limit: -1,
                ..question()
            },
            invalid("INVALID_FIELD", "distinct_limit"),
        ),
        (
            ComputeStatisticsRequest {
                output_epsg: 999_999,
                ..question()
            },
            invalid("INVALID_FIELD", "output_epsg"),
        ),
    ];
    for (request, expected) in cases {
        let answer = service.elements().compute_statistics(request).await;
        assert_eq!(refused(answer), expected);
    }
}

#[tokio::test]
async fn groups_of_a_whole_layer_need_copy_and_export() {
    // R38, R113.
    let service = ground().await;
    service
        .house
        .deny(Permission::CopyExport, DenyReason::NoGrant);
    let grouped = ComputeStatisticsRequest {
        group_by: vec![attribute("name")],
        ..question()
    };
    let answer = service.elements().compute_statistics(grouped.clone()).await;
    let not_permitted = refusal(Code::PermissionDenied, "NOT_PERMITTED", "");
    assert_eq!(refused(answer), not_permitted);
    assert_eq!(groups(&service, question()).await[0].count, 4);
    let here = ComputeStatisticsRequest {
        selection: Some(everywhere()),
        ..grouped
    };
    assert_eq!(groups(&service, here).await.len(), 3);
}
