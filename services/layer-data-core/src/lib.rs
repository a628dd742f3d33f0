//! Layers, elements, edits and queries.
