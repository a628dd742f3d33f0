//! Reads: pages, streams and their limits.

use jmap_domain::{DenyReason, Permission};
use jmap_proto::{
    layerdata::{
        self as pb, ElementMask, GetElementsRequest, LayerQuery, ListElementsRequest, Quantization,
        ReadElementsRequest, ReadElementsResponse, Selection, SummarizeElementsRequest,
        read_elements_response::Part, summarize_elements_response::Count,
    },
    types::{Box, NullValue, value::Kind},
};
use layer_data_core::Limits;
use tonic::Code;

use crate::fixture::{
    LAYER, Service, attribute, create_element, new_element, point, refusal, refused, text, value,
};

pub(crate) fn everywhere() -> Selection {
    Selection {
        r#box: Some(Box {
            min_x: -180.0,
            min_y: -90.0,
            max_x: 180.0,
            max_y: 90.0,
            epsg: 0,
        }),
        ..Selection::default()
    }
}

pub(crate) fn list() -> ListElementsRequest {
    ListElementsRequest {
        layer_id: LAYER,
        selection: Some(everywhere()),
        page_size: 2,
        ..Default::default()
    }
}

pub(crate) async fn with_elements(count: u32) -> Service {
    let service = Service::start().await;
    for x in 0..count {
        service.create(f64::from(x), &format!("e{x}")).await;
    }
    service
}

#[tokio::test]
async fn pages_follow_each_other_until_the_end_in_the_order_of_the_ids() {
    // R112.
    let service = with_elements(5).await;
    let (mut ids, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let request = ListElementsRequest {
            page_token: token,
            ..list()
        };
        let page = service
            .elements()
            .list_elements(request)
            .await
            .unwrap()
            .into_inner();
        ids.extend(page.elements.iter().map(|element| element.element_id));
        token = page.next_page_token;
        pages += 1;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    assert!(pages >= 3);
}

#[tokio::test]
async fn a_page_token_is_of_its_own_query_alone() {
    // R112, R120.
    let service = with_elements(3).await;
    let page = service
        .elements()
        .list_elements(list())
        .await
        .unwrap()
        .into_inner();
    let invalid = refusal(Code::InvalidArgument, "INVALID_PAGE_TOKEN", "page_token");
    let token = page.next_page_token;
    assert!(!token.is_empty());
    let of_another = ListElementsRequest {
        page_token: token.clone(),
        mask: Some(ElementMask::default()),
        ..list()
    };
    assert_eq!(
        refused(service.elements().list_elements(of_another).await),
        invalid
    );
    let forged = ListElementsRequest {
        page_token: format!("{token}A"),
        ..list()
    };
    assert_eq!(
        refused(service.elements().list_elements(forged).await),
        invalid
    );
    let negative = ListElementsRequest {
        page_size: -1,
        ..list()
    };
    let answer = service.elements().list_elements(negative).await;
    assert_eq!(
        refused(answer),
        refusal(Code::InvalidArgument, "INVALID_FIELD", "page_size")
    );
    // Another page size is not another query.
    let longer = ListElementsRequest {
        page_token: token,
        page_size: 50,
        ..list()
    };
    let rest = service
        .elements()
        .list_elements(longer)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(rest.elements.len(), 1);
}

#[tokio::test]
async fn elements_come_as_the_mask_asks_and_tell_whose_they_are() {
    // R54, R106.
    let service = with_elements(1).await;
    let request = GetElementsRequest {
        layer_id: LAYER,
        element_ids: vec![1, 99],
        mask: Some(ElementMask {
            geometry: false,
            attributes: vec![attribute("note"), attribute("name")],
            stamps: true,
        }),
        ..Default::default()
    };
    let answer = service
        .elements()
        .get_elements(request.clone())
        .await
        .unwrap()
        .into_inner();
    let header = answer.header.unwrap();
    let names: Vec<_> = header
        .attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect();
    assert_eq!((names, header.epsg), (vec!["note", "name"], 4326));
    let [element] = &answer.elements[..] else {
        panic!("{:?}", answer.elements)
    };
    assert_eq!(element.values[1], text("e0"));
    assert!(element.geometry.is_empty() && element.own);
    assert_eq!(element.stamps.as_ref().unwrap().created_by, 10);
    let of_another = service
        .elements_as(11)
        .get_elements(request)
        .await
        .unwrap()
        .into_inner();
    assert!(!of_another.elements[0].own);
}

#[tokio::test]
async fn unset_masks_mean_geometry_and_all_attributes() {
    let service = with_elements(1).await;
    let request = GetElementsRequest {
        layer_id: LAYER,
        element_ids: vec![1],
        mask: None,
        ..Default::default()
    };
    let answer = service
        .elements()
        .get_elements(request)
        .await
        .unwrap()
        .into_inner();
    let element = &answer.elements[0];
    assert_eq!(element.geometry, point(0.0, 0.0));
    assert_eq!(
        element.values,
        [
            text("e0"),
            value(Kind::Null(NullValue {})),
            value(Kind::Null(NullValue {}))
        ]
    );
    assert_eq!(element.stamps, None);
}

fn query(selection: Option<Selection>) -> LayerQuery {
    LayerQuery {
        layer_id: LAYER,
        selection,
        ..Default::default()
    }
}

pub(crate) async fn read(
    service: &Service,
    queries: Vec<LayerQuery>,
    partial: bool,
) -> Vec<Result<ReadElementsResponse, tonic::Status>> {
    let request = ReadElementsRequest { queries, partial };
    let mut stream = match service.elements().read_elements(request).await {
        Ok(stream) => stream.into_inner(),
        Err(status) => return vec![Err(status)],
    };
    let mut parts = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(part)) => parts.push(Ok(part)),
            Ok(None) => return parts,
            Err(status) => {
                parts.push(Err(status));
                return parts;
            }
        }
    }
}

