//! Handing a personal layer over: its owner offers it to somebody, who accepts or declines (R81).
//!
//! An offer is part of the layer's registration. It lets its offeree know the layer's name and id, and gives no right.

use std::sync::Arc;

use jmap_domain::{Caller, LayerAct, LayerId, Name, Question, UserId};

use super::{PersonalError, give, owns_layers, personal};
use crate::{
    Authority, Home, LayerEntry, Refusal, Snapshot,
    change::{Changed, PolicyChange},
    draft::Draft,
    model::{Layer, User},
    ports::{Platform, PolicyStore},
};

/// A personal layer that its owner would like somebody else to own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The layer; its offeree is told its name and id alone.
    pub layer: Arc<Layer>,
    /// Who offers it.
    pub owner: Arc<User>,
    /// Whom it is offered to.
    pub offeree: Arc<User>,
}

/// Whose offers are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeBy {
    /// Those that others make to the caller.
    Others,
    /// Those that the caller makes to others.
    Caller,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Offers a personal layer to somebody, in the place of an offer of it that is open. Until it is accepted nothing
    /// changes. Whoever could own it can be offered it; what is refused tells the owner no more than sharing does.
    ///
    /// # Errors
    /// [`PersonalError::NotPersonal`], [`PersonalError::NoOwner`], [`PersonalError::OwnsAlready`]; [`Refusal`] unless the
    /// caller owns the layer (R69).
    pub async fn offer_layer(
        &self,
        caller: &Caller,
        id: LayerId,
        to: UserId,
    ) -> Result<Changed<Offer>, PersonalError> {
        self.change(caller, |draft| {
            let snapshot = draft.snapshot();
            let entry = owned(draft, &snapshot, id)?;
            if entry.layer.placement.owner() == Some(to) {
                return Err(PersonalError::OwnsAlready(to));
            }
            if !owns_layers(&snapshot, to) {
                return Err(PersonalError::NoOwner(to));
            }
            let layer = if entry.layer.offered_to == Some(to) {
                Arc::clone(&entry.layer)
            } else {
                put_offer(draft, entry, Some(to))
            };
            offer(&snapshot, layer).ok_or(PersonalError::NoOwner(to))
        })
        .await
    }

    /// Takes an offer back.
    ///
    /// # Errors
    /// [`PersonalError::NotPersonal`], [`PersonalError::NotOffered`]; [`Refusal`] unless the caller owns the layer.
    pub async fn withdraw_offer(
        &self,
        caller: &Caller,
        id: LayerId,
    ) -> Result<Changed<()>, PersonalError> {
        self.change(caller, |draft| {
            let snapshot = draft.snapshot();
            let entry = owned(draft, &snapshot, id)?;
            if entry.layer.offered_to.is_none() {
                return Err(PersonalError::NotOffered(id));
            }
            put_offer(draft, entry, None);
            Ok(())
        })
        .await
    }

    /// The open offers that others make to the caller, or that the caller makes, by id.
    ///
    /// # Errors
    /// [`Refusal`] for whoever owns nothing: anonymous, services and server sessions.
    pub fn offered_layers(&self, caller: &Caller, made_by: MadeBy) -> Result<Vec<Offer>, Refusal> {
        let snapshot = self.snapshot();
        let person = self.person(&snapshot, caller)?;
        let offers = |entry: &LayerEntry| offer(&snapshot, Arc::clone(&entry.layer));
        let mut offers: Vec<Offer> = match made_by {
            MadeBy::Others => snapshot
                .layers_offered_to(person)
                .filter_map(offers)
                .collect(),
            MadeBy::Caller => {
                let own = snapshot.layers_in(Home::Personal(person));
                own.filter_map(offers).collect()
            }
        };
        offers.sort_by_key(|offer| offer.layer.id);
        Ok(offers)
    }

    /// Makes the caller the owner of a layer that is offered to it: shares keep working, and who owned it keeps nothing.
    ///
    /// # Errors
    /// [`PersonalError::NotOffered`] and [`PersonalError::NotPersonal`] where the caller may know of the layer, the owner
    /// that an earlier call has made it included; [`PersonalError::NameTaken`] unless another name is given;
    /// [`Refusal::QuotaExceeded`]; [`Refusal::NotFound`] when the layer does not exist for the caller.
    pub async fn accept_layer(
        &self,
        caller: &Caller,
        id: LayerId,
        name: Option<Name>,
    ) -> Result<Changed<Arc<Layer>>, PersonalError> {
        let limit = self.settings.personal_layers;
        self.change(caller, |draft| {
            let snapshot = draft.snapshot();
            let (person, entry) = offered(draft, &snapshot, id)?;
            give(draft, entry, (person, name), limit)
        })
        .await
    }

    /// Ends an offer that was made to the caller.
    ///
    /// # Errors
    /// [`PersonalError::NotOffered`], [`PersonalError::NotPersonal`] and [`Refusal`] as [`Self::accept_layer`].
    pub async fn decline_layer(
        &self,
        caller: &Caller,
        id: LayerId,
    ) -> Result<Changed<()>, PersonalError> {
        self.change(caller, |draft| {
            let snapshot = draft.snapshot();
            let (_, entry) = offered(draft, &snapshot, id)?;
            put_offer(draft, entry, None);
            Ok(())
        })
        .await
    }
}

/// Ends the offers that an account makes, and those made to it: it is about to be deleted.
pub(crate) fn end_offers(draft: &mut Draft, user: UserId) {
    let snapshot = draft.snapshot();
    let own = snapshot.layers_in(Home::Personal(user));
    let made = own.filter(|entry| entry.layer.offered_to.is_some());
    for entry in made.chain(snapshot.layers_offered_to(user)) {
        put_offer(draft, entry, None);
    }
}

/// A personal layer that the acting user manages, as its owner alone does (R69).
fn owned<'s>(
    draft: &Draft,
    snapshot: &'s Snapshot,
    id: LayerId,
) -> Result<&'s LayerEntry, PersonalError> {
    let entry = personal(draft, snapshot, id)?;
    draft.require(Question::Layer(id, LayerAct::ChangeStructure))?;
    Ok(entry)
}

/// A layer that is offered to the acting user. What others may know of it is decided as if there were no offer.
fn offered<'s>(
    draft: &Draft,
    snapshot: &'s Snapshot,
    id: LayerId,
) -> Result<(UserId, &'s LayerEntry), PersonalError> {
    let person = draft.person()?;
    let entry = snapshot.layer(id);
    match entry.filter(|entry| entry.layer.offered_to == Some(person)) {
        Some(entry) => Ok((person, entry)),
        None => personal(draft, snapshot, id).and(Err(PersonalError::NotOffered(id))),
    }
}

fn put_offer(draft: &mut Draft, entry: &LayerEntry, offered_to: Option<UserId>) -> Arc<Layer> {
    let layer = Layer {
        offered_to,
        revision: draft.revision(),
        ..(*entry.layer).clone()
    };
    draft.push(PolicyChange::LayerPut(layer.clone()));
    Arc::new(layer)
}

/// A layer as an offer; `None` while it is offered to nobody.
fn offer(snapshot: &Snapshot, layer: Arc<Layer>) -> Option<Offer> {
    let owner = snapshot.user(layer.placement.owner()?)?;
    let offeree = snapshot.user(layer.offered_to?)?;
    Some(Offer {
        owner: Arc::clone(owner),
        offeree: Arc::clone(offeree),
        layer,
    })
}
