//! Moving the layers to the other engine and back: nothing is numbered anew, nothing is lost, and what is not finished is
//! not served.

mod dropped;
mod pruned;
mod unique;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fresh_database::FreshDatabase;
use jmap_domain::{ActorId, Decision, LayerId};
use jmap_postgres::{DatabaseOptions, DatabasePlace, DatabaseUrl};
use layer_data_core::{
    conformance::{
        actor, batch, creation, definition, done, edit, layer, make_layer, named, query, read_all,
        renaming, revision, rows,
    },
    definition::{GeometryType, LayerDraft, ZPolicy},
    edit::{Edit, EditMode, ExpectedRevision, Intent, PermittedBatch, PermittedEdit, RequestKey},
    element::{AttributeRef, ElementInput, ElementRecord, ValueSource},
    geometry::SingleToMulti,
    history::HistoryStart,
    moving::{Moved, Stage},
    permit::{Permit, Validity},
    ports::{Archive, Arrival, LayerStore, NewLayer, Removal},
    query::SelectionInput,
    value::{Date, DateTime, Value},
};
use layer_data_geopackage::GeoPackage;
use layer_data_postgis::{PURPOSE, PostGis};
use layer_data_server::moving::LayersEnd;
use tempfile::TempDir;
use tokio::sync::Notify;

const INSTALLATION: &str = "one";

fn file(folder: &TempDir) -> DatabasePlace {
    DatabasePlace::File(path(folder))
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("layers.gpkg")
}

fn server(database: &FreshDatabase) -> DatabasePlace {
    DatabasePlace::Server(DatabaseUrl::new(&database.url()))
}

async fn source(place: &DatabasePlace) -> LayersEnd {
    let options = DatabaseOptions::default();
    LayersEnd::source(place, &options).await.unwrap()
}

async fn destination(place: &DatabasePlace) -> LayersEnd {
    let options = DatabaseOptions::default();
    LayersEnd::open(place, &options).await.unwrap()
}

async fn move_all(from: &DatabasePlace, to: &DatabasePlace) -> Moved {
    let (from, to) = (source(from).await, destination(to).await);
    let moved = to.copy_from(&from, |_| {}).await.unwrap();
    to.finish().await.unwrap();
    to.close().await;
    from.close().await;
    moved
}

/// Somebody opens the place to serve it.
async fn serve(database: &FreshDatabase) -> Result<PostGis, String> {
    let options = DatabaseOptions::default();
    let url = DatabaseUrl::new(&database.url());
    let connector = options.connector(&url, PURPOSE).unwrap();
    let opened = PostGis::open(&connector).await;
    opened.map_err(|error| error.to_string())
}

fn request(id: u8) -> RequestKey {
    RequestKey {
        id: [id; 16],
        content: [7; 32],
    }
}

fn remembered(id: u8) -> PermittedBatch {
    PermittedBatch {
        request: Some(request(id)),
        ..batch(
            actor(2),
            Decision::All,
            vec![creation(8.0, 9.0, named("asked"))],
        )
    }
}

