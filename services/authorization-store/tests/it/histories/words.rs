//! The model's words as the calls', and refusals as reasons.

use authorization_core::{
    Refusal, Resource,
    directory::DirectoryError,
    globals::GlobalsError,
    layer_permissions::TableError,
    model::{Editing, GrantRow, LayerGrant, RequestId},
    personal::PersonalError,
    projects::ProjectError,
    registry::{InitialView, RegistryError, ReserveLayer, Site},
    sessions::SignInError,
};
use jmap_domain::{
    GroupId, LayerId, Name, PolicyRevision, PrincipalId, ProjectId, SessionId, UserId,
};

use super::{
    act::{LayerRow, NewLayer, Read},
    judge::Why,
    model::{Model, name_of},
};

pub(super) fn named(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(super) fn user_id(id: i64) -> UserId {
    UserId::new(id).unwrap()
}

pub(super) fn group_id(id: i64) -> GroupId {
    GroupId::new(id).unwrap()
}

pub(super) fn principal_id(id: i64) -> PrincipalId {
    PrincipalId::new(id).unwrap()
}

pub(super) fn session_id(id: i64) -> SessionId {
    SessionId::new(id).unwrap()
}

pub(super) fn layer_id(id: i64) -> LayerId {
    LayerId::new(id).unwrap()
}

pub(super) fn project_id(id: i64) -> ProjectId {
    ProjectId::new(id).unwrap()
}

pub(super) const fn view(everyone: bool) -> InitialView {
    if everyone {
        InitialView::Everyone
    } else {
        InitialView::Nobody
    }
}

pub(super) fn reservation(model: &Model, new: &NewLayer, request: RequestId) -> ReserveLayer {
    let NewLayer {
        name,
        project,
        editing,
        everyone_views,
        rows,
    } = new;
    let site = project.map_or(Site::Personal, |project| Site::Project {
        project: project_id(model.project(project)),
        editing: switch(*editing),
        view: view(*everyone_views),
        grants: rows.iter().map(|row| grant_row(model, row)).collect(),
    });
    ReserveLayer {
        name: self::named(&name_of("layer", *name)),
        site,
        reference: None,
        request,
    }
}

pub(super) fn grant_row(model: &Model, row: &LayerRow) -> GrantRow {
    GrantRow {
        principal: principal_id(model.principal(row.principal)),
        grant: LayerGrant {
            permissions: row.permissions.iter().copied().collect(),
            own_only: row.own_only,
        },
    }
}

pub(super) const fn switch(enabled: bool) -> Editing {
    if enabled {
        Editing::Enabled
    } else {
        Editing::Disabled
    }
}

/// Nothing is as old as revision 0.
pub(super) const fn expected(read: Read, newest: Option<PolicyRevision>) -> Option<PolicyRevision> {
    match read {
        Read::Nothing => None,
        Read::Newest => newest,
        Read::Older => Some(PolicyRevision(0)),
    }
}

impl From<Refusal> for Why {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotSignedIn => Self::NotSignedIn,
            Refusal::SessionClosed | Refusal::AccountDisabled => Self::Over,
            Refusal::NotFound(Resource::Project(_) | Resource::Layer(_)) => Self::Hidden,
            Refusal::NotFound(_) => Self::Wrong,
            Refusal::Forbidden(_) => Self::Forbidden,
            Refusal::QuotaExceeded { limit: _, used: _ } => Self::Wrong,
            Refusal::Stale(_) => Self::Stale,
            Refusal::LastSuperAdministrator | Refusal::LastOwner(_) => Self::Last,
            Refusal::SessionExpired
            | Refusal::TooManyAttempts { wait: _ }
            | Refusal::NoIdsLeft(_)
            | Refusal::Store(_)
            | Refusal::Crypto(_) => panic!("no history has this: {refusal}"),
        }
    }
}

/// Whatever is no refusal of the common ones is about what the act says.
macro_rules! wrong_unless_refused {
    ($($error:ident)*) => {$(
        impl From<$error> for Why {
            fn from(error: $error) -> Self {
                if let $error::Refused(refusal) = error {
                    refusal.into()
                } else {
                    Self::Wrong
                }
            }
        }
    )*};
}

wrong_unless_refused!(DirectoryError GlobalsError PersonalError ProjectError RegistryError TableError SignInError);
