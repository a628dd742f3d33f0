//! Figures of layers (R18, R40, R46, R82).

use jmap_domain::{Decision, DenyReason, LayerAct, LayerId, Permission};

use super::{World, call, run};
use crate::{
    conformance::{creation, done, edit, layer, named},
    figures::{Extent, LayerFigures, Size},
    ports::Count,
    reads::ReadError,
    service::AskError,
};

fn figures(world: &World, extent: Extent) -> Result<Vec<LayerFigures>, ReadError> {
    let absent = LayerId::new(999).unwrap();
    run(world.service.figures(&call(11), &[absent, layer()], extent))
}

/// A layer that the caller may know of, and not view.
fn administered() -> World {
    let world = World::with(&[]);
    let nobody = Decision::Denied(DenyReason::NotVisible);
    world
        .authorizer
        .say(LayerAct::Elements(Permission::View), nobody);
    world
        .authorizer
        .say(LayerAct::ReadConfiguration, Decision::All);
    world
}

#[test]
fn who_administers_a_layer_sees_how_much_it_is_without_viewing_it() {
    let world = administered();
    let before = figures(&world, Extent::Wanted).unwrap();
    let [none] = before.as_slice() else {
        panic!("{before:?}")
    };
    assert_eq!(
        (none.count, none.edited, none.extent),
        (Count::Exact(0), None, None)
    );
    assert_eq!(
        none.size,
        Size {
            bytes: 0,
            exact: true
        }
    );
    for (x, name) in [(1.0, "a"), (3.0, "abc")] {
        run(done(&*world.store, creation(x, 2.0, named(name))));
    }
    let after = figures(&world, Extent::Wanted).unwrap();
    let some = &after[0];
    assert_eq!(some.count, Count::Exact(2));
    assert!(some.edited.is_some());
    let extent = some.extent.unwrap();
    assert_eq!((extent.min_x, extent.max_x), (1.0, 3.0));
    // Two points of 21 bytes, and a text and other values beside each.
    let others = some.layer.definition.attributes().len() as u64 - 1;
    let bytes = 2 * 21 + 1 + 3 + 2 * 8 * others;
    assert_eq!(some.size, Size { bytes, exact: true });
    assert_eq!(figures(&world, Extent::LeftOut).unwrap()[0].extent, None);
}

#[test]
fn the_size_of_many_elements_is_in_proportion_to_some() {
    let world = administered();
    let edits = (0..500).map(|n| creation(f64::from(n % 90), 2.0, named("four")));
    run(edit(&*world.store, edits.collect()));
    let figures = figures(&world, Extent::LeftOut).unwrap();
    assert_eq!(figures[0].count, Count::Exact(500));
    let others = figures[0].layer.definition.attributes().len() as u64 - 1;
    let bytes = 500 * (21 + 4 + 8 * others);
    assert_eq!(
        figures[0].size,
        Size {
            bytes,
            exact: false
        }
    );
}

#[test]
fn nothing_is_said_of_layers_that_the_caller_may_not_know_of_nor_without_an_answer() {
    let world = World::with(&[]);
    world.authorizer.say(
        LayerAct::ReadConfiguration,
        Decision::Denied(DenyReason::NotVisible),
    );
    assert!(figures(&world, Extent::Wanted).unwrap().is_empty());
    let closed = Decision::Denied(DenyReason::SessionClosed);
    world.authorizer.say(LayerAct::ReadConfiguration, closed);
    let refused = figures(&world, Extent::Wanted);
    assert!(matches!(
        refused,
        Err(ReadError::Ask(AskError::SignedOut(_)))
    ));
}