/// All kinds of values, nulls, elements that were changed and deleted, and answers that are remembered.
async fn fill(store: &impl LayerStore) {
    store.bind_installation(INSTALLATION).await.unwrap();
    make_layer(store).await;
    let values = [
        ("string", Value::text("zo\u{eb} 'x' \u{1f9ed}").unwrap()),
        ("integer", Value::Integer(i64::MIN)),
        ("double", Value::double(-0.1).unwrap()),
        ("boolean", Value::Boolean(true)),
        ("date", Value::Date(Date::parse("0001-01-01").unwrap())),
        (
            "datetime",
            Value::DateTime(DateTime::parse("9999-12-31T23:59:59.999Z").unwrap()),
        ),
        ("binary", Value::Binary(vec![0, 255])),
    ];
    let values = values.map(|(name, value)| (AttributeRef::Name(name.to_owned()), value));
    edit(store, vec![creation(1.0, 2.0, values.to_vec())]).await;
    let many = (0..20).map(|n| creation(f64::from(n), -0.0, named(&n.to_string())));
    edit(store, many.collect()).await;
    let first = read_all(store).await.remove(0).id;
    let changed = renaming(first, ExpectedRevision::Any, "");
    let by_another = batch(actor(9), Decision::All, vec![changed]);
    store.edit(by_another).await.unwrap();
    // The highest id goes, and must never come again (R103).
    let last = done(store, creation(3.0, 4.0, Vec::new())).await.element;
    let expected = ExpectedRevision::Any;
    done(
        store,
        Edit::Delete {
            element: last,
            expected,
        },
    )
    .await;
    store.edit(remembered(1)).await.unwrap();
    for (id, (geometry_type, wkt)) in (20..).zip(GEOMETRIES) {
        make_other(store, id, geometry_type).await;
        add_to(store, id, wkt).await;
    }
    make_other(store, 30, GeometryType::Point).await;
}

type Bytes = fn() -> Vec<u8>;
const GEOMETRIES: [(GeometryType, Bytes); 6] = [
    (GeometryType::Point, || shape(1, &[], 1)),
    (GeometryType::LineString, || shape(2, &[], 2)),
    (GeometryType::Polygon, || shape(3, &[], 4)),
    (GeometryType::MultiPoint, || shape(4, &shape(1, &[], 1), 0)),
    (GeometryType::MultiLineString, || {
        shape(5, &shape(2, &[], 3), 0)
    }),
    (GeometryType::MultiPolygon, || {
        shape(6, &shape(3, &[], 5), 0)
    }),
];

/// A geometry with heights as little-endian ISO WKB: of one member, or of so many positions.
fn shape(kind: u32, member: &[u8], positions: u32) -> Vec<u8> {
    let mut wkb = vec![1];
    wkb.extend((1_000 + kind).to_le_bytes());
    let counts: &[u32] = match kind {
        1 => &[],
        2 => &[positions],
        3 => &[1, positions],
        _ => &[1],
    };
    for count in counts {
        wkb.extend(count.to_le_bytes());
    }
    wkb.extend(member);
    for n in 0..positions {
        // A ring ends where it begins.
        let n = if kind == 3 { n % (positions - 1) } else { n };
        let xyz = [f64::from(n), f64::from(n * n), f64::from(n) / 3.0];
        for number in xyz {
            wkb.extend(f64::to_le_bytes(number));
        }
    }
    wkb
}

async fn make_other(store: &impl LayerStore, id: i64, geometry_type: GeometryType) {
    let draft = LayerDraft {
        invalid: layer_data_core::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type,
        z: ZPolicy::Mandatory,
        epsg: 3857,
        attributes: Vec::new(),
    };
    let new = NewLayer {
        layer: LayerId::new(id).unwrap(),
        label: format!("Streets \"{id}\"; it's"),
        definition: draft.define().unwrap(),
    };
    store.create_layer(new).await.unwrap();
}

async fn add_to(store: &impl LayerStore, id: i64, wkb: Bytes) {
    let layer = LayerId::new(id).unwrap();
    let stored = store.layer(layer).await.unwrap().unwrap();
    let input = ElementInput {
        geometry: wkb(),
        values: Vec::new(),
    };
    let new = input.check(
        &stored.definition,
        ValueSource::Client,
        SingleToMulti::Refuse,
    );
    let edit = Edit::Create(new.unwrap());
    let actor = ActorId::new(3).unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    let validity = Validity { actor, until };
    let permit = Permit::from_decision(layer, edit.permission(), Decision::All, validity);
    let batch = PermittedBatch {
        edits: vec![PermittedEdit::new(0, permit.unwrap(), edit).unwrap()],
        actor,
        mode: EditMode::Atomic,
        intent: Intent::Commit,
        request: None,
    };
    store.edit(batch).await.unwrap();
}

