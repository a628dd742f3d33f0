//! Elements as a file, piece by piece.

mod csv;
mod geojson;

use std::{io, sync::Arc};

use jmap_domain::ElementId;
use layer_data_core::{
    crs::{Crs, TransformError},
    definition::LayerDefinition,
    element::Element,
};

use crate::{
    format::Format,
    geometry::{Shape, from_wkb},
    json::GEOJSON_EPSG,
};

/// Writes a layer's elements as a file. Each call appends to the caller's buffer, which may be sent and emptied
/// at any time: nothing is kept but the number of elements.
///
/// What is written in the layer's reference system reads back as it was, by [`crate::Reader`]: ids, values and
/// coordinates; only rings of GeoJSON in EPSG:4326 are wound as RFC 7946 asks.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    definition: Arc<LayerDefinition>,
    crs: &'static Crs,
    written: u64,
}

/// Why something cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The format has no place for a reference system, and its readers would take another.
    #[error("a GeoJSON sequence is always in EPSG:4326, not in EPSG:{0}")]
    CannotStateCrs(i32),
    /// An element that was read without its geometry, or not with all attributes.
    #[error("element {0} was not read as a whole")]
    Incomplete(ElementId),
    /// An element with a position that does not exist in the file's reference system.
    #[error("element {element}: {fault}")]
    Transform {
        /// The element.
        element: ElementId,
        /// Why its geometry cannot be stated.
        fault: TransformError,
    },
    /// A value that the JSON library cannot write.
    #[error("could not write an element")]
    Json(#[source] io::Error),
}

impl Writer {
    /// A writer of a layer's elements, with positions in the given reference system.
    ///
    /// # Errors
    /// [`WriteError::CannotStateCrs`].
    pub fn new(
        format: Format,
        definition: Arc<LayerDefinition>,
        crs: &'static Crs,
    ) -> Result<Self, WriteError> {
        if format == Format::GeoJsonSequence && crs.epsg() != GEOJSON_EPSG {
            return Err(WriteError::CannotStateCrs(crs.epsg()));
        }
        Ok(Self {
            format,
            definition,
            crs,
            written: 0,
        })
    }

    /// Appends what stands before the first element.
    pub fn header(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::GeoJson => geojson::header(self.crs.epsg(), out),
            Format::GeoJsonSequence => {}
            Format::Csv => csv::header(&self.definition, out),
        }
    }

    /// Appends an element, read with its geometry and with all attributes in the order of the definition.
    ///
    /// # Errors
    /// [`WriteError`]; nothing has been appended then.
    pub fn element(&mut self, element: &Element, out: &mut Vec<u8>) -> Result<(), WriteError> {
        let shape = self.shape(element)?;
        let start = out.len();
        match self.write(element, &shape, out) {
            Ok(()) => {
                self.written += 1;
                Ok(())
            }
            Err(error) => {
                out.truncate(start);
                Err(WriteError::Json(error))
            }
        }
    }

    fn shape(&self, element: &Element) -> Result<Shape, WriteError> {
        let shape = element.geometry.as_deref().and_then(from_wkb);
        let complete = element.values.len() == self.definition.attributes().len();
        let shape = shape
            .filter(|_| complete)
            .ok_or(WriteError::Incomplete(element.id))?;
        let shape = shape.transformed(self.definition.geometry().crs, self.crs);
        let shape = shape.map_err(|fault| WriteError::Transform {
            element: element.id,
            fault,
        })?;
        let wound = self.format != Format::Csv && self.crs.epsg() == GEOJSON_EPSG;
        Ok(if wound { shape.wound() } else { shape })
    }

    fn write(&self, element: &Element, shape: &Shape, out: &mut Vec<u8>) -> io::Result<()> {
        match self.format {
            Format::GeoJson => {
                out.extend_from_slice(if self.written == 0 { b"\n" } else { b",\n" });
                geojson::feature(&self.definition, element, shape, out)?;
            }
            Format::GeoJsonSequence => {
                geojson::feature(&self.definition, element, shape, out)?;
                out.push(b'\n');
            }
            Format::Csv => csv::record(element, shape, out),
        }
        Ok(())
    }

    /// Appends what stands behind the last element.
    pub fn footer(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::GeoJson => out.extend_from_slice(b"\n]}\n"),
            Format::GeoJsonSequence | Format::Csv => {}
        }
    }
}
