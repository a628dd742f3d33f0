//! Two states of a layer, side by side.

use std::collections::BTreeMap;

use jmap_domain::{DataRevision, ElementId, Permission};

use super::{World, call, run};
use crate::{
    compare::{ComparisonInput, Difference},
    conformance::{creation, done, edit, layer, named, renaming, rows},
    edit::{Edit, ExpectedRevision},
    element::Element,
    history::AsOf,
    query::{BoxInput, OutputInput, SelectionInput},
    reads::ReadError,
};

const ALL: i64 = 11;
const ANY: ExpectedRevision = ExpectedRevision::Any;
const RIGHTS: [Permission; 2] = [Permission::View, Permission::CopyExport];

fn revision(number: i64) -> AsOf {
    AsOf::Revision(DataRevision::new(number).unwrap())
}

fn compared(
    world: &World,
    (from, to): (AsOf, Option<AsOf>),
    selection: SelectionInput,
    most: u32,
) -> Result<Vec<Difference>, ReadError> {
    let input = ComparisonInput {
        layer: layer(),
        from,
        to,
        selection,
        output: OutputInput::default(),
    };
    run(async {
        let mut comparison = world.service.compare(&call(ALL), input).await?;
        let mut all = Vec::new();
        while let Some(some) = comparison.next(rows(most)).await? {
            all.extend(some);
        }
        Ok(all)
    })
}

/// Revision 1 makes the elements 1 to 6; then every odd one is renamed, 2 and 4 go, and 7 comes.
fn world(permissions: &[Permission]) -> World {
    let world = World::with(permissions);
    let store = &*world.store;
    let points = (0..6).map(|n| creation(f64::from(n), 0.0, named("old")));
    run(edit(store, points.collect()));
    let id = |number| ElementId::new(number).unwrap();
    let renamed = [1, 3, 5].map(|number| renaming(id(number), ANY, "new"));
    run(edit(store, renamed.to_vec()));
    let deleted = [2, 4].map(|number| Edit::Delete {
        element: id(number),
        expected: ANY,
    });
    run(edit(store, deleted.to_vec()));
    run(done(store, creation(9.0, 0.0, named("new"))));
    world
}

fn told(differences: &[Difference]) -> Vec<(char, i64)> {
    let one = |difference: &Difference| match difference {
        Difference::Added(after) => ('+', after.id.get()),
        Difference::Changed { before, after } => {
            assert_eq!(before.id, after.id);
            ('~', after.id.get())
        }
        Difference::Removed(before) => ('-', before.id.get()),
    };
    differences.iter().map(one).collect()
}

#[test]
fn each_element_that_differs_is_told_once() {
    let world = world(&RIGHTS);
    let all = SelectionInput::default;
    let forth = [('~', 1), ('-', 2), ('~', 3), ('-', 4), ('~', 5), ('+', 7)];
    let back = [('~', 1), ('+', 2), ('~', 3), ('+', 4), ('~', 5), ('-', 7)];
    for most in 1..8 {
        let found = compared(&world, (revision(1), None), all(), most).unwrap();
        assert_eq!(told(&found), forth, "by {most}");
        let found = compared(&world, (revision(4), Some(revision(1))), all(), most);
        assert_eq!(told(&found.unwrap()), back, "back by {most}");
    }
    let same = compared(&world, (revision(3), Some(revision(3))), all(), 3);
    assert_eq!(same.unwrap(), []);
}

#[test]
fn differences_make_one_state_of_the_other() {
    let world = world(&RIGHTS);
    let mut state = BTreeMap::new();
    let all = SelectionInput::default;
    for number in 0..4 {
        let between = (revision(number), Some(revision(number + 1)));
        for difference in compared(&world, between, all(), 2).unwrap() {
            match difference {
                Difference::Added(after) => assert_eq!(state.insert(after.id, after), None),
                Difference::Changed { before, after } => {
                    assert_eq!(state.insert(after.id, after), Some(before));
                }
                Difference::Removed(before) => {
                    assert_eq!(state.remove(&before.id), Some(before));
                }
            }
        }
    }
    let now = run(crate::conformance::read_all(&*world.store));
    assert_eq!(state.into_values().collect::<Vec<Element>>(), now);
}

#[test]
fn what_leaves_the_box_is_removed_from_it() {
    let world = world(&RIGHTS);
    let boxed = SelectionInput {
        bbox: Some(BoxInput {
            min_x: -1.0,
            min_y: -1.0,
            max_x: 1.5,
            max_y: 1.0,
            epsg: None,
        }),
        ..SelectionInput::default()
    };
    let found = compared(&world, (revision(1), None), boxed, 10).unwrap();
    assert_eq!(told(&found), [('~', 1), ('-', 2)]);
}

#[test]
fn comparing_more_than_one_element_needs_copy_and_export() {
    // R38.
    let viewer = world(&[Permission::View]);
    let states = (revision(1), None);
    let error = compared(&viewer, states, SelectionInput::default(), 10).unwrap_err();
    assert!(matches!(error, ReadError::NotPermitted { .. }), "{error}");
    let one = SelectionInput {
        ids: Some(vec![ElementId::new(3).unwrap()]),
        ..SelectionInput::default()
    };
    let found = compared(&viewer, states, one, 10).unwrap();
    assert_eq!(told(&found), [('~', 3)]);
}
