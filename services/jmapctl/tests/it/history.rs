//! What happened to elements, asked as the README says.

use serde_json::{Value, json};

use crate::{
    fixture::{House, failure},
    pair::town,
};

/// A tree of ana's that was planted, renamed and felled.
fn felled() -> House {
    let house = House::start();
    town(&house);
    let planted = "jmapctl edit create Town/trees --geometry 'POINT(1 2)' --set species=oak";
    let renamed = "jmapctl edit update Town/trees 1 --revision 1 --set species=elm";
    let felled = "jmapctl edit delete Town/trees 1 --revision 2";
    let lines = [planted, renamed, felled].join("\n");
    house.script("ana", &lines).success();
    house
}

fn column(answer: &Value, name: &str) -> Vec<Value> {
    let changes = answer["changes"].as_array().unwrap();
    changes.iter().map(|change| change[name].clone()).collect()
}

#[test]
fn an_element_that_is_gone_tells_what_happened_to_it() {
    // R106.
    let house = felled();
    let answer = house.answer("ana", &["history", "Town/trees", "1"]);
    assert_eq!(column(&answer, "change"), ["created", "changed", "deleted"]);
    assert_eq!(column(&answer, "revision"), [1, 2, 3]);
    let species = column(&answer, "element");
    let species: Vec<_> = species
        .iter()
        .map(|one| &one["attributes"]["species"])
        .collect();
    assert_eq!(species, [&json!("oak"), &json!("elm"), &json!(null)]);
    let then = ["query", "Town/trees", "--ids", "1", "--as-of", "1"];
    let then = house.answer("ana", &then);
    assert_eq!(then["elements"][0]["attributes"]["species"], "oak");
    house.failure("ana", 4, &["history", "Town/trees", "2"]);
    // R38: ana may not export.
    let past = ["query", "Town/trees", "--as-of", "1"];
    let refused = house.run("ana", &past).code(3);
    assert_eq!(failure(&refused)["reason"], "NOT_PERMITTED");
    let wrong = ["query", "Town/trees", "--as-of", "yesterday"];
    house.run("ana", &wrong).code(2);
}

#[test]
fn a_watch_tells_each_change_and_goes_on_from_where_it_ended() {
    // R38, R106.
    let house = felled();
    let watch = [
        "watch-changes",
        "Town/trees",
        "--after",
        "0",
        "--limit",
        "3",
    ];
    let boxed = [watch.as_slice(), &["--bbox", "-180,-90,180,90"]].concat();
    for refused in [&watch[..], &boxed] {
        house.run("ana", refused).code(3);
    }
    let grant = ["grants", "grant", "ana", "export", "--on", "Town/trees"];
    house.run("administrator", &grant).success();
    let answer = house.answer("ana", &boxed);
    let events = answer["events"].as_array().unwrap();
    let changes: Vec<_> = events.iter().map(|event| &event["change"]).collect();
    assert_eq!(changes, ["created", "changed", "deleted"]);
    assert_eq!(events[1]["element"]["attributes"]["species"], "elm");
    let planted = "jmapctl edit create Town/trees --geometry 'POINT(1 2)' --set species=ash";
    house.script("ana", planted).success();
    let position = answer["position"].as_str().unwrap();
    let bbox = "--bbox=-180,-90,180,90";
    let watch = [
        "watch-changes",
        "Town/trees",
        "--limit",
        "1",
        bbox,
        "--after",
        position,
    ];
    let answer = house.answer("ana", &watch);
    assert_eq!(answer["events"][0]["element_id"], 2);
}

#[test]
fn the_commands_of_the_readme_tell_of_the_past() {
    let house = felled();
    let grant = ["grants", "grant", "ana", "export", "--on", "Town/trees"];
    house.run("administrator", &grant).success();
    let readme = include_str!("../../../../README.md");
    let (_, chapter) = readme.split_once("## The past of elements").unwrap();
    let (_, block) = chapter.split_once("```sh\n").unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    let done = house.script("ana", commands).success();
    let text = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    for told in [
        "deleted",
        "0 elements",
        "0 added, 0 changed, 1 removed",
        "FeatureCollection",
    ] {
        assert!(text.contains(told), "`{told}` is not in\n{text}");
    }
}

