//! Administering permissions: tables, candidates, lookups, what-if and reports.

use serde_json::{Value, json};

use crate::fixture::House;

/// A project that ana opens, with two layers; ben is a stranger to it.
pub(crate) fn town() -> House {
    let house = House::start();
    house
        .run("administrator", &["sign-in", "administrator"])
        .success();
    house.account("ana");
    house.account("ben");
    let prepare: [&[&str]; 4] = [
        &["projects", "create", "Town"],
        &["projects", "grant", "Town", "ana", "open"],
        &[
            "layers",
            "create",
            "Town/trees",
            "--geometry",
            "point",
            "--editing",
        ],
        &["layers", "create", "Town/roads", "--geometry", "line"],
    ];
    for arguments in prepare {
        house.run("administrator", arguments).success();
    }
    house
}

pub(crate) fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn a_table_is_replaced_unless_somebody_else_changed_it() {
    // R42, R108.
    let house = town();
    let tables = ["grants", "tables", "Town/trees", "Town/roads"];
    let before = house.answer("administrator", &tables);
    assert_eq!(before[1]["rows"][0]["principal"]["name"], "everyone");
    let revision = before[0]["grants_revision"].to_string();
    let set = [
        "grants",
        "set",
        "--on",
        "Town/trees",
        "--revision",
        &revision,
        "--grant",
        "everyone=view",
        "--grant",
        "ana=add,modify,only-own",
    ];
    house.run("administrator", &set).success();
    let after = house.answer("administrator", &tables);
    let row = &after[0]["rows"][1];
    assert_eq!(row["permissions"], json!(["add", "modify"]));
    assert_eq!(row["only_own"], true);
    let stale = house.failure("administrator", 5, &set);
    assert_eq!(stale["reason"], "STALE_REVISION");
    // R42: both or neither.
    let both = [
        "grants",
        "set",
        "--on",
        "Town/trees",
        "--on",
        "Town/roads",
        "--grant",
        "ana=add",
    ];
    let refused = house.failure("administrator", 1, &both);
    assert_eq!(refused["reason"], "EDITING_DISABLED");
    assert_eq!(house.answer("administrator", &tables), after);
}

#[test]
fn candidates_are_who_may_open_the_project() {
    // R28.
    let house = town();
    let candidates = ["grants", "candidates", "Town/trees"];
    let found = house.answer("administrator", &candidates);
    let found = found.as_array().unwrap().iter();
    let found: Vec<_> = found.map(|one| one["principal"].clone()).collect();
    assert_eq!(names(&json!(found)), ["everyone", "administrator", "ana"]);
    let searched = [&candidates[..], &["--search", "BEN"]].concat();
    assert_eq!(house.answer("administrator", &searched), json!([]));
    house.failure("ana", 3, &candidates);
}

#[test]
fn lookups_what_if_and_reports_are_commands() {
    // R19, R45.
    let house = town();
    let layers = ["lookup", "layers", "view"];
    let found = house.answer("ana", &layers);
    assert_eq!(names(&found), ["trees", "roads"]);
    let about_ben = [&layers[..], &["--user", "ben"]].concat();
    assert_eq!(house.answer("administrator", &about_ben), json!([]));
    let opened = "grant-project ben open Town";
    let supposed = [&about_ben[..], &["--suppose", opened]].concat();
    let found = house.answer("administrator", &supposed);
    assert_eq!(names(&found), ["trees", "roads"]);

    let users = ["lookup", "users", "layer", "Town/trees", "view"];
    let found = house.answer("administrator", &users);
    assert_eq!(names(&found), ["administrator", "ana"]);
    assert_eq!(found[1]["grants"][0]["path"], "direct");
    house.failure("ana", 3, &users);

    let what_if = [
        "what-if",
        "layer",
        "Town/trees",
        "add",
        "--user",
        "ben",
        "--suppose",
        opened,
        "--suppose",
        "grant ben add Town/trees",
    ];
    let answer = house.answer("administrator", &what_if);
    let decisions = (&answer["now"]["reason"], &answer["then"]["decision"]);
    assert_eq!(decisions, (&json!("not-visible"), &json!("all")));
    // R28: without the first the second is refused, as it would be.
    let mut second = what_if.to_vec();
    second.drain(6..8);
    let refused = house.failure("administrator", 1, &second);
    assert_eq!(refused["reason"], "CANNOT_OPEN_PROJECT");
    assert_eq!(refused["facts"]["proposal"], "0");
}

#[test]
fn a_report_is_a_table_json_or_csv() {
    // R19.
    let house = town();
    let entries = house.answer("ana", &["report"]);
    assert_eq!(names(&entries), ["Town", "trees", "roads"]);
    assert_eq!(entries[0]["permissions"], json!(["open"]));
    assert_eq!(entries[1]["path"], "everyone");
    assert_eq!(house.answer("administrator", &["report", "ana"]), entries);
    let csv = house
        .people("administrator", &["report", "ana", "--csv"])
        .success();
    let text = String::from_utf8_lossy(&csv.get_output().stdout).into_owned();
    assert!(text.starts_with("kind,id,name,permissions,"), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
    house.failure("ana", 3, &["report", "ben"]);
    house.failure("nobody", 3, &["report"]);
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    // R19, R28, R42, R45.
    let house = town();
    let readme = include_str!("../../../../README.md");
    let (_, chapter) = readme.split_once("### Administering them").unwrap();
    let (_, block) = chapter.split_once("```sh\n").unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    // What went before in the README: a table in which ana edits, and ben is new.
    house
        .run("administrator", &["users", "delete", "ben"])
        .success();
    let done = house.script("administrator", commands).success();
    let text = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    for told in [
        "group:editors",
        "modify elements by group (group:editors)",
        "now   yes\nthen  no: not-visible",
        "missing for a full yes: open-project",
    ] {
        assert!(text.contains(told), "`{told}` is not in\n{text}");
    }
}
