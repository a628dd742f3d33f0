//! A GeoJSON feature collection, a feature at a time.

use std::io::Read;

use struson::reader::ValueType;

use super::{GEOJSON_EPSG, feature::row_of, value::Json};
use crate::{
    error::{Fault, FileError, ReadError},
    format::Limits,
    row::{Cell, RawRow, Source},
};

/// A feature collection that is being read.
pub(crate) struct Collection<R: Read> {
    stage: Stage<R>,
    rows: u64,
    typed: bool,
    epsg: Option<i32>,
}

enum Stage<R: Read> {
    /// Nothing has been read.
    Start(Json<R>),
    /// The next thing is a feature, or the end of them.
    Features(Json<R>),
    /// There is nothing more to be had.
    End,
}

impl<R: Read> Collection<R> {
    pub(crate) fn new(input: R, limits: Limits) -> Self {
        Self {
            stage: Stage::Start(Json::new(input, limits)),
            rows: 0,
            typed: false,
            epsg: None,
        }
    }

    fn advance(&mut self) -> Result<Option<RawRow>, ReadError> {
        let mut json = match std::mem::replace(&mut self.stage, Stage::End) {
            Stage::End => return Ok(None),
            Stage::Start(json) => self.start(json)?,
            Stage::Features(json) => json,
        };
        json.begin_row(self.rows + 1);
        if !json.has_next().map_err(ReadError::File)? {
            self.end(json)?;
            return Ok(None);
        }
        let feature = json.value()?;
        self.rows += 1;
        self.stage = Stage::Features(json);
        row_of(self.rows, feature).map(Some).map_err(ReadError::Row)
    }

    /// Reads up to the first feature.
    fn start(&mut self, mut json: Json<R>) -> Result<Json<R>, FileError> {
        if json.peek()? != ValueType::Object {
            return Err(FileError::NotAFeatureCollection);
        }
        json.begin_object()?;
        while json.has_next()? {
            match json.name()?.as_str() {
                "features" if json.peek()? == ValueType::Array => {
                    json.begin_array()?;
                    return Ok(json);
                }
                "features" => return Err(FileError::NotAFeatureCollection),
                "crs" => self.epsg = epsg_of(&json.value()?)?,
                name => self.member(name, &mut json)?,
            }
        }
        Err(FileError::NotAFeatureCollection)
    }

    /// Reads what follows the last feature.
    fn end(&mut self, mut json: Json<R>) -> Result<(), FileError> {
        json.end_array()?;
        while json.has_next()? {
            match json.name()?.as_str() {
                "features" => {
                    let what = "a second list of features".to_owned();
                    return Err(FileError::Broken(Fault {
                        what,
                        byte: json.position(),
                    }));
                }
                "crs" => {
                    let epsg = epsg_of(&json.value()?)?;
                    if epsg.is_some() && epsg != self.epsg() {
                        return Err(FileError::LateCrs);
                    }
                }
                name => self.member(name, &mut json)?,
            }
        }
        json.end_object()?;
        json.finish()?;
        if self.typed {
            Ok(())
        } else {
            Err(FileError::NotAFeatureCollection)
        }
    }

    fn member(&mut self, name: &str, json: &mut Json<R>) -> Result<(), FileError> {
        if name != "type" {
            return json.skip();
        }
        self.typed = json.value()? == Cell::Text("FeatureCollection".to_owned());
        if self.typed {
            Ok(())
        } else {
            Err(FileError::NotAFeatureCollection)
        }
    }
}

impl<R: Read> Source for Collection<R> {
    fn next_row(&mut self) -> Option<Result<RawRow, ReadError>> {
        self.advance().transpose()
    }

    fn epsg(&self) -> Option<i32> {
        Some(self.epsg.unwrap_or(GEOJSON_EPSG))
    }
}

/// The EPSG code in a `crs` member of the GeoJSON of 2008, which projected data still needs; `None` for null.
fn epsg_of(crs: &Cell) -> Result<Option<i32>, FileError> {
    if *crs == Cell::Null {
        return Ok(None);
    }
    let name = if let Cell::Text(name) = member(member(crs, "properties"), "name") {
        name
    } else {
        ""
    };
    // Versions differ (`OGC:1.3:CRS84`, `OGC::CRS84`); the system is the same.
    if name.starts_with("urn:ogc:def:crs:OGC:") && name.ends_with(":CRS84") {
        return Ok(Some(GEOJSON_EPSG));
    }
    let authority = name.strip_prefix("urn:ogc:def:crs:").unwrap_or(name);
    let code = authority
        .strip_prefix("EPSG:")
        .and_then(|code| code.rsplit(':').next()?.parse().ok());
    code.map(Some)
        .ok_or_else(|| FileError::UnknownCrs(name.chars().take(100).collect()))
}

fn member<'a>(cell: &'a Cell, name: &str) -> &'a Cell {
    let Cell::Object(members) = cell else {
        return &Cell::Null;
    };
    let found = members.iter().find(|(member, _)| member == name);
    found.map_or(&Cell::Null, |(_, cell)| cell)
}
