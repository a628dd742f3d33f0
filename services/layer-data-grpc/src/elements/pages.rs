//! Reads that fit into one answer: by ids, by page, and summaries.

use std::num::{NonZeroU32, NonZeroU64};

use jmap_domain::LayerId;
use jmap_proto::layerdata::{
    GetElementsRequest, GetElementsResponse, ListElementsRequest, ListElementsResponse,
    SummarizeElementsRequest, SummarizeElementsResponse,
    summarize_elements_response::Count as WireCount,
};
use jmap_wire::{Failure, FieldPath, Violation, id, page_size};
use layer_data_core::{
    ports::{Authorizer, Call, ChunkLimit, Count, LayerStore, Registry},
    query::{OutputInput, QueryInput, SelectionInput},
};

use crate::{
    Api,
    answer::{ElementWriter, bounds, number},
    parse::{element_ids, limited_maximum, mask, order_by, selection, shape},
    status::{self, invalid_page_token},
};

use super::{shape::written, token::Query};

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
            output_epsg,
            simplify_tolerance,
            quantization,
        } = request;
        let form = (output_epsg, simplify_tolerance, quantization);
        let (layer, path) = (id("layer_id", layer_id)?, FieldPath::of("element_ids"));
        let ids = element_ids(&path, &ids, MAX_ELEMENTS)?;
        if ids.is_empty() {
            return Err(path.violates(Violation::Missing).into());
        }
        let shape = shape(&FieldPath::default(), form)?;
        let mask = mask(&"mask".into(), wanted)?;
        let output = mask.output.clone();
        let page = self
            .data
            .get(call, (layer, ids), output, limit(MAX_ELEMENTS))
            .await;
        let page = page.map_err(|error| status::read(error, &FieldPath::default()))?;
        let own = page.layer.definition.geometry().crs;
        let writer = ElementWriter::new(&mask);
        let elements = written((page.elements, page.owner), own, shape, writer).await?;
        let wanted = mask.output.attributes.as_deref();
        Ok(GetElementsResponse {
            header: Some(self.read_header(&page.layer, (wanted, shape), &page.begin)),
            elements,
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
        let query = Query::new(call.caller, &query);
        let ListElementsRequest {
            layer_id,
            selection: wanted,
            mask: wanted_of_each,
            page_size: size,
            page_token,
            order_by: keys,
            output_epsg,
            simplify_tolerance,
            quantization,
        } = request;
        let form = (output_epsg, simplify_tolerance, quantization);
        let shape = shape(&FieldPath::default(), form)?;
        let mask = mask(&"mask".into(), wanted_of_each)?;
        let input = QueryInput {
            layer: id("layer_id", layer_id)?,
            selection: selection(&"selection".into(), wanted)?,
            output: OutputInput {
                order: order_by(&"order_by".into(), keys)?,
                ..mask.output.clone()
            },
            maximum: None,
        };
        let limit = limit(page_size(size, DEFAULT_PAGE, MAX_ELEMENTS)?);
        let start = query.open(&self.pages, &page_token);
        let start = start.ok_or_else(invalid_page_token)?;
        let page = self.data.page(call, input, start, limit).await;
        let page = page.map_err(|error| status::read(error, &FieldPath::default()))?;
        let next = page.next.map(|next| query.seal(&self.pages, &next));
        let own = page.layer.definition.geometry().crs;
        let writer = ElementWriter::new(&mask);
        let elements = written((page.elements, page.owner), own, shape, writer).await?;
        let wanted = mask.output.attributes.as_deref();
        Ok(ListElementsResponse {
            header: Some(self.read_header(&page.layer, (wanted, shape), &page.begin)),
            elements,
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
            count_cap,
        } = request;
        let layer = id("layer_id", layer_id)?;
        let selection = selection(&"selection".into(), wanted)?;
        if let Some(cap) = limited_maximum("count_cap".into(), count_cap)? {
            return self.capped_count(call, (layer, selection), cap).await;
        }
        let answer = self.data.summarize(call, layer, selection).await;
        let (layer, summary) =
            answer.map_err(|error| status::read(error, &FieldPath::default()))?;
        let epsg = layer.definition.geometry().crs.epsg();
        Ok(SummarizeElementsResponse {
            count: Some(WireCount::ExactCount(number(summary.count))),
            extent: summary.extent.map(|extent| bounds(extent, epsg)),
            data_revision: summary.revision.get(),
        })
    }

    async fn capped_count(
        &self,
        call: &Call,
        what: (LayerId, SelectionInput),
        cap: NonZeroU64,
    ) -> Result<SummarizeElementsResponse, Failure> {
        let counted = self.data.count(call, what, cap).await;
        let (count, revision) =
            counted.map_err(|error| status::read(error, &FieldPath::default()))?;
        Ok(SummarizeElementsResponse {
            count: Some(match count {
                Count::Exact(count) => WireCount::ExactCount(number(count)),
                Count::About(count) => WireCount::EstimatedCount(number(count)),
                Count::AtLeast(count) => WireCount::LeastCount(number(count)),
            }),
            extent: None,
            data_revision: revision.get(),
        })
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
