//! CSV that people and programs write.

use layer_data_core::{geometry::Bounds, value::Value};
use layer_data_formats::{CsvOptions, FileError, Format, GeometryColumns, ReadOptions, Reader};

use crate::support::{element, hydrants, open, rows};

#[test]
fn positions_come_from_their_usual_columns() {
    let layer = hydrants();
    for header in [
        "name,Longitude,latitude",
        "name,lon,lat",
        "name,X,Y",
        "name,lng,lat",
    ] {
        let text = format!("{header}\r\nold,7.5,47.25\r\n");
        let row = rows(open(Format::Csv, &text, &layer)).remove(0).unwrap();
        let bounds = element(row, &layer).geometry().bounds();
        assert_eq!((bounds.min_x, bounds.min_y), (7.5, 47.25), "{header}");
    }
}

#[test]
fn a_wkt_column_goes_before_positions() {
    let layer = hydrants();
    let mut reader = open(Format::Csv, "x,y,WKT,size\n1,2,POINT (7 8),3\n", &layer);
    let row = reader.next().unwrap().unwrap();
    assert_eq!(reader.ignored(), ["x", "y"]);
    assert_eq!(
        element(row, &layer).geometry().bounds(),
        Bounds::of(7.0, 8.0)
    );
}

#[test]
fn named_columns_and_another_delimiter_are_taken() {
    let layer = hydrants();
    let geometry = GeometryColumns::Position {
        x: "east".into(),
        y: "north".into(),
        z: None,
    };
    let csv = CsvOptions {
        delimiter: b';',
        geometry: Some(geometry),
    };
    let options = ReadOptions {
        csv,
        renamed: [("bezeichnung".to_owned(), "name".to_owned())].into(),
        ..ReadOptions::default()
    };
    let text = "bezeichnung;east;north\nalt, rot;7;47\n";
    let reader = Reader::open(Format::Csv, text.as_bytes(), layer.clone(), options).unwrap();
    let row = rows(reader).remove(0).unwrap();
    assert_eq!(
        element(row, &layer).values(),
        [Value::text("alt, rot").unwrap(), Value::Null]
    );
}

#[test]
fn nothing_is_null_and_two_quotes_are_an_empty_text() {
    // R104.
    let layer = hydrants();
    let text = "name,size,x,y\n,,1,2\n\"\",\"\",1,2\n";
    let elements: Vec<_> = rows(open(Format::Csv, text, &layer))
        .into_iter()
        .map(|row| element(row.unwrap(), &layer))
        .collect();
    assert_eq!(elements[0].values(), [Value::Null, Value::Null]);
    assert_eq!(
        elements[1].values(),
        [Value::text("").unwrap(), Value::Null]
    );
}

#[test]
fn a_bad_row_is_named_and_the_next_one_is_read() {
    // R105.
    let layer = hydrants();
    let mut bytes = b"name,size,x,y\na,many,1,2\na,1,1\na,1,east,2\na,1,,\n\"a\"b,1,1,2\n".to_vec();
    bytes.extend(b"\xff,1,1,2\nlast,1,1,2\n");
    let reader =
        Reader::open(Format::Csv, bytes.as_slice(), layer, ReadOptions::default()).unwrap();
    let rows = rows(reader);
    let errors: Vec<_> = rows
        .iter()
        .filter_map(|row| row.as_ref().err())
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        errors,
        [
            "row 1, `size`: the text is not an integer",
            "row 2: the row has 3 values and the header has 4 columns",
            "row 3, `x`: a coordinate must be a number",
            "row 4, `x`: a geometry is required",
            "row 5: text follows a closing quote",
            "row 6: the row is not UTF-8 text",
        ]
    );
    assert_eq!(rows[6].as_ref().unwrap().number, 7);
}

#[test]
fn a_header_without_use_is_refused() {
    let open = |text: &'static str| {
        Reader::open(
            Format::Csv,
            text.as_bytes(),
            hydrants(),
            ReadOptions::default(),
        )
        .map(|_| ())
        .unwrap_err()
    };
    assert!(matches!(open(""), FileError::NoHeader));
    assert!(matches!(open("name,size\n"), FileError::NoGeometryColumn));
    assert!(matches!(open("lon,name\n"), FileError::NoGeometryColumn));
    assert!(matches!(open("a,x,y,a\n"), FileError::DuplicateColumn(name) if name == "a"));
}
