//! Unique attributes: no two elements have the same value, however they come by it (R105, R113, R114).

use jmap_domain::{AttributeId, DataRevision, Decision, ElementId};

use super::{
    actor, batch, definition, edit, later, layer, make_layer, read_all, revision,
    structure::{creation_under, current, draft, read_under, redefine_until, redefined},
};
use crate::{
    definition::{
        AttributeConstraints, AttributeRules, Contradiction, Contradictory, DefinitionChange,
        LayerDefinition, MAX_UNIQUE_LENGTH,
    },
    edit::{
        BatchOutcome, Edit, EditMode, EditRefusal, EditResult, EditedElement, ExpectedRevision,
        PermittedBatch, Restored, StoredAnswer,
    },
    element::{AttributeRef, ChangeInput},
    ports::{LayerStore, NewLayer, Redefined},
    value::{AttributeType, Date, DateTime, Value},
};

const ANY: ExpectedRevision = ExpectedRevision::Any;

fn constraints(unique: bool) -> AttributeConstraints {
    AttributeConstraints {
        max_length: Some(MAX_UNIQUE_LENGTH),
        unique,
        ..AttributeConstraints::default()
    }
}

fn text(text: &str) -> Value {
    Value::text(text).unwrap()
}

fn string() -> AttributeId {
    definition().attribute_named("string").unwrap().id
}

/// The change by which `string` is unique, or need not be.
#[must_use]
pub fn uniqueness(unique: bool) -> DefinitionChange {
    DefinitionChange::Constrain {
        attribute: string(),
        rules: AttributeRules {
            constraints: Some(constraints(unique)),
            ..AttributeRules::default()
        },
    }
}

/// Makes the suite's layer, with `string` unique.
pub async fn made(store: &impl LayerStore) -> LayerDefinition {
    make_layer(store).await;
    redefined(store, vec![uniqueness(true)]).await
}

fn create(definition: &LayerDefinition, value: &str) -> Edit {
    creation_under(definition, &[("string", text(value))])
}

fn update(definition: &LayerDefinition, element: ElementId, value: &str) -> Edit {
    let change = ChangeInput {
        geometry: None,
        values: vec![(AttributeRef::Id(string()), text(value))],
    };
    Edit::Update {
        element,
        expected: ANY,
        patch: change.check(definition).unwrap(),
    }
}

fn delete(element: ElementId) -> Edit {
    Edit::Delete {
        element,
        expected: ANY,
    }
}

async fn done(store: &impl LayerStore, edit: Edit) -> EditedElement {
    super::done(store, edit).await
}

/// What becomes of edits, one after the other in one call.
async fn tried(store: &impl LayerStore, mode: EditMode, edits: Vec<Edit>) -> StoredAnswer {
    let batch = batch(actor(1), Decision::All, edits);
    store.edit(PermittedBatch { mode, ..batch }).await.unwrap()
}

async fn refused(store: &impl LayerStore, edit: Edit) {
    let answer = self::edit(store, vec![edit]).await;
    assert_eq!(answer.outcome, BatchOutcome::Refused);
    assert_eq!(answer.results, [(0, not_unique())]);
}

fn not_unique() -> EditResult {
    EditResult::Refused(EditRefusal::NotUnique {
        attribute: string(),
        name: "string".to_owned(),
        index: None,
    })
}

fn is_done(answer: &StoredAnswer) -> Vec<bool> {
    let results = answer.results.iter();
    let done = results.map(|(_, result)| matches!(result, EditResult::Done(_)));
    done.collect()
}

/// R105: a value that an element has is refused to any other, and free again when it has it no more. Nulls are not
/// unique. R113: nothing of the other element is told.
pub async fn a_taken_value_is_refused(store: &impl LayerStore) {
    let now = made(store).await;
    let first = done(store, create(&now, "a")).await.element;
    let second = done(store, create(&now, "b")).await.element;
    refused(store, create(&now, "a")).await;
    refused(store, update(&now, second, "a")).await;
    assert_eq!(read_all(store).await.len(), 2);
    done(store, update(&now, first, "a")).await;
    done(store, update(&now, first, "A")).await;
    done(store, update(&now, second, "a")).await;
    done(store, delete(second)).await;
    done(store, create(&now, "a")).await;
    done(store, creation_under(&now, &[])).await;
    done(store, creation_under(&now, &[])).await;
}

