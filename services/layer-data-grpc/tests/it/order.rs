//! Sorted pages, and tokens that were tampered with or moved.

use jmap_proto::layerdata::{
    self as pb, ListElementsRequest, SortDirection, SortKey, read_elements_response::Part,
};
use tonic::Code;

use crate::{
    fixture::{LAYER, Service, attribute, refusal, refused},
    reads::{everywhere, list, read, with_elements},
};

fn by(name: &str, direction: SortDirection) -> SortKey {
    SortKey {
        attribute: Some(attribute(name)),
        direction: direction.into(),
    }
}

fn sorted() -> ListElementsRequest {
    ListElementsRequest {
        order_by: vec![
            by("size", SortDirection::Unspecified),
            by("name", SortDirection::Descending),
        ],
        ..list()
    }
}

async fn page(service: &Service, request: ListElementsRequest) -> pb::ListElementsResponse {
    let page = service.elements().list_elements(request).await;
    page.unwrap().into_inner()
}

fn ids(elements: &[pb::Element]) -> Vec<i64> {
    elements.iter().map(|element| element.element_id).collect()
}

#[tokio::test]
async fn pages_and_streams_come_in_the_order_that_is_asked_for() {
    // R112.
    let service = with_elements(5).await;
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListElementsRequest {
            page_token: token,
            ..sorted()
        };
        let page = page(&service, request).await;
        found.extend(ids(&page.elements));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found, [5, 4, 3, 2, 1]);
    let query = pb::LayerQuery {
        layer_id: LAYER,
        selection: Some(everywhere()),
        order_by: sorted().order_by,
        ..Default::default()
    };
    let parts = read(&service, vec![query], false).await;
    let batches = parts
        .into_iter()
        .filter_map(|part| match part.unwrap().part {
            Some(Part::Batch(batch)) => Some(ids(&batch.elements)),
            _ => None,
        });
    assert_eq!(batches.collect::<Vec<_>>().concat(), found);
}

#[tokio::test]
async fn a_sorted_token_is_of_its_query_order_and_account_alone() {
    // R112, R113.
    let service = with_elements(3).await;
    let token = page(&service, sorted()).await.next_page_token;
    let with_token = |request: ListElementsRequest| ListElementsRequest {
        page_token: token.clone(),
        ..request
    };
    let invalid = refusal(Code::InvalidArgument, "INVALID_PAGE_TOKEN", "page_token");
    let turned = ListElementsRequest {
        order_by: vec![
            by("size", SortDirection::Descending),
            by("name", SortDirection::Descending),
        ],
        ..list()
    };
    let other_layer = ListElementsRequest {
        layer_id: LAYER + 1,
        ..sorted()
    };
    for request in [list(), turned, other_layer] {
        let answer = service.elements().list_elements(with_token(request)).await;
        assert_eq!(refused(answer), invalid);
    }
    let mut others = service.elements_as(11);
    let answer = others.list_elements(with_token(sorted())).await;
    assert_eq!(refused(answer), invalid);
    let mut own = service.elements();
    let answer = own.list_elements(with_token(sorted())).await;
    assert_eq!(ids(&answer.unwrap().into_inner().elements), [1]);
}

#[tokio::test]
async fn every_bit_of_a_token_is_sealed() {
    // R112, R120.
    let service = with_elements(3).await;
    let token = page(&service, sorted()).await.next_page_token;
    let invalid = refusal(Code::InvalidArgument, "INVALID_PAGE_TOKEN", "page_token");
    for (place, bit) in (0..token.len()).flat_map(|place| [(place, 1), (place, 2)]) {
        let mut forged = token.clone().into_bytes();
        forged[place] ^= bit;
        let request = ListElementsRequest {
            page_token: String::from_utf8(forged).unwrap(),
            ..sorted()
        };
        let answer = service.elements().list_elements(request).await;
        assert_eq!(refused(answer), invalid, "bit {bit} of character {place}");
    }
}

#[tokio::test]
async fn a_wrong_order_is_refused_by_its_path() {
    // R113, R120.
    let service = with_elements(1).await;
    let size = || by("size", SortDirection::Ascending);
    let odd = SortKey {
        direction: 9,
        ..size()
    };
    let cases = [
        (
            vec![by("colour", SortDirection::Ascending)],
            "INVALID_ATTRIBUTE",
            "order_by",
        ),
        (vec![size(), size()], "INVALID_ATTRIBUTE", "order_by"),
        (
            vec![SortKey::default()],
            "INVALID_FIELD",
            "order_by[0].attribute",
        ),
        (vec![odd], "INVALID_FIELD", "order_by[0].direction"),
    ];
    let many = ListElementsRequest {
        order_by: vec![size(); 9],
        ..list()
    };
    let answer = service.elements().list_elements(many).await;
    let too_many = refusal(Code::ResourceExhausted, "TOO_LARGE", "order_by");
    assert_eq!(refused(answer), too_many);
    for (order_by, reason, field) in cases {
        let request = ListElementsRequest { order_by, ..list() };
        let answer = service.elements().list_elements(request).await;
        assert_eq!(
            refused(answer),
            refusal(Code::InvalidArgument, reason, field)
        );
    }
}
