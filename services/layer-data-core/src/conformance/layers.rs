//! Layers: made once, dropped for good, and whole again after the store was opened anew.

use jmap_domain::LayerId;

use super::{
    creation, definition, definition_with, done, edit, layer, make_layer, name_of, named, query,
    read_all, revision,
    structure::{current, redefined},
};
use crate::{
    definition::{DefinitionChange, GeometryType, LayerDraft, ZPolicy},
    edit::{Edit, ExpectedRevision},
    ports::{LayerStore, NewLayer, Removal, StoreError},
    query::SelectionInput,
};

/// Making a layer again changes nothing; making it otherwise is refused.
pub async fn making_a_layer_twice_makes_it_once(store: &impl LayerStore) {
    make_layer(store).await;
    done(store, creation(1.0, 2.0, named("kept"))).await;
    make_layer(store).await;
    assert_eq!(read_all(store).await.len(), 1);
    let attributes = Vec::new();
    let other = LayerDraft {
        invalid: crate::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type: GeometryType::Point,
        z: ZPolicy::Mandatory,
        epsg: 3857,
        attributes,
    };
    let other = NewLayer {
        layer: layer(),
        label: "other".to_owned(),
        definition: other.define().unwrap(),
    };
    assert!(matches!(
        store.create_layer(other).await,
        Err(StoreError::LayerExists(_))
    ));
    assert_eq!(store.layers().await.unwrap(), [layer()]);
}

/// R109, R114: making a layer again changes nothing either when its definition was changed since, twice at that, and
/// another definition is still another.
pub async fn a_layer_is_known_by_its_first_definition(store: &impl LayerStore) {
    make_layer(store).await;
    for name in ["renamed", "once more"] {
        let attribute = definition().attributes()[0].id;
        let rename = DefinitionChange::Rename {
            attribute,
            name: name.to_owned(),
        };
        redefined(store, vec![rename]).await;
    }
    make_layer(store).await;
    assert_eq!(current(store).await.version().0, 3);
    let other = NewLayer {
        layer: layer(),
        label: "other".to_owned(),
        definition: definition_with(|draft| draft.required = true),
    };
    assert!(matches!(
        store.create_layer(other).await,
        Err(StoreError::LayerExists(_))
    ));
}

/// Layers may bear the same label: names are not the store's business.
pub async fn labels_may_repeat(store: &impl LayerStore) {
    for id in [1, 2] {
        let layer = LayerId::new(id).unwrap();
        let new = NewLayer {
            layer,
            label: "Streets \"north\"; drop".to_owned(),
            definition: definition(),
        };
        store.create_layer(new).await.unwrap();
    }
    assert_eq!(store.layers().await.unwrap().len(), 2);
}

/// R25: a dropped layer is gone with everything; dropping it again changes nothing.
pub async fn a_dropped_layer_is_gone(store: &impl LayerStore) {
    make_layer(store).await;
    done(store, creation(1.0, 2.0, named("gone"))).await;
    let removal = Removal { layer: layer() };
    store.drop_layer(removal).await.unwrap();
    store.drop_layer(removal).await.unwrap();
    assert!(store.layer(layer()).await.unwrap().is_none());
    let query = query(SelectionInput::default())
        .check(&definition())
        .unwrap();
    assert!(matches!(
        store
            .read(&query, None, super::rows(1), super::later())
            .await,
        Err(StoreError::LayerMissing(_))
    ));
}

/// A store serves one installation for ever.
pub async fn another_installation_is_refused(store: &impl LayerStore) {
    store.bind_installation("one").await.unwrap();
    store.bind_installation("one").await.unwrap();
    assert!(matches!(
        store.bind_installation("two").await,
        Err(StoreError::OtherInstallation)
    ));
}

/// First half of [`after_reopening`]: leaves an element, a deleted one, and their numbers.
pub async fn before_reopening(store: &impl LayerStore) {
    make_layer(store).await;
    edit(
        store,
        vec![
            creation(1.0, 2.0, named("kept")),
            creation(3.0, 4.0, named("deleted")),
        ],
    )
    .await;
    let last = read_all(store).await.remove(1);
    done(
        store,
        Edit::Delete {
            element: last.id,
            expected: ExpectedRevision::Any,
        },
    )
    .await;
}

/// Second half: everything is there, and no id or revision comes again (R103, R116).
pub async fn after_reopening(store: &impl LayerStore) {
    let kept = read_all(store).await;
    assert_eq!(kept.iter().map(name_of).collect::<Vec<_>>(), ["kept"]);
    let newest = revision(store).await;
    let new = done(store, creation(5.0, 6.0, named("new"))).await;
    assert_eq!((kept[0].id.get(), new.element.get()), (1, 3));
    assert!(new.revision > newest);
}

/// R46: of any kind, a deletion included.
pub async fn the_last_edit_is_told(store: &impl LayerStore) {
    assert!(matches!(
        store.last_edit(layer()).await,
        Err(StoreError::LayerMissing(_))
    ));
    make_layer(store).await;
    assert_eq!(store.last_edit(layer()).await.unwrap(), None);
    let made = done(store, creation(1.0, 2.0, named("first"))).await;
    let stamp = read_all(store).await[0].stamps.update_time;
    assert_eq!(store.last_edit(layer()).await.unwrap(), Some(stamp));
    let (element, expected) = (made.element, ExpectedRevision::Any);
    done(store, Edit::Delete { element, expected }).await;
    let last = store.last_edit(layer()).await.unwrap();
    assert!(last >= Some(stamp));
}
