//! Reads: pages, boxes, geometries, conditions, counts.

use std::num::NonZeroU64;

use jmap_domain::ElementId;

use super::{
    creation, definition, edit, later, make_layer, name_of, named, point, query, read, read_all,
    rows,
};
use crate::{
    element::{AttributeRef, Element},
    ports::{ChunkLimit, Count, LayerStore, Rest},
    query::{
        BoxInput, Comparison, Condition, GeometryOutput, LetterCase, OutputInput, Relation,
        SelectionInput, ShapeInput, SpatialInput,
    },
    value::{Text, Value},
};

fn names(elements: &[Element]) -> Vec<&str> {
    elements.iter().map(name_of).collect()
}

fn boxed(min_x: f64, min_y: f64, max_x: f64, max_y: f64) -> SelectionInput {
    let bbox = Some(BoxInput {
        min_x,
        min_y,
        max_x,
        max_y,
        epsg: None,
    });
    SelectionInput {
        bbox,
        ..SelectionInput::default()
    }
}

/// Chunks of any size give the same elements, in the order of their ids.
pub async fn chunks_join_to_the_whole(store: &impl LayerStore) {
    make_layer(store).await;
    let points = (0..25).map(|n| creation(f64::from(n), 0.0, named(&n.to_string())));
    edit(store, points.collect()).await;
    let whole = read_all(store).await;
    assert_eq!(whole.len(), 25);
    assert!(whole.is_sorted_by_key(|element| element.id));
    for size in [1, 2, 24, 25, 26] {
        assert_eq!(
            read(store, query(SelectionInput::default()), rows(size)).await,
            whole
        );
        assert_eq!(
            read(store, query(boxed(-1.0, -1.0, 30.0, 1.0)), rows(size)).await,
            whole
        );
    }
    let by_bytes = ChunkLimit {
        bytes: 1,
        ..rows(1_000)
    };
    let checked = query(SelectionInput::default())
        .check(&definition())
        .unwrap();
    let chunk = store.read(&checked, None, by_bytes, later()).await.unwrap();
    assert_eq!(
        (chunk.elements.len(), chunk.rest),
        (1, Rest::After(whole[0].id.into()))
    );
}

/// Only the ids that exist come, each once.
pub async fn ids_select_what_exists(store: &impl LayerStore) {
    make_layer(store).await;
    edit(
        store,
        (0..4)
            .map(|n| creation(f64::from(n), 0.0, named(&n.to_string())))
            .collect(),
    )
    .await;
    let ids = [4, 2, 2, 99].map(|id| ElementId::new(id).unwrap());
    let selection = SelectionInput {
        ids: Some(ids.to_vec()),
        ..SelectionInput::default()
    };
    assert_eq!(
        names(&read(store, query(selection), rows(10)).await),
        ["1", "3"]
    );
}

/// Boxes are exact to the last bit, although indexes keep 32-bit floats; touching is meeting.
pub async fn boxes_are_exact(store: &impl LayerStore) {
    make_layer(store).await;
    let (x, y) = (8.123_456_789_012_3_f64, 47.0);
    edit(store, vec![creation(x, y, named("here"))]).await;
    let count = async |selection| read(store, query(selection), rows(10)).await.len();
    assert_eq!(count(boxed(x, y, x, y)).await, 1);
    assert_eq!(count(boxed(x.next_down(), y, x, y)).await, 1);
    assert_eq!(count(boxed(x.next_up(), y, 9.0, y)).await, 0);
    assert_eq!(count(boxed(0.0, y, x.next_down(), y)).await, 0);
    assert_eq!(count(boxed(0.0, y.next_up(), 9.0, 50.0)).await, 0);
}

