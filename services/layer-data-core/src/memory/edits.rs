//! Edits of a layer in memory.

use jmap_domain::ElementId;

use super::{Layer, Row};
use crate::{
    edit::{Edit, EditRefusal, EditResult, EditedElement, ExpectedRevision, PermittedEdit},
    element::{Element, ElementPatch, NewElement, Stamps},
    permit::{Permit, Scope},
    value::Value,
};

impl Layer {
    pub(super) fn edit(&mut self, edit: &PermittedEdit) -> EditResult {
        let done = match edit.edit() {
            Edit::Create(new) => self.create(new, edit.permit()),
            Edit::Update {
                element,
                expected,
                patch,
            } => self
                .reach(*element, *expected, edit.permit())
                .and_then(|()| {
                    self.is_free(*element, self.definition.changed_unique(edit.edit()))?;
                    self.keep(*element, edit.permit());
                    self.update(*element, patch, edit.permit())
                }),
            Edit::Delete { element, expected } => {
                self.reach(*element, *expected, edit.permit()).map(|()| {
                    self.keep(*element, edit.permit());
                    self.rows.remove(element);
                    *element
                })
            }
            Edit::Restore(restored) => self.restore(restored, edit.permit()),
        };
        match done {
            Ok(element) => EditResult::Done(EditedElement {
                element,
                revision: self.revision,
                created: edit.edit().creates(),
            }),
            Err(refusal) => EditResult::Refused(refusal),
        }
    }

    fn create(&mut self, new: &NewElement, permit: &Permit) -> Result<ElementId, EditRefusal> {
        let id = ElementId::new(self.next).or(Err(EditRefusal::NoSuchLayer(permit.layer())))?;
        self.next += 1;
        self.is_free(id, self.definition.given_unique(new))?;
        let (by, at) = (Some(permit.actor()), self.edited);
        let stamps = Stamps {
            created_by: by,
            updated_by: by,
            create_time: at,
            update_time: at,
        };
        let mut values = new.values().to_vec();
        values.extend(self.definition.dropped().iter().map(|_| Value::Null));
        let element = Element {
            id,
            revision: self.revision,
            geometry: None,
            values,
            stamps,
        };
        self.rows.insert(
            id,
            Row {
                element,
                geometry: new.geometry().clone(),
            },
        );
        Ok(id)
    }

    fn update(
        &mut self,
        id: ElementId,
        patch: &ElementPatch,
        permit: &Permit,
    ) -> Result<ElementId, EditRefusal> {
        let row = self
            .rows
            .get_mut(&id)
            .ok_or(EditRefusal::NoSuchElement(id))?;
        row.geometry = patch.geometry().unwrap_or(&row.geometry).clone();
        for (attribute, value) in patch.values() {
            let place = self.definition.place(*attribute);
            if let Some(slot) = place.and_then(|place| row.element.values.get_mut(place)) {
                *slot = value.clone();
            }
        }
        row.element.revision = self.revision;
        row.element.stamps.updated_by = Some(permit.actor());
        row.element.stamps.update_time = self.edited;
        Ok(id)
    }

    fn reach(
        &self,
        id: ElementId,
        expected: ExpectedRevision,
        permit: &Permit,
    ) -> Result<(), EditRefusal> {
        let row = self.rows.get(&id).ok_or(EditRefusal::NoSuchElement(id))?;
        if let Scope::Own(actor) = permit.scope()
            && row.element.stamps.created_by != Some(actor)
        {
            return Err(EditRefusal::NotOwn(id));
        }
        let current = row.element.revision;
        match expected {
            ExpectedRevision::Revision(revision) if revision != current => {
                Err(EditRefusal::Stale {
                    element: id,
                    current,
                })
            }
            ExpectedRevision::Revision(_) | ExpectedRevision::Any => Ok(()),
        }
    }
}
