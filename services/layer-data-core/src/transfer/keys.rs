//! Values of unique attributes in a file that is checked as a whole before anything of it is written (R105, R109).

use std::collections::{BTreeMap, HashSet};

use jmap_domain::AttributeId;
use sha2::{Digest, Sha256};

use super::{Import, ImportError};
use crate::{
    definition::LayerDefinition,
    edit::{EditRefusal, Key, Taken},
    element::NewElement,
    ports::{Authorizer, LayerStore},
    value::Value,
};

/// Most values that are kept of a file: some 50 bytes each.
pub const MAX_KEYS: usize = 2_000_000;

/// The values that rows of the file have, as digests.
#[derive(Debug, Default)]
pub(super) struct FileKeys(HashSet<(AttributeId, [u8; 16])>);

impl FileKeys {
    /// The values of a row, if no row before it has one of them.
    fn free(
        &self,
        definition: &LayerDefinition,
        new: &NewElement,
    ) -> Result<Vec<(AttributeId, [u8; 16])>, EditRefusal> {
        let mut free = Vec::new();
        for (attribute, value) in definition.given_unique(new) {
            let Some(key) = Key::of(value) else { continue };
            let key = (attribute.id, digest(&key));
            if self.0.contains(&key) {
                return Err(EditRefusal::not_unique(attribute));
            }
            free.push(key);
        }
        Ok(free)
    }
}

fn digest(key: &Key) -> [u8; 16] {
    let digest = match key {
        Key::Text(text) => Sha256::digest(text),
        Key::Number(number) => Sha256::digest(number.to_le_bytes()),
    };
    let mut first = [0; 16];
    first
        .iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);
    first
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> Import<S, A, R> {
    /// Refuses the rows of which a value is an element's, or another row's of the file. What is written is told that by
    /// the store.
    pub(super) async fn check_keys(
        &mut self,
        elements: &mut Vec<(u32, NewElement)>,
        refused: &mut BTreeMap<u32, EditRefusal>,
    ) -> Result<(), ImportError> {
        let (layer, definition) = (self.layer.layer, &self.layer.definition);
        let new: Vec<&NewElement> = elements.iter().map(|(_, new)| new).collect();
        let mut taken = Taken::default();
        for (attribute, values) in definition.asked_for(&new) {
            let values: Vec<Value> = values.into_iter().cloned().collect();
            let store = &self.service.store;
            let holders = store.holders(layer, attribute.id, &values, self.call.deadline);
            for holder in holders.await? {
                taken.note(attribute.id, &holder.value);
            }
        }
        let keys = &mut self.keys;
        elements.retain(|(place, new)| {
            // A row that is refused keeps none of its values from the rows after it.
            let free = keys.free(definition, new);
            let free = free.and_then(|own| taken.give(definition, new).map(|()| own));
            free.map(|own| keys.0.extend(own))
                .map_err(|refusal| refused.insert(*place, refusal))
                .is_ok()
        });
        if self.keys.0.len() > MAX_KEYS {
            return Err(ImportError::TooManyKeys);
        }
        Ok(())
    }
}
