//! Spatial relations and circles, alone and within filters.

use super::{creation, definition, edit, later, make_layer, name_of, named, query, read, rows};
use crate::{
    edit::Edit,
    element::{Element, ElementInput, ValueSource},
    geometry::SingleToMulti,
    ports::LayerStore,
    query::{CircleInput, Cql2, Relation, SelectionInput, ShapeInput, SpatialInput},
};

/// Little-endian ISO WKB of lines or rings.
fn paths(kind: u8, count: Option<u8>, paths: &[&[(f64, f64)]]) -> Vec<u8> {
    let mut wkb = vec![1, kind, 0, 0, 0];
    wkb.extend(
        count
            .map(u32::from)
            .iter()
            .flat_map(|count| count.to_le_bytes()),
    );
    for path in paths {
        wkb.extend(u32::try_from(path.len()).unwrap().to_le_bytes());
        for (x, y) in *path {
            wkb.extend(x.to_le_bytes());
            wkb.extend(y.to_le_bytes());
        }
    }
    wkb
}

fn line(positions: &[(f64, f64)]) -> Vec<u8> {
    paths(2, None, &[positions])
}

fn square(min: (f64, f64), size: f64) -> Vec<u8> {
    let (x, y) = min;
    let ring = [
        (x, y),
        (x + size, y),
        (x + size, y + size),
        (x, y + size),
        (x, y),
    ];
    paths(3, Some(1), &[&ring])
}

fn new(name: &str, geometry: Vec<u8>) -> Edit {
    let input = ElementInput {
        geometry,
        values: named(name),
    };
    let checked = input.check(&definition(), ValueSource::Client, SingleToMulti::Refuse);
    Edit::Create(checked.unwrap())
}

fn related(relation: Relation, shape: ShapeInput, epsg: Option<i32>) -> SelectionInput {
    let spatial = Some(SpatialInput {
        relation,
        shape,
        epsg,
    });
    SelectionInput {
        spatial,
        ..SelectionInput::default()
    }
}

fn names(elements: &[Element]) -> Vec<&str> {
    elements.iter().map(name_of).collect()
}

async fn expect(store: &impl LayerStore, selection: SelectionInput, expected: &[&str]) {
    for size in [1, 100] {
        let found = read(store, query(selection.clone()), rows(size)).await;
        assert_eq!(names(&found), expected, "{selection:?}");
    }
}

/// R110: of points, lines and areas, those that share a position with a square, lie within it, contain it, or neither.
pub async fn relations_are_those_of_the_plane(store: &impl LayerStore) {
    make_layer(store).await;
    let elements = vec![
        creation(1.0, 1.0, named("point inside")),
        creation(0.0, 1.0, named("point on the edge")),
        creation(9.0, 9.0, named("point outside")),
        new("line inside", line(&[(0.0, 1.0), (1.0, 1.0)])),
        new("line through", line(&[(-1.0, 1.0), (3.0, 1.0)])),
        new("line beside", line(&[(-1.0, 1.5), (1.0, 3.5)])),
        new("same square", square((0.0, 0.0), 2.0)),
        new("around", square((-1.0, -1.0), 4.0)),
        new("neighbour", square((2.0, 0.0), 1.0)),
        new("far", square((5.0, 5.0), 1.0)),
    ];
    edit(store, elements).await;
    let to_square = |relation| {
        related(
            relation,
            ShapeInput::Geometry(square((0.0, 0.0), 2.0)),
            None,
        )
    };
    let touching = [
        "point inside",
        "point on the edge",
        "line inside",
        "line through",
        "same square",
        "around",
        "neighbour",
    ];
    expect(store, to_square(Relation::Intersects), &touching).await;
    let disjoint = ["point outside", "line beside", "far"];
    expect(store, to_square(Relation::Disjoint), &disjoint).await;
    let within = ["point inside", "line inside", "same square"];
    expect(store, to_square(Relation::Within), &within).await;
    expect(
        store,
        to_square(Relation::Contains),
        &["same square", "around"],
    )
    .await;
    let to_line = ShapeInput::Geometry(line(&[(0.0, 1.0), (2.0, 1.0)]));
    let containing = ["line through", "same square", "around"];
    expect(
        store,
        related(Relation::Contains, to_line, None),
        &containing,
    )
    .await;
}

/// A box that meets another tells nothing about what is in it.
pub async fn relations_are_no_matter_of_boxes(store: &impl LayerStore) {
    make_layer(store).await;
    let corner = [(0.0, 0.0), (0.0, 4.0), (4.0, 4.0)];
    edit(store, vec![new("corner", line(&corner))]).await;
    let inside_its_box = || ShapeInput::Geometry(square((2.0, 1.0), 1.0));
    expect(
        store,
        related(Relation::Intersects, inside_its_box(), None),
        &[],
    )
    .await;
    expect(
        store,
        related(Relation::Contains, inside_its_box(), None),
        &[],
    )
    .await;
    let disjoint = related(Relation::Disjoint, inside_its_box(), None);
    expect(store, disjoint, &["corner"]).await;
}

/// R115: a shape in another reference system means the same place.
pub async fn shapes_come_in_other_reference_systems(store: &impl LayerStore) {
    make_layer(store).await;
    let places = [("Zurich", 8.54, 47.37), ("Lausanne", 6.63, 46.52)];
    let places = places.map(|(name, x, y)| creation(x, y, named(name)));
    edit(store, places.to_vec()).await;
    let swiss = Some(2056);
    let area = ShapeInput::Geometry(square((2_680_000.0, 1_245_000.0), 6_000.0));
    expect(store, related(Relation::Within, area, swiss), &["Zurich"]).await;
    let circle = ShapeInput::Circle(CircleInput {
        x: 2_683_000.0,
        y: 1_247_000.0,
        radius: 5_000.0,
    });
    expect(
        store,
        related(Relation::Within, circle.clone(), swiss),
        &["Zurich"],
    )
    .await;
    expect(
        store,
        related(Relation::Disjoint, circle, swiss),
        &["Lausanne"],
    )
    .await;
}

