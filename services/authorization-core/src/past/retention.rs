//! Retention: history that is older than a configured life goes; the state at its edge is kept, so that every policy
//! after it can still be rebuilt.

use std::time::Duration;

use crate::{
    Authority, CheckError, Snapshot, Timestamp,
    change::HistoryBase,
    ports::{Platform, PolicyStore},
};

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Prunes the changes that were decided longer ago than `life`, up to the first younger one. To be called now and
    /// then: each time that there is something to prune, the state at the edge is written anew.
    ///
    /// # Errors
    /// [`CheckError`] when the store cannot be read or written. What was done until then stays done, and the next call
    /// goes on.
    pub async fn prune_history(&self, life: Duration) -> Result<(), CheckError> {
        let young = self.platform.now().before(life);
        let mut rebuilt = self.past.rebuilt.lock().await;
        if let Some((policy, base)) = self.edge(young).await? {
            let records = policy.records();
            self.store.set_history_base(&base, &records).await?;
            rebuilt.forget_before(base.revision);
        }
        self.store.prune_history().await?;
        Ok(())
    }

    /// The policy before the first change that is young; `None` when history begins there already.
    async fn edge(&self, young: Timestamp) -> Result<Option<(Snapshot, HistoryBase)>, CheckError> {
        let start = self.store.history_base().await?;
        let start = start.map_or_else(Default::default, |base| base.revision);
        let first = self.store.history(start, 1).await?;
        if first.first().is_none_or(|set| set.at >= young) {
            return Ok(None);
        }
        let mut policy = self.first_policy().await?;
        let mut edge = None;
        loop {
            let sets = self.sets_after(policy.revision()).await?;
            let is_whole = sets.iter().all(|set| set.at < young);
            for set in sets.iter().take_while(|set| set.at < young) {
                policy = policy.apply(set);
                edge = Some(HistoryBase {
                    revision: set.revision,
                    at: set.at,
                    marks: set.marks,
                });
            }
            if sets.is_empty() || !is_whole {
                return Ok(edge.map(|base| (policy, base)));
            }
        }
    }
}
