//! Geometries on a grid, read as the contract says, against the same ones as they are (R115).

use std::collections::BTreeSet;

use jmap_proto::{
    layerdata::{
        Element, LayerQuery, Quantization, QuantizedGeometry, ReadElementsRequest,
        read_elements_response::Part,
    },
    types::GeometryType,
};
use prost::Message;
use testkit::{Caller, Stage};

use crate::files::real_layer;

const EARTH: &str = "
world: a project for real data
projects: [{ project: earth }]
";

/// A small map of the world, from its upper left corner on.
const GRID: Quantization = Quantization {
    origin_x: -20_037_508.0,
    origin_y: 20_037_508.0,
    cell_size: 20_000.0,
};

type Cell = (i64, i64);

async fn read(by: &Caller, layer_id: i64, quantization: Option<Quantization>) -> Vec<Element> {
    let query = LayerQuery {
        layer_id,
        output_epsg: 3857,
        quantization,
        ..LayerQuery::default()
    };
    let request = ReadElementsRequest {
        queries: vec![query],
        partial: false,
    };
    let stream = by.elements().read_elements(request).await;
    let (mut stream, mut elements) = (stream.unwrap().into_inner(), Vec::new());
    while let Some(message) = stream.message().await.unwrap() {
        match message.part.unwrap() {
            Part::Header(header) => assert_eq!(header.quantization, quantization),
            Part::Batch(batch) => elements.extend(batch.elements),
            Part::Trailer(_) => {}
            Part::Error(error) => panic!("{error:?}"),
        }
    }
    elements
}

/// Ordinary WKB that is being read.
struct Wkb<'a>(&'a [u8]);

impl Wkb<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (bytes, rest) = self.0.split_first_chunk::<N>().unwrap();
        self.0 = rest;
        *bytes
    }

    fn count(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn position(&mut self) -> [f64; 2] {
        [(); 2].map(|()| f64::from_le_bytes(self.take()))
    }

    /// All positions of lines and polygons, in their order.
    fn positions(&mut self) -> Vec<[f64; 2]> {
        let [_order] = self.take();
        let (kind, count) = (self.count(), self.count());
        let members = (0..count).map(|_| match kind {
            2 => vec![self.position()],
            3 => (0..self.count()).map(|_| self.position()).collect(),
            _ => self.positions(),
        });
        members.collect::<Vec<_>>().concat()
    }
}

/// The parts of a geometry on a grid, read as the contract says.
fn parts(drawn: &QuantizedGeometry) -> Vec<Vec<Cell>> {
    let (mut x, mut y) = (0, 0);
    let mut cells = drawn.deltas.chunks_exact(2).map(|delta| {
        (x, y) = (x + delta[0], y + delta[1]);
        (x, y)
    });
    let sizes = drawn.part_sizes.iter();
    let parts = sizes.map(|size| cells.by_ref().take(*size as usize).collect());
    let parts = parts.collect();
    assert_eq!(cells.next(), None, "parts have all positions");
    parts
}

/// Each cell that is told has a position of the element within half a cell, and what is told is well formed.
fn agrees(exact: &Element, drawn: &QuantizedGeometry) {
    let near = |offset: f64| format!("{:.0}", (offset / GRID.cell_size).round());
    let positions = Wkb(&exact.geometry).positions();
    let cells = positions.iter().map(|[x, y]| {
        let (column, row) = (near(x - GRID.origin_x), near(y - GRID.origin_y));
        (column.parse().unwrap(), row.parse().unwrap())
    });
    let cells: BTreeSet<Cell> = cells.collect();
    let parts = parts(drawn);
    for part in &parts {
        assert!(part.iter().all(|cell| cells.contains(cell)));
        assert!(part.windows(2).all(|pair| pair[0] != pair[1]));
        let is_ring = !drawn.polygon_sizes.is_empty();
        assert!(part.len() >= if is_ring { 4 } else { 2 });
        assert!(!is_ring || part.first() == part.last(), "rings are closed");
    }
    let rings: u32 = drawn.polygon_sizes.iter().sum();
    assert!(rings == 0 || rings as usize == parts.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_geometries_on_a_grid_are_what_they_are_to_half_a_cell() {
    let stage = Stage::set(EARTH).await;
    let administrator = stage.caller("administrator").await;
    let project = stage.floor.project("earth");
    for (name, kind) in [
        ("rivers", GeometryType::Any),
        ("countries", GeometryType::MultiPolygon),
    ] {
        let layer = real_layer(&administrator, project, name, kind).await;
        let exact = read(&administrator, layer, None).await;
        let drawn = read(&administrator, layer, Some(GRID)).await;
        assert_eq!(exact.len(), drawn.len());
        let (mut bytes, mut left) = ((0, 0), 0);
        for (exact, drawn) in exact.iter().zip(&drawn) {
            assert_eq!(exact.geometry_outside, drawn.geometry_outside);
            assert!(drawn.geometry.is_empty());
            let Some(quantized) = &drawn.quantized else {
                assert!(exact.geometry_outside, "{name}");
                continue;
            };
            agrees(exact, quantized);
            left += quantized.part_sizes.len();
            bytes.0 += exact.geometry.len();
            bytes.1 += quantized.encoded_len();
        }
        assert!(left > 100, "{name}: {left} parts are left");
        assert!(bytes.1 * 8 < bytes.0, "{name}: {bytes:?}");
    }
}
