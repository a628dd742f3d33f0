//! Who has access to which personal layers, and through what: the same facts by layers and by users (R71).

use std::{collections::BTreeSet, sync::Arc};

use jmap_domain::{EffectivePermissions, LayerId, PrincipalId};

use crate::{
    Facts, Home, LayerEntry, Path, Snapshot, Standing,
    crowd::Crowd,
    model::{Layer, User},
    rules,
};

/// What an account may do on a personal layer, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The layer.
    pub layer: Arc<Layer>,
    /// The account.
    pub user: Arc<User>,
    /// What it may do.
    pub permissions: EffectivePermissions,
    /// What gives it that; the account itself first, then groups by id.
    pub through: Vec<Through>,
}

/// What gives somebody access to a personal layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Through {
    /// The account owns it.
    Ownership,
    /// It was shared with the account, or with a group that the account is in.
    Share(PrincipalId),
}

/// The access of one account to one layer; `None` where the layer does not exist for it.
fn access(snapshot: &Snapshot, user: &Arc<User>, entry: &LayerEntry) -> Option<Access> {
    // A disabled account has its shares still, and is listed.
    let facts = Facts::if_enabled(snapshot, Standing::of_account(user));
    let permissions = rules::flags(snapshot, &facts, entry)?;
    let owned = rules::owns(&facts, entry).then_some(Through::Ownership);
    let shared = shares(&facts).filter(|principal| entry.grants.contains_key(principal));
    let shared = shared.map(Through::Share);
    Some(Access {
        layer: Arc::clone(&entry.layer),
        user: Arc::clone(user),
        permissions,
        through: owned.into_iter().chain(shared).collect(),
    })
}

/// With whom a layer is shared that reaches somebody: special groups have no part in it (R68).
fn shares<'s>(facts: &Facts<'s>) -> impl Iterator<Item = PrincipalId> + use<'s> {
    facts.paths().filter_map(|(path, principal)| match path {
        Path::Direct | Path::Group(_) => Some(principal),
        Path::Authenticated | Path::Everyone | Path::Owner | Path::SuperAdministrator => None,
    })
}

/// The accounts that have access to a personal layer, by id.
pub(super) fn of_layer(snapshot: &Snapshot, entry: &LayerEntry) -> Vec<Access> {
    let owner = entry.layer.placement.owner().map(PrincipalId::from);
    let crowd = Crowd::behind(snapshot, entry.grants.keys().copied().chain(owner));
    let users = crowd.by_id(snapshot, None);
    users
        .filter_map(|user| access(snapshot, user, entry))
        .collect()
}

/// The personal layers that an account has access to, by id.
pub(super) fn of_user(snapshot: &Snapshot, user: &Arc<User>) -> Vec<Access> {
    let facts = Facts::if_enabled(snapshot, Standing::of_account(user));
    let granted = shares(&facts).flat_map(|principal| snapshot.layers_granted_to(principal));
    let owned = snapshot.layers_in(Home::Personal(user.id));
    let layers: BTreeSet<LayerId> = owned.map(|entry| entry.layer.id).chain(granted).collect();
    let entries = layers.into_iter().filter_map(|id| snapshot.layer(id));
    let personal = entries.filter(|entry| entry.project().is_none());
    personal
        .filter_map(|entry| access(snapshot, user, entry))
        .collect()
}
