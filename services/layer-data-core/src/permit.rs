//! Permits: a decision of authorization, made the only way into a store's mutating methods (R58, R121).

use std::time::{Duration, Instant};

use futures::channel::{mpsc, oneshot};
use jmap_domain::{ActorId, Decision, DenyReason, LayerId, Permission};

use crate::edit::WrongPermit;

/// How long before a permit runs out it is no longer acted on: a commit takes time as well.
const MARGIN: Duration = Duration::from_millis(50);

/// Which elements a permit reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those that this actor created (R51). The writing statement enforces it (R58).
    Own(ActorId),
}

/// The right to do one kind of edit on one layer, for a moment. Made from a decision and from nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    layer: LayerId,
    permission: Permission,
    scope: Scope,
    actor: ActorId,
    expires: Instant,
}

/// The right to change the structure of one layer, for a moment. Made from a decision and from nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StructurePermit {
    layer: LayerId,
    expires: Instant,
}

/// Who acts under a decision, and how long it may be acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Who is stamped as creator and editor (R54, R59).
    pub actor: ActorId,
    /// When the decision runs out, on this process's clock.
    pub until: Instant,
}

impl Permit {
    /// The permit that a decision gives.
    ///
    /// # Errors
    /// The reason of a negative decision.
    pub const fn from_decision(
        layer: LayerId,
        permission: Permission,
        decision: Decision,
        validity: Validity,
    ) -> Result<Self, DenyReason> {
        let scope = match decision {
            Decision::All => Scope::All,
            Decision::Own { creator } => Scope::Own(creator),
            Decision::Denied(reason) => return Err(reason),
        };
        Ok(Self {
            layer,
            permission,
            scope,
            actor: validity.actor,
            expires: validity.until,
        })
    }

    /// The layer that it is for.
    #[must_use]
    pub const fn layer(&self) -> LayerId {
        self.layer
    }

    /// The permission that it stands for.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        self.permission
    }

    /// Which elements it reaches.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// Who is stamped as creator and editor (R54).
    #[must_use]
    pub const fn actor(&self) -> ActorId {
        self.actor
    }

    /// Whether it may still be acted on, with a margin for the commit.
    #[must_use]
    pub fn is_valid_at(&self, now: Instant) -> bool {
        is_good(self.expires, now)
    }

    /// This permit, as long as another one of the same actor on the same layer is good as well.
    #[must_use]
    pub(crate) fn together_with(self, other: Self) -> Option<Self> {
        let is_alike = self.layer == other.layer && self.actor == other.actor;
        is_alike.then(|| Self {
            expires: self.expires.min(other.expires),
            ..self
        })
    }

    /// The error that it does not cover what is needed.
    pub(crate) const fn wrong_for(&self, needed: Permission) -> WrongPermit {
        WrongPermit {
            held: self.permission,
            needed,
        }
    }

    /// Whether an edit that needs a permission may be done under it: *modify elements* covers attribute values (R34).
    #[must_use]
    pub const fn covers(&self, needed: Permission) -> bool {
        needed.given_by().contains(self.permission)
    }
}

impl StructurePermit {
    /// The permit that a decision gives. A structure is nobody's own, so a decision about own elements gives none.
    ///
    /// # Errors
    /// The reason of a negative decision.
    pub const fn from_decision(
        layer: LayerId,
        decision: Decision,
        until: Instant,
    ) -> Result<Self, DenyReason> {
        match decision {
            Decision::All => Ok(Self {
                layer,
                expires: until,
            }),
            Decision::Own { creator: _ } => Err(DenyReason::NoGrant),
            Decision::Denied(reason) => Err(reason),
        }
    }

    /// The layer that it is for.
    #[must_use]
    pub const fn layer(&self) -> LayerId {
        self.layer
    }

    /// Whether it may still be acted on, with a margin for the commit.
    #[must_use]
    pub fn is_valid_at(&self, now: Instant) -> bool {
        is_good(self.expires, now)
    }
}

/// A way to ask for the right to a change of structure once more: making it may take longer than a permit lives. By
/// default nobody answers.
#[derive(Clone, Debug, Default)]
pub struct Renewal(Option<mpsc::UnboundedSender<RenewalRequest>>);

/// Where the new permit goes; dropped, it says that there is none.
pub type RenewalRequest = oneshot::Sender<StructurePermit>;

impl Renewal {
    /// A way whose other end answers.
    #[must_use]
    pub fn answered() -> (Self, mpsc::UnboundedReceiver<RenewalRequest>) {
        // A change asks at most once for each time that it is tried, so nothing can pile up.
        let (asking, asked) = mpsc::unbounded();
        (Self(Some(asking)), asked)
    }

    /// Whether nobody waits for the change any more, so that it cannot be committed once its permit has run out.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        let asking = self.0.as_ref();
        asking.is_some_and(mpsc::UnboundedSender::is_closed)
    }

    /// A new permit; `None` where the right is gone, or nobody waits for the change any more.
    pub async fn permit(&self) -> Option<StructurePermit> {
        let (answering, answer) = oneshot::channel();
        self.0.as_ref()?.unbounded_send(answering).ok()?;
        answer.await.ok()
    }
}

fn is_good(expires: Instant, now: Instant) -> bool {
    expires
        .checked_duration_since(now)
        .is_some_and(|left| left >= MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permit(decision: Decision, until: Instant) -> Result<Permit, DenyReason> {
        let (layer, actor) = (LayerId::new(1).unwrap(), ActorId::new(7).unwrap());
        Permit::from_decision(
            layer,
            Permission::ModifyElements,
            decision,
            Validity { actor, until },
        )
    }

    #[test]
    fn a_denial_gives_no_permit() {
        let now = Instant::now();
        assert_eq!(
            permit(Decision::Denied(DenyReason::NoGrant), now),
            Err(DenyReason::NoGrant)
        );
    }

    #[test]
    fn own_stays_own() {
        // R51, R58.
        let creator = ActorId::new(9).unwrap();
        let permit = permit(Decision::Own { creator }, Instant::now()).unwrap();
        assert_eq!(permit.scope(), Scope::Own(creator));
    }

    #[test]
    fn a_permit_runs_out_a_margin_early() {
        let now = Instant::now();
        let permit = permit(Decision::All, now + Duration::from_millis(500)).unwrap();
        assert!(permit.is_valid_at(now));
        assert!(permit.is_valid_at(now + Duration::from_millis(450)));
        assert!(!permit.is_valid_at(now + Duration::from_millis(451)));
        assert!(!permit.is_valid_at(now + Duration::from_secs(9)));
    }

    #[test]
    fn modify_elements_covers_attribute_values_and_not_the_reverse() {
        // R34, R35, R37.
        let permit = permit(Decision::All, Instant::now()).unwrap();
        assert!(
            permit.covers(Permission::ModifyAttributes)
                && permit.covers(Permission::ModifyElements)
        );
        assert!(
            !permit.covers(Permission::DeleteElements) && !permit.covers(Permission::AddElements)
        );
        let values = Permit {
            permission: Permission::ModifyAttributes,
            ..permit
        };
        assert!(!values.covers(Permission::ModifyElements));
    }
}
