//! Lines in areas and on lines, piece by piece. The library's own comparison makes a node of every crossing of a
//! geometry with itself, and lines may cross themselves as often as the square of their number.

use std::iter;

use geo::{Kernel, Orientation, PreparedGeometry, Relate, kernels::RobustKernel};
use geo_types::{Coord, Geometry as GeoGeometry, Line, LineString};

/// Whether lines lie in an area, and not on its border alone, or on other lines.
pub(super) fn are_within(inner: &GeoGeometry, outer: &GeoGeometry) -> bool {
    let pieces = pieces(inner).filter(|piece| piece.start != piece.end);
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return false;
    }
    match outer {
        GeoGeometry::Line(_) | GeoGeometry::LineString(_) | GeoGeometry::MultiLineString(_) => {
            pieces.all(|piece| is_on(piece, outer))
        }
        GeoGeometry::Point(_)
        | GeoGeometry::Polygon(_)
        | GeoGeometry::MultiPoint(_)
        | GeoGeometry::MultiPolygon(_)
        | GeoGeometry::GeometryCollection(_)
        | GeoGeometry::Rect(_)
        | GeoGeometry::Triangle(_) => are_in(pieces, outer),
    }
}

fn pieces(lines: &GeoGeometry) -> Box<dyn Iterator<Item = Line> + '_> {
    match lines {
        GeoGeometry::Line(line) => Box::new(iter::once(*line)),
        GeoGeometry::LineString(line) => Box::new(line.lines()),
        GeoGeometry::MultiLineString(lines) => Box::new(lines.iter().flat_map(LineString::lines)),
        GeoGeometry::Point(_)
        | GeoGeometry::Polygon(_)
        | GeoGeometry::MultiPoint(_)
        | GeoGeometry::MultiPolygon(_)
        | GeoGeometry::GeometryCollection(_)
        | GeoGeometry::Rect(_)
        | GeoGeometry::Triangle(_) => Box::new(iter::empty()),
    }
}

fn are_in(mut pieces: impl Iterator<Item = Line>, area: &GeoGeometry) -> bool {
    let (area, mut is_inside) = (PreparedGeometry::from(area), false);
    let is_covered = pieces.all(|piece| {
        let found = area.relate(&GeoGeometry::Line(piece));
        is_inside |= found.is_contains();
        found.is_covers()
    });
    is_covered && is_inside
}

/// Whether the parts of lines that run along a piece leave no gap in it.
fn is_on(piece: Line, lines: &GeoGeometry) -> bool {
    let delta = piece.delta();
    let along = |at: Coord| {
        if delta.x.abs() < delta.y.abs() {
            at.y
        } else {
            at.x
        }
    };
    let ends = |line: Line| {
        let (start, end) = (along(line.start), along(line.end));
        (start.min(end), start.max(end))
    };
    let (least, greatest) = ends(piece);
    let runs_along = |line: &Line| {
        let (from, to) = ends(*line);
        let is_on_it =
            |at| RobustKernel::orient2d(piece.start, piece.end, at) == Orientation::Collinear;
        from <= greatest && to >= least && is_on_it(line.start) && is_on_it(line.end)
    };
    let mut parts: Vec<_> = pieces(lines).filter(runs_along).map(ends).collect();
    parts.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let mut covered = least;
    for (from, to) in parts {
        if from > covered {
            return false;
        }
        covered = covered.max(to);
    }
    covered >= greatest
}