#[test]
fn what_was_felled_comes_back_and_what_was_done_is_undone() {
    // R103, R106, R108.
    let house = felled();
    let restored = house.answer("ana", &["restore", "Town/trees", "1"]);
    assert_eq!(restored, json!({"count": 1, "revision": 4}));
    let answer = house.answer("ana", &["history", "Town/trees", "1"]);
    let expected = ["created", "changed", "deleted", "created"];
    assert_eq!(column(&answer, "change"), expected);
    let twice = house.failure("ana", 5, &["restore", "Town/trees", "1"]);
    let message = twice["message"].as_str().unwrap();
    assert!(message.contains("nothing was changed"), "{message}");
    let actor = column(&answer, "actor_id")[0].to_string();
    let all = ["revert", "Town/trees", "--actor", &actor, "--since"];
    let dry = [&all[..], &["3", "--dry-run"]].concat();
    assert_eq!(house.answer("ana", &dry)["count"], 1);
    let undone = [&all[..], &["3"]].concat();
    house.run("ana", &undone).success();
    // What stands in the way may be others' doing, which is for those who may copy (R38).
    let revision = ["revert", "Town/trees", "--revision", "2"];
    house.failure("ana", 3, &revision);
    let grant = ["grants", "grant", "ana", "export", "--on", "Town/trees"];
    house.run("administrator", &grant).success();
    house.failure("ana", 5, &revision);
    house
        .run("ana", &["revert", "Town/trees", "--actor", "1"])
        .code(2);
}

#[test]
fn what_conditions_find_is_deleted_within_a_declared_maximum() {
    // R110, R112.
    let house = House::start();
    town(&house);
    let plant = |species| {
        format!("jmapctl edit create Town/trees --geometry 'POINT(1 2)' --set species={species}")
    };
    let lines = ["oak", "oak", "elm"].map(plant).join("\n");
    house.script("ana", &lines).success();
    let oaks = |more: &[&str]| {
        let mut line = vec!["edit", "delete-where", "Town/trees", "--where"];
        line.push("species = oak");
        line.extend(more);
        line.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let answer = |more: &[&str]| {
        let line = oaks(more);
        house.answer("ana", &line.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let dry = answer(&["--maximum", "2", "--dry-run"]);
    assert_eq!(
        dry,
        json!({"deleted_count": 2, "revision": 0, "dry_run": true})
    );
    let few = oaks(&["--maximum", "1"]);
    let few = few.iter().map(String::as_str).collect::<Vec<_>>();
    let refused = house.run("ana", &few).code(1);
    assert_eq!(failure(&refused)["reason"], "TOO_MANY_ELEMENTS");
    let done = answer(&["--maximum", "2"]);
    assert_eq!(done["deleted_count"], 2);
    // Nothing is deleted without saying which elements are meant.
    let all = ["edit", "delete-where", "Town/trees", "--maximum", "9"];
    house.run("ana", &all).code(2);
}

#[test]
fn a_layer_keeps_its_history_as_long_as_it_is_told_to() {
    // R114.
    let house = felled();
    let show = || house.answer("administrator", &["layers", "show", "Town/trees"]);
    let layer = show();
    assert_eq!(layer["definition"]["keep_history"], "forever");
    assert_eq!(layer["history_start"]["revision"], 0);
    let readme = include_str!("../../../../README.md");
    let (_, commands) = readme
        .split_once("```sh\njmapctl layers keep-history")
        .unwrap();
    let (commands, _) = commands.split_once("```").unwrap();
    let commands = format!("jmapctl layers keep-history{commands}");
    let done = house.script("administrator", &commands).success();
    let text = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    assert!(text.contains("kept 90d, from revision 0 on"), "{text}");
    assert_eq!(show()["definition"]["keep_history"], "90d");
    let keep = |how| ["layers", "keep-history", "Town/trees", how];
    for wrong in ["90", "-1h", "soon"] {
        house.run("administrator", &keep(wrong)).code(2);
    }
    let short = house.failure("administrator", 1, &keep("59m"));
    assert_eq!(short["reason"], "INVALID_FIELD");
    house.failure("ana", 3, &keep("1h"));
    house.run("administrator", &keep("forever")).success();
    assert_eq!(show()["definition"]["keep_history"], "forever");
    let create = [
        "layers",
        "create",
        "Town/benches",
        "--geometry",
        "point",
        "--keep-history",
        "2w",
    ];
    let made = house.answer("administrator", &create);
    assert_eq!(made["definition"]["keep_history"], "2w");
}
