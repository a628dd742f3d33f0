//! Definitions: what a layer can be, and how it is kept.

use super::*;
use crate::value::{AttributeType, Date};

fn attribute(name: &str, kind: AttributeType) -> AttributeDraft {
    AttributeDraft {
        name: name.to_owned(),
        label: String::new(),
        description: String::new(),
        kind,
        default: Value::Null,
        required: false,
        read_only: false,
        constraints: AttributeConstraints::default(),
        input_hint: String::new(),
    }
}

fn layer(attributes: Vec<AttributeDraft>) -> Result<LayerDefinition, DefinitionError> {
    LayerDraft {
        invalid: crate::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type: GeometryType::Point,
        z: ZPolicy::Forbidden,
        epsg: 4326,
        attributes,
    }
    .define()
}

fn refused_name(name: &str) -> NameFault {
    match layer(vec![attribute(name, AttributeType::String)]) {
        Err(DefinitionError::Name { index: 0, fault }) => fault,
        other => panic!("`{name}` is not refused by its name: {other:?}"),
    }
}

fn refused_constraint(draft: AttributeDraft) -> ConstraintError {
    match layer(vec![draft]) {
        Err(DefinitionError::Constraint {
            index: 0,
            name: _,
            fault,
        }) => fault,
        other => panic!("not refused by its constraints: {other:?}"),
    }
}

#[test]
fn attribute_names_keep_within_what_every_engine_takes() {
    // R64.
    assert_eq!(refused_name(""), NameFault::Empty);
    assert_eq!(refused_name("two\nlines"), NameFault::ControlCharacter);
    assert_eq!(
        refused_name(&"é".repeat(32)),
        NameFault::TooLong("é".repeat(32))
    );
    assert!(layer(vec![attribute(&"é".repeat(31), AttributeType::String)]).is_ok());
    for reserved in [
        "fid", "FID", "geom", "rowid", "oid", "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax",
        "_x",
    ] {
        assert!(
            matches!(refused_name(reserved), NameFault::Reserved(_)),
            "{reserved}"
        );
    }
}

#[test]
fn attribute_names_are_unique_whatever_the_case() {
    // R64.
    let twice = layer(vec![
        attribute("ÉTAT", AttributeType::String),
        attribute("e\u{301}tat", AttributeType::Integer),
    ]);
    let error = DefinitionError::DuplicateName {
        index: 1,
        name: "état".to_owned(),
    };
    assert_eq!(twice.unwrap_err(), error);
}

#[test]
fn a_layer_has_at_most_250_attributes() {
    // R64.
    let many = |count| {
        (0..count)
            .map(|n| attribute(&format!("a{n}"), AttributeType::Integer))
            .collect()
    };
    assert_eq!(
        layer(many(251)).unwrap_err(),
        DefinitionError::TooManyAttributes
    );
    let full = layer(many(250)).unwrap();
    assert_eq!(full.next_attribute().get(), 251);
    assert_eq!(
        full.attributes()
            .iter()
            .map(|a| a.id.get())
            .collect::<Vec<_>>(),
        (1..=250).collect::<Vec<_>>()
    );
}

#[test]
fn an_unknown_reference_system_is_refused() {
    let draft = LayerDraft {
        invalid: crate::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type: GeometryType::Any,
        z: ZPolicy::Forbidden,
        epsg: 1,
        attributes: Vec::new(),
    };
    assert_eq!(draft.define().unwrap_err(), DefinitionError::UnknownCrs(1));
}

