//! Questions about the past, following changes, and a restored database.

use std::{
    io::{BufRead, BufReader},
    process::{Command as Process, Stdio},
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    fixture::{House, jmapctl},
    permissions::{names, town},
};

/// A town in which ana could modify the trees at the time that is answered, and cannot now.
fn tuesday() -> (House, String) {
    let house = town();
    let grant = ["grants", "grant", "ana", "modify", "--on", "Town/trees"];
    house.run("administrator", &grant).success();
    let noon = Timestamp::now().to_string();
    let revoke = ["grants", "revoke", "ana", "modify", "--on", "Town/trees"];
    house.run("administrator", &revoke).success();
    (house, noon)
}

#[test]
fn who_could_edit_a_layer_last_tuesday_is_one_command() {
    // R19, R45.
    let (house, noon) = tuesday();
    let who = ["lookup", "users", "layer", "Town/trees", "modify"];
    assert_eq!(house.answer("administrator", &who), Value::Array(vec![]));
    let then = [&who[..], &["--as-of", &noon]].concat();
    assert_eq!(names(&house.answer("administrator", &then)), ["ana"]);
    let told = house.people("administrator", &then).success();
    let text = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
    assert!(text.starts_with("as of policy revision "), "{text}");

    let why = ["explain", "layer", "Town/trees", "modify", "--as-of", &noon];
    assert_eq!(house.answer("ana", &why)["decision"], "all");
    let about = [&why[..], &["--user", "ana"]].concat();
    assert_eq!(house.answer("administrator", &about)["decision"], "all");
    let layers = ["lookup", "layers", "modify", "--as-of", &noon];
    assert_eq!(names(&house.answer("ana", &layers)), ["trees"]);
    let held = |arguments: &[&str]| {
        let entries = house.answer("administrator", arguments);
        entries.as_array().unwrap().len()
    };
    let now = held(&["report", "ana"]);
    assert_eq!(held(&["report", "ana", "--as-of", &noon]), now + 1);
}

#[test]
fn a_time_that_is_none_or_before_history_is_refused() {
    // R120.
    let (house, _) = tuesday();
    let mut report = ["report", "ana", "--as-of", "tuesday"];
    house.run("administrator", &report).code(2);
    report[3] = "2001-01-01T00:00Z";
    let refused = house.failure("administrator", 1, &report);
    assert_eq!(refused["reason"], "HISTORY_PRUNED");
    assert!(refused["hint"].as_str().unwrap().contains("or later"));
    report[3] = "2999-01-01T00:00Z";
    let refused = house.failure("administrator", 1, &report);
    assert_eq!(refused["field"], "freshness.as_of_time");
}

#[test]
fn changes_are_shown_as_they_are_made_until_enough_are() {
    let house = town();
    let mut watching = Process::new(env!("CARGO_BIN_EXE_jmapctl"))
        .args(["--server", &house.server, "--session-file"])
        .arg(house.session("administrator"))
        .args(["watch", "--json", "--limit", "2"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let beginning = next()["policy_token"].clone();
    house
        .run("administrator", &["groups", "create", "news"])
        .success();
    let joins = ["groups", "add", "news", "ana"];
    house.run("administrator", &joins).success();
    let created = next();
    assert_eq!(created["changes"][0]["kind"], "group");
    assert_eq!(created["author"], "user 1");
    next();
    assert!(watching.wait().unwrap().success());

    let after = beginning.as_str().unwrap();
    let again = ["watch", "--after", after, "--limit", "1"];
    let told = house.people("administrator", &again).success();
    let text = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
    assert!(
        text.contains("is `news`") && text.lines().count() == 1,
        "{text}"
    );
    // R15.
    house.failure("ana", 3, &["watch"]);
    house.failure("administrator", 1, &["watch", "--after", "?"]);
}

#[test]
fn a_place_that_is_in_use_or_empty_is_not_begun_anew() {
    let house = House::start();
    let data = house.folder.path().join("data");
    let refused = jmapctl().arg("restored").arg(&data).assert().code(1);
    let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(text.contains("in use by another process"), "{text}");
    let nothing = house.folder.path().join("nothing.sqlite");
    let refused = jmapctl().arg("restored").arg(&nothing).assert().code(1);
    let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(
        text.contains("there is no installation") && !nothing.exists(),
        "{text}"
    );
}
