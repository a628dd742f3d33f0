//! Benchmarks that measure their own floor.
