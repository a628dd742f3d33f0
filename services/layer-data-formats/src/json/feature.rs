//! A GeoJSON feature as a row.

use crate::{
    error::{RowError, RowFault},
    geometry::from_geojson,
    row::{Cell, RawRow},
};

/// Takes a feature apart. Members that the RFC does not know are left out.
pub(super) fn row_of(number: u64, feature: Cell) -> Result<RawRow, RowError> {
    let not_a_feature = RowError {
        row: number,
        field: None,
        fault: RowFault::NotAFeature,
    };
    let Cell::Object(members) = feature else {
        return Err(not_a_feature);
    };
    let mut is_feature = false;
    let mut row = RawRow {
        number,
        id: Cell::Null,
        shape: Ok(None),
        shape_field: "geometry".to_owned(),
        fields: Vec::new(),
    };
    for (name, cell) in members {
        match (name.as_str(), cell) {
            ("type", Cell::Text(text)) => is_feature = text == "Feature",
            ("id", cell) => row.id = cell,
            ("geometry", cell) => row.shape = from_geojson(cell),
            ("properties", Cell::Object(properties)) => row.fields = properties,
            ("properties", Cell::Null) => {}
            ("properties", _) => return Err(not_a_feature),
            _ => {}
        }
    }
    if is_feature {
        Ok(row)
    } else {
        Err(not_a_feature)
    }
}