/// R57, R105: each edit of a batch finds what the ones before it have made, and those that cannot be made are named.
pub async fn edits_of_a_batch_find_what_came_before_them(store: &impl LayerStore) {
    let now = made(store).await;
    let creations = || ["a", "a", "b"].map(|value| create(&now, value)).to_vec();
    let answer = tried(store, EditMode::Atomic, creations()).await;
    assert_eq!(answer.outcome, BatchOutcome::Refused);
    assert_eq!(answer.results[1], (1, not_unique()));
    assert_eq!(answer.results[2], (2, EditResult::NotAttempted));
    assert!(read_all(store).await.is_empty());
    let answer = tried(store, EditMode::Partial, creations()).await;
    assert_eq!(is_done(&answer), [true, false, true]);
    let all = read_all(store).await;
    let (a, b) = (all[0].id, all[1].id);
    let swap = vec![update(&now, a, "b"), update(&now, b, "a")];
    let answer = tried(store, EditMode::Atomic, swap).await;
    assert_eq!(answer.outcome, BatchOutcome::Refused);
    assert_eq!(answer.results[0], (0, not_unique()));
    // By way of a third value it goes, and a chain goes in its order.
    let swap = ["c", "a", "b"].into_iter().zip([a, b, a]);
    let swap = swap.map(|(value, element)| update(&now, element, value));
    let answer = tried(store, EditMode::Atomic, swap.collect()).await;
    assert_eq!(is_done(&answer), [true, true, true]);
    let again = vec![delete(b), create(&now, "a")];
    let answer = tried(store, EditMode::Atomic, again).await;
    assert_eq!(is_done(&answer), [true, true]);
}

/// R105: however many elements come at once.
pub async fn many_creations_are_told_apart(store: &impl LayerStore) {
    let now = made(store).await;
    done(store, create(&now, "value 7")).await;
    let numbers = (0..600).map(|number| number % 590);
    let creations = numbers.map(|number| create(&now, &format!("value {number}")));
    let answer = tried(store, EditMode::Partial, creations.collect()).await;
    let refused = answer.results.iter();
    let refused = refused.filter(|(_, result)| *result == not_unique());
    let refused: Vec<u32> = refused.map(|(index, _)| *index).collect();
    let expected: Vec<u32> = [7].into_iter().chain(590..600).collect();
    assert_eq!(refused, expected);
    assert_eq!(read_all(store).await.len(), 590);
}

/// R51, R108, R113: who may not write to an element is told that, and not whether the value is taken. A refused edit
/// leaves no version.
pub async fn other_refusals_come_first(store: &impl LayerStore) {
    let now = made(store).await;
    done(store, create(&now, "a")).await;
    let element = done(store, create(&now, "b")).await.element;
    let own = Decision::Own { creator: actor(2) };
    let foreign = batch(actor(2), own, vec![update(&now, element, "a")]);
    let answer = store.edit(foreign).await.unwrap();
    let not_own = EditResult::Refused(EditRefusal::NotOwn(element));
    assert_eq!(answer.results, [(0, not_own)]);
    let mut stale = update(&now, element, "a");
    if let Edit::Update { expected, .. } = &mut stale {
        *expected = ExpectedRevision::Revision(DataRevision::default());
    }
    let answer = edit(store, vec![stale]).await;
    let current = revision(store).await;
    let stale = EditResult::Refused(EditRefusal::Stale { element, current });
    assert_eq!(answer.results, [(0, stale)]);
    refused(store, update(&now, element, "a")).await;
    done(store, delete(element)).await;
    let query = super::query(crate::query::SelectionInput {
        ids: Some(vec![element]),
        ..crate::query::SelectionInput::default()
    });
    let query = query.check(&now).unwrap();
    let versions = store.versions(&query, None, super::rows(9), later()).await;
    assert_eq!(versions.unwrap().versions.len(), 1);
}

