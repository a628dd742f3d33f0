//! Layers: created, listed, deleted.

use jmap_domain::{Decision, DenyReason, LayerAct, ProjectId};

use super::{World, call, run};
use crate::{
    conformance::layer,
    definition::{GeometryType, LayerDraft, ZPolicy},
    layers::LayerError,
    memory::MemoryStore,
    ports::{LayerStore, Placement, RegistryError, Reservation},
};

fn draft(geometry_type: GeometryType) -> LayerDraft {
    LayerDraft {
        invalid: crate::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type,
        z: ZPolicy::Forbidden,
        epsg: 4326,
        attributes: Vec::new(),
    }
}

fn reservation() -> Reservation {
    Reservation {
        placement: Placement::Project(ProjectId::new(1).unwrap()),
        name: " Streets ".to_owned(),
        editing: None,
        initial_view: None,
        grants: Vec::new(),
        request_id: [1; 16],
    }
}

fn exists(store: &MemoryStore) -> bool {
    run(store.layer(layer())).unwrap().is_some()
}

#[test]
fn a_layer_is_reserved_then_made_then_activated() {
    // R65.
    let world = World::empty();
    let created =
        run(world
            .service
            .create_layer(&call(11), draft(GeometryType::Point), reservation()))
        .unwrap();
    assert_eq!(
        (created.name.as_str(), created.stored.layer),
        ("Streets", layer())
    );
    assert_eq!(world.registry.log(), ["reserve", "activate 7"]);
    assert!(exists(&world.store));
}

#[test]
fn a_retry_goes_on_where_it_stopped_and_another_definition_is_another_request() {
    let world = World::empty();
    let create = |kind| {
        run(world
            .service
            .create_layer(&call(11), draft(kind), reservation()))
    };
    create(GeometryType::Point).unwrap();
    assert!(create(GeometryType::Point).unwrap().policy_token.is_none());
    let other = create(GeometryType::Polygon);
    assert!(matches!(
        other,
        Err(LayerError::Registry(RegistryError::RequestReused))
    ));
    assert_eq!(
        world.registry.log(),
        ["reserve", "activate 7", "reserve", "reserve"]
    );
}

#[test]
fn a_wrong_definition_reserves_nothing() {
    let world = World::empty();
    let wrong = LayerDraft {
        epsg: 1,
        ..draft(GeometryType::Point)
    };
    let refused = run(world.service.create_layer(&call(11), wrong, reservation()));
    assert!(matches!(refused, Err(LayerError::Definition(_))));
    assert!(world.registry.log().is_empty());
}

#[test]
fn storage_goes_only_by_a_tombstone_and_is_confirmed() {
    // R25.
    let world = World::empty();
    run(world
        .service
        .create_layer(&call(11), draft(GeometryType::Point), reservation()))
    .unwrap();
    assert_eq!(run(world.service.reconcile()).unwrap(), []);
    assert!(exists(&world.store));
    run(world.service.delete_layer(&call(11), layer(), "Streets")).unwrap();
    assert_eq!(run(world.service.reconcile()).unwrap(), [layer()]);
    assert!(!exists(&world.store));
    assert_eq!(run(world.service.reconcile()).unwrap(), []);
}

#[test]
fn a_layer_that_may_not_be_read_is_absent() {
    // R40, R46.
    let world = World::with(&[]);
    world.authorizer.say(
        LayerAct::ReadConfiguration,
        Decision::Denied(DenyReason::NotVisible),
    );
    let shown = run(world.service.get_layer(&call(11), layer()));
    assert!(matches!(shown, Err(LayerError::NoSuchLayer(_))));
}