#[test]
fn constraints_fit_their_type() {
    // R105.
    let with = |kind, constraints| AttributeDraft {
        constraints,
        ..attribute("a", kind)
    };
    let length = AttributeConstraints {
        max_length: Some(3),
        ..AttributeConstraints::default()
    };
    assert_eq!(
        refused_constraint(with(AttributeType::Integer, length)),
        ConstraintError::LengthOfOtherType
    );
    let range = |min, max| AttributeConstraints {
        min_value: Some(min),
        max_value: Some(max),
        ..AttributeConstraints::default()
    };
    let flags = range(Value::Boolean(false), Value::Boolean(true));
    assert_eq!(
        refused_constraint(with(AttributeType::Boolean, flags)),
        ConstraintError::RangeOfOtherType
    );
    let mixed = range(Value::Integer(1), Value::double(2.0).unwrap());
    assert_eq!(
        refused_constraint(with(AttributeType::Integer, mixed)),
        ConstraintError::WrongType
    );
    let upside_down = range(Value::Integer(2), Value::Integer(1));
    assert_eq!(
        refused_constraint(with(AttributeType::Integer, upside_down)),
        ConstraintError::EmptyRange
    );
    let one = || AllowedValue {
        value: Value::Integer(1),
        label: String::new(),
    };
    let twice = AttributeConstraints {
        allowed: vec![one(), one()],
        ..AttributeConstraints::default()
    };
    assert_eq!(
        refused_constraint(with(AttributeType::Integer, twice)),
        ConstraintError::DuplicateAllowedValue
    );
}

#[test]
fn a_default_satisfies_the_constraints_and_fills_what_clients_cannot() {
    // R105.
    let constraints = AttributeConstraints {
        max_value: Some(Value::Integer(5)),
        ..AttributeConstraints::default()
    };
    let default = Value::Integer(6);
    let draft = AttributeDraft {
        default,
        constraints,
        ..attribute("a", AttributeType::Integer)
    };
    assert_eq!(
        refused_constraint(draft),
        ConstraintError::Default(ValueFault::AboveRange)
    );
    let never = AttributeDraft {
        required: true,
        read_only: true,
        ..attribute("a", AttributeType::Integer)
    };
    assert_eq!(refused_constraint(never), ConstraintError::NeverSet);
}

#[test]
fn values_are_held_to_type_and_constraints() {
    // R104, R105.
    let constraints = AttributeConstraints {
        min_length: Some(2),
        max_length: Some(3),
        allowed: ["ab", "äöü", "abcd"]
            .map(|text| AllowedValue {
                value: Value::text(text).unwrap(),
                label: String::new(),
            })
            .to_vec(),
        ..AttributeConstraints::default()
    };
    let draft = AttributeDraft {
        required: true,
        constraints,
        ..attribute("a", AttributeType::String)
    };
    let layer = layer(vec![draft, attribute("b", AttributeType::Date)]).unwrap();
    let check = |place: usize, value: Value| layer.attributes()[place].check(&value);
    let text = |text: &str| Value::text(text).unwrap();
    assert_eq!(check(0, text("äöü")), Ok(()));
    assert_eq!(check(0, Value::Null), Err(ValueFault::Required));
    assert_eq!(
        check(0, text("")),
        Err(ValueFault::TooShort {
            length: 0,
            limit: 2
        })
    );
    assert_eq!(
        check(0, text("abcd")),
        Err(ValueFault::TooLong {
            length: 4,
            limit: 3
        })
    );
    assert_eq!(check(0, text("ba")), Err(ValueFault::NotAllowed));
    let (expected, found) = (AttributeType::String, AttributeType::Integer);
    assert_eq!(
        check(0, Value::Integer(1)),
        Err(ValueFault::WrongType { expected, found })
    );
    assert_eq!(check(1, Value::Null), Ok(()));
}

#[test]
fn a_definition_reads_back_from_json() {
    let constraints = AttributeConstraints {
        min_value: Some(Value::double(-0.1).unwrap()),
        max_value: Some(Value::double(f64::MAX).unwrap()),
        ..AttributeConstraints::default()
    };
    let allowed = vec![AllowedValue {
        value: Value::Date(Date::from_days(-1).unwrap()),
        label: "eve".to_owned(),
    }];
    let days = AttributeConstraints {
        allowed,
        ..AttributeConstraints::default()
    };
    let definition = layer(vec![
        AttributeDraft {
            constraints,
            default: Value::double(0.1).unwrap(),
            ..attribute("a", AttributeType::Double)
        },
        AttributeDraft {
            constraints: days,
            label: "B".to_owned(),
            read_only: true,
            ..attribute("b", AttributeType::Date)
        },
        AttributeDraft {
            default: Value::Binary(vec![0, 255]),
            required: true,
            ..attribute("c", AttributeType::Binary)
        },
    ])
    .unwrap();
    let json = definition.to_json().unwrap();
    let read = LayerDefinition::from_json(&json).unwrap();
    assert_eq!(read.attributes(), definition.attributes());
    assert_eq!(read.to_json().unwrap(), json);
    assert!(LayerDefinition::from_json("{}").is_err());
}