/// R105: what was deleted comes back only while its value is free.
pub async fn a_restored_element_needs_its_value(store: &impl LayerStore) {
    let now = made(store).await;
    let gone = done(store, create(&now, "a")).await;
    let deleted = done(store, delete(gone.element)).await.revision;
    let heir = done(store, create(&now, "a")).await.element;
    let restoration = || {
        Edit::Restore(Restored {
            element: gone.element,
            version: gone.revision,
            deleted,
            checked: now.version(),
        })
    };
    refused(store, restoration()).await;
    done(store, delete(heir)).await;
    done(store, restoration()).await;
    refused(store, create(&now, "a")).await;
}

async fn contradicted(
    store: &impl LayerStore,
    changes: Vec<DefinitionChange>,
) -> Vec<Contradiction> {
    match redefine_until(store, changes, later()).await.unwrap() {
        Redefined::Contradicted(found) => found,
        other @ (Redefined::Done(_) | Redefined::Stale(_)) => panic!("{other:?}"),
    }
}

/// R114: an attribute becomes unique only when its values are; those that are not are named. It can cease to be.
pub async fn elements_that_share_a_value_contradict(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    let mut elements = Vec::new();
    for value in ["a", "b", "a", "c", "b", "a"] {
        elements.push(done(store, create(&before, value)).await.element);
    }
    done(store, creation_under(&before, &[])).await;
    done(store, creation_under(&before, &[])).await;
    let sharing = [0, 1, 2, 4, 5].map(|place| elements[place]);
    let found = contradicted(store, vec![uniqueness(true)]).await;
    let by = Contradictory::NotUnique {
        attribute: string(),
        name: "string".to_owned(),
    };
    let expected = Contradiction {
        by,
        count: 5,
        examples: sharing.to_vec(),
    };
    assert_eq!(found, [expected]);
    for element in [elements[2], elements[4], elements[5]] {
        done(store, delete(element)).await;
    }
    let now = redefined(store, vec![uniqueness(true)]).await;
    refused(store, create(&now, "b")).await;
    let now = redefined(store, vec![uniqueness(false)]).await;
    done(store, create(&now, "b")).await;
}

/// R114: hidden values bind nobody, and are looked at when they come back. A rename changes nothing.
pub async fn hidden_values_bind_nobody(store: &impl LayerStore) {
    let now = made(store).await;
    let gone = done(store, create(&now, "a")).await;
    let deleted = done(store, delete(gone.element)).await.revision;
    let heir = done(store, create(&now, "a")).await.element;
    let hidden = redefined(store, vec![DefinitionChange::Drop(string())]).await;
    let restoration = Edit::Restore(Restored {
        element: gone.element,
        version: gone.revision,
        deleted,
        checked: hidden.version(),
    });
    done(store, restoration).await;
    let back = || vec![DefinitionChange::Restore(string())];
    let found = contradicted(store, back()).await;
    assert_eq!(found[0].examples, [gone.element, heir]);
    done(store, delete(heir)).await;
    let again = redefined(store, back()).await;
    refused(store, create(&again, "a")).await;
    let rename = DefinitionChange::Rename {
        attribute: string(),
        name: "code".to_owned(),
    };
    let renamed = redefined(store, vec![rename]).await;
    let answer = edit(
        store,
        vec![creation_under(&renamed, &[("code", text("a"))])],
    )
    .await;
    assert_eq!(answer.outcome, BatchOutcome::Refused);
    let purge = [
        DefinitionChange::Drop(string()),
        DefinitionChange::Purge(string()),
    ];
    redefined(store, purge.to_vec()).await;
}

