//! Handing the parts of a stream over, with back-pressure that has an end.

use std::time::Duration;

use tokio::{
    sync::mpsc::{Permit, Sender},
    time::timeout,
};

/// How long a part waits to be taken. A caller that does not read for so long is treated as one that has left.
const PATIENCE: Duration = Duration::from_secs(30);

/// The caller has left, or does not read.
#[derive(Debug)]
pub(crate) struct NotTaken;

/// Waits until there is room for a part.
pub(crate) async fn deliver<T: Send>(sender: &Sender<T>, part: T) -> Result<(), NotTaken> {
    room(sender).await?.send(part);
    Ok(())
}

/// Waits until there is room for a part that is still to be made.
pub(crate) async fn room<T: Send>(sender: &Sender<T>) -> Result<Permit<'_, T>, NotTaken> {
    match timeout(PATIENCE, sender.reserve()).await {
        Ok(Ok(room)) => Ok(room),
        Ok(Err(_)) | Err(_) => Err(NotTaken),
    }
}

/// Does some work, unless the caller leaves meanwhile.
pub(crate) async fn while_awaited<T, W>(
    sender: &Sender<T>,
    work: impl Future<Output = W>,
) -> Result<W, NotTaken> {
    tokio::select! {
        biased;
        () = sender.closed() => Err(NotTaken),
        done = work => Ok(done),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::mpsc::channel;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_that_nobody_takes_is_given_up() {
        let (sender, mut reader) = channel(1);
        deliver(&sender, 1).await.unwrap();
        deliver(&sender, 2).await.unwrap_err();
        assert_eq!(reader.recv().await, Some(1));
        deliver(&sender, 3).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn room_that_nobody_makes_is_given_up() {
        let (sender, mut reader) = channel(1);
        room(&sender).await.unwrap().send(1);
        room(&sender).await.unwrap_err();
        assert_eq!(reader.recv().await, Some(1));
        room(&sender).await.unwrap().send(2);
        drop(reader);
        room(&sender).await.unwrap_err();
    }

    #[tokio::test]
    async fn work_ends_when_the_caller_leaves() {
        let (sender, reader) = channel::<()>(1);
        assert_eq!(while_awaited(&sender, ready(1)).await.unwrap(), 1);
        let endless = while_awaited(&sender, pending::<()>());
        let (ended, ()) = tokio::join!(endless, async { drop(reader) });
        ended.unwrap_err();
    }
}
