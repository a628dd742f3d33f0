//! Lists of personal layers: one's own, those shared with one, and everybody's for administrators (R71, R72, R82).

use std::{collections::BTreeMap, sync::Arc};

use jmap_domain::{Caller, GlobalPermission, LayerId, Question, UserId};

use super::{
    Access,
    access::{of_layer, of_user},
};
use crate::{
    Authority, Facts, Home, Refusal, Resource, Snapshot,
    layer_permissions::Search,
    model::{Layer, User},
    ports::{Platform, PolicyStore},
};

/// Which personal layers an administrator wants to see.
#[derive(Clone, Debug, Default)]
pub struct PersonalWanted {
    /// What the layer's name, or its owner's, must hold.
    pub search: Option<Search>,
    /// Of this owner alone.
    pub owner: Option<UserId>,
}

/// A personal layer in an administrator's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The registration.
    pub layer: Arc<Layer>,
    /// Its owner; `None` when the account was deleted (R79).
    pub owner: Option<Arc<User>>,
    /// With how many accounts and groups it is shared.
    pub shares: usize,
}

/// An account in an administrator's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The account.
    pub user: Arc<User>,
    /// How many layers it owns.
    pub owned: usize,
    /// How many of others it has access to.
    pub shared: usize,
}

/// A layer that was shared with the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharee {
    /// The layer, with what the caller may do and why.
    pub access: Access,
    /// Its owner; `None` when the account was deleted.
    pub owner: Option<Arc<User>>,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The caller's own personal layers, by name.
    ///
    /// # Errors
    /// [`Refusal`] for whoever owns nothing: anonymous, services and server sessions.
    pub fn own_personal_layers(&self, caller: &Caller) -> Result<Vec<Arc<Layer>>, Refusal> {
        let snapshot = self.snapshot();
        let person = self.person(&snapshot, caller)?;
        let layers = snapshot.layers_in(Home::Personal(person));
        let active = layers.filter(|entry| entry.is_active());
        let mut layers: Vec<_> = active.map(|entry| Arc::clone(&entry.layer)).collect();
        layers.sort_by_cached_key(|layer| (layer.name.key(), layer.id));
        Ok(layers)
    }

    /// The personal layers of others that the caller has access to, by id.
    ///
    /// # Errors
    /// [`Refusal`] as [`Self::own_personal_layers`].
    pub fn shared_personal_layers(&self, caller: &Caller) -> Result<Vec<Sharee>, Refusal> {
        let snapshot = self.snapshot();
        let person = self.person(&snapshot, caller)?;
        let user = snapshot.user(person);
        let user = user.ok_or(Refusal::NotFound(Resource::User(person)))?;
        let of_others = of_user(&snapshot, user).into_iter().filter_map(|access| {
            let owner = access.layer.placement.owner()?;
            (owner != person).then(|| Sharee {
                owner: snapshot.user(owner).cloned(),
                access,
            })
        });
        Ok(of_others.collect())
    }

    /// Everybody's personal layers, by id (R71).
    ///
    /// # Errors
    /// [`Refusal`] unless the caller administers personal layers.
    pub fn personal_layers(
        &self,
        caller: &Caller,
        wanted: &PersonalWanted,
    ) -> Result<Vec<Listed>, Refusal> {
        let snapshot = self.overseen(caller)?;
        let active = snapshot.personal_layers().filter(|entry| entry.is_active());
        let listed = active.filter_map(|entry| {
            let owner = entry.layer.placement.owner()?;
            let is_wanted = wanted.owner.is_none_or(|wanted| wanted == owner);
            let owner = snapshot.user(owner).cloned();
            let finds = |search: &Search| {
                search.finds(
                    &entry.layer.name.key(),
                    owner.as_ref().map(|owner| &owner.name),
                )
            };
            let is_found = wanted.search.as_ref().is_none_or(finds);
            (is_wanted && is_found).then(|| Listed {
                layer: Arc::clone(&entry.layer),
                shares: entry.grants.len(),
                owner: owner.clone(),
            })
        });
        let mut listed: Vec<Listed> = listed.collect();
        listed.sort_by_key(|one| one.layer.id);
        Ok(listed)
    }

    /// The accounts that own personal layers or have access to one, by id: all, or those whose names hold a text (R71).
    ///
    /// # Errors
    /// [`Refusal`] unless the caller administers personal layers.
    pub fn personal_layer_users(
        &self,
        caller: &Caller,
        search: Option<&Search>,
    ) -> Result<Vec<Owner>, Refusal> {
        let snapshot = self.overseen(caller)?;
        let mut users: BTreeMap<UserId, Owner> = BTreeMap::new();
        let active = snapshot.personal_layers().filter(|entry| entry.is_active());
        for access in active.flat_map(|entry| of_layer(&snapshot, entry)) {
            let is_owned = access.layer.placement.owner() == Some(access.user.id);
            let counted = users.entry(access.user.id).or_insert_with(|| Owner {
                user: Arc::clone(&access.user),
                owned: 0,
                shared: 0,
            });
            counted.owned += usize::from(is_owned);
            counted.shared += usize::from(!is_owned);
        }
        let is_found =
            |one: &Owner| search.is_none_or(|search| search.finds(&one.user.name.key(), None));
        Ok(users.into_values().filter(is_found).collect())
    }

    /// Who has access to a personal layer, by account (R71).
    ///
    /// # Errors
    /// [`Refusal`] unless the caller administers personal layers, and there is such a layer.
    pub fn personal_layer_access(
        &self,
        caller: &Caller,
        id: LayerId,
    ) -> Result<Vec<Access>, Refusal> {
        let snapshot = self.overseen(caller)?;
        let entry = snapshot.layer(id);
        let entry = entry.filter(|entry| entry.project().is_none());
        let entry = entry.ok_or(Refusal::NotFound(Resource::Layer(id)))?;
        Ok(of_layer(&snapshot, entry))
    }

    /// The personal layers that an account has access to, by id (R71).
    ///
    /// # Errors
    /// [`Refusal`] unless the caller administers personal layers.
    pub fn personal_access_of(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<Vec<Access>, Refusal> {
        let snapshot = self.overseen(caller)?;
        let user = snapshot
            .user(user)
            .ok_or(Refusal::NotFound(Resource::User(user)))?;
        Ok(of_user(&snapshot, user))
    }

    /// The policy, for one who administers personal layers (R80).
    fn overseen(&self, caller: &Caller) -> Result<Arc<Snapshot>, Refusal> {
        let snapshot = self.snapshot();
        let question = Question::Global(GlobalPermission::AdministerPersonalLayers);
        self.require(&snapshot, caller, question)?;
        Ok(snapshot)
    }

    /// The person who calls: anonymous, services and server sessions own nothing.
    pub(super) fn person(&self, snapshot: &Snapshot, caller: &Caller) -> Result<UserId, Refusal> {
        if *caller == Caller::Anonymous {
            return Err(Refusal::NotSignedIn);
        }
        let facts = Facts::of(snapshot, self.admit(caller)?);
        facts
            .person()
            .ok_or(Refusal::Forbidden(Resource::Installation))
    }
}