/// R104, R105: values of each type that can be unique, also as long as may be.
pub async fn each_type_is_told_apart(store: &impl LayerStore) {
    let longest = |last: char| {
        let all = std::iter::repeat_n('\u{10FFFF}', MAX_UNIQUE_LENGTH as usize - 1);
        Value::text(all.chain([last]).collect::<String>()).unwrap()
    };
    let day = |days| Value::Date(Date::from_days(days).unwrap());
    let moment = |millis| Value::DateTime(DateTime::from_millis(millis).unwrap());
    let cases = [
        (AttributeType::String, longest('a'), longest('b')),
        (
            AttributeType::Integer,
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
        ),
        (AttributeType::Date, day(-1), day(0)),
        (AttributeType::DateTime, moment(-1), moment(0)),
    ];
    let now = super::definition_with(|attribute| {
        let is_string = attribute.kind == AttributeType::String;
        let is_unique = cases.iter().any(|(kind, ..)| *kind == attribute.kind);
        attribute.constraints = AttributeConstraints {
            max_length: is_string.then_some(MAX_UNIQUE_LENGTH),
            unique: is_unique,
            ..AttributeConstraints::default()
        };
    });
    let new = NewLayer {
        layer: layer(),
        label: "unique".to_owned(),
        definition: now.clone(),
    };
    store.create_layer(new).await.unwrap();
    for (kind, one, other) in cases {
        let create = |value: &Value| creation_under(&now, &[(kind.name(), value.clone())]);
        done(store, create(&one)).await;
        done(store, create(&other)).await;
        for value in [&one, &other] {
            let answer = edit(store, vec![create(value)]).await;
            assert_eq!(answer.outcome, BatchOutcome::Refused, "{kind}");
        }
    }
    assert_eq!(read_under(store, &now).await.len(), 8);
}

/// The elements that have values are found by them, those of a unique attribute alone.
pub async fn elements_are_found_by_their_keys(store: &impl LayerStore) {
    let now = made(store).await;
    let a = done(store, create(&now, "a")).await;
    done(store, create(&now, "b")).await;
    done(store, creation_under(&now, &[])).await;
    let values = [text("x"), text("a"), Value::Null];
    let found = store.holders(layer(), string(), &values, later()).await;
    let found = found.unwrap();
    let [holder] = found.as_slice() else {
        panic!("{found:?}")
    };
    let expected = (&text("a"), a.element, a.revision);
    assert_eq!((&holder.value, holder.element, holder.revision), expected);
    redefined(store, vec![uniqueness(false)]).await;
    let found = store.holders(layer(), string(), &values, later()).await;
    assert!(found.unwrap().is_empty());
}

/// R105, R114: a new attribute may be unique; whoever has no value of it shares none.
pub async fn a_new_attribute_may_be_unique(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    done(store, create(&before, "a")).await;
    done(store, create(&before, "b")).await;
    let mut code = draft("code", AttributeType::Integer, Value::Null);
    code.constraints.unique = true;
    let now = redefined(store, vec![DefinitionChange::Add(code)]).await;
    let create = || creation_under(&now, &[("code", Value::Integer(1))]);
    done(store, create()).await;
    let answer = edit(store, vec![create()]).await;
    assert_eq!(answer.outcome, BatchOutcome::Refused);
}

/// R109: where an edit was made of what was found by a key, and that is not so any more, nothing of its batch is done.
pub async fn a_batch_that_was_outrun_is_not_done(store: &impl LayerStore) {
    let now = made(store).await;
    let a = done(store, create(&now, "a")).await;
    done(store, update(&now, a.element, "a")).await;
    let mut stale = update(&now, a.element, "x");
    if let Edit::Update { expected, .. } = &mut stale {
        *expected = ExpectedRevision::Revision(a.revision);
    }
    for edit in [create(&now, "a"), stale, update(&now, absent(), "x")] {
        let edits = vec![create(&now, "b"), edit];
        let PermittedBatch { edits, .. } = batch(actor(1), Decision::All, edits);
        let found = edits.into_iter().map(|edit| match edit.index() {
            1 => edit.found_by(string()),
            _ => edit,
        });
        let outrun = PermittedBatch {
            edits: found.collect(),
            mode: EditMode::Partial,
            ..batch(actor(1), Decision::All, Vec::new())
        };
        let answer = store.edit(outrun).await.unwrap();
        assert_eq!(answer.outcome, BatchOutcome::Refused);
        assert_eq!(answer.results[0], (0, EditResult::NotAttempted));
        assert_eq!(read_all(store).await.len(), 1);
    }
}

fn absent() -> ElementId {
    ElementId::new(99).unwrap()
}