/// A box whose least x is above its greatest crosses the antimeridian.
pub async fn boxes_cross_the_antimeridian(store: &impl LayerStore) {
    make_layer(store).await;
    let at = |x: f64, name| creation(x, -17.0, named(name));
    edit(
        store,
        vec![at(179.5, "west"), at(-179.5, "east"), at(0.0, "far")],
    )
    .await;
    let found = read(store, query(boxed(179.0, -20.0, -179.0, -10.0)), rows(1)).await;
    assert_eq!(names(&found), ["west", "east"]);
}

/// R115: a box in another reference system means the same place.
pub async fn boxes_come_in_other_reference_systems(store: &impl LayerStore) {
    make_layer(store).await;
    edit(
        store,
        vec![
            creation(8.54, 47.37, named("Zurich")),
            creation(6.63, 46.52, named("Lausanne")),
        ],
    )
    .await;
    let bbox = BoxInput {
        min_x: 2_680_000.0,
        min_y: 1_245_000.0,
        max_x: 2_686_000.0,
        max_y: 1_252_000.0,
        epsg: Some(2056),
    };
    let selection = SelectionInput {
        bbox: Some(bbox),
        ..SelectionInput::default()
    };
    assert_eq!(
        names(&read(store, query(selection), rows(10)).await),
        ["Zurich"]
    );
}

/// Intersection is with the geometry, not with its box.
pub async fn geometries_intersect_exactly(store: &impl LayerStore) {
    make_layer(store).await;
    edit(
        store,
        vec![
            creation(1.0, 1.0, named("in")),
            creation(9.0, 9.0, named("out")),
        ],
    )
    .await;
    let triangle = triangle([(0.0, 0.0), (10.0, 0.0), (0.0, 10.0), (0.0, 0.0)]);
    let spatial = Some(SpatialInput {
        relation: Relation::Intersects,
        shape: ShapeInput::Geometry(triangle),
        epsg: None,
    });
    let selection = SelectionInput {
        spatial,
        ..SelectionInput::default()
    };
    assert_eq!(
        names(&read(store, query(selection), rows(10)).await),
        ["in"]
    );
}

pub(super) fn triangle(corners: [(f64, f64); 4]) -> Vec<u8> {
    let mut wkb = vec![1, 3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0];
    for (x, y) in corners {
        wkb.extend(x.to_le_bytes());
        wkb.extend(y.to_le_bytes());
    }
    wkb
}

/// R115: text orders by code point, and case is ignored by Unicode simple folding.
pub async fn text_compares_alike_everywhere(store: &impl LayerStore) {
    make_layer(store).await;
    let texts = ["Zebra", "apple", "ÉCOLE", "école", "Straße"];
    edit(
        store,
        texts
            .iter()
            .map(|text| creation(0.0, 0.0, named(text)))
            .collect(),
    )
    .await;
    let attribute = || AttributeRef::Name("string".to_owned());
    let select = async |condition| {
        let selection = SelectionInput {
            condition: Some(condition),
            ..SelectionInput::default()
        };
        let found = read(store, query(selection), rows(2)).await;
        found
            .iter()
            .map(|element| name_of(element).to_owned())
            .collect::<Vec<_>>()
    };
    let value = Value::text("a").unwrap();
    let below = Condition::Compare {
        attribute: attribute(),
        comparison: Comparison::Less,
        value,
    };
    assert_eq!(select(below).await, ["Zebra", "Straße"]);
    let text = || Text::new("ÉCO").unwrap();
    let exact = Condition::Contains {
        attribute: attribute(),
        text: text(),
        case: LetterCase::Exact,
    };
    assert_eq!(select(exact).await, ["ÉCOLE"]);
    let ignored = || Condition::Contains {
        attribute: attribute(),
        text: text(),
        case: LetterCase::Ignored,
    };
    assert_eq!(select(ignored()).await, ["ÉCOLE", "école"]);
    assert_eq!(
        select(Condition::Not(Box::new(ignored()))).await,
        ["Zebra", "apple", "Straße"]
    );
}

