//! Explanations in the words of the contract (R45).

use authorization_core::{
    Answer, Explanation, Path, Snapshot,
    explain::{Contribution, Ineffective, Need, NeedKind},
};
use jmap_domain::{
    Decision, GlobalPermission, GroupId, Permission, PrincipalId, ProjectAct, SessionKind,
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
    let account = actor.and_then(|actor| PrincipalId::new(actor.get()).ok());
    let grants = explanation.needs.iter().flat_map(|need| {
        need.grants
            .iter()
            .map(move |one| grant(snapshot, account, need, *one))
    });
    pb::ExplainResponse {
        decision: Some(decision_to_proto(explanation.decision)),
        grants: grants.collect(),
        missing: missing(explanation),
        policy_token: format_policy_token(*token),
    }
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
    let (path, holder) = match path {
        Path::Direct => (pb::GrantPath::Direct, account),
        Path::Group(group) => (pb::GrantPath::Group, Some(group.into())),
        Path::Authenticated => (
            pb::GrantPath::Authenticated,
            Some(GroupId::AUTHENTICATED.into()),
        ),
        Path::Everyone => (pb::GrantPath::Everyone, Some(GroupId::EVERYONE.into())),
        Path::Owner => (pb::GrantPath::LayerOwner, account),
        Path::SuperAdministrator => (pb::GrantPath::SuperAdministrator, account),
    };
    let (principal, principal_name) = holder
        .map(|holder| principals::principal(snapshot, holder))
        .unzip();
    pb::ExplainedGrant {
        path: path.into(),
        principal,
        principal_name: principal_name.unwrap_or_default(),
        gives: gives(need.kind).to_owned(),
        only_own: own_only,
        ineffective: ineffective_reason(ineffective).into(),
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
        Some(Ineffective::ServerSessionsOnly) => pb::IneffectiveReason::NotAServerSession,
        Some(Ineffective::AccountDisabled) => pb::IneffectiveReason::AccountDisabled,
    }
}

/// What a full yes would need besides; a yes for own elements needs a grant beyond them.
fn missing(explanation: &Explanation) -> Vec<i32> {
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
