//! Other programs read the tables, lesser roles do what they are for, and whatever is in a name stays in the name.

use std::process::Command;

use fresh_database::FreshDatabase;
use jmap_domain::LayerId;
use jmap_postgres::{DatabaseOptions, MigrateMode};
use layer_data_core::{
    conformance::{creation, definition_with, done, edit, make_layer, named, read_all},
    definition::{GeometryType, LayerDraft, ZPolicy},
    edit::Edit,
    element::{AttributeRef, ElementInput, ValueSource},
    geometry::SingleToMulti,
    ports::{LayerStore, NewLayer, Removal},
    value::Value,
};
use layer_data_postgis::{PostGis, migrate};
use sqlx::{Connection, PgConnection};
use url::Url;

use crate::fixture::{Fresh, TABLE, connector, connector_with, fresh, scalar};

/// What `ogrinfo` says of the database; `None`, loudly, where it is not installed. A run of the whole suite must have it.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn ogrinfo(url: &str, arguments: &[&str]) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let password = url.password().unwrap_or_default();
    let source = format!(
        "PG:host={} port={} user={} password='{password}' dbname={}",
        url.host_str().unwrap(),
        url.port().unwrap(),
        url.username(),
        url.path().trim_start_matches('/')
    );
    let command = Command::new("ogrinfo")
        .arg("-ro")
        .arg(source)
        .args(arguments)
        .output();
    match command {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "ogrinfo complains: {errors}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            assert!(std::env::var("CI").is_err(), "ogrinfo is missing: {error}");
            eprintln!("SKIPPED: ogrinfo is missing: {error}");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ogrinfo_reads_a_layer_with_types_reference_system_and_count() {
    // R65.
    let Some(fresh) = fresh("ogrinfo").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let points = (0..5).map(|n| creation(f64::from(n), 47.0, named("ä \"quoted\"")));
    edit(&fresh.store, points.collect()).await;
    let Some(summary) = ogrinfo(&fresh.database.url(), &["-so", TABLE]) else {
        return;
    };
    assert!(summary.contains("Feature Count: 5"), "{summary}");
    assert!(summary.contains("EPSG\",4326"), "{summary}");
    for column in [
        "string: String",
        "integer: Integer64",
        "double: Real",
        "boolean: Integer(Boolean)",
        "date: Date",
        "datetime: DateTime",
        "binary: Binary",
    ] {
        assert!(summary.contains(column), "{column}: {summary}");
    }
    let Some(found) = ogrinfo(
        &fresh.database.url(),
        &["-spat", "1.5", "46", "2.5", "48", TABLE],
    ) else {
        return;
    };
    assert!(
        found.contains("POINT (2 47)") && !found.contains("POINT (1 47)"),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn geometry_columns_are_registered_with_type_dimension_and_reference_system() {
    let Some(fresh) = fresh("registered").await else {
        return;
    };
    let draft = LayerDraft {
        invalid: layer_data_core::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type: GeometryType::MultiPolygon,
        z: ZPolicy::Mandatory,
        epsg: 2056,
        attributes: Vec::new(),
    };
    let new = NewLayer {
        layer: LayerId::new(7).unwrap(),
        label: "it's \\ here".to_owned(),
        definition: draft.define().unwrap(),
    };
    fresh.store.create_layer(new).await.unwrap();
    let registered = "select count(*) from geometry_columns where f_table_name = 'l_7'
        and f_geometry_column = 'geom' and type = 'MULTIPOLYGON' and coord_dimension = 3 and srid = 2056";
    let mut other = fresh.other().await;
    assert_eq!(scalar(&mut other, registered).await, 1);
    let comment = format!(
        "select count(*) from pg_description where objoid = '{TABLE}'::regclass and description = E'it\\'s \\\\ here'"
    );
    assert_eq!(scalar(&mut other, &comment).await, 1);
}

/// Names that end a badly quoted one, that the writer uses itself, or that are not ASCII.
const NAMES: [&str; 7] = [
    "a\"; drop table x; --",
    "select",
    "v0",
    "it's \\",
    "größe 🗺",
    "counters",
    "$1",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whatever_is_in_the_name_of_an_attribute_stays_in_it() {
    let Some(fresh) = fresh("names").await else {
        return;
    };
    let names = std::cell::RefCell::new(NAMES.into_iter());
    let definition = definition_with(|attribute| {
        attribute.name = names.borrow_mut().next().unwrap().to_owned();
        attribute.description = attribute.name.clone();
    });
    let new = NewLayer {
        layer: LayerId::new(7).unwrap(),
        label: NAMES.join(" "),
        definition: definition.clone(),
    };
    fresh.store.create_layer(new).await.unwrap();
    let input = ElementInput {
        geometry: layer_data_core::conformance::point(1.0, 2.0),
        values: vec![(
            AttributeRef::Name(NAMES[0].to_owned()),
            Value::text("x").unwrap(),
        )],
    };
    let element = input.check(&definition, ValueSource::Client, SingleToMulti::Refuse);
    let element = done(&fresh.store, Edit::Create(element.unwrap())).await;
    let change = layer_data_core::element::ChangeInput {
        geometry: None,
        values: vec![(
            AttributeRef::Name(NAMES[0].to_owned()),
            Value::text("y").unwrap(),
        )],
    };
    let update = Edit::Update {
        element: element.element,
        expected: layer_data_core::edit::ExpectedRevision::Any,
        patch: change.check(&definition).unwrap(),
    };
    done(&fresh.store, update).await;
    let columns = format!(
        "select count(*) from pg_attribute a join pg_description d on d.objoid = a.attrelid and d.objsubid = a.attnum
         where a.attrelid = '{TABLE}'::regclass and d.description = a.attname"
    );
    assert_eq!(scalar(&mut fresh.other().await, &columns).await, 7);
    let read = read_all(&fresh.store).await;
    assert_eq!(read[0].values[0], Value::text("y").unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lesser_role_runs_the_store_and_a_reader_reads_its_layers() {
    let Some(mut database) = FreshDatabase::create("roles").await else {
        return;
    };
    let service = database.create_role().await;
    let readers = [database.create_role().await];
    migrate(&connector(&database), Some(&service), &readers)
        .await
        .unwrap();
    let reading = database.url_as(&readers[0]);
    let serving = database.url_as(&service);
    let never = DatabaseOptions {
        database_migrate: MigrateMode::Never,
        ..DatabaseOptions::default()
    };
    let store = PostGis::open(&connector_with(&serving, &never))
        .await
        .unwrap();
    let fresh = Fresh { store, database };
    fresh.store.bind_installation("one").await.unwrap();
    make_layer(&fresh.store).await;
    done(&fresh.store, creation(1.0, 2.0, named("seen"))).await;
    let mut reading = PgConnection::connect(&reading).await.unwrap();
    let count = format!("select count(*) from {TABLE}");
    assert_eq!(scalar(&mut reading, &count).await, 1);
    for refused in [
        format!("delete from {TABLE}"),
        "select * from jmap_catalogue.request".to_owned(),
        "create table jmap_layers_00.mine ()".to_owned(),
    ] {
        let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(refused))
            .execute(&mut reading)
            .await;
        assert!(refused.is_err());
    }
    let mut serving = PgConnection::connect(&serving).await.unwrap();
    let refused = sqlx::raw_sql("drop table jmap_catalogue.request")
        .execute(&mut serving)
        .await;
    assert!(refused.is_err());
    let removal = Removal {
        layer: LayerId::new(7).unwrap(),
    };
    fresh.store.drop_layer(removal).await.unwrap();
    fresh.store.close().await;
}
