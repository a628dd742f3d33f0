//! Lookups by calls: streams, read to their ends.

use jmap_domain::{LayerId, ProjectId, Question as Asked};
use jmap_proto::authorization::{
    LookupLayersRequest, LookupSubjectsRequest, Question, question::Question as Kind,
};
use jmap_wire::question_to_proto;

use crate::{Caller, wire, world::Wanted};

/// The names of the layers on which the caller may do something.
pub(super) async fn layers(caller: &Caller, may: Wanted) -> Vec<String> {
    let layer = || LayerId::new(1).expect("an id");
    let project = || ProjectId::new(1).expect("an id");
    let asked: Asked = may.question(layer, project);
    let Some(Kind::Layer(question)) = question_to_proto(asked).question else {
        panic!("layers are looked up by acts on layers: {may:?}")
    };
    let request = LookupLayersRequest {
        subject: Some(wire::oneself()),
        act: question.act,
        // So small that every world has several parts.
        page_size: 2,
        ..LookupLayersRequest::default()
    };
    let stream = caller.lookups().lookup_layers(request).await;
    let mut stream = stream.expect("look layers up").into_inner();
    let mut names = Vec::new();
    while let Some(part) = stream.message().await.expect("a part") {
        names.extend(part.layers.into_iter().map(|layer| layer.name));
    }
    names
}

/// The names of the accounts that may do something.
pub(super) async fn subjects(administrator: &Caller, question: Question) -> Vec<String> {
    let request = LookupSubjectsRequest {
        question: Some(question),
        page_size: 2,
        ..LookupSubjectsRequest::default()
    };
    let stream = administrator.lookups().lookup_subjects(request).await;
    let mut stream = stream.expect("look subjects up").into_inner();
    let mut names = Vec::new();
    while let Some(part) = stream.message().await.expect("a part") {
        names.extend(part.subjects.into_iter().map(|subject| subject.name));
    }
    names
}