async fn filled() -> TempDir {
    let folder = TempDir::new().unwrap();
    let store = GeoPackage::open(&path(&folder)).await.unwrap();
    fill(&store).await;
    store.close().await;
    folder
}

/// Numbers go on where they were, and a retried request is not done again (R103, R109, R116).
async fn goes_on(store: &impl LayerStore) {
    let before = (revision(store).await, read_all(store).await);
    let answer = store.edit(remembered(1)).await.unwrap();
    assert_eq!(answer, store.edit(remembered(1)).await.unwrap());
    assert_eq!((revision(store).await, read_all(store).await), before);
    let new = done(store, creation(1.0, 1.0, named("new"))).await;
    assert_eq!((new.element.get(), new.revision), (24, before.0.next()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn everything_goes_to_a_server_and_back_into_a_file() {
    // R103, R116.
    let (first, last) = (filled().await, TempDir::new().unwrap());
    let Some(database) = FreshDatabase::create("moving").await else {
        return;
    };
    let there = move_all(&file(&first), &server(&database)).await;
    let counts: Vec<u64> = there.layers.iter().map(|layer| layer.elements).collect();
    assert_eq!(counts, [22, 1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(there.requests, 1);
    assert_eq!(there.layers[1].label, "Streets \"20\"; it's");
    let back = move_all(&server(&database), &file(&last)).await;
    assert_eq!(back, there);
    assert_eq!(replaced(&last).await, (2, replaced(&first).await.1));
    let stores = [path(&first), path(&last)].map(|file| async move {
        let store = GeoPackage::open(&file).await.unwrap();
        goes_on(&store).await;
        read_all(&store).await.len()
    });
    let [one, other] = stores;
    assert_eq!(one.await, other.await);
    goes_on(&serve(&database).await.unwrap()).await;
}

/// How many versions of elements were replaced, and what is kept of the layer.
async fn replaced(folder: &TempDir) -> (usize, HistoryStart) {
    let store = GeoPackage::open(&path(folder)).await.unwrap();
    let everything = query(SelectionInput::default());
    let everything = everything.check(&definition()).unwrap();
    let read = store.replaced(&everything, None, rows(10)).await.unwrap();
    let start = store.layer(layer()).await.unwrap().unwrap().history;
    store.close().await;
    (read.versions.len(), start)
}

/// Copies until a layer is begun, and stops there as a killed process would.
async fn stop_at(from: &DatabasePlace, to: &DatabasePlace, layer: i64) {
    let (from, to) = (source(from).await, destination(to).await);
    let reached = Notify::new();
    let copying = to.copy_from(&from, |progress| {
        if progress.layer.get() == layer && progress.stage == Stage::Copy {
            reached.notify_one();
        }
    });
    tokio::select! {
        biased;
        () = reached.notified() => {}
        moved = copying => panic!("it was not stopped: {moved:?}"),
    }
}

async fn change(folder: &Path) {
    let store = GeoPackage::open(folder).await.unwrap();
    let element = read_all(&store).await.remove(4).id;
    let expected = ExpectedRevision::Any;
    done(&store, Edit::Delete { element, expected }).await;
    let layer = LayerId::new(20).unwrap();
    store.drop_layer(Removal { layer }).await.unwrap();
    make_other(&store, 5, GeometryType::Any).await;
    store.edit(remembered(2)).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_move_that_was_stopped_is_not_served_and_goes_on_with_what_changed_meanwhile() {
    let first = filled().await;
    let Some(database) = FreshDatabase::create("stopped").await else {
        return;
    };
    let (from, to) = (file(&first), server(&database));
    for layer in [7, 22] {
        stop_at(&from, &to, layer).await;
        let refused = serve(&database).await.unwrap_err();
        let sentence = "is not finished; run the same `jmapctl move` again";
        assert!(refused.ends_with(sentence), "{refused}");
    }
    change(&path(&first)).await;
    let moved = move_all(&from, &to).await;
    let layers: Vec<i64> = moved.layers.iter().map(|moved| moved.layer.get()).collect();
    assert_eq!(layers, [5, 7, 21, 22, 23, 24, 25, 30]);
    assert_eq!((moved.layers[1].elements, moved.requests), (22, 2));
    // And back, in the middle of which nobody opens the file either.
    let last = TempDir::new().unwrap();
    stop_at(&to, &file(&last), 25).await;
    let refused = GeoPackage::open(&path(&last)).await.unwrap_err();
    assert!(refused.to_string().contains("is not finished"));
    assert_eq!(move_all(&to, &file(&last)).await, moved);
}

/// What is told when a finished copy of a store is compared with it again.
async fn difference(first: &TempDir, last: &TempDir) -> String {
    let (from, to) = (source(&file(first)).await, destination(&file(last)).await);
    format!("{:#}", to.copy_from(&from, |_| {}).await.unwrap_err())
}

#[tokio::test]
async fn a_copy_that_went_on_by_itself_is_told_by_its_layer() {
    let (first, last) = (filled().await, TempDir::new().unwrap());
    move_all(&file(&first), &file(&last)).await;
    let store = GeoPackage::open(&path(&last)).await.unwrap();
    done(&store, creation(1.0, 1.0, named("new"))).await;
    store.close().await;
    drop(store);
    let told = difference(&first, &last).await;
    assert!(
        told.contains("layer `7` has another definition or other counters"),
        "{told}"
    );
}

#[tokio::test]
async fn the_first_element_that_differs_is_told() {
    let (first, last) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = GeoPackage::open(&path(&first)).await.unwrap();
    store.bind_installation(INSTALLATION).await.unwrap();
    make_layer(&store).await;
    let elements = (0..5).map(|n| creation(f64::from(n), 0.0, named("same")));
    edit(&store, elements.collect()).await;
    let record = store.layer_record(layer()).await.unwrap();
    let rules = *record.definition.geometry();
    let read = |element| ElementRecord::read(element, &rules).unwrap();
    let mut records: Vec<_> = read_all(&store).await.into_iter().map(read).collect();
    store.close().await;
    drop(store);
    for altered in [4, 2] {
        records[altered].values[0] = Value::text("other").unwrap();
    }
    let store = GeoPackage::open_to_move(&path(&last)).await.unwrap();
    for arrival in [
        Arrival::Begun(INSTALLATION.to_owned()),
        Arrival::Layer(record),
        Arrival::Elements(layer(), records),
        Arrival::Finished,
    ] {
        store.take_in(arrival).await.unwrap();
    }
    store.close().await;
    drop(store);
    let told = difference(&first, &last).await;
    assert!(told.contains("layer `7` differs at element `3`"), "{told}");
}

#[tokio::test]
async fn another_installations_place_is_refused() {
    let first = filled().await;
    let folder = TempDir::new().unwrap();
    let store = GeoPackage::open(&path(&folder)).await.unwrap();
    store.bind_installation("two").await.unwrap();
    store.close().await;
    drop(store);
    let (from, to) = (
        source(&file(&first)).await,
        destination(&file(&folder)).await,
    );
    let refused = to.copy_from(&from, |_| {}).await.unwrap_err().to_string();
    assert!(
        refused.contains("belongs to another installation"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_end_that_is_served_is_refused() {
    let first = filled().await;
    let _served = GeoPackage::open(&path(&first)).await.unwrap();
    let options = DatabaseOptions::default();
    let refused = LayersEnd::source(&file(&first), &options)
        .await
        .unwrap_err();
    assert!(format!("{refused:#}").contains("in use by another process"));
    let nowhere = DatabasePlace::File("/nowhere/layers.gpkg".into());
    let refused = LayersEnd::source(&nowhere, &options).await.unwrap_err();
    assert!(refused.to_string().starts_with("there is no storage"));
}
