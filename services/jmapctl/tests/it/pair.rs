//! Commands against a running pair.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;

use crate::fixture::{House, failure, jmapctl};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A project that everybody opens, with a layer of points that ana may add to.
pub(crate) fn town(house: &House) {
    house
        .run("administrator", &["sign-in", "administrator"])
        .success();
    house.account("ana");
    house
        .run("administrator", &["projects", "create", "Town"])
        .success();
    house
        .run(
            "administrator",
            &["projects", "grant", "Town", "authenticated", "open"],
        )
        .success();
    let create = [
        "layers",
        "create",
        "Town/trees",
        "--geometry",
        "point",
        "--attribute",
        "species:string:required",
        "--attribute",
        "height:double",
        "--editing",
        "--grant",
        "ana=view,add,modify,delete,only-own",
    ];
    house.run("administrator", &create).success();
}

#[test]
fn a_remembered_session_is_private_is_refreshed_and_ends_with_sign_out() {
    // R117.
    let house = House::start();
    house
        .run("administrator", &["sign-in", "administrator"])
        .success();
    let file = house.session("administrator");
    assert_eq!(mode(&file), 0o600);

    let mut kept = house.kept("administrator");
    kept["access_token_expires"] = json!(0);
    fs::write(&file, kept.to_string()).unwrap();
    assert_eq!(
        house.answer("administrator", &["whoami"])["name"],
        "administrator"
    );
    let renewed = house.kept("administrator");
    assert_ne!(renewed["refresh_token"], kept["refresh_token"]);
    assert_eq!(mode(&file), 0o600);

    house.run("administrator", &["sign-out"]).success();
    assert!(!file.exists());
    let with_old_token = jmapctl()
        .args(["--json", "--server", &house.server, "users", "list"])
        .env("JMAP_TOKEN", renewed["access_token"].as_str().unwrap())
        .assert()
        .code(3);
    assert_eq!(failure(&with_old_token)["reason"], "SESSION_CLOSED");
}

#[test]
fn attributes_change_under_the_elements_that_are_there() {
    // R105, R114.
    let house = House::start();
    town(&house);
    let by = |who: &str, words: &str| {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        house.run(who, &words)
    };
    let administrator = |words: &str| by("administrator", &format!("layers attributes {words}"));
    let create = [
        "edit",
        "create",
        "Town/trees",
        "--geometry",
        "POINT(1 2)",
        "--set",
        "species=oak",
        "--set",
        "height=99.5",
    ];
    house.run("ana", &create).success();
    administrator("add Town/trees health:integer:required --default 3 --min 1 --max 5").success();
    administrator("rename Town/trees health vigour").success();
    administrator("describe Town/trees vigour --label Vigour").success();
    administrator("move Town/trees vigour 1").success();
    let tight = administrator("set Town/trees height --max 50 --dry-run").failure();
    assert_eq!(failure(&tight)["reason"], "DATA_CONTRADICTS");
    administrator("set Town/trees height --max 100 --dry-run").success();
    administrator("drop Town/trees height").success();
    let dropped = house.answer(
        "administrator",
        &["layers", "attributes", "dropped", "Town/trees"],
    );
    assert_eq!(dropped[0]["name"], "height");
    administrator("restore Town/trees height --as tall").success();
    administrator("drop Town/trees tall").success();
    administrator("purge Town/trees tall --confirm height").code(2);
    administrator("purge Town/trees tall --confirm tall").success();
    let range = administrator("widen Town/trees vigour string").failure();
    assert_eq!(failure(&range)["reason"], "INVALID_FIELD");
    administrator("widen Town/trees vigour double --dry-run").success();
    administrator("widen Town/trees vigour string --any").success();
    let page = house.answer("ana", &["query", "Town/trees", "--where", "vigour = 3"]);
    assert_eq!(page["elements"][0]["attributes"]["vigour"], "3");
    by("ana", "layers attributes drop Town/trees vigour").code(3);
    let shown = house.answer(
        "administrator",
        &["layers", "attributes", "list", "Town/trees"],
    );
    let attributes = shown["attributes"].as_array().unwrap().iter();
    let names: Vec<_> = attributes
        .map(|one| (one["name"].as_str(), one["rules"].as_str()))
        .collect();
    assert_eq!(
        names,
        [(Some("vigour"), Some("")), (Some("species"), Some(""))]
    );
}