/// Only what is asked for comes, in the order that it was asked for.
pub async fn output_is_what_was_asked_for(store: &impl LayerStore) {
    make_layer(store).await;
    let values = vec![
        (
            AttributeRef::Name("integer".to_owned()),
            Value::Integer(i64::MIN),
        ),
        (
            AttributeRef::Name("string".to_owned()),
            Value::text("").unwrap(),
        ),
    ];
    edit(store, vec![creation(1.0, 2.0, values)]).await;
    let wanted = ["integer", "binary", "string"].map(|name| AttributeRef::Name(name.to_owned()));
    let output = OutputInput {
        geometry: GeometryOutput::Omit,
        attributes: Some(wanted.to_vec()),
        ..OutputInput::default()
    };
    let input = crate::query::QueryInput {
        output,
        ..query(boxed(0.0, 0.0, 5.0, 5.0))
    };
    let found = read(store, input, rows(10)).await;
    assert_eq!(
        found[0].values,
        [
            Value::Integer(i64::MIN),
            Value::Null,
            Value::text("").unwrap()
        ]
    );
    assert_eq!(found[0].geometry, None);
}

/// Count and extent are exact, of all and of a part.
pub async fn summaries_are_exact(store: &impl LayerStore) {
    make_layer(store).await;
    let checked = |selection| query(selection).check(&definition()).unwrap();
    let empty = store
        .summarize(&checked(SelectionInput::default()), later())
        .await
        .unwrap();
    assert_eq!((empty.count, empty.extent), (0, None));
    edit(
        store,
        vec![
            creation(0.1, 0.2, named("a")),
            creation(10.3, -5.7, named("b")),
        ],
    )
    .await;
    let all = store
        .summarize(&checked(SelectionInput::default()), later())
        .await
        .unwrap();
    let extent = all.extent.unwrap();
    assert_eq!(all.count, 2);
    assert_eq!(
        (extent.min_x, extent.min_y, extent.max_x, extent.max_y),
        (0.1, -5.7, 10.3, 0.2)
    );
    let part = store
        .summarize(&checked(boxed(0.0, 0.0, 1.0, 1.0)), later())
        .await
        .unwrap();
    assert_eq!(
        (part.count, part.extent.map(|extent| extent.max_x)),
        (1, Some(0.1))
    );
    assert_eq!(part.revision, all.revision);
    assert_eq!(
        read_all(store).await[0].geometry.as_deref(),
        Some(point(0.1, 0.2).as_slice())
    );
}

/// What is beyond the cap is estimated, or said to be there; everything else is counted exactly.
pub async fn counts_end_at_their_cap(store: &impl LayerStore) {
    // R112, R113.
    make_layer(store).await;
    let places = (0..5).map(|n| creation(f64::from(n), 0.0, named("a")));
    edit(store, places.collect()).await;
    let count = async |selection: SelectionInput, cap: u64| {
        let checked = query(selection).check(&definition()).unwrap();
        let cap = NonZeroU64::new(cap).unwrap();
        store.count(&checked, cap, later()).await.unwrap().0
    };
    let part = || boxed(1.0, -1.0, 3.5, 1.0);
    assert_eq!(count(SelectionInput::default(), 5).await, Count::Exact(5));
    assert_eq!(count(part(), 3).await, Count::Exact(3));
    for (selection, cap) in [(SelectionInput::default(), 4), (part(), 2), (part(), 1)] {
        match count(selection, cap).await {
            Count::Exact(count) => panic!("{count} are beyond {cap}"),
            Count::AtLeast(count) => assert_eq!(count, cap + 1),
            Count::About(count) => assert!(count > cap, "{count} is not beyond {cap}"),
        }
    }
    let oldest = read_all(store).await[0].revision;
    let checked = query(part()).check(&definition()).unwrap();
    let cap = NonZeroU64::MIN;
    assert_eq!(store.count(&checked, cap, later()).await.unwrap().1, oldest);
}
