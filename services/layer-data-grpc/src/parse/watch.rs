//! What of which layers is watched.

use std::collections::HashSet;

use jmap_domain::{DataRevision, LayerId};
use jmap_proto::layerdata::{LayerWatch, layer_watch::Start as WireStart};
use jmap_wire::{FieldPath, FieldViolation, PageTokenKey, Violation, id};
use layer_data_core::{feed::FeedInput, query::OutputInput};

use super::{Mask, Shape, mask, query::box_input, shape};
use crate::position::Position;

/// Most layers of one call.
const MAX_LAYERS: usize = 32;

/// A layer to watch, and how its elements are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) input: FeedInput,
    pub(crate) start: Start,
    pub(crate) mask: Mask,
    pub(crate) shape: Shape,
}

/// Which change comes first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// The next one.
    Now,
    /// The first one after this revision.
    Revision(DataRevision),
    /// The first one after this position.
    Position(Position),
}

/// Parses what is watched.
pub(crate) fn watched_layers(
    layers: Vec<LayerWatch>,
    key: &PageTokenKey,
) -> Result<Vec<Watched>, FieldViolation> {
    let path = FieldPath::of("layers");
    if layers.is_empty() {
        return Err(path.violates(Violation::Missing));
    }
    if layers.len() > MAX_LAYERS {
        let maximum = MAX_LAYERS;
        return Err(path.violates(Violation::TooMany { maximum }));
    }
    let mut known = HashSet::new();
    let parse = |(index, layer)| {
        let watched = watched(&path.item(index), layer, key)?;
        if known.insert(watched.input.layer) {
            Ok(watched)
        } else {
            let field = path.item(index).field("layer_id");
            Err(field.invalid("is watched already"))
        }
    };
    layers.into_iter().enumerate().map(parse).collect()
}

fn watched(
    path: &FieldPath,
    wire: LayerWatch,
    key: &PageTokenKey,
) -> Result<Watched, FieldViolation> {
    let LayerWatch {
        layer_id,
        start: first,
        r#box: bbox,
        mask: wanted,
        output_epsg,
    } = wire;
    let layer = id(path.field("layer_id"), layer_id)?;
    let bbox = bbox.map(|bbox| box_input(&path.field("box"), bbox));
    let mask = mask(&path.field("mask"), wanted)?;
    Ok(Watched {
        input: FeedInput {
            layer,
            bbox: bbox.transpose()?,
            output: OutputInput {
                order: Vec::new(),
                ..mask.output.clone()
            },
        },
        start: start(path, first, (layer, key))?,
        mask,
        shape: shape(path, (output_epsg, 0.0, None))?,
    })
}

fn start(
    path: &FieldPath,
    wire: Option<WireStart>,
    (layer, key): (LayerId, &PageTokenKey),
) -> Result<Start, FieldViolation> {
    match wire {
        None => Ok(Start::Now),
        Some(WireStart::AfterRevision(number)) => {
            let negative = || path.field("after_revision").invalid("is negative");
            let revision = DataRevision::new(number).ok_or_else(negative)?;
            Ok(Start::Revision(revision))
        }
        Some(WireStart::AfterPosition(text)) => {
            let foreign = || {
                path.field("after_position")
                    .invalid("is no position of the layer")
            };
            let position = Position::open(key, layer, &text).ok_or_else(foreign)?;
            Ok(Start::Position(position))
        }
    }
}
