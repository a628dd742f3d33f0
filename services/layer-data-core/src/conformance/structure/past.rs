//! Versions that were kept follow the changes of the definition.

use jmap_domain::{Decision, ElementId};

use super::{creation_under, current, draft, id_of, redefined, rename, text, update, value_of};
use crate::{
    conformance::{actor, batch, done, later, make_layer, query, rows},
    definition::{DefinitionChange, LayerDefinition},
    edit::{Edit, ExpectedRevision},
    element::Element,
    history::AsOf,
    ports::LayerStore,
    query::SelectionInput,
    value::{AttributeType, Value},
};

/// The one element as it was, and all that is kept of it, both with the attributes of a definition.
async fn remembered(
    store: &impl LayerStore,
    definition: &LayerDefinition,
    (element, as_of): (ElementId, Option<AsOf>),
) -> (Vec<Element>, Vec<Element>) {
    let selection = |as_of| SelectionInput {
        ids: Some(vec![element]),
        as_of,
        ..SelectionInput::default()
    };
    let then = query(selection(as_of)).check(definition).unwrap();
    let then = store.read(&then, None, rows(9), later()).await.unwrap();
    let all = query(selection(None)).check(definition).unwrap();
    let all = store.versions(&all, None, rows(9), later()).await.unwrap();
    let versions = all.versions.into_iter().map(|version| version.element);
    (then.elements, versions.collect())
}

/// R114: after every kind of change elements are edited and deleted as before, and what they were is read by attributes
/// as they are now.
pub async fn versions_follow_the_definition(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    let values = [("string", text("a")), ("integer", Value::Integer(1))];
    let made = done(store, creation_under(&before, &values)).await;
    let begin = Some(AsOf::Revision(made.revision));
    done(
        store,
        update(&before, made.element, &[("string", text("b"))]),
    )
    .await;
    let add = draft("more", AttributeType::Integer, Value::Integer(7));
    let exchange = vec![
        DefinitionChange::Add(add),
        rename(&before, "string", "integer"),
        rename(&before, "integer", "string"),
    ];
    let exchanged = redefined(store, exchange).await;
    let (then, versions) = remembered(store, &exchanged, (made.element, begin)).await;
    assert_eq!(value_of(&exchanged, &then[0], "integer"), &text("a"));
    assert_eq!(value_of(&exchanged, &then[0], "string"), &Value::Integer(1));
    assert_eq!(value_of(&exchanged, &versions[1], "integer"), &text("b"));
    done(
        store,
        update(&exchanged, made.element, &[("more", Value::Null)]),
    )
    .await;
    let gone = id_of(&exchanged, "string");
    let dropped = redefined(store, vec![DefinitionChange::Drop(gone)]).await;
    done(
        store,
        update(&dropped, made.element, &[("integer", text("c"))]),
    )
    .await;
    let restored = redefined(store, vec![DefinitionChange::Restore(gone)]).await;
    let (then, versions) = remembered(store, &restored, (made.element, begin)).await;
    assert_eq!(value_of(&restored, &then[0], "string"), &Value::Integer(1));
    assert_eq!(versions.len(), 4);
    let kept = versions.iter();
    let mut kept = kept.map(|version| value_of(&restored, version, "string"));
    assert!(kept.all(|value| *value == Value::Integer(1)));
    let purge = vec![DefinitionChange::Drop(gone), DefinitionChange::Purge(gone)];
    let purged = redefined(store, purge).await;
    let deletion = Edit::Delete {
        element: made.element,
        expected: ExpectedRevision::Any,
    };
    store
        .edit(batch(actor(2), Decision::All, vec![deletion]))
        .await
        .unwrap();
    let (then, versions) = remembered(store, &purged, (made.element, begin)).await;
    assert_eq!(value_of(&purged, &then[0], "integer"), &text("a"));
    assert_eq!(value_of(&purged, &versions[3], "integer"), &text("c"));
    // Who began before reads null of what is gone for good, each value in its place.
    let (then, _) = remembered(store, &exchanged, (made.element, begin)).await;
    assert_eq!(value_of(&exchanged, &then[0], "integer"), &text("a"));
    assert_eq!(value_of(&exchanged, &then[0], "string"), &Value::Null);
}
