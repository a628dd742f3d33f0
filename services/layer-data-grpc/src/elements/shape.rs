//! Geometries as they are wanted. Many large ones take long, so that is done on threads that may block.

use jmap_proto::layerdata::Element as WireElement;
use jmap_wire::Failure;
use layer_data_core::{crs::Crs, element::Element, geometry::Reshape, reads::Owner};
use tokio::task::spawn_blocking;

use crate::{answer::ElementWriter, parse::Shape, status};

/// The elements of a reader, written down with their geometries as they are wanted.
pub(crate) async fn written(
    (elements, owner): (Vec<Element>, Owner),
    own: &'static Crs,
    shape: Shape,
    writer: ElementWriter,
) -> Result<Vec<WireElement>, Failure> {
    let elements = shaped(elements, own, shape).await?;
    if shape.grid.is_none() {
        return Ok(writer.elements(elements, owner));
    }
    let writer = writer.on(shape.grid);
    let work = spawn_blocking(move || writer.elements(elements, owner));
    work.await.map_err(|error| status::inside(&error))
}

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
