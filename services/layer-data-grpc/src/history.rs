//! The history service: what happened to elements.

use jmap_domain::{ActorId, DataRevision};
use jmap_proto::layerdata::{
    CompareRevisionsRequest, CompareRevisionsResponse, ElementChangeKind, ElementRevision,
    ListElementChangesRequest, ListElementChangesResponse, RestoreElementsRequest,
    RestoreElementsResponse, RevertEditsRequest, RevertEditsResponse, WatchChangesRequest,
    history_service_server::HistoryService,
};
use jmap_wire::{Failure, FieldPath, id, page_size, timestamp};
use layer_data_core::{
    history::{Change, ChangeKind, Told, VersionEnd},
    ports::{Authorizer, Call, LayerStore, Registry},
    reads::Owner,
    value::DateTime,
};
use prost::Message;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::{
    Api,
    answer::{ElementWriter, header},
    api::open,
    elements::{DEFAULT_PAGE, MAX_ELEMENTS, limit},
    parse::{Shape, mask},
    status::{self, invalid_page_token, status},
    watch::Messages,
};

#[tonic::async_trait]
impl<S: LayerStore, A: Authorizer, R: Registry> HistoryService for Api<S, A, R> {
    type WatchChangesStream = Messages;

    async fn watch_changes(
        &self,
        request: Request<WatchChangesRequest>,
    ) -> Result<Response<Self::WatchChangesStream>, Status> {
        let (call, request) = open(request)?;
        let answer = self.watch(call, request).await;
        answer.map(Response::new).map_err(status)
    }

    type CompareRevisionsStream = ReceiverStream<Result<CompareRevisionsResponse, Status>>;

    async fn compare_revisions(
        &self,
        request: Request<CompareRevisionsRequest>,
    ) -> Result<Response<Self::CompareRevisionsStream>, Status> {
        let (call, request) = open(request)?;
        let answer = self.begin_comparison(call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn list_element_changes(
        &self,
        request: Request<ListElementChangesRequest>,
    ) -> Result<Response<ListElementChangesResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.list_changes(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn restore_elements(
        &self,
        request: Request<RestoreElementsRequest>,
    ) -> Result<Response<RestoreElementsResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.restore(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn revert_edits(
        &self,
        request: Request<RevertEditsRequest>,
    ) -> Result<Response<RevertEditsResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.revert(&call, request).await;
        answer.map(Response::new).map_err(status)
    }
}

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    async fn list_changes(
        &self,
        call: &Call,
        request: ListElementChangesRequest,
    ) -> Result<ListElementChangesResponse, Failure> {
        let query = ListElementChangesRequest {
            page_size: 0,
            page_token: String::new(),
            ..request.clone()
        };
        let query = query.encode_to_vec();
        let ListElementChangesRequest {
            layer_id,
            element_id,
            mask: wanted,
            page_size: size,
            page_token,
        } = request;
        let element = (id("layer_id", layer_id)?, id("element_id", element_id)?);
        let mask = mask(&"mask".into(), wanted)?;
        let limit = limit(page_size(size, DEFAULT_PAGE, MAX_ELEMENTS)?);
        let opened = self.pages.open(&query, &page_token);
        let told = match opened.map_err(|_forged| invalid_page_token())? {
            Some(bytes) => Some(told(&bytes).ok_or_else(invalid_page_token)?),
            None => None,
        };
        let output = mask.output.clone();
        let page = self
            .data
            .changes(call, element, output, (told, limit))
            .await;
        let page = page.map_err(|error| status::read(error, &FieldPath::default()))?;
        let (writer, owner) = (ElementWriter::new(&mask), page.owner);
        let changes = page.changes.into_iter();
        let next = page
            .next
            .map(|next| self.pages.seal(&query, &position(next)));
        Ok(ListElementChangesResponse {
            header: Some(header(
                &page.layer,
                mask.output.attributes.as_deref(),
                Shape::default(),
            )),
            changes: changes.map(|one| change(one, writer, owner)).collect(),
            next_page_token: next.unwrap_or_default(),
        })
    }
}

fn change(change: Change, writer: ElementWriter, owner: Owner) -> ElementRevision {
    let Change {
        revision,
        by,
        time,
        kind,
        after,
    } = change;
    ElementRevision {
        revision: revision.get(),
        time: Some(timestamp(time.millis())),
        actor_id: by.map_or(0, ActorId::get),
        kind: kind_of(kind).into(),
        element: after.map(|element| writer.element(element, owner)),
    }
}

const fn kind_of(kind: ChangeKind) -> ElementChangeKind {
    match kind {
        ChangeKind::Created => ElementChangeKind::Created,
        ChangeKind::Updated => ElementChangeKind::Updated,
        ChangeKind::Deleted => ElementChangeKind::Deleted,
        ChangeKind::Oldest => ElementChangeKind::Oldest,
    }
}

/// How far a history was told, as bytes.
fn position(told: Told) -> Vec<u8> {
    let Told { revision, end } = told;
    let numbers = [
        revision.get(),
        end.revision.get(),
        end.by.get(),
        end.time.millis(),
    ];
    numbers.into_iter().flat_map(i64::to_be_bytes).collect()
}

fn told(bytes: &[u8]) -> Option<Told> {
    let (numbers, rest) = bytes.as_chunks();
    let (&[revision, until, by, time], []) = (numbers, rest) else {
        return None;
    };
    let number = i64::from_be_bytes;
    Some(Told {
        revision: DataRevision::new(number(revision))?,
        end: VersionEnd {
            revision: DataRevision::new(number(until))?,
            by: ActorId::new(number(by)).ok()?,
            time: DateTime::from_millis(number(time)).ok()?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_history_was_told_survives_its_token() {
        // R112.
        let end = VersionEnd {
            revision: DataRevision::new(9).unwrap(),
            by: ActorId::new(7).unwrap(),
            time: DateTime::EPOCH,
        };
        let revision = DataRevision::new(4).unwrap();
        let far = Told { revision, end };
        assert_eq!(told(&position(far)), Some(far));
        assert_eq!(told(&position(far)[1..]), None);
    }
}