#[test]
fn how_long_history_is_kept_is_stored_only_where_it_is_not_for_ever() {
    let for_ever = layer(Vec::new()).unwrap();
    // Definitions that are older than the choice look like this, and are known by the same digest.
    let json = for_ever.to_json().unwrap();
    assert!(!json.contains("keep_history"), "{json}");
    let read = LayerDefinition::from_json(&json).unwrap();
    assert_eq!(read.keep_history(), None);
    assert!(read.began_as(&for_ever));
    let hour = HistoryRetention::SHORTEST;
    let change = |keep| vec![DefinitionChange::KeepHistory(keep)];
    let changed = for_ever.changed(change(Some(hour)), None, DateTime::EPOCH);
    let changed = changed.unwrap();
    let read = LayerDefinition::from_json(&changed.to_json().unwrap()).unwrap();
    assert_eq!(read.keep_history(), HistoryRetention::of(hour).ok());
    assert!(read.began_as(&for_ever), "it is the layer that was made");
    let back = changed
        .changed(change(None), None, DateTime::EPOCH)
        .unwrap();
    assert_eq!(back.keep_history(), None);
    let refused = changed.changed(change(Some(hour / 2)), None, DateTime::EPOCH);
    let fault = ChangeFault::Retention(RetentionError::TooShort);
    assert_eq!(refused.unwrap_err(), ChangeError { index: 0, fault });
    let damaged = json.replace("\"epsg\"", "\"keep_history\":1,\"epsg\"");
    assert!(LayerDefinition::from_json(&damaged).is_err());
}

#[test]
fn what_is_dropped_can_be_read_back_and_comes_back_as_it_was() {
    // R114: whatever is stored has to be read again when the service starts.
    let mut ranged = attribute("ranged", AttributeType::Integer);
    ranged.constraints.max_value = Some(Value::Integer(9));
    let before = layer(vec![ranged]).unwrap();
    let id = before.attributes()[0].id;
    let widen = |to| DefinitionChange::Widen { attribute: id, to };
    let constrain = |constraints| DefinitionChange::Constrain {
        attribute: id,
        rules: AttributeRules {
            constraints: Some(constraints),
            ..AttributeRules::default()
        },
    };
    let nothing = AttributeConstraints {
        min_value: Some(Value::Integer(10)),
        ..before.attributes()[0].constraints.clone()
    };
    let drop = || DefinitionChange::Drop(id);
    for changes in [
        vec![widen(AttributeType::String), drop()],
        vec![widen(AttributeType::Double), drop()],
        vec![
            drop(),
            DefinitionChange::Restore(id),
            widen(AttributeType::Double),
            drop(),
        ],
        vec![constrain(nothing), drop()],
    ] {
        let refused = before.changed(changes, None, DateTime::EPOCH);
        assert!(refused.is_err(), "{refused:?}");
    }
    let free = constrain(AttributeConstraints::default());
    let dropped = before
        .changed(vec![free, drop()], None, DateTime::EPOCH)
        .unwrap();
    let read = LayerDefinition::from_json(&dropped.to_json().unwrap()).unwrap();
    let back = vec![DefinitionChange::Restore(id), widen(AttributeType::String)];
    let back = read.changed(back, None, DateTime::EPOCH).unwrap();
    let read = LayerDefinition::from_json(&back.to_json().unwrap()).unwrap();
    assert_eq!(read.attributes()[0].kind, AttributeType::String);
}
