//! Personal layers as they are shown.

use std::collections::HashMap;

use jmap_proto::{
    authorization::{
        LayerRegistration, PersonalLayer, PersonalLayerAccess, PersonalLayerOffer,
        PersonalLayerShare, PersonalLayerUser,
    },
    types::EffectivePermissions,
};
use serde::Serialize;

use super::figures::FiguresView;
use crate::{
    command::{grantee::Grantee, listed},
    output::View,
    words::effective_words,
};

/// What the registry knows of a layer.
#[derive(Debug, Serialize)]
pub(super) struct OwnView {
    pub(super) layer_id: i64,
    name: String,
    project_id: i64,
    owner_user_id: i64,
    /// `None` where they are not asked for, or layer-data does not answer.
    figures: Option<FiguresView>,
}

impl OwnView {
    /// With the figures of the layer, where they are known.
    pub(super) fn with(mut self, figures: &HashMap<i64, FiguresView>) -> Self {
        self.figures = figures.get(&self.layer_id).cloned();
        self
    }
}

impl From<LayerRegistration> for OwnView {
    fn from(layer: LayerRegistration) -> Self {
        Self {
            layer_id: layer.layer_id,
            name: layer.name,
            project_id: layer.project_id,
            owner_user_id: layer.owner_user_id,
            figures: None,
        }
    }
}

impl View for OwnView {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "geometry", "elements", "size", "last edit"];
    fn cells(&self) -> Vec<String> {
        let figures = FiguresView::cells(self.figures.as_ref());
        [self.layer_id.to_string(), self.name.clone()]
            .into_iter()
            .chain(figures)
            .collect()
    }
}

/// A layer in the administrators' list.
#[derive(Debug, Serialize)]
pub(super) struct ListedView {
    pub(super) layer_id: i64,
    name: String,
    owner_user_id: i64,
    /// `None` when the account was deleted.
    owner: Option<String>,
    shares: i32,
    /// `None` where layer-data does not answer.
    figures: Option<FiguresView>,
}

impl ListedView {
    /// With the figures of the layer, where they are known.
    pub(super) fn with(mut self, figures: &HashMap<i64, FiguresView>) -> Self {
        self.figures = figures.get(&self.layer_id).cloned();
        self
    }
}

impl From<PersonalLayer> for ListedView {
    fn from(layer: PersonalLayer) -> Self {
        let PersonalLayer {
            registration,
            owner_name,
            share_count,
        } = layer;
        let registration = registration.unwrap_or_default();
        Self {
            layer_id: registration.layer_id,
            name: registration.name,
            owner_user_id: registration.owner_user_id,
            owner: named(owner_name),
            shares: share_count,
            figures: None,
        }
    }
}

impl View for ListedView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "owner",
        "shares",
        "geometry",
        "elements",
        "size",
        "last edit",
    ];
    fn cells(&self) -> Vec<String> {
        let figures = FiguresView::cells(self.figures.as_ref());
        [
            self.layer_id.to_string(),
            self.name.clone(),
            shown(self.owner.as_ref()),
            self.shares.to_string(),
        ]
        .into_iter()
        .chain(figures)
        .collect()
    }
}

/// A user in the administrators' list.
#[derive(Debug, Serialize)]
pub(super) struct UserView {
    user_id: i64,
    name: String,
    owned: i32,
    shared: i32,
}

impl From<PersonalLayerUser> for UserView {
    fn from(user: PersonalLayerUser) -> Self {
        let PersonalLayerUser {
            user_id,
            name,
            owned_count,
            shared_count,
        } = user;
        Self {
            user_id,
            name,
            owned: owned_count,
            shared: shared_count,
        }
    }
}

impl View for UserView {
    const COLUMNS: &'static [&'static str] = &["id", "name", "owned", "shared"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.user_id.to_string(),
            self.name.clone(),
            self.owned.to_string(),
            self.shared.to_string(),
        ]
    }
}

