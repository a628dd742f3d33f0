//! Edits: elements to create, changes, and what a revision is believed to be.

use std::collections::HashSet;

use jmap_domain::{DataRevision, LayerId};
use jmap_proto::{
    layerdata::{
        AttributeValue, DeleteEdit, Edit, EditMode as WireMode, ElementChange, NewElement,
        UpdateEdit, UpsertEdit, edit::Act,
    },
    types::{self as pb, expected_revision::Expected},
};
use jmap_wire::{FieldPath, FieldViolation, enumeration, id, required};
use layer_data_core::{
    edit::{EditInput, EditMode, ExpectedRevision, Intent, UpsertInput},
    element::{AttributeRef, ChangeInput, ElementInput},
    value::Value,
};

use super::{attribute_ref, value};

/// Parses an edit of a batch.
pub(crate) fn batch_edit(
    path: &FieldPath,
    edit: Edit,
) -> Result<(LayerId, EditInput), FieldViolation> {
    let Edit { layer_id, act } = edit;
    let layer = id(path.field("layer_id"), layer_id)?;
    let edit = match required(path.field("act"), act)? {
        Act::Create(element) => EditInput::Create(new_element(&path.field("create"), element)?),
        Act::Update(update) => update_edit(&path.field("update"), update)?,
        Act::Delete(delete) => delete_edit(&path.field("delete"), delete)?,
        Act::Upsert(upsert) => EditInput::Upsert(upsert_edit(&path.field("upsert"), upsert)?),
    };
    Ok((layer, edit))
}

/// Refuses a batch that names an element twice: the second edit could only guess the revision that the first one
/// makes, and a refusal would tell a revision that was never committed (R108).
pub(crate) fn each_element_once(
    path: &FieldPath,
    edits: &[(LayerId, EditInput)],
) -> Result<(), FieldViolation> {
    let mut seen = HashSet::new();
    for (index, (layer, edit)) in edits.iter().enumerate() {
        let (element, act) = match edit {
            EditInput::Create(_) | EditInput::Upsert(_) => continue,
            EditInput::Update { element, .. } => (element, "update"),
            EditInput::Delete { element, .. } => (element, "delete"),
        };
        if !seen.insert((*layer, *element)) {
            let path = path.item(index).field(act).field("element_id");
            return Err(path.invalid("another edit of the batch names the same element"));
        }
    }
    Ok(())
}

fn update_edit(path: &FieldPath, edit: UpdateEdit) -> Result<EditInput, FieldViolation> {
    let UpdateEdit {
        element_id,
        expected: belief,
        change: wanted,
    } = edit;
    let wanted = required(path.field("change"), wanted)?;
    Ok(EditInput::Update {
        element: id(path.field("element_id"), element_id)?,
        expected: expected(&path.field("expected"), belief)?,
        change: change(&path.field("change"), wanted)?,
    })
}

fn delete_edit(path: &FieldPath, edit: DeleteEdit) -> Result<EditInput, FieldViolation> {
    let DeleteEdit {
        element_id,
        expected: belief,
    } = edit;
    Ok(EditInput::Delete {
        element: id(path.field("element_id"), element_id)?,
        expected: expected(&path.field("expected"), belief)?,
    })
}

/// Parses an element to create or to change.
pub(crate) fn upsert_edit(
    path: &FieldPath,
    edit: UpsertEdit,
) -> Result<UpsertInput, FieldViolation> {
    let UpsertEdit {
        key,
        geometry,
        values,
    } = edit;
    Ok(UpsertInput {
        key: attribute_ref(&path.field("key"), key)?,
        geometry: geometry.map(Into::into),
        values: attribute_values(&path.field("values"), values)?,
    })
}

/// Parses an element to create.
pub(crate) fn new_element(
    path: &FieldPath,
    element: NewElement,
) -> Result<ElementInput, FieldViolation> {
    let NewElement { geometry, values } = element;
    Ok(ElementInput {
        geometry: geometry.into(),
        values: attribute_values(&path.field("values"), values)?,
    })
}

/// Parses a change: what is present is changed (R107).
pub(crate) fn change(
    path: &FieldPath,
    change: ElementChange,
) -> Result<ChangeInput, FieldViolation> {
    let ElementChange { geometry, values } = change;
    Ok(ChangeInput {
        geometry: geometry.map(Into::into),
        values: attribute_values(&path.field("values"), values)?,
    })
}

fn attribute_values(
    path: &FieldPath,
    values: Vec<AttributeValue>,
) -> Result<Vec<(AttributeRef, Value)>, FieldViolation> {
    let parse = |(index, given): (usize, AttributeValue)| {
        let path = path.item(index);
        let AttributeValue {
            attribute,
            value: given,
        } = given;
        let attribute = attribute_ref(&path.field("attribute"), attribute)?;
        Ok((attribute, value(path.field("value"), given)?))
    };
    values.into_iter().enumerate().map(parse).collect()
}

/// Parses what a revision is believed to be; unset is refused (R108).
pub(crate) fn expected(
    path: &FieldPath,
    belief: Option<pb::ExpectedRevision>,
) -> Result<ExpectedRevision, FieldViolation> {
    let pb::ExpectedRevision { expected } = required(path.clone(), belief)?;
    match required(path.clone(), expected)? {
        Expected::Revision(number) => match DataRevision::new(number) {
            Some(revision) => Ok(ExpectedRevision::Revision(revision)),
            None => Err(path.field("revision").invalid("is negative")),
        },
        Expected::Any(pb::AnyRevision {}) => Ok(ExpectedRevision::Any),
    }
}

/// Whether anything is to change.
pub(crate) const fn intent(validate_only: bool) -> Intent {
    if validate_only {
        Intent::Validate
    } else {
        Intent::Commit
    }
}

/// Parses whether one failing edit refuses the others; `default` when it is not said.
pub(crate) fn edit_mode(
    path: impl Into<FieldPath>,
    number: i32,
    default: EditMode,
) -> Result<EditMode, FieldViolation> {
    enumeration(path, number, |mode| match mode {
        WireMode::Unspecified => Some(default),
        WireMode::Atomic => Some(EditMode::Atomic),
        WireMode::Partial => Some(EditMode::Partial),
    })
}
