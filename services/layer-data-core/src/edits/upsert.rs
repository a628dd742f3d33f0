//! Upserts: what they are is found out before anything is written, and written only if it is so still (R33–R35, R109).
//!
//! An upsert becomes the ordinary creation of an element, or the ordinary change of the one that has the key, at the
//! revision at which it was found. When somebody else was faster, the whole batch is not done, and looked at anew.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jmap_domain::{AttributeId, ElementId, LayerId};

use super::{BatchReport, EditError, Order, Plan, Rights};
use crate::{
    definition::LayerDefinition,
    edit::{
        Edit, EditInput, EditRefusal, EditResult, EditedElement, Holder, Key, StoredAnswer,
        UpsertError, UpsertInput,
    },
    element::{AttributeRef, InputError},
    permit::Permit,
    ports::{Authorizer, Call, LayerStore},
    service::LayerData,
    value::Value,
};

/// An upsert of a batch, by its place in it.
type Upsert<'e> = (u32, LayerId, &'e UpsertInput);

/// The elements that there are for upserts, by the places of these in the batch; or why one cannot be looked for.
pub(super) type Found = BTreeMap<u32, Result<(AttributeId, Option<Holder>), InputError>>;

/// What no two edits of a batch may be about, if one of them is an upsert.
#[derive(PartialEq, Eq, Hash)]
enum Claim {
    Element(LayerId, ElementId),
    Value(LayerId, AttributeId, Key),
}

impl Rights {
    /// A permit that the edit may turn out to need: who has none learns nothing.
    pub(super) fn one_permit(
        &self,
        layer: LayerId,
        edit: &EditInput,
    ) -> Result<Permit, EditRefusal> {
        let permit = self.permit(layer, edit.permission());
        match edit.other_permission() {
            Some(other) => self.permit(layer, other).or(permit),
            None => permit,
        }
    }
}

impl<S: LayerStore, A: Authorizer, R> LayerData<S, A, R> {
    /// Looks for the elements that have the keys. What a retry was told it did, it does again, and is told again (R109).
    pub(super) async fn look_for(
        &self,
        call: &Call,
        upserts: &[Upsert<'_>],
        (order, rights): (Order, &Rights),
    ) -> Result<Found, EditError> {
        let known = match order.request {
            Some(request) => self.store.remembered(rights.actor, request).await,
            None => Ok(None),
        };
        let known = known.map_err(EditError::Store)?;
        let known: HashMap<u32, EditedElement> = known.map(done).unwrap_or_default();
        let (mut found, mut keys) = (Found::new(), BTreeMap::new());
        for (index, layer, upsert) in upserts {
            let stored = self.store.layer(*layer).await.map_err(EditError::Store)?;
            let Some(stored) = stored else { continue };
            match upsert.key(&stored.definition) {
                Ok((key, value)) => {
                    let (places, values): &mut (Vec<u32>, Vec<Value>) =
                        keys.entry((*layer, key)).or_default();
                    places.push(*index);
                    values.push(value.clone());
                }
                Err(error) => {
                    found.insert(*index, Err(error));
                }
            }
        }
        for ((layer, key), (places, values)) in keys {
            let holders = self.store.holders(layer, key, &values, call.deadline);
            let holders = holders.await.map_err(EditError::Store)?.into_iter();
            let holders: HashMap<Option<Key>, Holder> = holders
                .map(|holder| (Key::of(&holder.value), holder))
                .collect();
            for (place, value) in places.into_iter().zip(&values) {
                let holder = match known.get(&place) {
                    Some(edited) => remembered_holder(edited, value),
                    None => holders.get(&Key::of(value)).cloned(),
                };
                found.insert(place, Ok((key, holder)));
            }
        }
        Ok(found)
    }
}

/// What a call that was answered before has done.
fn done(answer: StoredAnswer) -> HashMap<u32, EditedElement> {
    let results = answer.results.into_iter();
    let done = results.filter_map(|(index, result)| match result {
        EditResult::Done(edited) => Some((index, edited)),
        EditResult::Refused(_) | EditResult::NotAttempted => None,
    });
    done.collect()
}

fn remembered_holder(edited: &EditedElement, value: &Value) -> Option<Holder> {
    (!edited.created).then(|| Holder {
        value: value.clone(),
        element: edited.element,
        revision: edited.revision,
    })
}

impl Plan {
    /// Makes upserts the edits that they are, each under its own right.
    pub(super) fn settle(
        &mut self,
        upserts: Vec<Upsert<'_>>,
        found: &Found,
        (definitions, rights): (&HashMap<LayerId, Arc<LayerDefinition>>, &Rights),
    ) {
        let mut claims = self.claims(definitions);
        for (index, layer, upsert) in upserts {
            let (Some(found), Some(definition)) = (found.get(&index), definitions.get(&layer))
            else {
                let gone = EditRefusal::NoSuchLayer(layer);
                self.refused.insert(index, gone);
                continue;
            };
            let settled = settled(upsert, (layer, definition), found, rights);
            let settled = settled.and_then(|(key, edit)| {
                let own = claims_of(layer, definition, &edit);
                if let Some(other) = own.iter().find_map(|claim| claims.get(claim)) {
                    return Err(InputError::from(UpsertError::Entangled(*other as usize)).into());
                }
                claims.extend(own.into_iter().map(|claim| (claim, index)));
                Ok((key, edit))
            });
            match settled {
                Ok((key, edit)) => {
                    self.keys.insert(index, key);
                    self.edits.push((index, layer, Arc::new(edit)));
                }
                Err(refusal) => {
                    self.refused.insert(index, refusal);
                }
            }
        }
        self.edits.sort_by_key(|(index, ..)| *index);
    }