#[tokio::test]
async fn a_stream_has_a_header_batches_and_a_trailer_that_counts() {
    let service = with_elements(3).await;
    let parts = read(&service, vec![query(Some(everywhere()))], false).await;
    let mut elements = 0;
    for (place, part) in parts.iter().enumerate() {
        match part.as_ref().unwrap().part.as_ref().unwrap() {
            Part::Header(header) => assert_eq!((place, header.layer_id), (0, LAYER)),
            Part::Batch(batch) => elements += batch.elements.len(),
            Part::Trailer(trailer) => {
                assert_eq!((place, trailer.element_count), (parts.len() - 1, 3));
            }
            Part::Error(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(elements, 3);
}

#[tokio::test]
async fn a_failing_query_ends_the_call_or_stays_with_itself_as_asked() {
    // R40.
    let service = with_elements(1).await;
    let absent = LayerQuery {
        layer_id: 99,
        ..query(Some(everywhere()))
    };
    let queries = vec![absent, query(Some(everywhere()))];
    let mut parts = read(&service, queries.clone(), false).await;
    assert_eq!(
        refused(parts.remove(0)),
        refusal(Code::NotFound, "NOT_FOUND", "")
    );
    assert!(parts.is_empty());
    let parts = read(&service, queries, true).await;
    let parts: Vec<_> = parts.into_iter().map(Result::unwrap).collect();
    let Some(Part::Error(error)) = &parts[0].part else {
        panic!("{parts:?}")
    };
    assert_eq!(
        (parts[0].query_index, error.reason.as_str()),
        (0, "NOT_FOUND")
    );
    let last = parts.last().unwrap();
    assert!(matches!(last.part, Some(Part::Trailer(_))) && last.query_index == 1);
}

#[tokio::test]
async fn more_than_the_maximum_is_an_error_and_never_a_cut() {
    // R112.
    let service = with_elements(3).await;
    let limited = LayerQuery {
        maximum: 2,
        ..query(Some(everywhere()))
    };
    let last = read(&service, vec![limited], false).await.pop().unwrap();
    let expected = refusal(Code::ResourceExhausted, "TOO_MANY_ELEMENTS", "");
    assert_eq!(refused(last), expected);
}

#[tokio::test]
async fn without_copying_a_whole_layer_and_more_than_the_display_limit_are_refused() {
    // R38.
    let limits = Limits {
        display: 2.try_into().unwrap(),
        ..Limits::default()
    };
    let service = Service::with_limits(limits).await;
    for x in 0..3 {
        service.create(f64::from(x), "e").await;
    }
    service
        .house
        .deny(Permission::CopyExport, DenyReason::NoGrant);
    let whole = read(&service, vec![query(None)], false)
        .await
        .pop()
        .unwrap();
    assert_eq!(
        refused(whole),
        refusal(Code::PermissionDenied, "NOT_PERMITTED", "")
    );
    let shown = read(&service, vec![query(Some(everywhere()))], false)
        .await
        .pop()
        .unwrap();
    assert_eq!(
        refused(shown),
        refusal(Code::ResourceExhausted, "TOO_MANY_ELEMENTS", "")
    );
    // Pages do not get around it.
    let page = service
        .elements()
        .list_elements(list())
        .await
        .unwrap()
        .into_inner();
    let next = ListElementsRequest {
        page_token: page.next_page_token,
        ..list()
    };
    let next = service.elements().list_elements(next).await;
    assert_eq!(
        refused(next),
        refusal(Code::ResourceExhausted, "TOO_MANY_ELEMENTS", "")
    );
}

#[tokio::test]
async fn summaries_count_and_measure() {
    let service = with_elements(3).await;
    let request = SummarizeElementsRequest {
        layer_id: LAYER,
        ..Default::default()
    };
    let answer = service
        .elements()
        .summarize_elements(request)
        .await
        .unwrap()
        .into_inner();
    let extent = answer.extent.unwrap();
    assert_eq!((extent.min_x, extent.max_x, extent.epsg), (0.0, 2.0, 4326));
    assert_eq!(answer.data_revision, 3);
}

#[tokio::test]
async fn geometries_come_in_the_reference_system_that_is_asked_for() {
    // R110, R115: what does not exist there is left out and said to be.
    let service = with_elements(1).await;
    let pole = pb::NewElement {
        geometry: point(0.0, 90.0).into(),
        ..new_element(0.0, "pole")
    };
    let request = pb::CreateElementRequest {
        element: Some(pole),
        ..create_element(0.0, "pole")
    };
    service.elements().create_element(request).await.unwrap();
    let elsewhere = LayerQuery {
        output_epsg: 3857,
        simplify_tolerance: 1.0,
        ..query(Some(everywhere()))
    };
    let parts = read(&service, vec![elsewhere], false).await;
    let parts: Vec<Part> = parts
        .into_iter()
        .filter_map(|part| part.unwrap().part)
        .collect();
    let [Part::Header(header), Part::Batch(batch), Part::Trailer(_)] = parts.as_slice() else {
        panic!("a header, a batch and a trailer: {parts:?}");
    };
    assert_eq!(header.epsg, 3857);
    let told: Vec<_> = batch
        .elements
        .iter()
        .map(|element| (element.geometry.len(), element.geometry_outside))
        .collect();
    assert_eq!(told, [(21, false), (0, true)]);
    let listed = ListElementsRequest {
        output_epsg: 2056,
        ..list()
    };
    let page = service.elements().list_elements(listed).await;
    assert_eq!(page.unwrap().into_inner().header.unwrap().epsg, 2056);
}

#[tokio::test]
async fn a_wrong_form_of_geometries_is_refused_by_its_path() {
    // R120.
    let service = with_elements(1).await;
    for (output_epsg, simplify_tolerance, field) in [
        (999_999, 0.0, "output_epsg"),
        (0, -1.0, "simplify_tolerance"),
        (0, f64::NAN, "simplify_tolerance"),
    ] {
        let listed = ListElementsRequest {
            output_epsg,
            simplify_tolerance,
            ..list()
        };
        let invalid = refusal(Code::InvalidArgument, "INVALID_FIELD", field);
        let answer = service.elements().list_elements(listed).await;
        assert_eq!(refused(answer), invalid);
        let got = GetElementsRequest {
            layer_id: LAYER,
            element_ids: vec![1],
            output_epsg,
            simplify_tolerance,
            ..Default::default()
        };
        let answer = service.elements().get_elements(got).await;
        assert_eq!(refused(answer), invalid);
    }
}

#[tokio::test]
async fn an_attribute_is_wanted_once() {
    let service = with_elements(1).await;
    let mask = Some(ElementMask {
        attributes: vec![attribute("name"); 2],
        ..Default::default()
    });
    let answer = service
        .elements()
        .list_elements(ListElementsRequest { mask, ..list() })
        .await;
    let expected = refusal(
        Code::InvalidArgument,
        "INVALID_ATTRIBUTE",
        "mask.attributes",
    );
    assert_eq!(refused(answer), expected);
}

#[tokio::test]
async fn counting_ends_at_the_cap_that_is_asked_for() {
    // R112, R120.
    let service = with_elements(3).await;
    let count = async |count_cap| {
        let request = SummarizeElementsRequest {
            layer_id: LAYER,
            selection: None,
            count_cap,
        };
        let answer = service.elements().summarize_elements(request).await;
        answer.map(tonic::Response::into_inner)
    };
    let within = count(3).await.unwrap();
    assert_eq!(within.count, Some(Count::ExactCount(3)));
    let beyond = count(2).await.unwrap();
    assert_eq!(beyond.count, Some(Count::LeastCount(3)));
    assert_eq!((beyond.extent, beyond.data_revision), (None, 3));
    assert_eq!(
        refused(count(-1).await),
        refusal(Code::InvalidArgument, "INVALID_FIELD", "count_cap")
    );
}

#[tokio::test]
async fn geometries_come_on_the_grid_that_is_asked_for() {
    // R120.
    let service = with_elements(3).await;
    let read = async |quantization: Quantization| {
        let request = ListElementsRequest {
            layer_id: LAYER,
            quantization: Some(quantization),
            ..Default::default()
        };
        let answer = service.elements().list_elements(request).await;
        answer.map(tonic::Response::into_inner)
    };
    let grid = Quantization {
        origin_x: -1.0,
        origin_y: 0.5,
        cell_size: 0.5,
    };
    let page = read(grid).await.unwrap();
    assert_eq!(page.header.unwrap().quantization, Some(grid));
    let deltas = page.elements.iter().map(|element| {
        assert!(element.geometry.is_empty() && !element.geometry_outside);
        element.quantized.as_ref().unwrap().deltas.as_slice()
    });
    let deltas: Vec<_> = deltas.collect();
    assert_eq!(deltas, [[2, -1], [4, -1], [6, -1]]);
    for (origin_x, cell_size, field) in [
        (0.0, 0.0, "quantization.cell_size"),
        (0.0, 1e-300, "quantization.cell_size"),
        (0.0, f64::NAN, "quantization.cell_size"),
        (f64::INFINITY, 1.0, "quantization"),
        (1e300, 1.0, "quantization"),
    ] {
        let wrong = Quantization {
            origin_x,
            cell_size,
            ..grid
        };
        let expected = refusal(Code::InvalidArgument, "INVALID_FIELD", field);
        assert_eq!(refused(read(wrong).await), expected);
    }
}

#[tokio::test]
async fn a_grid_is_part_of_every_way_to_read_and_draws_only_what_is_wanted() {
    // R112, R120.
    let service = with_elements(3).await;
    let quantization = Some(Quantization {
        cell_size: 1.0,
        ..Default::default()
    });
    let listed = ListElementsRequest {
        quantization,
        ..list()
    };
    let page = service.elements().list_elements(listed.clone()).await;
    let token = page.unwrap().into_inner().next_page_token;
    let on_no_grid = ListElementsRequest {
        page_token: token.clone(),
        ..list()
    };
    let invalid = refusal(Code::InvalidArgument, "INVALID_PAGE_TOKEN", "page_token");
    let answer = service.elements().list_elements(on_no_grid).await;
    assert_eq!(refused(answer), invalid);
    let next = ListElementsRequest {
        page_token: token,
        ..listed
    };
    let page = service.elements().list_elements(next).await;
    let [last] = &page.unwrap().into_inner().elements[..] else {
        panic!("one element is left");
    };
    let drawn = last.quantized.clone().unwrap();
    assert_eq!((drawn.part_sizes, drawn.deltas), (vec![1], vec![2, 0]));
    let got = GetElementsRequest {
        layer_id: LAYER,
        element_ids: vec![3],
        quantization,
        ..Default::default()
    };
    let answer = service.elements().get_elements(got.clone()).await;
    assert_eq!(answer.unwrap().into_inner().elements[0], *last);
    let without = GetElementsRequest {
        mask: Some(ElementMask::default()),
        ..got
    };
    let answer = service.elements().get_elements(without).await;
    let element = answer.unwrap().into_inner().elements.remove(0);
    assert!(element.quantized.is_none() && !element.geometry_outside);
}