#[test]
fn the_commands_of_the_readme_change_a_layer_that_is_in_use() {
    // R114.
    let house = House::start();
    town(&house);
    let readme = include_str!("../../../../README.md");
    let (_, chapter) = readme
        .split_once("## Changing a layer that is in use")
        .unwrap();
    let (_, block) = chapter
        .split_once(
            "```sh
",
        )
        .unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    let done = house.script("administrator", commands).success();
    let text = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    for told in [
        "is now version 2",
        "would be version 4",
        "is now version 7",
        "1 to 5",
    ] {
        assert!(
            text.contains(told),
            "`{told}` is not in
{text}"
        );
    }
}

#[test]
fn processes_that_find_an_expired_token_at_the_same_time_refresh_it_once() {
    // R117: a refresh token that is used twice closes the session.
    let house = House::start();
    house
        .run("administrator", &["sign-in", "administrator"])
        .success();
    let mut kept = house.kept("administrator");
    kept["access_token_expires"] = json!(0);
    fs::write(house.session("administrator"), kept.to_string()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| house.run("administrator", &["whoami"]).success());
        }
    });
    house.run("administrator", &["users", "list"]).success();
}

#[test]
fn failures_are_told_apart_by_their_exit_codes() {
    // R120.
    let house = House::start();
    let wrong = house
        .command("ana", &["sign-in", "administrator"])
        .env("JMAP_PASSWORD", "wrong one")
        .assert();
    assert_eq!(failure(&wrong.code(3))["reason"], "CREDENTIAL_REFUSED");
    town(&house);

    let anonymous = house.failure("nobody", 3, &["users", "list"]);
    assert!(
        anonymous["hint"].to_string().contains("jmapctl sign-in"),
        "{anonymous}"
    );
    house.failure("ana", 3, &["users", "create", "ben"]);
    house.failure("ana", 4, &["projects", "show", "Nowhere"]);
    house.failure("ana", 4, &["query", "Town/bushes"]);
    let taken = house.failure("administrator", 5, &["users", "create", "ANA"]);
    assert_eq!(taken["reason"], "NAME_TAKEN");
    house.failure(
        "ana",
        2,
        &[
            "edit",
            "create",
            "Town/trees",
            "--geometry",
            "here",
            "--set",
            "species=oak",
        ],
    );
    let invalid = house.failure(
        "ana",
        1,
        &["edit", "create", "Town/trees", "--geometry", "POINT(1 2)"],
    );
    assert_eq!(invalid["reason"], "INVALID_ATTRIBUTE");
}

/// R110, R111: the oak, by filters and by shapes.
fn is_found_by_what_is_said_of_it(house: &House) {
    for (which, shape, expected) in [
        ("--filter", "species like 'o_k' and not height > 1", 0),
        (
            "--filter",
            "casei(species) = casei('OAK') and s_within(geometry, bbox(1, 47, 3, 49))",
            1,
        ),
        ("--within", "circle 2,48.001,112", 1),
        ("--disjoint", "circle 2,48.001,111", 1),
        ("--contains", "POINT(2 48)", 1),
        ("--intersects", "POLYGON((0 0,1 0,1 1,0 0))", 0),
    ] {
        let found = house.answer("ana", &["query", "Town/trees", which, shape, "--count"]);
        assert_eq!(found["count"], expected, "{which} {shape}");
    }
}

#[test]
fn an_element_is_created_read_changed_counted_and_deleted() {
    // R107, R108.
    let house = House::start();
    town(&house);
    let create = [
        "edit",
        "create",
        "Town/trees",
        "--geometry",
        "POINT(2 48)",
        "--set",
        "species=oak",
        "--set",
        "height=12.5",
    ];
    let created = house.answer("ana", &create);
    let (id, revision) = (
        created["element_id"].to_string(),
        created["revision"].to_string(),
    );
    let update = [
        "edit",
        "update",
        "Town/trees",
        &id,
        "--revision",
        &revision,
        "--unset",
        "height",
    ];
    house.run("ana", &update).success();
    let stale = house.failure("ana", 5, &update);
    assert_eq!(stale["reason"], "STALE_REVISION");

    let read = house.answer(
        "ana",
        &[
            "query",
            "Town/trees",
            "--where",
            "species = oak and height is null",
        ],
    );
    let element = &read["elements"][0];
    assert_eq!(
        element["attributes"],
        json!({"species": "oak", "height": null})
    );
    assert_eq!(
        (&element["geometry"], &element["own"]),
        (&json!("POINT(2 48)"), &json!(true))
    );
    is_found_by_what_is_said_of_it(&house);
    let count = ["query", "Town/trees", "--bbox", "1,47,3,49", "--count"];
    assert_eq!(house.answer("ana", &count)["count"], 1);

    house
        .run(
            "ana",
            &["edit", "delete", "Town/trees", &id, "--revision", "any"],
        )
        .success();
    assert_eq!(house.answer("ana", &count)["count"], 0);
}

