//! Where shared words meet protobuf: ids, field paths, statuses, page tokens.
