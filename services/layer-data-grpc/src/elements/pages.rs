//! Reads that fit into one answer: by ids, by page, and summaries.

use std::num::NonZeroU32;

use jmap_domain::{ElementId, MAX_ID};
use jmap_proto::layerdata::{
    GetElementsRequest, GetElementsResponse, ListElementsRequest, ListElementsResponse,
    SummarizeElementsRequest, SummarizeElementsResponse, summarize_elements_response::Count,
};
use jmap_wire::{Failure, FieldPath, Violation, id, page_size};
use layer_data_core::{
    ports::{Authorizer, Call, ChunkLimit, LayerStore, Registry},
    query::QueryInput,
    reads::PageStart,
};
use prost::Message;

use crate::{
    Api,
    answer::{ElementWriter, bounds, header},
    parse::{element_ids, mask, selection},
    status::{self, invalid_page_token},
};

/// Most elements of one answer.
pub(crate) const MAX_ELEMENTS: usize = 1_000;
/// How many elements a page has when the caller does not say.
pub(crate) const DEFAULT_PAGE: usize = 100;
/// About how many bytes of elements an answer holds; clients take messages of 4 MiB unless told otherwise.
const ANSWER_BYTES: usize = 3 << 20;

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) async fn get_by_ids(
        &self,
        call: &Call,
        request: GetElementsRequest,
    ) -> Result<GetElementsResponse, Failure> {
        let GetElementsRequest {
            layer_id,
            element_ids: ids,
            mask: wanted,
        } = request;
        let (layer, path) = (id("layer_id", layer_id)?, FieldPath::of("element_ids"));
        let ids = element_ids(&path, &ids, MAX_ELEMENTS)?;
        if ids.is_empty() {
            return Err(path.violates(Violation::Missing).into());
        }
        let mask = mask(&"mask".into(), wanted)?;
        let output = mask.output.clone();
        let page = self
            .data
            .get(call, (layer, ids), output, limit(MAX_ELEMENTS))
            .await;
        let page = page.map_err(|error| status::read(error, &FieldPath::default()))?;
        Ok(GetElementsResponse {
            header: Some(header(&page.layer, mask.output.attributes.as_deref())),
            elements: ElementWriter::new(&mask).elements(page.elements, page.owner),
        })
    }

    pub(super) async fn list_page(
        &self,
        call: &Call,
        request: ListElementsRequest,
    ) -> Result<ListElementsResponse, Failure> {
        let query = ListElementsRequest {
            page_size: 0,
            page_token: String::new(),
            ..request.clone()
        };
        let query = query.encode_to_vec();
        let ListElementsRequest {
            layer_id,
            selection: wanted,
            mask: wanted_of_each,
            page_size: size,
            page_token,
        } = request;
        let mask = mask(&"mask".into(), wanted_of_each)?;
        let input = QueryInput {
            layer: id("layer_id", layer_id)?,
            selection: selection(&"selection".into(), wanted)?,
            output: mask.output.clone(),
            maximum: None,
        };
        let limit = limit(page_size(size, DEFAULT_PAGE, MAX_ELEMENTS)?);
        let start = self.open_page(&query, &page_token)?;
        let page = self.data.page(call, input, start, limit).await;
        let page = page.map_err(|error| status::read(error, &FieldPath::default()))?;
        let next = page
            .next
            .map(|next| self.pages.seal(&query, &position(next)));
        Ok(ListElementsResponse {
            header: Some(header(&page.layer, mask.output.attributes.as_deref())),
            elements: ElementWriter::new(&mask).elements(page.elements, page.owner),
            next_page_token: next.unwrap_or_default(),
        })
    }

    pub(super) async fn summary(
        &self,
        call: &Call,
        request: SummarizeElementsRequest,
    ) -> Result<SummarizeElementsResponse, Failure> {
        let SummarizeElementsRequest {
            layer_id,
            selection: wanted,
        } = request;
        let layer = id("layer_id", layer_id)?;
        let selection = selection(&"selection".into(), wanted)?;
        let answer = self.data.summarize(call, layer, selection).await;
        let (layer, summary) =
            answer.map_err(|error| status::read(error, &FieldPath::default()))?;
        let epsg = layer.definition.geometry().crs.epsg();
        let count = i64::try_from(summary.count).unwrap_or(i64::MAX);
        Ok(SummarizeElementsResponse {
            count: Some(Count::ExactCount(count)),
            extent: summary.extent.map(|extent| bounds(extent, epsg)),
            data_revision: summary.revision.get(),
        })
    }

    fn open_page(&self, query: &[u8], token: &str) -> Result<PageStart, Failure> {
        let opened = self.pages.open(query, token);
        let Some(bytes) = opened.map_err(|_forged| invalid_page_token())? else {
            return Ok(PageStart::default());
        };
        page_start(&bytes).ok_or_else(invalid_page_token)
    }
}

/// So many elements, within what an answer holds.
pub(crate) fn limit(rows: usize) -> ChunkLimit {
    let rows = u32::try_from(rows).ok().and_then(NonZeroU32::new);
    ChunkLimit {
        rows: rows.unwrap_or(NonZeroU32::MIN),
        bytes: ANSWER_BYTES,
    }
}

/// Where a page begins, as bytes: the last element before it (0 for none), and how many elements came before.
fn position(start: PageStart) -> [u8; 16] {
    let after = start.after.map_or(0, ElementId::get);
    let mut bytes = [0; 16];
    let (head, tail) = bytes.split_at_mut(8);
    head.copy_from_slice(&after.to_be_bytes());
    tail.copy_from_slice(&start.seen.to_be_bytes());
    bytes
}

fn page_start(bytes: &[u8]) -> Option<PageStart> {
    let (after, seen) = bytes.split_first_chunk()?;
    let after = i64::from_be_bytes(*after);
    let seen = u64::from_be_bytes(seen.try_into().ok()?);
    let after = match after {
        0 => None,
        1..=MAX_ID => Some(ElementId::new(after).ok()?),
        _ => return None,
    };
    Some(PageStart { after, seen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_page_begins_survives_its_token() {
        // R112.
        for start in [
            PageStart::default(),
            PageStart {
                after: ElementId::new(MAX_ID).ok(),
                seen: 70_000,
            },
        ] {
            assert_eq!(page_start(&position(start)), Some(start));
        }
        assert_eq!(page_start(&[0; 15]), None);
    }
}
