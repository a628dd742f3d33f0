//! Boxes, filters and page tokens (R115, R120).

use jmap_proto::{
    authorization::ListUsersRequest,
    layerdata::{Comparison, Condition, Filter, ListElementsRequest, Selection, condition, filter},
    types::{Box, Value, value::Kind},
};
use testkit::wire;
use tonic::Code;

use super::{FIELD, Ground, field_of, refused};

fn list(layer_id: i64, selection: Selection) -> ListElementsRequest {
    ListElementsRequest {
        layer_id,
        selection: Some(selection),
        ..ListElementsRequest::default()
    }
}

async fn refuse_each(ground: &Ground, selections: Vec<Selection>, field: &str) {
    for selection in selections {
        let shown = format!("{selection:?}");
        let request = list(ground.points, selection);
        let status = ground
            .editor
            .elements()
            .list_elements(request)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{}", status.message());
        let path = field_of(&status);
        assert!(path.starts_with(field), "`{path}` for {shown}");
    }
}

fn boxed(min_x: f64, min_y: f64, max_x: f64, epsg: i32) -> Selection {
    let max_y = 1.0;
    let r#box = Some(Box {
        min_x,
        min_y,
        max_x,
        max_y,
        epsg,
    });
    Selection {
        r#box,
        ..Selection::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boxes_that_are_none_are_refused() {
    // R115.
    let ground = Ground::lay().await;
    let bad = vec![
        boxed(f64::NAN, 0.0, 1.0, 4326),
        boxed(0.0, 0.0, f64::INFINITY, 4326),
        // Upside down. From east to west is no mistake: it crosses the antimeridian.
        boxed(0.0, 1.5, 1.0, 4326),
    ];
    refuse_each(&ground, bad, "selection.box").await;
    refuse_each(
        &ground,
        vec![boxed(0.0, 0.0, 1.0, 999_999)],
        "selection.box.epsg",
    )
    .await;
}

fn compared(name: &str, operator: i32, value: Kind) -> Selection {
    let comparison = Comparison {
        attribute: Some(wire::by_name(name)),
        operator,
        value: Some(Value { kind: Some(value) }),
    };
    let kind = Some(condition::Kind::Comparison(comparison));
    let form = Some(filter::Form::Tree(Condition { kind }));
    let filter = Some(Filter { form });
    Selection {
        filter,
        ..Selection::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_that_are_none_are_refused() {
    // R105, R120.
    let ground = Ground::lay().await;
    let bad = vec![
        compared("nothing", 1, Kind::Integer(1)),
        compared("count", 0, Kind::Integer(1)),
        compared("count", 99, Kind::Integer(1)),
        compared("count", 1, Kind::String("1' or '1'='1".to_owned())),
        compared("\"; drop table l_1; --", 1, Kind::Integer(1)),
    ];
    refuse_each(&ground, bad, "selection.filter").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_that_nobody_should_have_to_read_are_refused() {
    // R111, R120.
    let ground = Ground::lay().await;
    let by = |form| Selection {
        filter: Some(Filter { form: Some(form) }),
        ..Selection::default()
    };
    let text = |text: String| by(filter::Form::Cql2Text(text));
    let bad = vec![
        text("(".repeat(10_000)),
        text("not ".repeat(10_000)),
        text("count = 1 or ".repeat(100_000)),
        text("count = 1; drop table l_1".to_owned()),
    ];
    refuse_each(&ground, bad, "selection.filter.cql2_text").await;
    let deep = r#"{"op":"not","args":["#.repeat(10_000);
    let json = vec![by(filter::Form::Cql2Json(deep))];
    refuse_each(&ground, json, "selection.filter.cql2_json").await;
    let unknown = vec![
        text("nothing = 1".to_owned()),
        text("pg_sleep(60) = 1".to_owned()),
        text("\"_created_by\" = 1".to_owned()),
        text("count = '1'' or ''1''=''1'".to_owned()),
    ];
    refuse_each(&ground, unknown, "selection.filter").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_none_are_refused() {
    // R120.
    let ground = Ground::lay().await;
    let all = || list(ground.points, Selection::default());
    let mut elements = ground.editor.elements();
    let negative = ListElementsRequest {
        page_size: -1,
        ..all()
    };
    refused(elements.list_elements(negative).await, FIELD, "page_size");
    let page_token = "forged".to_owned();
    let forged = ListElementsRequest {
        page_token: page_token.clone(),
        ..all()
    };
    let answer = elements.list_elements(forged).await;
    refused(answer, "INVALID_ARGUMENT INVALID_PAGE_TOKEN", "page_token");
    let request = ListUsersRequest {
        page_size: 0,
        page_token,
    };
    let answer = ground.editor.directory().list_users(request).await;
    refused(answer, FIELD, "page_token");
}
