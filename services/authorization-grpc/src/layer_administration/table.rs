//! Permission tables and candidates for their rows, both ways.

use authorization_core::{
    Principal, Snapshot,
    explain::Ineffective,
    layer_permissions::{Amendment, Candidate, CandidatePlace, RowEdits, TableEdit, TableRow},
    model::{GrantRow, LayerGrant},
};
use jmap_domain::{Permission, PermissionSet};
use jmap_proto::{authorization as pb, types};
use jmap_wire::{
    FieldPath, FieldViolation, id, list, permission_to_proto, permissions_to_proto, required,
};

use crate::{explain::ineffective_reason, parse, principals};

/// Most layers in one change of tables.
const MAX_CHANGES: usize = 1000;

/// A row of a permission table.
pub(crate) fn table_row(snapshot: &Snapshot, table_row: TableRow) -> pb::LayerGrantRow {
    let TableRow {
        row,
        ineffective,
        asleep,
    } = table_row;
    let GrantRow {
        principal,
        grant: LayerGrant {
            permissions,
            own_only,
        },
    } = row;
    let (principal, principal_name) = principals::principal(snapshot, principal);
    let reasons = match ineffective {
        Some(reason) => permissions.iter().map(|one| (one, reason)).collect(),
        None => asleep
            .iter()
            .map(|one| (one, Ineffective::EditingDisabled))
            .collect::<Vec<_>>(),
    };
    let ineffective = sleeping(&reasons);
    let permissions = permissions_to_proto(permissions);
    let grant = types::LayerGrant {
        principal: Some(principal),
        permissions,
        only_own: own_only,
    };
    pb::LayerGrantRow {
        grant: Some(grant),
        principal_name,
        ineffective,
    }
}

/// Permissions that give nothing now.
pub(crate) fn sleeping(reasons: &[(Permission, Ineffective)]) -> Vec<pb::IneffectivePermission> {
    let each = reasons
        .iter()
        .map(|(permission, reason)| pb::IneffectivePermission {
            permission: permission_to_proto(*permission).into(),
            reason: ineffective_reason(Some(*reason)).into(),
        });
    each.collect()
}

/// A candidate as the contract shows it.
pub(super) fn candidate(snapshot: &Snapshot, candidate: &Candidate) -> pb::GrantCandidate {
    let Candidate {
        place: _,
        principal,
        grantable,
        held,
    } = candidate;
    let display_name = match snapshot.principal(*principal) {
        Some(Principal::User(user)) => user.display_name.as_ref().map(ToString::to_string),
        Some(Principal::Group(_)) | None => None,
    };
    let (principal, name) = principals::principal(snapshot, *principal);
    pb::GrantCandidate {
        principal: Some(principal),
        name,
        display_name: display_name.unwrap_or_default(),
        grantable: permissions_to_proto(*grantable),
        granted: permissions_to_proto(held.permissions),
    }
}

/// A candidate's place as bytes, in the order of the list.
pub(super) fn place_to_bytes(place: &CandidatePlace) -> Vec<u8> {
    let (kind, key) = match place {
        CandidatePlace::Group(key) => (0, key),
        CandidatePlace::User(key) => (1, key),
    };
    [&[kind], key.as_bytes()].concat()
}

/// A place from bytes that were sealed.
pub(super) fn place_from_bytes(bytes: &[u8]) -> Option<CandidatePlace> {
    let (kind, key) = bytes.split_first()?;
    let key = String::from_utf8_lossy(key).into_owned();
    Some(match kind {
        0 => CandidatePlace::Group(key),
        _ => CandidatePlace::User(key),
    })
}

/// Changes of the tables of several layers.
pub(super) fn parse_edits(
    changes: Vec<pb::LayerPermissionsChange>,
) -> Result<Vec<TableEdit>, FieldViolation> {
    list(&"changes".into(), changes, MAX_CHANGES, parse_edit)
}

/// A change of one layer's table.
pub(crate) fn parse_edit(
    path: &FieldPath,
    change: pb::LayerPermissionsChange,
) -> Result<TableEdit, FieldViolation> {
    let pb::LayerPermissionsChange {
        layer_id,
        grants_revision,
        change,
    } = change;
    Ok(TableEdit {
        layer: id(path.field("layer_id"), layer_id)?,
        expected: parse::expected(path.field("grants_revision"), grants_revision)?,
        rows: match required(path.field("change"), change)? {
            pb::layer_permissions_change::Change::Replace(pb::LayerGrants { grants }) => {
                let path = path.field("replace").field("grants");
                RowEdits::Replace(parse::grants(&path, grants)?)
            }
            pb::layer_permissions_change::Change::Delta(delta) => {
                RowEdits::Amend(parse_delta(&path.field("delta"), delta)?)
            }
        },
    })
}

/// A principal may gain and lose in one difference, but no permission both; one that is named twice on one side is
/// left to the core to refuse.
fn parse_delta(
    path: &FieldPath,
    delta: pb::LayerGrantsDelta,
) -> Result<Vec<Amendment>, FieldViolation> {
    let pb::LayerGrantsDelta { add, remove } = delta;
    let added = parse::grants(&path.field("add"), add)?
        .into_iter()
        .map(|row| Amendment {
            principal: row.principal,
            add: row.grant.permissions,
            remove: PermissionSet::EMPTY,
            own_only: Some(row.grant.own_only),
        });
    let mut amendments: Vec<Amendment> = added.collect();
    let path = path.field("remove");
    for (index, row) in parse::grants(&path, remove)?.into_iter().enumerate() {
        let GrantRow {
            principal,
            grant:
                LayerGrant {
                    permissions: remove,
                    own_only: _stays,
                },
        } = row;
        let both = |one: &&mut Amendment| one.principal == principal && one.remove.is_empty();
        match amendments.iter_mut().find(both) {
            Some(one) if !one.add.intersection(remove).is_empty() => {
                return Err(path.item(index).invalid("a permission is added as well"));
            }
            Some(one) => one.remove = remove,
            None => {
                let add = PermissionSet::EMPTY;
                amendments.push(Amendment {
                    principal,
                    add,
                    remove,
                    own_only: None,
                });
            }
        }
    }
    Ok(amendments)
}
