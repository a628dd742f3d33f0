//! Which elements of a layer are meant.

use std::str::FromStr;

use clap::Args;
use jmap_proto::{
    layerdata::{
        AsOf, Circle, Filter, Layer, Selection, SpatialCondition, SpatialRelation, as_of::At,
        filter, spatial_condition::Operand,
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
    /// Only elements for which this filter is true, as OGC CQL2 text: `casei(name) like casei('san%') and not (a > 5 or
    /// b is null)`; a place is `s_within(geometry, POLYGON(...))`
    #[arg(long, value_name = "CQL2", conflicts_with = "conditions")]
    filter: Option<String>,
    /// Only elements that share a position with this: WKT, or a circle as `circle X,Y,METRES`
    #[arg(long, value_name = "SHAPE", group = "relation")]
    intersects: Option<ShapeSpec>,
    /// Only elements that lie inside of this
    #[arg(long, value_name = "SHAPE", group = "relation")]
    within: Option<ShapeSpec>,
    /// Only elements that have this inside of them
    #[arg(long, value_name = "SHAPE", group = "relation")]
    contains: Option<ShapeSpec>,
    /// Only elements that share no position with this
    #[arg(long, value_name = "SHAPE", group = "relation")]
    disjoint: Option<ShapeSpec>,
    /// EPSG code that the shape is given in [default: the layer's own]
    #[arg(
        long,
        value_name = "EPSG",
        default_value_t = 0,
        hide_default_value = true,
        requires = "relation"
    )]
    shape_epsg: i32,
    /// Of the layer as it was at a revision, or at a time such as `2026-11-17T12:00Z`
    #[arg(long, value_name = "REVISION|TIME")]
    as_of: Option<LayerMoment>,
}

/// A shape to compare with, as the command line states it.
#[derive(Clone, Debug, PartialEq)]
struct ShapeSpec(Box<Operand>);

impl From<Operand> for ShapeSpec {
    fn from(operand: Operand) -> Self {
        Self(Box::new(operand))
    }
}

impl FromStr for ShapeSpec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.trim().split_once(' ');
        let circle = words.filter(|(word, _)| word.eq_ignore_ascii_case("circle"));
        let Some((_, circle)) = circle else {
            return wkb_of_wkt(text).map(|wkb| Operand::Geometry(wkb.into()).into());
        };
        let numbers = circle.split(',').map(|number| number.trim().parse().ok());
        match numbers.collect::<Option<Vec<f64>>>().as_deref() {
            Some(&[x, y, radius]) => Ok(Operand::Circle(Circle { x, y, radius }).into()),
            Some(_) | None => Err(format!("`{text}` is not written as circle X,Y,METRES")),
        }
    }
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
pub(super) struct BoxSpec(Extent);

impl BoxSpec {
    /// The box of the contract.
    pub(super) const fn extent(self) -> Extent {
        self.0
    }
}

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
            r#box: self.bbox.map(BoxSpec::extent),
            spatial: self.spatial(),
            filter: tree
                .map(filter::Form::Tree)
                .or_else(|| self.filter.clone().map(filter::Form::Cql2Text))
                .map(|form| Filter { form: Some(form) }),
            as_of: self.as_of.map(LayerMoment::as_of),
        })
    }

    fn spatial(&self) -> Option<SpatialCondition> {
        let (relation, ShapeSpec(operand)) = [
            (SpatialRelation::Intersects, &self.intersects),
            (SpatialRelation::Within, &self.within),
            (SpatialRelation::Contains, &self.contains),
            (SpatialRelation::Disjoint, &self.disjoint),
        ]
        .into_iter()
        .find_map(|(relation, shape)| Some((relation, shape.as_ref()?)))?;
        Some(SpatialCondition {
            relation: relation.into(),
            operand: Some(Operand::clone(operand)),
            epsg: self.shape_epsg,
        })
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

    #[test]
    fn a_shape_is_a_geometry_or_a_circle() {
        // R110.
        let circle: ShapeSpec = "Circle 2.35, -48.85,500".parse().unwrap();
        let expected = Circle {
            x: 2.35,
            y: -48.85,
            radius: 500.0,
        };
        assert_eq!(circle, Operand::Circle(expected).into());
        let ShapeSpec(point) = "POINT (1 2)".parse().unwrap();
        assert!(matches!(*point, Operand::Geometry(_)));
        for wrong in [
            "",
            "circle",
            "circle 1,2",
            "circle 1,2,3,4",
            "circle 1,2,x",
            "square 1,2",
        ] {
            assert!(wrong.parse::<ShapeSpec>().is_err(), "{wrong}");
        }
    }
}
