//! Calls that leave layer-data.
