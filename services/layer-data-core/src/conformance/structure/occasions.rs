//! Changes for tests of what only one store can do: to be opened anew, or to be written to by many at once.

use jmap_domain::{DataRevision, Decision};

use super::{
    super::{actor, batch, done, later, layer, make_layer},
    creation_under, current, draft, id_of, read_under, redefined, rename, text, value_of,
};
use crate::{
    definition::{AttributeConstraints, AttributeRules, DefinitionChange, LayerDefinition},
    edit::{PermittedBatch, StoredAnswer},
    permit::{Renewal, StructurePermit},
    ports::{LayerStore, Redefinition, StoreError},
    value::{AttributeType, DateTime, Value},
};

/// The change that gives the attribute `string` another name.
#[must_use]
pub fn renaming_string(definition: &LayerDefinition, name: &str) -> DefinitionChange {
    rename(definition, "string", name)
}

/// First half of [`after_reopening`]: leaves an element, and attributes that were renamed, dropped and added.
pub async fn before_reopening(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    let values = [("string", text("s")), ("integer", Value::Integer(7))];
    done(store, creation_under(&before, &values)).await;
    let third = Value::double(1.0 / 3.0).unwrap();
    let changes = vec![
        renaming_string(&before, "name"),
        DefinitionChange::Drop(id_of(&before, "integer")),
        DefinitionChange::Add(draft("third", AttributeType::Double, third)),
    ];
    redefined(store, changes).await;
}

/// Second half: the definition is the changed one, and what was dropped can still be restored.
pub async fn after_reopening(store: &impl LayerStore) {
    let changed = current(store).await;
    assert_eq!(changed.version().0, 2);
    let dropped = changed.dropped()[0].attribute.id;
    let restored = redefined(store, vec![DefinitionChange::Restore(dropped)]).await;
    let element = read_under(store, &restored).await.remove(0);
    assert_eq!(value_of(&restored, &element, "name"), &text("s"));
    assert_eq!(value_of(&restored, &element, "integer"), &Value::Integer(7));
    let third = Value::double(1.0 / 3.0).unwrap();
    assert_eq!(value_of(&restored, &element, "third"), &third);
}

/// Edits that write values of `integer` up to 20, each alone, checked against a definition.
#[must_use]
pub fn writing_integers(definition: &LayerDefinition) -> Vec<PermittedBatch> {
    let edit = |n| creation_under(definition, &[("integer", Value::Integer(n))]);
    let alone = |n| batch(actor(1), Decision::All, vec![edit(n)]);
    (1..=20).map(alone).collect()
}

/// The change by which `integer` is at most 20 minus a number.
#[must_use]
pub fn limiting_integers(definition: &LayerDefinition, less: i64) -> Redefinition {
    let constraints = AttributeConstraints {
        max_value: Some(Value::Integer(20 - less)),
        ..AttributeConstraints::default()
    };
    let change = DefinitionChange::Constrain {
        attribute: id_of(definition, "integer"),
        rules: AttributeRules {
            constraints: Some(constraints),
            ..AttributeRules::default()
        },
    };
    let changed = definition.changed(vec![change], None, DateTime::now());
    Redefinition {
        permit: StructurePermit::from_decision(layer(), Decision::All, later()).unwrap(),
        renewal: Renewal::default(),
        from: definition.version(),
        definition: changed.unwrap(),
        examined: DataRevision::default(),
    }
}

/// R105, R114: whichever came first, every element that was written satisfies the definition that there is, and what
/// was not written was refused for the change alone.
pub async fn no_value_slipped_in(
    store: &impl LayerStore,
    answers: Vec<Result<StoredAnswer, StoreError>>,
) {
    let now = current(store).await;
    let elements = read_under(store, &now).await;
    for element in &elements {
        let values = now.attributes().iter().zip(&element.values);
        for (attribute, value) in values {
            assert_eq!(attribute.check(value), Ok(()), "{element:?}");
        }
    }
    let written = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(written, elements.len());
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    for error in refused {
        assert!(
            matches!(error, StoreError::DefinitionChanged(_)),
            "{error:?}"
        );
    }
}
