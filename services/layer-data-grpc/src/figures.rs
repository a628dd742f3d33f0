//! Figures of layers.

use std::collections::BTreeSet;

use jmap_domain::LayerId;
use jmap_proto::layerdata::{
    BatchGetLayerFiguresRequest, BatchGetLayerFiguresResponse, LayerFigures as WireFigures,
    layer_figures::Count as WireCount,
};
use jmap_wire::{Failure, FieldPath, Violation, id, timestamp};
use layer_data_core::{
    figures::{Extent, LayerFigures},
    ports::{Authorizer, Call, Count, LayerStore, Registry},
};

use crate::{
    Api,
    answer::{bounds, geometry_type, number},
    status,
};

/// Most layers of one call.
const MAX_LAYERS: usize = 100;

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(crate) async fn figures_for(
        &self,
        call: &Call,
        request: BatchGetLayerFiguresRequest,
    ) -> Result<BatchGetLayerFiguresResponse, Failure> {
        let BatchGetLayerFiguresRequest { layer_ids, extent } = request;
        let layers = layers(&layer_ids)?;
        let extent = if extent {
            Extent::Wanted
        } else {
            Extent::LeftOut
        };
        let figures = self.data.figures(call, &layers, extent).await;
        let figures = figures.map_err(|error| status::read(error, &FieldPath::default()))?;
        Ok(BatchGetLayerFiguresResponse {
            layers: figures.iter().map(shown).collect(),
        })
    }
}

fn layers(ids: &[i64]) -> Result<Vec<LayerId>, Failure> {
    let path = FieldPath::of("layer_ids");
    match ids.len() {
        0 => return Err(path.violates(Violation::Missing).into()),
        1..=MAX_LAYERS => {}
        _ => return Err(path.invalid("are more than 100").into()),
    }
    let mut seen = BTreeSet::new();
    let mut layers = Vec::with_capacity(ids.len());
    for (index, &layer) in ids.iter().enumerate() {
        let path = path.item(index);
        let layer: LayerId = id(path.clone(), layer)?;
        if !seen.insert(layer) {
            return Err(path.invalid("is named twice").into());
        }
        layers.push(layer);
    }
    Ok(layers)
}

fn shown(figures: &LayerFigures) -> WireFigures {
    let LayerFigures {
        layer,
        count,
        size,
        edited,
        extent,
    } = figures;
    let form = layer.definition.geometry();
    WireFigures {
        layer_id: layer.layer.get(),
        geometry_type: geometry_type(form.geometry_type).into(),
        count: Some(match *count {
            Count::Exact(count) => WireCount::ExactCount(number(count)),
            Count::About(count) => WireCount::EstimatedCount(number(count)),
            Count::AtLeast(count) => WireCount::LeastCount(number(count)),
        }),
        size_bytes: number(size.bytes),
        size_is_estimate: !size.exact,
        last_edit_time: edited.map(|time| timestamp(time.millis())),
        extent: extent.map(|extent| bounds(extent, form.crs.epsg())),
    }
}
