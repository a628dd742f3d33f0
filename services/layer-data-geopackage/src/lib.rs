//! Embedded storage: one GeoPackage file.
