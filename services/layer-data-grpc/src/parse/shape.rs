//! The form in which geometries are wanted.

use jmap_proto::layerdata::Quantization;
use jmap_wire::{FieldPath, FieldViolation};
use layer_data_core::{
    crs::Crs,
    geometry::{Grid, InvalidGrid, Tolerance},
};

use super::known_crs;

/// The form in which geometries are wanted: by default as they are stored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    /// The reference system; `None` means the layer's own.
    pub(crate) crs: Option<&'static Crs>,
    /// How much of their shape may be lost.
    pub(crate) tolerance: Option<Tolerance>,
    /// The grid that positions are told on.
    pub(crate) grid: Option<Grid>,
}

/// Parses the form of geometries, from the fields of a message.
pub(crate) fn shape(
    message: &FieldPath,
    (output_epsg, simplify_tolerance, quantization): (i32, f64, Option<Quantization>),
) -> Result<Shape, FieldViolation> {
    let tolerance = if simplify_tolerance == 0.0 {
        None
    } else {
        let field = || message.field("simplify_tolerance");
        let parsed = Tolerance::new(simplify_tolerance);
        Some(parsed.map_err(|error| field().invalid(error))?)
    };
    Ok(Shape {
        crs: known_crs(message.field("output_epsg"), output_epsg)?,
        tolerance,
        grid: quantization
            .map(|wanted| grid(&message.field("quantization"), wanted))
            .transpose()?,
    })
}

fn grid(path: &FieldPath, quantization: Quantization) -> Result<Grid, FieldViolation> {
    let Quantization {
        origin_x,
        origin_y,
        cell_size,
    } = quantization;
    Grid::new((origin_x, origin_y), cell_size).map_err(|error| match error {
        InvalidGrid::Origin => path.clone().invalid(error),
        InvalidGrid::Cell => path.field("cell_size").invalid(error),
    })
}
