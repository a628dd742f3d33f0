//! The command line: runs the pair, administers, imports, exports.
