//! The permission table of a layer: read, replace, amend (R28, R31, R41, R42, R67, R68, R100).

mod candidates;
mod check;
mod table;

use std::collections::BTreeSet;

use jmap_domain::{
    Caller, LayerAct, LayerId, Permission, PermissionSet, PolicyRevision, PrincipalId, Question,
};

pub use candidates::{Candidate, CandidatePlace, CandidatesWanted, Search};
pub(crate) use check::{Granting, check_new_rows};
pub(crate) use table::table as table_of;
pub use table::{LayerTable, TableRow};

use crate::{
    Authority, Facts, LayerEntry, Refusal, Resource,
    change::{Changed, PolicyChange},
    draft::Draft,
    model::{GrantRow, LayerGrant},
    ports::{Platform, PolicyStore},
};

/// A change of one layer's table.
#[derive(Clone, Debug)]
pub struct TableEdit {
    /// The layer.
    pub layer: LayerId,
    /// The table's revision that the caller has read; `None` for any.
    pub expected: Option<PolicyRevision>,
    /// What is done to the rows.
    pub rows: RowEdits,
}

/// What is done to the rows of a table.
#[derive(Clone, Debug)]
pub enum RowEdits {
    /// The table is exactly this afterwards.
    Replace(Vec<GrantRow>),
    /// Some permissions are added and removed; what is not mentioned stays (R42).
    Amend(Vec<Amendment>),
}

/// What is added to and removed from one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amendment {
    /// Whose row.
    pub principal: PrincipalId,
    /// Permissions to add.
    pub add: PermissionSet,
    /// Permissions to remove; one that is in both is removed.
    pub remove: PermissionSet,
    /// The option afterwards; unset keeps it.
    pub own_only: Option<bool>,
}

/// Why a table is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A grant is refused; nothing was changed on any layer (R42).
    #[error("layer `{layer}`: the grant to principal `{principal}` is refused: {error}")]
    Grant {
        /// The layer.
        layer: LayerId,
        /// To whom.
        principal: PrincipalId,
        /// Why.
        error: GrantError,
    },
    /// Two edits name the same layer.
    #[error("layer `{0}` is named twice")]
    LayerTwice(LayerId),
    /// Everything else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Why a grant is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum GrantError {
    /// Nobody has that id.
    #[error("it does not exist")]
    NoSuchPrincipal,
    /// The call names the principal more than once.
    #[error("it is named twice")]
    NamedTwice,
    /// It may not open the project, so it cannot be granted anything on its layers (R28).
    #[error("it may not open the project")]
    CannotOpen,
    /// Editing is disabled on the layer (R31).
    #[error("editing is disabled, so `{0}` cannot be granted")]
    EditingDisabled(Permission),
    /// Only project owners and super administrators grant *remote access* (R41).
    #[error("only project owners and super administrators grant remote access")]
    RemoteAccessNeedsOwner,
    /// *Remote access* is for accounts that open server sessions, and their groups (R100).
    #[error("remote access is only granted to server accounts and groups")]
    NotAServerAccount,
    /// What is another's is not shared on.
    #[error("remote access is not granted on a reference to another instance's layer")]
    RemoteAccessOnReference,
    /// A personal layer is shared with chosen accounts and groups only (R68).
    #[error("a personal layer is not shared with everyone, authenticated or anonymous")]
    NotForSpecial,
    /// A personal layer is not shared over connections (R67).
    #[error("remote access is not granted on a personal layer")]
    RemoteAccessOnPersonal,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Changes the tables of several layers, all or none of them (R42). Rows that stay as they are stored are no
    /// grants, and are not judged again (R28, R31).
    ///
    /// # Errors
    /// [`TableError::Grant`]; [`Refusal::Stale`]; [`Refusal`] unless the caller manages every layer (R41, R69).
    pub async fn edit_layer_tables(
        &self,
        caller: &Caller,
        edits: Vec<TableEdit>,
    ) -> Result<Changed<Vec<LayerTable>>, TableError> {
        let layers: Vec<LayerId> = edits.iter().map(|edit| edit.layer).collect();
        let plan = |draft: &mut Draft| {
            let mut seen = BTreeSet::new();
            for edit in edits {
                if !seen.insert(edit.layer) {
                    return Err(TableError::LayerTwice(edit.layer));
                }
                draft_edit(draft, edit)?;
            }
            Ok::<_, TableError>(())
        };
        let standing = self.admit(caller)?;
        let Changed { value: (), policy } = self.change(caller, plan).await?;
        let reader = Facts::of(&policy, standing);
        let entries = layers.into_iter().filter_map(|id| policy.layer(id));
        let tables = entries.map(|entry| table::table(&policy, &reader, entry));
        let tables = tables.collect();
        Ok(Changed {
            value: tables,
            policy,
        })
    }
}

pub(crate) fn draft_edit(draft: &mut Draft, edit: TableEdit) -> Result<(), TableError> {
    let TableEdit {
        layer,
        expected,
        rows,
    } = edit;
    draft.require(Question::Layer(layer, LayerAct::ChangeStructure))?;
    let snapshot = draft.snapshot();
    let entry = snapshot
        .layer(layer)
        .ok_or(Refusal::NotFound(Resource::Layer(layer)))?;
    if expected.is_some_and(|expected| expected != entry.grants_revision) {
        return Err(Refusal::Stale(Resource::Layer(layer)).into());
    }
    let grant_error = |(principal, error)| TableError::Grant {
        layer,
        principal,
        error,
    };
    let wanted = wanted_rows(entry, rows).map_err(grant_error)?;
    let granting = Granting {
        snapshot: &snapshot,
        giver: &draft.facts(),
        layer: &entry.layer,
    };
    let mut changed = Vec::new();
    for row in wanted {
        let stored = entry
            .grants
            .get(&row.principal)
            .copied()
            .unwrap_or_default();
        if stored != row.grant {
            check::check_row(granting, stored, row).map_err(grant_error)?;
            changed.push(row);
        }
    }
    if !changed.is_empty() {
        let revision = draft.revision();
        draft.push(PolicyChange::LayerGrantsSet {
            layer,
            revision,
            rows: changed,
        });
    }
    Ok(())
}

/// The rows as the call wants them; rows that it takes out are empty.
fn wanted_rows(
    entry: &LayerEntry,
    edits: RowEdits,
) -> Result<Vec<GrantRow>, (PrincipalId, GrantError)> {
    match edits {
        RowEdits::Amend(amendments) => {
            let rows: Vec<_> = amendments
                .into_iter()
                .map(|one| amended(entry, one))
                .collect();
            check::refuse_twice(&rows)?;
            Ok(rows)
        }
        RowEdits::Replace(rows) => {
            check::refuse_twice(&rows)?;
            let named: BTreeSet<PrincipalId> = rows.iter().map(|row| row.principal).collect();
            let gone = entry
                .grants
                .keys()
                .filter(|principal| !named.contains(principal));
            let gone = gone.map(|id| GrantRow {
                principal: *id,
                grant: LayerGrant::default(),
            });
            Ok(rows.iter().copied().chain(gone).collect())
        }
    }
}

fn amended(entry: &LayerEntry, amendment: Amendment) -> GrantRow {
    let Amendment {
        principal,
        add,
        remove,
        own_only,
    } = amendment;
    let stored = entry.grants.get(&principal).copied().unwrap_or_default();
    let permissions = stored.permissions.union(add).difference(remove);
    GrantRow {
        principal,
        grant: LayerGrant {
            permissions,
            own_only: own_only.unwrap_or(stored.own_only),
        },
    }
}
