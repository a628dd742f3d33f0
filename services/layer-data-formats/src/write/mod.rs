//! Elements as a file, piece by piece.

mod csv;
mod geojson;

use std::{io, sync::Arc};

use layer_data_core::{definition::LayerDefinition, element::Element};

use crate::{
    format::Format,
    geometry::{Shape, from_wkb},
    json::GEOJSON_EPSG,
};

/// Writes a layer's elements as a file. Each call appends to the caller's buffer, which may be sent and emptied
/// at any time: nothing is kept but the number of elements.
///
/// What is written reads back as it was, by [`crate::Reader`]: ids, values and coordinates; only rings of
/// GeoJSON in EPSG:4326 are wound as RFC 7946 asks.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    definition: Arc<LayerDefinition>,
    written: u64,
}

/// Why something cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The format has no place for a reference system, and its readers would take another.
    #[error("a GeoJSON sequence is always in EPSG:4326, and the layer is in EPSG:{0}")]
    CannotStateCrs(i32),
    /// An element that was read without its geometry, or not with all attributes.
    #[error("element {0} was not read as a whole")]
    Incomplete(jmap_domain::ElementId),
    /// A value that the JSON library cannot write.
    #[error("could not write an element")]
    Json(#[source] io::Error),
}

impl Writer {
    /// A writer of a layer's elements.
    ///
    /// # Errors
    /// [`WriteError::CannotStateCrs`].
    pub fn new(format: Format, definition: Arc<LayerDefinition>) -> Result<Self, WriteError> {
        let epsg = definition.geometry().crs.epsg();
        if format == Format::GeoJsonSequence && epsg != GEOJSON_EPSG {
            return Err(WriteError::CannotStateCrs(epsg));
        }
        Ok(Self {
            format,
            definition,
            written: 0,
        })
    }

    /// Appends what stands before the first element.
    pub fn header(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::GeoJson => geojson::header(self.definition.geometry().crs.epsg(), out),
            Format::GeoJsonSequence => {}
            Format::Csv => csv::header(&self.definition, out),
        }
    }

    /// Appends an element, read with its geometry and with all attributes in the order of the definition.
    ///
    /// # Errors
    /// [`WriteError::Incomplete`], [`WriteError::Json`]; nothing has been appended then.
    pub fn element(&mut self, element: &Element, out: &mut Vec<u8>) -> Result<(), WriteError> {
        let shape = element.geometry.as_deref().and_then(from_wkb);
        let complete = element.values.len() == self.definition.attributes().len();
        let shape = shape
            .filter(|_| complete)
            .ok_or(WriteError::Incomplete(element.id))?;
        let start = out.len();
        let written = self.write(element, shape, out);
        if written.is_err() {
            out.truncate(start);
        }
        self.written += 1;
        written.map_err(WriteError::Json)
    }

    fn write(&self, element: &Element, shape: Shape, out: &mut Vec<u8>) -> io::Result<()> {
        let wound = self.definition.geometry().crs.epsg() == GEOJSON_EPSG;
        match self.format {
            Format::GeoJson => {
                out.extend_from_slice(if self.written == 0 { b"\n" } else { b",\n" });
                let shape = if wound { shape.wound() } else { shape };
                geojson::feature(&self.definition, element, &shape, out)
            }
            Format::GeoJsonSequence => {
                geojson::feature(&self.definition, element, &shape.wound(), out)?;
                out.push(b'\n');
                Ok(())
            }
            Format::Csv => {
                csv::record(element, &shape, out);
                Ok(())
            }
        }
    }

    /// Appends what stands behind the last element.
    pub fn footer(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::GeoJson => out.extend_from_slice(b"\n]}\n"),
            Format::GeoJsonSequence | Format::Csv => {}
        }
    }
}
