//! Statistics of attribute values.

use jmap_proto::layerdata::{ComputeStatisticsRequest, ComputeStatisticsResponse};
use jmap_wire::{Failure, id};
use layer_data_core::{
    ports::{Authorizer, Call, LayerStore, Registry},
    query::GeometryOutput,
    statistics::StatisticsInput,
};

use crate::{
    Api, answer,
    parse::{attribute_refs, distinct_limit, known_crs, selection},
    status,
};

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) async fn statistics(
        &self,
        call: &Call,
        request: ComputeStatisticsRequest,
    ) -> Result<ComputeStatisticsResponse, Failure> {
        let ComputeStatisticsRequest {
            layer_id,
            selection: wanted,
            attributes,
            group_by,
            distinct_limit: limit,
            extent,
            output_epsg,
        } = request;
        let crs = known_crs("output_epsg".into(), output_epsg)?;
        let input = StatisticsInput {
            layer: id("layer_id", layer_id)?,
            selection: selection(&"selection".into(), wanted)?,
            attributes: attribute_refs(&"attributes".into(), attributes)?,
            group_by: attribute_refs(&"group_by".into(), group_by)?,
            distinct: distinct_limit("distinct_limit".into(), limit)?,
            extent: if extent {
                GeometryOutput::Include
            } else {
                GeometryOutput::Omit
            },
        };
        let computed = self.data.statistics(call, input).await;
        let (layer, statistics) = computed.map_err(status::statistics)?;
        let own = layer.definition.geometry().crs;
        Ok(answer::statistics(statistics, (own, crs.unwrap_or(own))))
    }
}