/// What somebody may do on a layer, and why.
#[derive(Debug, Serialize)]
pub(super) struct AccessView {
    layer_id: i64,
    layer: String,
    user_id: i64,
    user: String,
    all: Vec<String>,
    own: Vec<String>,
    owner: bool,
    through: Vec<Grantee>,
}

impl From<PersonalLayerAccess> for AccessView {
    fn from(access: PersonalLayerAccess) -> Self {
        let registration = access.registration.unwrap_or_default();
        let (all, own) = flags(access.permissions);
        Self {
            layer_id: registration.layer_id,
            layer: registration.name,
            user_id: access.user_id,
            user: access.user_name,
            all,
            own,
            owner: access.owner,
            through: access.through.into_iter().map(grantee).collect(),
        }
    }
}

impl View for AccessView {
    const COLUMNS: &'static [&'static str] = &["layer", "name", "user", "may", "through"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.layer_id.to_string(),
            self.layer.clone(),
            self.user.clone(),
            may(&self.all, &self.own),
            through(self.owner, &self.through),
        ]
    }
}

/// A layer that is shared with the caller.
#[derive(Debug, Serialize)]
pub(super) struct SharedView {
    layer_id: i64,
    name: String,
    owner: Option<String>,
    all: Vec<String>,
    own: Vec<String>,
    through: Vec<Grantee>,
}

impl From<PersonalLayerAccess> for SharedView {
    fn from(access: PersonalLayerAccess) -> Self {
        let registration = access.registration.unwrap_or_default();
        let (all, own) = flags(access.permissions);
        Self {
            layer_id: registration.layer_id,
            name: registration.name,
            owner: named(access.owner_name),
            all,
            own,
            through: access.through.into_iter().map(grantee).collect(),
        }
    }
}

impl View for SharedView {
    const COLUMNS: &'static [&'static str] = &["id", "name", "owner", "you may", "through"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.layer_id.to_string(),
            self.name.clone(),
            shown(self.owner.as_ref()),
            may(&self.all, &self.own),
            through(false, &self.through),
        ]
    }
}

/// A layer that its owner offers to somebody.
#[derive(Debug, Serialize)]
pub(super) struct OfferView {
    pub(super) layer_id: i64,
    name: String,
    owner_user_id: i64,
    owner: String,
    offered_to_user_id: i64,
    pub(super) offered_to: String,
}

impl From<PersonalLayerOffer> for OfferView {
    fn from(offer: PersonalLayerOffer) -> Self {
        let PersonalLayerOffer {
            layer_id,
            name,
            owner_user_id,
            owner_name,
            offered_to_user_id,
            offered_to_name,
        } = offer;
        Self {
            layer_id,
            name,
            owner_user_id,
            owner: owner_name,
            offered_to_user_id,
            offered_to: offered_to_name,
        }
    }
}

impl View for OfferView {
    const COLUMNS: &'static [&'static str] = &["id", "name", "owner", "offered to"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.layer_id.to_string(),
            self.name.clone(),
            self.owner.clone(),
            self.offered_to.clone(),
        ]
    }
}

pub(super) fn flags(permissions: Option<EffectivePermissions>) -> (Vec<String>, Vec<String>) {
    effective_words(permissions)
}

pub(super) fn named(name: String) -> Option<String> {
    (!name.is_empty()).then_some(name)
}

fn shown(owner: Option<&String>) -> String {
    owner.map_or_else(|| "(deleted)".to_owned(), Clone::clone)
}

fn grantee(share: PersonalLayerShare) -> Grantee {
    Grantee::named(share.principal, share.name)
}

pub(super) fn may(all: &[String], own: &[String]) -> String {
    let own = own.iter().map(|word| format!("{word} own"));
    listed(&all.iter().cloned().chain(own).collect::<Vec<_>>())
}

fn through(owner: bool, shares: &[Grantee]) -> String {
    let owner = owner.then(|| "ownership".to_owned());
    let shares = shares.iter().map(Grantee::written);
    listed(&owner.into_iter().chain(shares).collect::<Vec<_>>())
}
