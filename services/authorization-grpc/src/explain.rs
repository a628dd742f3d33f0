//! Explanations in the words of the contract (R45).

use authorization_core::{
    Answer, Explanation, Path, Snapshot,
    explain::{Contribution, Ineffective, Need, NeedKind},
};
use jmap_domain::{
    ActorId, Decision, GlobalPermission, GroupId, Permission, PrincipalId, ProjectAct, SessionKind,
};
use jmap_proto::authorization as pb;
use jmap_wire::{decision_to_proto, format_policy_token};

use crate::principals;

pub(crate) fn response(snapshot: &Snapshot, answer: &Answer<Explanation>) -> pb::ExplainResponse {
    let Answer {
        value: explanation,
        token,
        valid_for: _,
        actor,
    } = answer;
    pb::ExplainResponse {
        decision: Some(decision_to_proto(explanation.decision)),
        grants: grants(snapshot, *actor, explanation),
        missing: missing(explanation),
        policy_token: format_policy_token(*token),
    }
}

/// The grants that bear on an answer about an account.
pub(crate) fn grants(
    snapshot: &Snapshot,
    account: Option<ActorId>,
    explanation: &Explanation,
) -> Vec<pb::ExplainedGrant> {
    let account = account.and_then(|actor| PrincipalId::new(actor.get()).ok());
    let needs = explanation.needs.iter();
    let grants = needs.flat_map(|need| {
        let each = need.grants.iter();
        each.map(move |one| grant(snapshot, account, need, *one))
    });
    grants.collect()
}

fn grant(
    snapshot: &Snapshot,
    account: Option<PrincipalId>,
    need: &Need,
    contribution: Contribution,
) -> pb::ExplainedGrant {
    let Contribution {
        path,
        own_only,
        ineffective,
    } = contribution;
    let holder = match path {
        Path::Direct | Path::Owner | Path::SuperAdministrator => account,
        Path::Group(group) => Some(group.into()),
        Path::Authenticated => Some(GroupId::AUTHENTICATED.into()),
        Path::Everyone => Some(GroupId::EVERYONE.into()),
    };
    let (principal, principal_name) = holder
        .map(|holder| principals::principal(snapshot, holder))
        .unzip();
    pb::ExplainedGrant {
        path: path_to_proto(path).into(),
        principal,
        principal_name: principal_name.unwrap_or_default(),
        gives: gives(need.kind).to_owned(),
        only_own: own_only,
        ineffective: ineffective_reason(ineffective).into(),
    }
}

pub(crate) const fn path_to_proto(path: Path) -> pb::GrantPath {
    match path {
        Path::Direct => pb::GrantPath::Direct,
        Path::Group(_) => pb::GrantPath::Group,
        Path::Authenticated => pb::GrantPath::Authenticated,
        Path::Everyone => pb::GrantPath::Everyone,
        Path::Owner => pb::GrantPath::LayerOwner,
        Path::SuperAdministrator => pb::GrantPath::SuperAdministrator,
    }
}

/// What a grant about the need gives, in the words of the permission screen.
const fn gives(need: NeedKind) -> &'static str {
    match need {
        NeedKind::Permission(permission) => permission.title(),
        NeedKind::Project(_, ProjectAct::Open) => "open",
        NeedKind::Project(_, ProjectAct::Access) => "access",
        NeedKind::Project(_, ProjectAct::Administrate) => "administrate",
        NeedKind::Project(_, ProjectAct::Own) => "owner",
        NeedKind::Global(GlobalPermission::SuperAdministrator) => "super administrator",
        NeedKind::Global(GlobalPermission::CreateProjects) => "create projects",
        NeedKind::Global(GlobalPermission::CreateRemoteConnections) => "create remote connections",
        NeedKind::Global(GlobalPermission::CreatePersonalLayers) => "create personal layers",
        NeedKind::Global(GlobalPermission::AdministerPersonalLayers) => {
            "administer personal layers"
        }
        NeedKind::Ownership => "ownership of the layer",
        // Not needs that a grant meets.
        NeedKind::Account(_)
        | NeedKind::Existence
        | NeedKind::Editing
        | NeedKind::Actor
        | NeedKind::Session(_) => "",
    }
}

pub(crate) const fn ineffective_reason(reason: Option<Ineffective>) -> pb::IneffectiveReason {
    match reason {
        None => pb::IneffectiveReason::Unspecified,
        Some(Ineffective::CannotOpen) => pb::IneffectiveReason::CannotOpenProject,
        Some(Ineffective::EditingDisabled) => pb::IneffectiveReason::EditingDisabled,
        Some(Ineffective::CannotView) => pb::IneffectiveReason::CannotView,
        Some(Ineffective::OwnsNothing) => pb::IneffectiveReason::OwnsNothing,
        Some(Ineffective::NoRemoteAccess) => pb::IneffectiveReason::NoRemoteAccess,
        Some(Ineffective::ServerSessionsOnly) => pb::IneffectiveReason::NotAServerSession,
        Some(Ineffective::AccountDisabled) => pb::IneffectiveReason::AccountDisabled,
    }
}

/// What a full yes would need besides; a yes for own elements needs a grant beyond them.
pub(crate) fn missing(explanation: &Explanation) -> Vec<i32> {
    let mut links: Vec<pb::MissingLink> = Vec::new();
    for link in explanation.missing().map(missing_link) {
        if !links.contains(&link) {
            links.push(link);
        }
    }
    if matches!(explanation.decision, Decision::Own { creator: _ }) {
        links.push(pb::MissingLink::GrantBeyondOwn);
    }
    links.into_iter().map(Into::into).collect()
}

const fn missing_link(need: NeedKind) -> pb::MissingLink {
    match need {
        NeedKind::Account(_) => pb::MissingLink::EnabledAccount,
        NeedKind::Existence => pb::MissingLink::Resource,
        NeedKind::Project(_, ProjectAct::Open) => pb::MissingLink::OpenProject,
        NeedKind::Project(_, ProjectAct::Access | ProjectAct::Administrate | ProjectAct::Own) => {
            pb::MissingLink::ProjectPermission
        }
        NeedKind::Permission(Permission::View) => pb::MissingLink::View,
        NeedKind::Permission(Permission::RemoteAccess) => pb::MissingLink::RemoteAccess,
        NeedKind::Permission(
            Permission::AddElements
            | Permission::ModifyElements
            | Permission::DeleteElements
            | Permission::ModifyAttributes
            | Permission::CopyExport,
        ) => pb::MissingLink::Grant,
        NeedKind::Editing => pb::MissingLink::Editing,
        NeedKind::Actor => pb::MissingLink::GrantBeyondOwn,
        NeedKind::Session(SessionKind::Ordinary) => pb::MissingLink::OrdinarySession,
        NeedKind::Session(SessionKind::Server) => pb::MissingLink::ServerSession,
        NeedKind::Ownership => pb::MissingLink::LayerOwnership,
        NeedKind::Global(_) => pb::MissingLink::GlobalPermission,
    }
}
