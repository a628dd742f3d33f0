//! Which elements of a layer are meant.

use std::str::FromStr;

use clap::Args;
use jmap_proto::{
    layerdata::{
        AsOf, Filter, Layer, Selection, SpatialCondition, SpatialRelation, as_of::At, filter,
        spatial_condition::Operand,
    },
    types::Box as Extent,
};
use jmap_wire::timestamp;

use crate::{
    condition::{self, Where},
    error::Failure,
    geometry::wkb_of_wkt,
};

/// Which elements
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which elements")]
pub(crate) struct SelectionArgs {
    /// Only these elements
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    ids: Vec<i64>,
    /// Only elements whose bounding box meets this one; EPSG when it is not the layer's own
    #[arg(
        long,
        value_name = "MIN_X,MIN_Y,MAX_X,MAX_Y[,EPSG]",
        allow_hyphen_values = true
    )]
    bbox: Option<BoxSpec>,
    /// Only elements whose attributes satisfy this: ATTRIBUTE = != < <= > >= VALUE, `in (A, B)`, `contains TEXT`,
    /// `is null`, `is not null`, `is empty`, combined with `and`; may be repeated
    #[arg(long = "where", value_name = "CONDITION", id = "conditions")]
    conditions: Vec<Where>,
    /// Only elements that share a position with this geometry
    #[arg(long, value_name = "WKT")]
    intersects: Option<String>,
    /// Of the layer as it was at a revision, or at a time such as `2026-11-17T12:00Z`
    #[arg(long, value_name = "REVISION|TIME")]
    as_of: Option<LayerMoment>,
}

/// A past state of a layer as the command line states it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LayerMoment(At);

impl LayerMoment {
    /// The state of the contract.
    pub(super) const fn as_of(self) -> AsOf {
        AsOf { at: Some(self.0) }
    }
}

impl FromStr for LayerMoment {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if let Ok(revision) = text.parse() {
            return Ok(Self(At::Revision(revision)));
        }
        let time = text.parse::<jiff::Timestamp>();
        let time = time.map(|time| At::Time(timestamp(time.as_millisecond())));
        time.map(Self).map_err(
            |_neither| "is neither a revision nor a time with its zone, such as 2026-11-17T12:00Z",
        )
    }
}

/// A box as the command line states it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct BoxSpec(Extent);

impl FromStr for BoxSpec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let refusal = || format!("`{text}` is not written as MIN_X,MIN_Y,MAX_X,MAX_Y[,EPSG]");
        let parts: Vec<_> = text.split(',').map(str::trim).collect();
        let (edges, epsg) = parts.split_at_checked(4).ok_or_else(refusal)?;
        let epsg = match epsg {
            [] => 0,
            [epsg] => epsg.parse().ok().ok_or_else(refusal)?,
            _ => return Err(refusal()),
        };
        let edges = edges.iter().map(|edge| edge.parse().ok());
        match edges.collect::<Option<Vec<f64>>>().as_deref() {
            Some(&[min_x, min_y, max_x, max_y]) => Ok(Self(Extent {
                min_x,
                min_y,
                max_x,
                max_y,
                epsg,
            })),
            Some(_) | None => Err(refusal()),
        }
    }
}

impl SelectionArgs {
    /// The selection of the contract; conditions are bound to the layer's attributes.
    pub(super) fn bind(&self, layer: &Layer) -> Result<Selection, Failure> {
        let definition = layer.definition.as_ref();
        let attributes = definition.map_or(&[][..], |definition| &definition.attributes);
        let tree = condition::bind(&self.conditions, attributes).map_err(Failure::usage)?;
        Ok(Selection {
            element_ids: self.ids.clone(),
            r#box: self.bbox.map(|BoxSpec(extent)| extent),
            spatial: self.spatial()?,
            filter: tree.map(|tree| Filter {
                form: Some(filter::Form::Tree(tree)),
            }),
            as_of: self.as_of.map(LayerMoment::as_of),
        })
    }

    fn spatial(&self) -> Result<Option<SpatialCondition>, Failure> {
        let Some(wkt) = &self.intersects else {
            return Ok(None);
        };
        let geometry = wkb_of_wkt(wkt).map_err(Failure::usage)?;
        Ok(Some(SpatialCondition {
            relation: SpatialRelation::Intersects.into(),
            operand: Some(Operand::Geometry(geometry.into())),
            epsg: 0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_has_four_edges_and_perhaps_a_reference_system() {
        let BoxSpec(extent) = "-10, 35.5,5,45".parse().unwrap();
        assert_eq!((extent.min_x, extent.max_y, extent.epsg), (-10.0, 45.0, 0));
        let BoxSpec(extent) = "0,0,1,1,3857".parse().unwrap();
        assert_eq!(extent.epsg, 3857);
        for wrong in ["", "1,2,3", "1,2,3,x", "1,2,3,4,5,6", "1,2,3,4,x"] {
            assert!(wrong.parse::<BoxSpec>().is_err(), "{wrong}");
        }
    }
}
