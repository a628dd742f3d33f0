//! Whoever looks at much without waiting for anything lets others of its thread go on in between: the storage keeps its
//! hold on the database by a task of its own.

use std::{future::poll_fn, task::Poll};

/// Bytes of geometries that are looked at in one go.
const TURN: usize = 64 << 10;

/// What was looked at since others had their turn.
#[derive(Debug, Default)]
pub(crate) struct Turns(usize);

impl Turns {
    /// Counts what was looked at; gives others their turn when it was much.
    pub(crate) async fn looked_at(&mut self, bytes: usize) {
        self.0 += bytes;
        if self.0 < TURN {
            return;
        }
        self.0 = 0;
        let mut is_again = false;
        poll_fn(|context| {
            if is_again {
                return Poll::Ready(());
            }
            is_again = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;

    #[test]
    fn others_have_their_turn_after_much() {
        let mut turns = Turns::default();
        let mut context = Context::from_waker(Waker::noop());
        let mut polled = |bytes| pin!(turns.looked_at(bytes)).poll(&mut context).is_ready();
        assert!(polled(TURN - 1));
        assert!(!polled(1));
        assert!(polled(1));
    }
}