#[test]
fn elements_are_sorted_page_by_page_and_summed_up() {
    // R112.
    let house = House::start();
    town(&house);
    let oak = ["--geometry", "POINT(2 48)", "--set", "species=oak"];
    let oak = [&["edit", "create", "Town/trees"][..], &oak].concat();
    house.run("ana", &oak).success();
    let taller = [
        "edit",
        "create",
        "Town/trees",
        "--geometry",
        "POINT(3.5 48)",
        "--set",
        "species=elm",
        "--set",
        "height=20",
    ];
    house.run("ana", &taller).success();
    // The one without a height comes last in either direction.
    for sort in ["height", "-height,species"] {
        let box_ = ["--bbox", "1,47,4,49", "--sort", sort, "--page-size", "1"];
        let sorted = [&["query", "Town/trees"][..], &box_].concat();
        let page = house.answer("ana", &sorted);
        assert_eq!(page["elements"][0]["attributes"]["species"], "elm");
        let token = page["next_page_token"].as_str().unwrap();
        let rest = [&sorted[..], &["--page-token", token]].concat();
        let page = house.answer("ana", &rest);
        assert_eq!(page["elements"][0]["attributes"]["species"], "oak");
    }
    let statistics = house.answer("ana", &["stats", "Town/trees", "--attributes", "height"]);
    let group = &statistics["groups"][0];
    assert_eq!(
        (&group["count"], &group["attributes"]["height"]["sum"]),
        (&json!(2), &json!(20.0))
    );
}

#[test]
fn an_import_with_bad_rows_keeps_the_good_ones_and_ends_with_1() {
    let house = House::start();
    town(&house);
    let file = house.folder.path().join("trees.csv");
    fs::write(
        &file,
        "x,y,species,height\n2,48,oak,12\n2,48,,3\n3,48,elm,tall\n4,48,ash,\n",
    )
    .unwrap();
    let path = file.display().to_string();
    let done = house.run("ana", &["import", "Town/trees", &path]).code(1);
    let summary: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    assert_eq!(
        (&summary["created_elements"], &summary["failed_rows"]),
        (&json!(2), &json!(2))
    );
    let rows: Vec<_> = summary["row_errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["row"])
        .collect();
    assert_eq!(rows, [&json!(2), &json!(3)]);
    let atomic = house
        .run("ana", &["import", "Town/trees", &path, "--atomic"])
        .code(1);
    let summary: serde_json::Value = serde_json::from_slice(&atomic.get_output().stdout).unwrap();
    assert_eq!(summary["created_elements"], 0);
}

#[test]
fn an_export_reads_back_and_needs_its_own_right() {
    // R38.
    let house = House::start();
    town(&house);
    house
        .run(
            "ana",
            &[
                "edit",
                "create",
                "Town/trees",
                "--geometry",
                "POINT(2 48)",
                "--set",
                "species=oak",
            ],
        )
        .success();
    let file = house.folder.path().join("trees.geojson");
    let path = file.display().to_string();
    let refused = house.failure("ana", 3, &["export", "Town/trees", &path]);
    assert_eq!(refused["facts"]["permission"], "copy / export");
    assert!(!file.exists());
    house
        .run(
            "administrator",
            &["grants", "grant", "ana", "export", "--on", "Town/trees"],
        )
        .success();
    assert_eq!(
        house.answer("ana", &["export", "Town/trees", &path])["element_count"],
        1
    );
    let written: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(
        written["features"][0]["geometry"]["coordinates"],
        json!([2.0, 48.0])
    );
}

#[test]
fn sigterm_ends_the_pair_cleanly_and_its_data_are_there_again() {
    let mut house = House::start();
    town(&house);
    assert!(house.restart().success());
    let listed = house.answer("ana", &["layers", "list", "Town"]);
    assert_eq!(listed[0]["name"], "trees");
    assert_eq!(
        mode(&house.folder.path().join("data/layer-data.key")),
        0o600
    );
    assert_eq!(mode(&house.folder.path().join("data")), 0o700);
}
