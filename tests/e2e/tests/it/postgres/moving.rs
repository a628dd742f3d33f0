//! Moving house: `jmapctl move` from files to PostgreSQL and back, killed on its way.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use fresh_database::FreshDatabase;
use jmap_proto::layerdata::{FileFormat, Layer, ListLayersRequest};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, query_scalar};
use tempfile::TempDir;
use testkit::{Caller, Executables, Home, PASSWORD, Places, program, ready::eventually, wire};

use crate::work::Town;

/// Rows of the largest layer: enough that it takes several steps.
const ROWS: usize = 25_000;

/// The places of a data folder.
fn files(folder: &TempDir) -> Places {
    let file = |name| folder.path().join(name).to_str().unwrap().to_owned();
    Places {
        authorization: file("authorization.sqlite"),
        layers: file("layers.gpkg"),
    }
}

fn moving(from: &str, to: &str) -> Command {
    let mut command = program("jmapctl");
    command.args(["--json", "move", "--from", from, "--to", to]);
    command
}

/// The sentence of a command that has to fail.
fn refused(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "it was not refused");
    String::from_utf8(output.stderr).unwrap()
}

/// What a command that has to succeed tells programs.
fn told(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

/// What a pair answers about itself, whatever it runs on.
#[derive(Debug, PartialEq)]
struct Answers {
    layers: Vec<Layer>,
    counts: Vec<i64>,
    first: Option<jmap_proto::layerdata::Element>,
}

async fn answers(who: &Caller, project_id: i64, signs: i64) -> Answers {
    let request = ListLayersRequest {
        project_id,
        ..ListLayersRequest::default()
    };
    let listed = who.layers().list_layers(request).await.unwrap();
    let layers = listed.into_inner().layers;
    let mut counts = Vec::new();
    for layer in &layers {
        counts.push(who.count(layer.layer_id).await.unwrap());
    }
    Answers {
        layers,
        counts,
        first: who.get(signs, 1).await.unwrap(),
    }
}

/// Waits until a statement answers a number above 0.
async fn comes_true(url: &str, statement: &str) {
    let is_so = || async {
        let mut database = PgConnection::connect(url).await.ok()?;
        let statement = AssertSqlSafe(statement.to_owned());
        let count: i64 = query_scalar(statement)
            .fetch_one(&mut database)
            .await
            .ok()?;
        (count > 0).then_some(())
    };
    eventually(statement, is_so).await;
}

/// The moments at which the command is killed: its first word in the database, and elements of the largest layer.
fn moments(pipes: i64) -> [String; 2] {
    let table = format!("like 'l\\_{pipes}' escape '\\'");
    [
        "select count(*) from jmap_catalogue.store where arriving".to_owned(),
        // The size of a table tells of its rows, without its name.
        format!("select pg_relation_size(oid) from pg_class where relname {table}"),
    ]
}

/// Kills the command in the middle.
async fn killed_at(moment: &str, from: &str, to: &str) {
    let mut command = moving(from, to);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut mover = command.spawn().unwrap();
    comes_true(to, moment).await;
    mover.kill().unwrap();
    assert_eq!(mover.wait().unwrap().code(), None, "it had ended before");
}

fn nobody_is_served(url: &str) {
    for (name, flag) in [
        ("authorization-server", "--database"),
        ("layer-data-server", "--storage"),
    ] {
        let mut service = program(name);
        service.args([flag, url, "--listen", "127.0.0.1:0"]);
        let refused = refused(service.env("JMAP_SERVICE_KEY", "key"));
        assert!(
            refused.contains("run the same `jmapctl move` again"),
            "{refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_moves_to_postgres_and_back_although_the_mover_is_killed() {
    // R103, R116.
    let (first, last) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let Some(database) = FreshDatabase::create("moving").await else {
        return;
    };
    let (url, from) = (database.url(), path(first.path()).to_owned());
    let mut town = Town::found(Home::at(files(&first)), &[]).await;
    let (project, signs, pipes) = (
        town.floor.project("city"),
        town.layer("signs"),
        town.layer("pipes"),
    );
    let house = town.executables.house();
    let token = house.sign_in("ana", PASSWORD).await.unwrap().access_token;
    for _ in 0..3 {
        town.ana.add(signs, "POINT(1 2)").await.unwrap();
    }
    town.ana
        .change(signs, 1, wire::moved("POINT(3 4)"))
        .await
        .unwrap();
    let rows = "5,6\n".repeat(ROWS);
    let file = format!("longitude,latitude\n{rows}");
    let imported = town.ana.import(pipes, FileFormat::Csv, file.as_bytes());
    imported.await.unwrap();
    let before = answers(&house.with_token(Some(&token)), project, signs).await;

    let in_use = refused(&mut moving(&from, &url));
    assert!(in_use.contains("in use by another process"), "{in_use}");
    assert!(town.executables.layer_data.terminate());
    assert!(town.executables.authorization.terminate());

    for moment in moments(pipes) {
        killed_at(&moment, &from, &url).await;
        nobody_is_served(&url);
    }
    let there = told(&mut moving(&from, &url));
    let elements = |layer: i64| {
        let layers = there["layers"].as_array().unwrap().iter();
        let mut found = layers.filter(|told| told["layer_id"] == layer);
        found.next().unwrap()["elements"].as_u64().unwrap()
    };
    assert_eq!((elements(pipes), elements(signs)), (ROWS as u64, 3));
    let again = refused(&mut moving(&from, &url));
    assert!(again.contains("already; move to an empty one"), "{again}");
    let back = told(&mut moving(&url, path(last.path())));
    assert_eq!(back, there);

    for places in [Places::both(&url), files(&last)] {
        let executables = Executables::start_in(Home::at(places), &[]).await;
        // The session is open still, and its key is known.
        let ana = executables.house().with_token(Some(&token));
        assert_eq!(answers(&ana, project, signs).await, before);
        let new = ana.add(signs, "POINT(1 2)").await.unwrap();
        assert_eq!((new.element_id, new.revision), (4, 5));
    }
}

#[test]
fn a_wrong_place_is_told_in_a_sentence_without_the_password() {
    let (folder, target) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (nothing, to) = (path(folder.path()), path(target.path()));
    let unreachable = "postgres://u:hush@127.0.0.1:1/d";
    for (from, sentence) in [
        (unreachable, "the database `127.0.0.1:1/d` cannot be used"),
        ("postgres://u:hush@db.example/d", "is not on this machine"),
        (nothing, "there is no installation in the database"),
        (to, "--from and --to are the same place"),
    ] {
        let refused = refused(&mut moving(from, to));
        assert!(refused.contains(sentence), "{refused}");
        assert!(!refused.contains("hush"), "{refused}");
    }
}
