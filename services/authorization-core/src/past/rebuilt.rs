//! The past policies that were rebuilt lately, so that the second question about last Tuesday is quick.

use std::{collections::VecDeque, sync::Arc};

use jmap_domain::PolicyRevision;

use crate::Snapshot;

/// Policies that are kept. Those rebuilt from one another share what did not change between them.
const MOST: usize = 8;

/// Past policies, those asked for last first.
#[derive(Debug, Default)]
pub(crate) struct Rebuilt {
    kept: VecDeque<Arc<Snapshot>>,
    /// How far the last rebuilding came.
    progress: Option<Arc<Snapshot>>,
}

impl Rebuilt {
    /// The newest kept policy that is not newer than wanted.
    pub(super) fn nearest(&self, wanted: PolicyRevision) -> Option<Arc<Snapshot>> {
        let all = self.kept.iter().chain(&self.progress);
        let older = all.filter(|policy| policy.revision() <= wanted);
        older.max_by_key(|policy| policy.revision()).cloned()
    }

    /// Notes how far rebuilding came.
    pub(super) fn progress(&mut self, policy: &Arc<Snapshot>) {
        self.progress = Some(Arc::clone(policy));
    }

    /// Keeps a policy that was asked for, in place of the one that was asked for longest ago.
    pub(super) fn keep(&mut self, policy: &Arc<Snapshot>) {
        self.kept
            .retain(|kept| kept.revision() != policy.revision());
        self.kept.push_front(Arc::clone(policy));
        self.kept.truncate(MOST);
    }

    /// Forgets what is older than history is.
    pub(super) fn forget_before(&mut self, beginning: PolicyRevision) {
        let is_kept = |policy: &Arc<Snapshot>| policy.revision() >= beginning;
        self.kept.retain(is_kept);
        self.progress = self.progress.take().filter(is_kept);
    }
}
