//! How many personal layers one account may have.

use jmap_domain::UserId;

use crate::{Home, Refusal, Snapshot, Timestamp};

/// Goes on only if an account may have one personal layer more. Reservations count until they run out; who has more than a
/// limit that was lowered keeps them.
///
/// # Errors
/// [`Refusal::QuotaExceeded`].
pub(crate) fn require_room(
    snapshot: &Snapshot,
    owner: UserId,
    (limit, now): (u32, Timestamp),
) -> Result<(), Refusal> {
    let layers = snapshot.layers_in(Home::Personal(owner));
    let used = layers.filter(|entry| !entry.layer.has_expired(now)).count();
    let used = u32::try_from(used).unwrap_or(u32::MAX);
    if used < limit {
        Ok(())
    } else {
        Err(Refusal::QuotaExceeded { limit, used })
    }
}
