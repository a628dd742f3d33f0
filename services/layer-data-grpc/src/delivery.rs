//! Handing the parts of a stream over, with back-pressure that has an end.

use std::time::Duration;

use tokio::sync::mpsc::Sender;

/// How long a part waits to be taken. A caller that does not read for so long is treated as one that has left.
const PATIENCE: Duration = Duration::from_secs(30);

/// The caller has left, or does not read.
#[derive(Debug)]
pub(crate) struct NotTaken;

/// Waits until there is room for a part.
pub(crate) async fn deliver<T: Send>(sender: &Sender<T>, part: T) -> Result<(), NotTaken> {
    let sent = sender.send_timeout(part, PATIENCE).await;
    sent.map_err(|_part| NotTaken)
}

#[cfg(test)]
mod tests {
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
}
