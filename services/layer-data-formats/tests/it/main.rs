//! Files as people and programs make them, well and ill, through the public interface.

#![cfg(test)]

mod csv;
mod gdal;
mod geojson;
mod hostile;
mod propose;
mod real_data;
mod round_trip;
mod support;