fn circle(relation: Relation, (x, y): (f64, f64), radius: f64) -> SelectionInput {
    related(
        relation,
        ShapeInput::Circle(CircleInput { x, y, radius }),
        None,
    )
}

/// R110: a degree of longitude is 111,319.49 m at the equator and half of that at 60 degrees.
pub async fn circles_are_measured_on_the_ellipsoid(store: &impl LayerStore) {
    make_layer(store).await;
    let elements = vec![
        creation(1.0, 0.0, named("a degree away")),
        creation(11.0, 60.0, named("north")),
        new("passing by", line(&[(-5.0, 1.0), (5.0, 1.0)])),
        new("around", square((-4.0, -4.0), 8.0)),
        new("small", square((-0.01, -0.01), 0.02)),
    ];
    edit(store, elements).await;
    let origin = (0.0, 0.0);
    expect(
        store,
        circle(Relation::Intersects, origin, 111_319.0),
        &["passing by", "around", "small"],
    )
    .await;
    let all = ["a degree away", "passing by", "around", "small"];
    expect(store, circle(Relation::Intersects, origin, 111_319.5), &all).await;
    // The parallel of one degree is nearest due north, at 110,574.39 m.
    expect(
        store,
        circle(Relation::Intersects, origin, 110_574.3),
        &["around", "small"],
    )
    .await;
    expect(
        store,
        circle(Relation::Within, origin, 111_320.0),
        &["a degree away", "small"],
    )
    .await;
    expect(
        store,
        circle(Relation::Contains, origin, 111_320.0),
        &["around"],
    )
    .await;
    expect(
        store,
        circle(Relation::Disjoint, origin, 111_319.0),
        &["a degree away", "north"],
    )
    .await;
    expect(
        store,
        circle(Relation::Intersects, (10.0, 60.0), 55_800.3),
        &["north"],
    )
    .await;
    expect(
        store,
        circle(Relation::Intersects, (10.0, 60.0), 55_799.0),
        &[],
    )
    .await;
}

/// Distances go over the antimeridian and the poles.
pub async fn circles_know_no_antimeridian_and_no_pole(store: &impl LayerStore) {
    make_layer(store).await;
    let elements = vec![
        creation(179.9, -17.0, named("west")),
        creation(-179.9, -17.0, named("east")),
        creation(0.0, 89.0, named("this side")),
        creation(180.0, 89.0, named("that side")),
        creation(90.0, 80.0, named("south of both")),
    ];
    edit(store, elements).await;
    expect(
        store,
        circle(Relation::Intersects, (180.0, -17.0), 20_000.0),
        &["west", "east"],
    )
    .await;
    expect(
        store,
        circle(Relation::Within, (179.95, -17.0), 20_000.0),
        &["west", "east"],
    )
    .await;
    let polar = ["this side", "that side"];
    expect(
        store,
        circle(Relation::Intersects, (0.0, 89.5), 200_000.0),
        &polar,
    )
    .await;
}

/// Counts and extents are of the elements in the relation.
pub async fn summaries_are_of_what_is_related(store: &impl LayerStore) {
    make_layer(store).await;
    let points = (0..5).map(|n| creation(f64::from(n), 0.0, named("x")));
    edit(store, points.collect()).await;
    for (relation, count, max_x) in [(Relation::Within, 2, 1.0), (Relation::Disjoint, 3, 4.0)] {
        let shape = ShapeInput::Geometry(square((-0.5, -1.0), 2.0));
        let checked = query(related(relation, shape, None))
            .check(&definition())
            .unwrap();
        let summary = store.summarize(&checked, later()).await.unwrap();
        let extent = summary.extent.unwrap();
        assert_eq!(
            (summary.count, extent.max_x),
            (count, max_x),
            "{relation:?}"
        );
    }
}

/// R111: a filter in CQL2 says what must hold of values, places and times together.
pub async fn filters_in_cql2_speak_of_values_and_places(store: &impl LayerStore) {
    make_layer(store).await;
    let place = |(name, x): (&str, f64)| creation(x, 0.0, named(name));
    let places = [
        ("Ávila", 1.0),
        ("avila", 2.0),
        ("Ávila far", 9.0),
        ("Burgos", 3.0),
    ];
    edit(store, places.map(place).to_vec()).await;
    for (filter, expected) in [
        ("string = 'Burgos'", vec!["Burgos"]),
        ("casei(string) like casei('á%')", vec!["Ávila", "Ávila far"]),
        (
            "string like '%vila%' and s_intersects(geometry, polygon((0 -1, 5 -1, 5 1, 0 1, 0 -1)))",
            vec!["Ávila", "avila"],
        ),
        (
            "s_within(geometry, bbox(0, -1, 5, 1)) and s_disjoint(geometry, point(2 0))",
            vec!["Ávila", "Burgos"],
        ),
        (
            "integer is null and not (string > 'a' or integer > 5)",
            vec![],
        ),
        ("not string > 'a'", vec!["Burgos"]),
    ] {
        let selection = SelectionInput {
            cql2: Some(Cql2::from_text(filter).unwrap()),
            ..SelectionInput::default()
        };
        expect(store, selection, &expected).await;
    }
}
