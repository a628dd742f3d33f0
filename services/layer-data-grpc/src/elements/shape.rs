//! Geometries as they are wanted. Many large ones take long, so that is done on threads that may block.

use jmap_wire::Failure;
use layer_data_core::{crs::Crs, element::Element, geometry::Reshape};
use tokio::task::spawn_blocking;

use crate::{parse::Shape, status};

/// The elements with their geometries as they are wanted; one that does not exist so is left out.
pub(crate) async fn shaped(
    elements: Vec<Element>,
    own: &'static Crs,
    shape: Shape,
) -> Result<Vec<Element>, Failure> {
    let reshape = Reshape {
        from: own,
        to: shape.crs.unwrap_or(own),
        tolerance: shape.tolerance,
    };
    if reshape.is_nothing() {
        return Ok(elements);
    }
    let work = spawn_blocking(move || {
        let shape = |element: Element| Element {
            geometry: element.geometry.and_then(|wkb| reshape.apply(&wkb)),
            ..element
        };
        elements.into_iter().map(shape).collect()
    });
    work.await.map_err(|error| status::inside(&error))
}
