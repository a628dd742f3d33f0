//! Reading a layer's table, each row with what makes it sleep.

use std::sync::Arc;

use jmap_domain::{Caller, LayerAct, LayerId, PermissionSet, PolicyRevision, Question};

use crate::{
    Authority, Facts, LayerEntry, Principal, Refusal, Resource, Snapshot,
    explain::Ineffective,
    may_open,
    model::{GrantRow, Layer},
    ports::{Platform, PolicyStore},
    rules,
};

/// The permission table of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTable {
    /// The registration.
    pub layer: Arc<Layer>,
    /// The change that last touched the table.
    pub revision: PolicyRevision,
    /// Its rows, by principal.
    pub rows: Vec<TableRow>,
}

/// A row, and what of it gives nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The row as stored.
    pub row: GrantRow,
    /// Why the whole row gives nothing now (R9, R22).
    pub ineffective: Option<Ineffective>,
    /// Permissions that give nothing while editing is disabled (R31).
    pub asleep: PermissionSet,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The permission table of a layer.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Forbidden`] unless the caller sees the configuration from the
    /// administration plane (R46): *view* is not enough.
    pub fn layer_table(&self, caller: &Caller, id: LayerId) -> Result<LayerTable, Refusal> {
        let snapshot = self.snapshot();
        let facts = Facts::of(&snapshot, self.admit(caller)?);
        let read = Question::Layer(id, LayerAct::ReadConfiguration);
        Refusal::unless_allowed(read, rules::decide(&snapshot, &facts, read))?;
        let entry = snapshot
            .layer(id)
            .ok_or(Refusal::NotFound(Resource::Layer(id)))?;
        if !rules::inspects(&snapshot, &facts, entry) {
            return Err(Refusal::Forbidden(Resource::Layer(id)));
        }
        Ok(table(&snapshot, entry))
    }
}

/// A layer's table as it is at a snapshot.
pub(super) fn table(snapshot: &Snapshot, entry: &LayerEntry) -> LayerTable {
    let rows = entry.grants.iter().map(|(&principal, &grant)| {
        let row = GrantRow { principal, grant };
        TableRow {
            row,
            ineffective: sleeping(snapshot, entry, row),
            asleep: asleep(entry, row),
        }
    });
    let rows = rows.collect();
    LayerTable {
        layer: Arc::clone(&entry.layer),
        revision: entry.grants_revision,
        rows,
    }
}

/// Why the whole row gives nothing now.
fn sleeping(snapshot: &Snapshot, entry: &LayerEntry, row: GrantRow) -> Option<Ineffective> {
    if let Some(Principal::User(user)) = snapshot.principal(row.principal)
        && !user.is_enabled()
    {
        return Some(Ineffective::AccountDisabled);
    }
    let project = entry.project()?;
    (!may_open(snapshot, row.principal, project)).then_some(Ineffective::CannotOpen)
}

/// What of the row needs editing while it is disabled.
fn asleep(entry: &LayerEntry, row: GrantRow) -> PermissionSet {
    if rules::editing_enabled(entry) {
        return PermissionSet::EMPTY;
    }
    row.grant
        .permissions
        .iter()
        .filter(|permission| permission.needs_editing())
        .collect()
}
