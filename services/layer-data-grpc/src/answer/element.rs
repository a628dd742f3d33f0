//! Elements, and what they have in common.

use jmap_domain::ActorId;
use jmap_proto::{
    layerdata::{
        Element as WireElement, ElementHeader, ElementStamps, Quantization, QuantizedGeometry,
    },
    types::Box as WireBox,
};
use jmap_wire::timestamp;
use layer_data_core::{
    definition::AttributeDefinition,
    element::{AttributeRef, Element, Stamps},
    geometry::{Bounds, Grid, Quantized},
    ports::StoredLayer,
    query::GeometryOutput,
    reads::Owner,
};

use super::{
    definition::{attribute, geometry_type, version},
    value,
};
use crate::parse::{Mask, Shape, Stamps as WantedStamps};

/// Writes elements down as the caller wants them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ElementWriter {
    stamps: WantedStamps,
    geometry: GeometryOutput,
    grid: Option<Grid>,
}

impl ElementWriter {
    /// A writer of what a mask names.
    pub(crate) const fn new(mask: &Mask) -> Self {
        Self {
            stamps: mask.stamps,
            geometry: mask.output.geometry,
            grid: None,
        }
    }

    /// The same, with geometries on a grid.
    pub(crate) const fn on(self, grid: Option<Grid>) -> Self {
        Self { grid, ..self }
    }

    /// An element, marked as the caller's own or another's.
    pub(crate) fn element(self, element: Element, owner: Owner) -> WireElement {
        let own = owner.owns(&element);
        let Element {
            id,
            revision,
            geometry,
            values,
            stamps,
        } = element;
        let (geometry, drawn) = match (self.grid, geometry) {
            (Some(grid), Some(wkb)) => (None, grid.quantize(&wkb)),
            (None | Some(_), geometry) => (geometry, None),
        };
        let is_there = geometry.is_some() || drawn.is_some();
        let geometry_outside = self.geometry == GeometryOutput::Include && !is_there;
        WireElement {
            element_id: id.get(),
            revision: revision.get(),
            geometry: geometry.unwrap_or_default().into(),
            values: values.iter().map(value).collect(),
            own,
            stamps: (self.stamps == WantedStamps::Include).then(|| element_stamps(&stamps)),
            geometry_outside,
            quantized: drawn.map(quantized),
        }
    }

    /// Several elements.
    pub(crate) fn elements(self, elements: Vec<Element>, owner: Owner) -> Vec<WireElement> {
        let write = |element| self.element(element, owner);
        elements.into_iter().map(write).collect()
    }
}

/// What the elements of a read have in common; `wanted` are the attributes that the mask names, `None` for all.
pub(crate) fn header(
    layer: &StoredLayer,
    wanted: Option<&[AttributeRef]>,
    shape: Shape,
) -> ElementHeader {
    let own = layer.definition.geometry().crs;
    let all = layer.definition.attributes();
    let attributes: Vec<&AttributeDefinition> = match wanted {
        None => all.iter().collect(),
        Some(wanted) => {
            let found = wanted
                .iter()
                .filter_map(|wanted| wanted.find(&layer.definition));
            found.map(|(_, attribute)| attribute).collect()
        }
    };
    ElementHeader {
        layer_id: layer.layer.get(),
        definition_version: version(layer),
        attributes: attributes.into_iter().map(attribute).collect(),
        epsg: shape.crs.unwrap_or(own).epsg(),
        feed_position: String::new(),
        quantization: shape.grid.map(quantization),
    }
}

fn quantized(quantized: Quantized) -> QuantizedGeometry {
    let Quantized {
        kind,
        parts,
        polygons,
        deltas,
    } = quantized;
    QuantizedGeometry {
        r#type: geometry_type(kind).into(),
        part_sizes: parts,
        polygon_sizes: polygons,
        deltas,
    }
}

fn quantization(grid: Grid) -> Quantization {
    let (origin_x, origin_y) = grid.origin();
    Quantization {
        origin_x,
        origin_y,
        cell_size: grid.cell_size(),
    }
}

fn element_stamps(stamps: &Stamps) -> ElementStamps {
    let Stamps {
        created_by,
        updated_by,
        create_time,
        update_time,
    } = stamps;
    ElementStamps {
        created_by: created_by.map_or(0, ActorId::get),
        updated_by: updated_by.map_or(0, ActorId::get),
        create_time: Some(timestamp(create_time.millis())),
        update_time: Some(timestamp(update_time.millis())),
    }
}

/// A box in the layer's reference system.
pub(crate) const fn bounds(bounds: Bounds, epsg: i32) -> WireBox {
    let Bounds {
        min_x,
        min_y,
        max_x,
        max_y,
    } = bounds;
    WireBox {
        min_x,
        min_y,
        max_x,
        max_y,
        epsg,
    }
}
