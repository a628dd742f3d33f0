//! Explanations: the needs behind a decision, and the grants that meet them or do not (R45).

mod needs;

use jmap_domain::{
    Decision, DenyReason, GlobalPermission, LayerAct, Permission, ProjectAct, ProjectId, Question,
    SessionKind,
};

use crate::{Facts, Path, Snapshot, Standing, rules};
pub(crate) use needs::asleep;

/// Why a decision is what it is. Allowed means that every need is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The decision itself.
    pub decision: Decision,
    /// What the act needs, each with what gives it.
    pub needs: Vec<Need>,
}

impl Explanation {
    /// What is missing.
    pub fn missing(&self) -> impl Iterator<Item = NeedKind> {
        self.needs
            .iter()
            .filter(|need| !need.met)
            .map(|need| need.kind)
    }
}

/// One thing that an act needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What is needed.
    pub kind: NeedKind,
    /// Whether it is there.
    pub met: bool,
    /// The grants that are about it and reach the subject, working or not.
    pub grants: Vec<Contribution>,
}

/// Kinds of needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NeedKind {
    /// A session and an account that may be used; otherwise why not (R9, R117).
    Account(Option<DenyReason>),
    /// A resource that exists.
    Existence,
    /// A right on a project (R17, R20).
    Project(ProjectId, ProjectAct),
    /// A permission on the layer.
    Permission(Permission),
    /// Editing enabled on the layer (R31).
    Editing,
    /// An actor that can own elements (R55, R59).
    Actor,
    /// A session of that kind: *remote access* is for servers, administration is not (R88, R100).
    Session(SessionKind),
    /// Ownership of the personal layer (R69).
    Ownership,
    /// A global permission.
    Global(GlobalPermission),
}

/// A grant that is about a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Contribution {
    /// By which path it reaches the subject.
    pub path: Path,
    /// Whether it reaches only the subject's own elements (R51).
    pub own_only: bool,
    /// Why it gives nothing now, if so.
    pub ineffective: Option<Ineffective>,
}

/// Why a grant gives nothing now. It is kept, and works again when the reason is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ineffective {
    /// The principal may not open the project (R22).
    CannotOpen,
    /// Editing is disabled on the layer (R31).
    EditingDisabled,
    /// *View*, which everything else needs, is missing (R40).
    CannotView,
    /// It reaches own elements only, and the subject can own none (R55, R59).
    OwnsNothing,
    /// A server session lacks *remote access*, which lets it in (R86).
    NoRemoteAccess,
    /// Only a session of another instance can use it (R88).
    ServerSessionsOnly,
    /// The account is disabled (R9).
    AccountDisabled,
}

/// Explains one decision. What a disabled account was granted is told as well: it works again when the account does.
#[must_use]
pub fn explain(snapshot: &Snapshot, standing: Standing, question: Question) -> Explanation {
    let facts = Facts::of(snapshot, standing);
    let account = Need {
        kind: NeedKind::Account(facts.barred()),
        met: facts.barred().is_none(),
        grants: Vec::new(),
    };
    let mut needs = vec![account];
    needs.extend(needs::of(
        snapshot,
        &Facts::if_enabled(snapshot, standing),
        question,
    ));
    if facts.barred().is_some() {
        for grant in needs.iter_mut().flat_map(|need| &mut need.grants) {
            grant.ineffective = Some(Ineffective::AccountDisabled);
        }
    }
    Explanation {
        decision: rules::decide(snapshot, &facts, question),
        needs,
    }
}

/// Whether the subject may know of what the question is about; explanations tell nobody what decisions hide (R46).
pub(crate) fn may_know(snapshot: &Snapshot, facts: &Facts<'_>, question: Question) -> bool {
    match question {
        Question::Layer(id, LayerAct::Elements(_)) => snapshot
            .layer(id)
            .is_some_and(|entry| rules::sees(snapshot, facts, entry)),
        Question::Layer(_, _) | Question::Project(_, _) | Question::Connection(_, _) => {
            let decision = rules::decide(snapshot, facts, question);
            decision != Decision::Denied(DenyReason::NotVisible)
        }
        Question::Global(_) => true,
    }
}
