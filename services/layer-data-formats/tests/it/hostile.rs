//! Files that lie or never end: a clear refusal, within bounds.

use std::io::{self, Cursor, Read};

use layer_data_formats::{FileError, Format, Limits, ReadOptions, Reader};
use proptest::prelude::*;

use crate::support::{broken, hydrants, open};

const SMALL: Limits = Limits {
    row_bytes: 100_000,
    row_values: 1_000,
    depth: 16,
    columns: 100,
};

/// Reads a start and then the same bytes for ever, within small limits.
fn endless(format: Format, start: &str, again: &'static [u8]) -> FileError {
    let input = Cursor::new(start.to_owned()).chain(Again {
        bytes: again,
        at: 0,
    });
    let options = ReadOptions {
        limits: SMALL,
        ..ReadOptions::default()
    };
    match Reader::open(format, input, hydrants(), options) {
        Ok(reader) => broken(reader).1,
        Err(error) => error,
    }
}

struct Again {
    bytes: &'static [u8],
    at: usize,
}

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for slot in buffer.iter_mut() {
            *slot = self.bytes[self.at % self.bytes.len()];
            self.at += 1;
        }
        Ok(buffer.len())
    }
}

const START: &str = r#"{"type":"FeatureCollection","features":["#;

#[test]
fn a_row_without_end_is_refused() {
    for (start, again, unit) in [
        (r#"{"type":""#, b"x".as_slice(), "bytes"),
        (r#"{"a":["#, b"1,", "bytes"),
        (
            r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":""#,
            b"x",
            "bytes",
        ),
        (
            r#"{"type":"FeatureCollection","features":[{"geometry":{"coordinates":["#,
            b"[1,2],",
            "values",
        ),
        (
            r#"{"type":"FeatureCollection","features":[{"geometry":{"coordinates":["#,
            b"1,",
            "values",
        ),
        (
            r#"{"type":"FeatureCollection","features":[{"id":"#,
            b"1",
            "bytes",
        ),
        (r#"{"type":"FeatureCollection","features":["#, b" ", "bytes"),
        (
            r#"{"type":"FeatureCollection","features":[]}"#,
            b" ",
            "bytes",
        ),
    ] {
        let error = endless(Format::GeoJson, start, again);
        assert!(
            matches!(&error, FileError::TooLarge { unit: found, .. } if *found == unit),
            "{start}: {error}"
        );
    }
    assert!(matches!(
        endless(Format::GeoJsonSequence, "{", b"x"),
        FileError::TooLarge { unit: "bytes", .. }
    ));
    assert!(matches!(
        endless(Format::Csv, "x,y\n\"", b"x"),
        FileError::TooLarge {
            row: 1,
            unit: "bytes",
            ..
        }
    ));
    assert!(matches!(
        endless(Format::Csv, "x,y\n", b","),
        FileError::TooLarge {
            row: 1,
            unit: "columns",
            ..
        }
    ));
    assert!(matches!(
        endless(Format::Csv, "", b"a"),
        FileError::TooLarge { row: 0, .. }
    ));
}

#[test]
fn a_file_of_any_length_is_read_if_its_rows_are_small() {
    let feature =
        r#"{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[1,2]}}"#;
    let text = format!(
        "{START}{}{feature}]}}",
        format!("{feature},").repeat(20_000)
    );
    let options = ReadOptions {
        limits: SMALL,
        ..ReadOptions::default()
    };
    assert!(text.len() > 10 * SMALL.row_bytes);
    let reader = Reader::open(Format::GeoJson, text.as_bytes(), hydrants(), options).unwrap();
    assert_eq!(reader.flatten().count(), 20_001);
}

#[test]
fn nesting_without_end_is_refused() {
    for start in [
        r#"{"a":"#,
        r#"{"type":"FeatureCollection","features":["#,
        r#"{"type":"FeatureCollection","crs":"#,
    ] {
        for again in [b"[".as_slice(), b"{\"a\":"] {
            let error = endless(Format::GeoJson, start, again);
            assert!(
                error
                    .to_string()
                    .starts_with("more than 16 arrays and objects inside each other"),
                "{error}"
            );
        }
    }
}

#[test]
fn different_properties_without_end_are_refused() {
    let properties: Vec<_> = (0..=SMALL.columns).map(|n| format!("\"p{n}\":1")).collect();
    let feature = format!(
        r#"{{"type":"Feature","properties":{{{}}},"geometry":{{"type":"Point","coordinates":[1,2]}}}}"#,
        properties.join(",")
    );
    let options = ReadOptions {
        limits: SMALL,
        ..ReadOptions::default()
    };
    let reader = Reader::open(
        Format::GeoJsonSequence,
        feature.as_bytes(),
        hydrants(),
        options,
    )
    .unwrap();
    assert!(matches!(
        broken(reader).1,
        FileError::TooLarge {
            unit: "columns",
            ..
        }
    ));
}

#[test]
fn a_file_that_is_something_else_is_refused() {
    let layer = hydrants();
    for text in [
        "{}",
        "[]",
        "17",
        r#"{"type":"Topology","objects":{}}"#,
        r#"{"type":"FeatureCollection"}"#,
        r#"{"type":"FeatureCollection","features":{}}"#,
        r#"{"features":[]}"#,
        r#"{"features":[],"type":"Feature"}"#,
        r#"{"type":7,"features":[]}"#,
    ] {
        let (_, error) = broken(open(Format::GeoJson, text, &layer));
        assert!(
            matches!(error, FileError::NotAFeatureCollection),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_file_that_breaks_off_says_where() {
    let layer = hydrants();
    let feature = r#"{"type":"Feature","properties":{"size":1},"geometry":{"type":"Point","coordinates":[1,2]}}"#;
    let text = format!("{START}{feature}]}}");
    for end in 0..text.len() {
        let (rows, error) = broken(open(Format::GeoJson, &text[..end], &layer));
        assert!(matches!(error, FileError::Broken(_)), "{end}: {error}");
        assert!(rows <= 1);
    }
    for tail in ["x", "{}", ",", "]"] {
        let text = format!("{text}{tail}");
        assert!(
            matches!(
                broken(open(Format::GeoJson, &text, &layer)),
                (1, FileError::Broken(_))
            ),
            "{tail}"
        );
    }
}

#[test]
fn a_second_list_of_features_is_refused() {
    let text = format!(r#"{START}],"features":[]}}"#);
    assert!(matches!(
        broken(open(Format::GeoJson, &text, &hydrants())),
        (0, FileError::Broken(_))
    ));
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let mut bytes = START.as_bytes().to_vec();
    bytes.extend(b"{\"type\":\"\xff\"}]}");
    let reader = Reader::open(
        Format::GeoJson,
        bytes.as_slice(),
        hydrants(),
        ReadOptions::default(),
    )
    .unwrap();
    assert_eq!(
        broken(reader).1.to_string().split(" at ").next(),
        Some("text that is not UTF-8")
    );
}

#[test]
fn an_input_that_fails_is_not_the_file_s_fault() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    for (format, start) in [
        (Format::GeoJson, START),
        (Format::GeoJsonSequence, "{}\n{}"),
        (Format::Csv, "x,y\n1,"),
    ] {
        let input = Cursor::new(start).chain(Failing);
        let reader = Reader::open(format, input, hydrants(), ReadOptions::default()).unwrap();
        let (_, error) = broken(reader);
        assert!(matches!(error, FileError::Io(_)));
        assert!(
            !error.to_string().contains("disk"),
            "driver text stays inside"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the bytes, reading ends and never panics.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0..4_usize) {
        let starts = ["", START, "x,y,name\n", "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":["];
        let mut input = starts[start].as_bytes().to_vec();
        input.extend(bytes);
        for format in [Format::GeoJson, Format::GeoJsonSequence, Format::Csv] {
            if let Ok(reader) = Reader::open(format, input.as_slice(), hydrants(), ReadOptions::default()) {
                prop_assert!(reader.count() <= input.len() + 1);
            }
        }
    }

    /// The same for texts that are nearly GeoJSON.
    #[test]
    fn any_json_is_read_or_refused(text in r#"[\[\]{},:"0-9e.\-]{0,60}"#) {
        for start in [START, "", "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"geometry\":"] {
            let text = format!("{start}{text}");
            for format in [Format::GeoJson, Format::GeoJsonSequence] {
                prop_assert!(open(format, &text, &hydrants()).count() <= text.len() + 1);
            }
        }
    }
}
