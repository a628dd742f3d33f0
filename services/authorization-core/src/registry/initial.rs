//! How a layer starts: its first grants, and what its request asked for.

use jmap_domain::{ConnectionId, GroupId, Permission, PermissionSet, PrincipalId};
use sha2::{Digest as _, Sha256};

use super::{InitialView, RegistryError, ReserveLayer, Site};
use crate::{
    draft::Draft,
    layer_permissions::{self, Granting},
    model::{Editing, GrantRow, Layer, LayerGrant},
};

/// The table of a new layer: *view* to everyone unless asked otherwise, and what else the call grants (R29).
pub(super) fn initial_rows(
    draft: &Draft,
    layer: &Layer,
    site: Site,
) -> Result<Vec<GrantRow>, RegistryError> {
    let Site::Project {
        project: _,
        editing: _,
        view,
        mut grants,
    } = site
    else {
        return Ok(Vec::new());
    };
    let granting = Granting {
        snapshot: &draft.snapshot(),
        giver: &draft.facts(),
        layer,
    };
    layer_permissions::check_new_rows(granting, &grants)
        .map_err(|(principal, error)| RegistryError::InitialGrant(principal, error))?;
    if view == InitialView::Everyone {
        add_view(&mut grants, GroupId::EVERYONE.into());
    }
    Ok(grants)
}

/// Adds *view* to a principal's row.
pub(crate) fn add_view(rows: &mut Vec<GrantRow>, principal: PrincipalId) {
    if let Some(row) = rows.iter_mut().find(|row| row.principal == principal) {
        row.grant.permissions = row.grant.permissions.with(Permission::View);
    } else {
        let permissions = PermissionSet::of(Permission::View);
        let grant = LayerGrant {
            permissions,
            own_only: false,
        };
        rows.push(GrantRow { principal, grant });
    }
}

/// SHA-256 of what was asked, so that a retry is told from another question.
pub(super) fn fingerprint(request: &ReserveLayer) -> [u8; 32] {
    let ReserveLayer {
        name,
        site,
        reference,
        request: _,
    } = request;
    let mut hash = Sha256::new();
    hash.update(name.as_str());
    hash.update([0]);
    hash.update(reference.map_or(0, ConnectionId::get).to_be_bytes());
    if let Site::Project {
        project,
        editing,
        view,
        grants,
    } = site
    {
        hash.update(project.get().to_be_bytes());
        hash.update([
            u8::from(*editing == Editing::Enabled),
            u8::from(*view == InitialView::Nobody),
        ]);
        for GrantRow { principal, grant } in grants {
            hash.update(principal.get().to_be_bytes());
            hash.update([grant.permissions.bits(), u8::from(grant.own_only)]);
        }
    }
    hash.finalize().into()
}