    /// What the edits that are no upserts are about, each with the place of such an edit.
    fn claims(&self, definitions: &HashMap<LayerId, Arc<LayerDefinition>>) -> HashMap<Claim, u32> {
        let mut claims = HashMap::new();
        for (index, layer, edit) in &self.edits {
            let Some(definition) = definitions.get(layer) else {
                continue;
            };
            let own = claims_of(*layer, definition, edit).into_iter();
            claims.extend(own.map(|claim| (claim, *index)));
        }
        claims
    }

    /// Whether the answer is that of a batch that was not done because what was found for it was not so any more.
    pub(super) fn is_outrun(&self, answer: &StoredAnswer) -> bool {
        let mut results = answer.results.iter();
        results.any(|(index, result)| {
            let key = self.keys.get(index);
            key.is_some_and(|key| result.is_outrun(*key))
        })
    }
}

/// What an edit is about: its element, and the values of unique attributes that it gives.
fn claims_of(layer: LayerId, definition: &LayerDefinition, edit: &Edit) -> Vec<Claim> {
    let (element, values) = match edit {
        Edit::Create(new) => (None, definition.given_unique(new).collect()),
        Edit::Update { element, .. } => (Some(element), definition.changed_unique(edit)),
        Edit::Delete { element, .. } => (Some(element), Vec::new()),
        Edit::Restore(_) => (None, Vec::new()),
    };
    let values = values
        .into_iter()
        .filter_map(|(attribute, value)| Some(Claim::Value(layer, attribute.id, Key::of(value)?)));
    let element = element.map(|element| Claim::Element(layer, *element));
    values.chain(element).collect()
}

/// The edit that an upsert is, under its own right.
fn settled(
    upsert: &UpsertInput,
    (layer, definition): (LayerId, &LayerDefinition),
    found: &Result<(AttributeId, Option<Holder>), InputError>,
    rights: &Rights,
) -> Result<(AttributeId, Edit), EditRefusal> {
    let (key, holder) = found.as_ref().map_err(Clone::clone)?;
    let edit = upsert.check(definition, *key, holder.as_ref());
    // The right comes before what is wrong with the payload.
    let needed = match holder {
        Some(_) => upsert.change_permission(),
        None => jmap_domain::Permission::AddElements,
    };
    rights.permit(layer, needed)?;
    Ok((*key, edit?))
}

impl BatchReport {
    /// The report with the places of values that are taken.
    pub(super) fn naming(mut self, edits: &[(LayerId, EditInput)]) -> Self {
        for (result, (_, edit)) in self.results.iter_mut().zip(edits) {
            if let EditResult::Refused(EditRefusal::NotUnique {
                attribute,
                name,
                index,
            }) = result
            {
                let is_it = |(given, _): &(AttributeRef, Value)| match given {
                    AttributeRef::Id(id) => id == attribute,
                    AttributeRef::Name(given) => given == name,
                };
                *index = edit.values().iter().position(is_it);
            }
        }
        self
    }
}
