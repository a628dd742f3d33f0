//! Counts the bytes of a row, so that a row without an end stops the reading and not the machine.

use std::io::{self, Read};

/// A reader that gives out a limited number of bytes, until it is told that a new row begins.
#[derive(Debug)]
pub(crate) struct Meter<R> {
    inner: R,
    limit: usize,
    left: usize,
}

/// The row's bytes are used up.
#[derive(Debug, thiserror::Error)]
#[error("the row is too large")]
pub(crate) struct UsedUp;

impl<R: Read> Meter<R> {
    pub(crate) const fn new(inner: R, limit: usize) -> Self {
        Self {
            inner,
            limit,
            left: limit,
        }
    }

    /// Begins a new row.
    pub(crate) const fn reset(&mut self) {
        self.left = self.limit;
    }

    /// Whether an error means that the row's bytes are used up.
    pub(crate) fn is_used_up(error: &io::Error) -> bool {
        matches!(error.get_ref(), Some(inner) if inner.is::<UsedUp>())
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let room = buffer.len().min(self.left);
        let Some(part) = buffer.get_mut(..room).filter(|part| !part.is_empty()) else {
            return Err(io::Error::other(UsedUp));
        };
        let count = self.inner.read(part)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}
