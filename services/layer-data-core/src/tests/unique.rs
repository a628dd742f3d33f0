//! Unique attributes in imports and reversals, and as they may be defined (R105, R109).

use jmap_domain::{Decision, Permission};

use super::{World, call, run};
use crate::{
    conformance::{
        actor, batch, definition_with, layer, name_of, named, point, read_all, revision,
        structure::creation_under, unique::made,
    },
    definition::{
        AttributeConstraints, ConstraintError, DefinitionError, LayerDefinition, LayerDraft,
        MAX_UNIQUE_LENGTH,
    },
    edit::{Edit, EditRefusal, ExpectedRevision, Intent},
    edits::{Past, ReversalInput},
    element::{AttributeRef, ElementInput},
    history::Deeds,
    ports::{LayerStore, NewLayer},
    transfer::ImportRow,
    value::{AttributeType, Value},
};

/// A layer whose `string` is unique, in the hands of one who may do everything.
fn world() -> (World, LayerDefinition) {
    let world = World::empty();
    let definition = run(made(&*world.store));
    for permission in [
        Permission::View,
        Permission::CopyExport,
        Permission::AddElements,
        Permission::ModifyElements,
        Permission::ModifyAttributes,
        Permission::DeleteElements,
    ] {
        world.say(permission, Decision::All);
    }
    (world, definition)
}

/// Makes the layer with `string` and `integer` unique.
pub(super) fn make_two_unique(world: &World) {
    let definition = definition_with(|draft| {
        draft.constraints.unique = ["string", "integer"].contains(&draft.name.as_str());
        if draft.name == "string" {
            draft.constraints.max_length = Some(MAX_UNIQUE_LENGTH);
        }
    });
    let new = NewLayer {
        layer: layer(),
        label: String::new(),
        definition,
    };
    run(world.store.create_layer(new)).unwrap();
}

fn row(row: u64, name: &str) -> ImportRow {
    let element = ElementInput {
        geometry: point(1.0, 2.0),
        values: named(name),
    };
    ImportRow { row, element }
}

/// The numbers of the rows that are not taken, from two batches of one file.
fn refused(world: &World, intent: Intent) -> Vec<u64> {
    let mut import = run(world.service.import(&call(11), layer(), intent)).unwrap();
    let batches = [
        vec![row(1, "a"), row(2, "b"), row(3, "b")],
        vec![row(4, "c"), row(5, "b")],
    ];
    let mut rows = Vec::new();
    for batch in batches {
        for refused in run(import.push(batch)).unwrap() {
            let is_taken = matches!(refused.refusal, EditRefusal::NotUnique { .. });
            assert!(is_taken, "{refused:?}");
            rows.push(refused.row);
        }
    }
    rows
}

#[test]
fn rows_whose_values_are_taken_are_refused_before_and_while_they_are_written() {
    // R105, R109: by elements, by rows of the same batch, and by rows of one before.
    let (world, definition) = world();
    let there = creation_under(&definition, &[("string", Value::text("a").unwrap())]);
    run(crate::conformance::done(&*world.store, there));
    assert_eq!(refused(&world, Intent::Validate), [1, 3, 5]);
    assert_eq!(run(read_all(&*world.store)).len(), 1);
    assert_eq!(refused(&world, Intent::Commit), [1, 3, 5]);
    assert_eq!(run(read_all(&*world.store)).len(), 3);
}

#[test]
fn a_row_that_is_refused_keeps_no_value_from_the_rows_after_it() {
    // R105, R109: alike whether rows are only checked or written.
    let world = World::empty();
    make_two_unique(&world);
    world.say(Permission::AddElements, Decision::All);
    let row = |number, name: &str, integer| {
        let mut row = row(number, name);
        let integer = (
            AttributeRef::Name("integer".to_owned()),
            Value::Integer(integer),
        );
        row.element.values.insert(0, integer);
        row
    };
    for intent in [Intent::Validate, Intent::Commit] {
        let mut import = run(world.service.import(&call(11), layer(), intent)).unwrap();
        let rows = [("a", 1), ("b", 1), ("b", 2), ("a", 3), ("c", 3)];
        let rows = (1..).zip(rows);
        let rows = rows.map(|(number, (name, integer))| row(number, name, integer));
        let refused = run(import.push(rows.collect())).unwrap();
        let refused: Vec<u64> = refused.iter().map(|refused| refused.row).collect();
        assert_eq!(refused, [2, 4], "{intent:?}");
    }
}

#[test]
fn an_element_comes_back_when_the_one_that_has_its_value_goes() {
    // R105: both are undone together.
    let (world, definition) = world();
    let create = || creation_under(&definition, &[("string", Value::text("a").unwrap())]);
    let gone = run(crate::conformance::done(&*world.store, create()));
    let delete = Edit::Delete {
        element: gone.element,
        expected: ExpectedRevision::Any,
    };
    let edits = batch(actor(12), Decision::All, vec![delete, create()]);
    run(world.store.edit(edits)).unwrap();
    let input = ReversalInput {
        layer: layer(),
        past: Past::Before(Deeds::Of(run(revision(&*world.store)))),
        intent: Intent::Commit,
        request: None,
    };
    let reversal = run(world.service.reverse(&call(11), input)).unwrap();
    assert_eq!((reversal.count, reversal.conflicts.len()), (2, 0));
    let elements = run(read_all(&*world.store));
    let told = elements
        .iter()
        .map(|element| (element.id, name_of(element)));
    assert_eq!(told.collect::<Vec<_>>(), [(gone.element, "a")]);
}

#[test]
fn what_can_be_unique_is_said_by_the_definition() {
    // R105: and survives being stored.
    let define = |kind: AttributeType, most: Option<u32>, default: Value| {
        let mut attribute = crate::conformance::structure::draft("a", kind, default);
        attribute.constraints = AttributeConstraints {
            max_length: most,
            unique: true,
            ..AttributeConstraints::default()
        };
        let draft = LayerDraft {
            invalid: crate::geometry::InvalidPolygons::Reject,
            keep_history: None,
            geometry_type: crate::definition::GeometryType::Point,
            z: crate::definition::ZPolicy::Forbidden,
            epsg: 4326,
            attributes: vec![attribute],
        };
        draft.define().map_err(|error| match error {
            DefinitionError::Constraint { fault, .. } => fault,
            DefinitionError::UnknownCrs(_)
            | DefinitionError::TooManyAttributes
            | DefinitionError::Name { .. }
            | DefinitionError::Retention(_)
            | DefinitionError::DuplicateName { .. } => panic!("{error}"),
        })
    };
    let fault = |kind, most| define(kind, most, Value::Null).err();
    let too_long = Some(ConstraintError::UniqueTooLong);
    let longest = MAX_UNIQUE_LENGTH;
    assert_eq!(fault(AttributeType::String, None), too_long);
    assert_eq!(fault(AttributeType::String, Some(longest + 1)), too_long);
    assert_eq!(fault(AttributeType::String, Some(longest)), None);
    for kind in [
        AttributeType::Double,
        AttributeType::Boolean,
        AttributeType::Binary,
    ] {
        assert_eq!(fault(kind, None), Some(ConstraintError::UniqueOfOtherType));
    }
    let default = define(AttributeType::Integer, None, Value::Integer(1));
    assert_eq!(default.err(), Some(ConstraintError::UniqueDefault));
    let defined = define(AttributeType::Date, None, Value::Null).unwrap();
    let stored = LayerDefinition::from_json(&defined.to_json().unwrap()).unwrap();
    assert_eq!(stored.unique().count(), 1);
}
