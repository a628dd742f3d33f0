//! The flags that a client gets are what the calls enforce, for combinations of everything that matters (R43, R44).

use jmap_domain::{EffectivePermissions, Permission};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use testkit::{
    Floor, Pair, RulesFloor, ServedFloor,
    world::{
        Added, Deed, Edit, Element, Finds, Grant, Layer, Outcome, Right, Updated, ViewWord, World,
    },
};

/// So many combinations, drawn anew in the same way each time.
const COMBINATIONS: usize = 96;

const RIGHTS: [Right; 6] = [
    Right::View,
    Right::Add,
    Right::Modify,
    Right::Delete,
    Right::ModifyAttributes,
    Right::Export,
];

/// A row of a table: bits of [`RIGHTS`], and the option.
type Row = Option<(u8, bool)>;

/// What is done to an element.
type DeedOn = fn(&str) -> Deed;

/// Rows for ana, her group and everyone, whether editing is enabled, and whether she can open the project.
type Combination = (Row, Row, Row, bool, bool);

fn combinations() -> Vec<Combination> {
    let row = || prop::option::weighted(0.7, (0..64_u8, any::<bool>()));
    let mostly = || prop::bool::weighted(0.8);
    // Without *view* there is little to see, so her own row has it most of the time.
    let own = (row(), mostly()).prop_map(|(row, sees)| {
        let (bits, option) = row.unwrap_or_default();
        Some((bits | u8::from(sees), option))
    });
    let strategy = (own, row(), row(), mostly(), mostly());
    let mut runner = TestRunner::deterministic();
    let draw = |_| strategy.new_tree(&mut runner).unwrap().current();
    (0..COMBINATIONS).map(draw).collect()
}

/// A layer for each combination, with an element of ana's and one of another's.
fn world(combinations: &[Combination]) -> World {
    let mut world = World::parse(
        "
world: every combination
users: [ana, ben]
groups: [{ group: crew, members: [ana] }]
projects: [{ project: opened, open: [ana] }, { project: closed }]
",
    );
    for (index, (own, group, everyone, editing, opened)) in combinations.iter().enumerate() {
        let layer = format!("layer {index}");
        for (to, row) in [("ana", own), ("crew", group), ("everyone", everyone)] {
            world.grants.extend(row.map(|row| grant(&layer, to, row)));
        }
        for by in ["ana", "ben"] {
            world.elements.push(element(&layer, by));
        }
        world.layers.push(Layer {
            layer,
            project: Some(if *opened { "opened" } else { "closed" }.to_owned()),
            editing: *editing,
            view: ViewWord::Nobody,
            geometry: testkit::world::GeometryWord::Point,
        });
    }
    world
}

fn grant(layer: &str, to: &str, (bits, only_own): (u8, bool)) -> Grant {
    let held = |(index, _): &(usize, Right)| bits & 1 << index != 0;
    let give = RIGHTS.into_iter().enumerate().filter(held);
    Grant {
        layer: layer.to_owned(),
        to: to.to_owned(),
        give: give.map(|(_, right)| right).collect(),
        only_own,
    }
}

fn element(layer: &str, by: &str) -> Element {
    Element {
        element: format!("{by}'s in {layer}"),
        layer: layer.to_owned(),
        by: by.to_owned(),
        at: "POINT(1 2)".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_equal_what_the_calls_enforce() {
    // R43, R44: tried for real, on own and foreign elements.
    let combinations = combinations();
    let world = world(&combinations);
    let (pair, mut rules) = (Pair::start().await, RulesFloor::of(&world));
    let mut floor = ServedFloor::of(pair.house(), &world).await;
    let mut seen = std::collections::BTreeSet::new();
    for (index, combination) in combinations.iter().enumerate() {
        let layer = format!("layer {index}");
        let flags = floor.flags("ana", &layer).await;
        assert_eq!(flags, rules.flags("ana", &layer).await, "{combination:?}");
        let enforced = enforced(&mut floor, &layer).await;
        assert_eq!(enforced, flags, "{combination:?}");
        seen.insert((flags.all.bits(), flags.own.bits()));
    }
    assert!(
        seen.len() > 20,
        "only {} kinds of flags were drawn",
        seen.len()
    );
}

/// What ana can do, found by trying.
async fn enforced(floor: &mut ServedFloor, layer: &str) -> EffectivePermissions {
    let mut flags = EffectivePermissions::default();
    if matches!(floor.read("ana", layer).await, Finds::Elements(_)) {
        flags.all = flags.all.with(Permission::View);
    }
    if matches!(floor.export("ana", layer).await, Finds::Elements(_)) {
        flags.all = flags.all.with(Permission::CopyExport);
    }
    let add = Deed::Add(Added {
        layer: layer.to_owned(),
        element: None,
        at: "POINT(5 5)".to_owned(),
        label: None,
    });
    if tried(floor, add).await {
        flags.all = flags.all.with(Permission::AddElements);
    }
    let (own, foreign) = (format!("ana's in {layer}"), format!("ben's in {layer}"));
    let deeds: [(Permission, DeedOn); 3] = [
        (Permission::ModifyElements, moved),
        (Permission::ModifyAttributes, renamed),
        (Permission::DeleteElements, |element| {
            Deed::Delete(element.to_owned())
        }),
    ];
    for (permission, deed) in deeds {
        let reaches = [
            tried(floor, deed(&foreign)).await,
            tried(floor, deed(&own)).await,
        ];
        match reaches {
            [true, true] => flags.all = flags.all.with(permission),
            [false, true] => flags.own = flags.own.with(permission),
            [false, false] => {}
            [true, false] => panic!("another's, and not one's own: {permission}"),
        }
    }
    flags
}

fn moved(element: &str) -> Deed {
    let (element, at) = (element.to_owned(), Some("POINT(3 3)".to_owned()));
    Deed::Update(Updated {
        element,
        at,
        label: None,
    })
}

fn renamed(element: &str) -> Deed {
    let (element, label) = (element.to_owned(), Some("x".to_owned()));
    Deed::Update(Updated {
        element,
        at: None,
        label,
    })
}

async fn tried(floor: &mut ServedFloor, does: Deed) -> bool {
    let edit = Edit {
        who: "ana".to_owned(),
        does,
        result: Outcome::Ok,
    };
    floor.edit(&edit).await == Outcome::Ok
}
