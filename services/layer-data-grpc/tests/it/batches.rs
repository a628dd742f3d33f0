//! Edits in batches: together or each for itself.

use jmap_proto::{
    layerdata::{
        BatchEditElementsRequest, Edit, EditMode, EditedElement, NewElement, UpdateEdit,
        batch_edit_elements_response::Outcome, edit::Act, edit_result::Result as Outcomes,
    },
    types::value::Kind,
};
use tonic::Code;

use crate::{
    edits::{count, rename},
    fixture::{LAYER, Service, given, new_element, refusal, refused, value},
};

fn create(element: NewElement) -> Edit {
    Edit {
        layer_id: LAYER,
        act: Some(Act::Create(element)),
    }
}

fn batch(edits: Vec<Edit>, mode: EditMode) -> BatchEditElementsRequest {
    BatchEditElementsRequest {
        edits,
        mode: mode.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_failing_edit_refuses_an_atomic_batch_and_only_itself_in_a_partial_one() {
    // R57, R109.
    let service = Service::start().await;
    let mut bad = new_element(2.0, "b");
    bad.values.push(given("size", value(Kind::Integer(-1))));
    let edits = || vec![create(new_element(1.0, "a")), create(bad.clone())];
    let atomic = batch(edits(), EditMode::Atomic);
    let answer = service
        .elements()
        .batch_edit_elements(atomic)
        .await
        .unwrap()
        .into_inner();
    let Some(Outcome::Refused(results)) = answer.outcome else {
        panic!("{answer:?}")
    };
    let [first, second] = &results.results[..] else {
        panic!("{results:?}")
    };
    assert!(matches!(first.result, Some(Outcomes::NotAttempted(_))));
    let Some(Outcomes::Error(error)) = &second.result else {
        panic!("{second:?}")
    };
    assert_eq!(
        (error.code, error.reason.as_str()),
        (3, "INVALID_ATTRIBUTE")
    );
    assert_eq!(error.field, "create.values[1].value");
    assert_eq!(count(&service).await, 0);

    let partial = batch(edits(), EditMode::Partial);
    let answer = service
        .elements()
        .batch_edit_elements(partial)
        .await
        .unwrap()
        .into_inner();
    let Some(Outcome::Committed(results)) = answer.outcome else {
        panic!("{answer:?}")
    };
    assert!(matches!(
        results.results[0].result,
        Some(Outcomes::Edited(_))
    ));
    assert!(matches!(
        results.results[1].result,
        Some(Outcomes::Error(_))
    ));
    assert_eq!(count(&service).await, 1);
}

#[tokio::test]
async fn a_batch_can_be_checked_without_changing_anything() {
    let service = Service::start().await;
    let request = BatchEditElementsRequest {
        validate_only: true,
        ..batch(vec![create(new_element(1.0, "a"))], EditMode::Atomic)
    };
    let answer = service
        .elements()
        .batch_edit_elements(request)
        .await
        .unwrap()
        .into_inner();
    let Some(Outcome::Validated(results)) = answer.outcome else {
        panic!("{answer:?}")
    };
    let unnumbered = Outcomes::Edited(EditedElement {
        created: true,
        ..EditedElement::default()
    });
    assert_eq!(results.results[0].result, Some(unnumbered));
    assert_eq!(count(&service).await, 0);
}

#[tokio::test]
async fn a_malformed_batch_is_refused_whole_by_the_path_of_the_field() {
    // R120.
    let service = Service::start().await;
    let no_act = Edit {
        layer_id: LAYER,
        act: None,
    };
    let no_layer = Edit {
        layer_id: 0,
        ..create(new_element(1.0, "a"))
    };
    let no_belief = Edit {
        layer_id: LAYER,
        act: Some(Act::Update(UpdateEdit {
            element_id: 1,
            expected: None,
            change: Some(rename("b")),
        })),
    };
    let invalid = |field| refusal(Code::InvalidArgument, "INVALID_FIELD", field);
    let too_many = vec![create(NewElement::default()); 10_001];
    let odd_mode = BatchEditElementsRequest {
        mode: 9,
        ..batch(vec![create(new_element(1.0, "a"))], EditMode::Atomic)
    };
    let cases = [
        (batch(vec![], EditMode::Atomic), invalid("edits")),
        (
            batch(vec![no_act], EditMode::Atomic),
            invalid("edits[0].act"),
        ),
        (
            batch(vec![no_layer], EditMode::Atomic),
            invalid("edits[0].layer_id"),
        ),
        (
            batch(vec![no_belief], EditMode::Partial),
            invalid("edits[0].update.expected"),
        ),
        (odd_mode, invalid("mode")),
        (
            batch(too_many, EditMode::Atomic),
            refusal(Code::ResourceExhausted, "TOO_LARGE", "edits"),
        ),
    ];
    for (request, expected) in cases {
        let answer = service.elements().batch_edit_elements(request).await;
        assert_eq!(refused(answer), expected);
    }
}
