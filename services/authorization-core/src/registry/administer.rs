//! Registered layers: rename, editing switch, order, unregister.

use std::sync::Arc;

use jmap_domain::{
    Caller, LayerAct, LayerId, Name, PolicyRevision, ProjectAct, ProjectId, Question,
};

use super::{OnBehalf, RegistryError, layer, tombstone};
use crate::{
    Authority, Home, Refusal, Resource,
    change::{Changed, PolicyChange},
    draft::Draft,
    model::{Editing, Layer, Placement},
    ports::{Platform, PolicyStore},
    projects::reorder,
};

/// What changes of a registration.
#[derive(Clone, Debug, Default)]
pub struct LayerUpdate {
    /// The revision that the caller has read; `None` for any.
    pub expected: Option<PolicyRevision>,
    /// The new name; unset keeps it.
    pub name: Option<Name>,
    /// The editing switch (R31); unset keeps it.
    pub editing: Option<Editing>,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Renames a layer or turns its editing switch.
    ///
    /// # Errors
    /// [`RegistryError::NameTaken`], [`RegistryError::AlwaysEditable`], [`Refusal::Stale`];
    /// [`Refusal`] unless the caller manages the layer.
    pub async fn update_layer(
        &self,
        caller: &Caller,
        id: LayerId,
        update: LayerUpdate,
    ) -> Result<Changed<Arc<Layer>>, RegistryError> {
        self.change(caller, |draft| draft_update(draft, id, update))
            .await
    }

    /// Puts the layers of a project into an order, first to last; those not named follow in their old order (R23).
    ///
    /// # Errors
    /// [`RegistryError::BadOrder`]; [`Refusal`] without *administrate*.
    pub async fn order_layers(
        &self,
        caller: &Caller,
        project: ProjectId,
        order: &[LayerId],
    ) -> Result<Changed<()>, RegistryError> {
        self.change(caller, |draft| {
            draft.require(Question::Project(project, ProjectAct::Administrate))?;
            let snapshot = draft.snapshot();
            // Pending layers stay where they are: who orders does not know of them.
            let layers = snapshot
                .layers_in(Home::Project(project))
                .filter(|e| e.is_active());
            let ids = layers.map(|entry| entry.layer.id).collect();
            for (id, position) in reorder(ids, order).ok_or(RegistryError::BadOrder)? {
                let before = &layer(&snapshot, id)?.layer;
                if before.position() != Some(position) {
                    let placement = Placement::Project { project, position };
                    let revision = draft.revision();
                    let layer = Layer {
                        placement,
                        revision,
                        ..(**before).clone()
                    };
                    draft.push(PolicyChange::LayerPut(layer));
                }
            }
            Ok(())
        })
        .await
    }

    /// Unregisters a layer for a user whose call a service passes on: it vanishes at once, for everyone.
    /// A repeated name is checked, where one is given (R73).
    ///
    /// # Errors
    /// [`RegistryError::WrongName`]; [`Refusal`] unless the user may delete it.
    pub async fn unregister_layer(
        &self,
        callers: OnBehalf<'_>,
        id: LayerId,
        name: Option<&Name>,
    ) -> Result<Changed<()>, RegistryError> {
        self.change_on_behalf(callers, |draft| draft_removal(draft, id, name))
            .await
    }
}

pub(crate) fn draft_update(
    draft: &mut Draft,
    id: LayerId,
    update: LayerUpdate,
) -> Result<Arc<Layer>, RegistryError> {
    draft.require(Question::Layer(id, LayerAct::ChangeStructure))?;
    let snapshot = draft.snapshot();
    let before = &layer(&snapshot, id)?.layer;
    let LayerUpdate {
        expected,
        name,
        editing,
    } = update;
    if expected.is_some_and(|expected| expected != before.revision) {
        return Err(Refusal::Stale(Resource::Layer(id)).into());
    }
    let name = name.unwrap_or_else(|| before.name.clone());
    let other = snapshot.layer_named(before.placement.into(), &name);
    if other.is_some_and(|other| other != id) {
        return Err(RegistryError::NameTaken(name));
    }
    let editing = new_editing(before, editing)?;
    let revision = draft.revision();
    let layer = Layer {
        name,
        editing,
        revision,
        ..(**before).clone()
    };
    draft.push(PolicyChange::LayerPut(layer.clone()));
    Ok(Arc::new(layer))
}

fn draft_removal(draft: &mut Draft, id: LayerId, name: Option<&Name>) -> Result<(), RegistryError> {
    draft.require(Question::Layer(id, LayerAct::Delete))?;
    let snapshot = draft.snapshot();
    if name.is_some_and(|name| layer(&snapshot, id).is_ok_and(|entry| entry.layer.name != *name)) {
        return Err(RegistryError::WrongName(id));
    }
    draft.push(tombstone(draft, id));
    Ok(())
}

/// The switch after the update; a personal layer's cannot be turned off (R83).
fn new_editing(before: &Layer, wanted: Option<Editing>) -> Result<Editing, RegistryError> {
    match (before.placement, wanted) {
        (Placement::Personal { owner: _ }, Some(Editing::Disabled)) => {
            Err(RegistryError::AlwaysEditable)
        }
        (_, wanted) => Ok(wanted.unwrap_or(before.editing)),
    }
}
