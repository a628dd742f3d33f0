//! The form in which geometries are wanted.

use jmap_wire::{FieldPath, FieldViolation};
use layer_data_core::{crs::Crs, geometry::Tolerance};

use super::known_crs;

/// The form in which geometries are wanted: by default as they are stored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    /// The reference system; `None` means the layer's own.
    pub(crate) crs: Option<&'static Crs>,
    /// How much of their shape may be lost.
    pub(crate) tolerance: Option<Tolerance>,
}

/// Parses the form of geometries, from the fields of a message.
pub(crate) fn shape(
    message: &FieldPath,
    (output_epsg, simplify_tolerance): (i32, f64),
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
    })
}
