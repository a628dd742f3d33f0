//! Personal layers from the command line (R63, R67, R71, R74–R81).

use serde_json::{Value, json};

use crate::fixture::{House, failure};

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[test]
fn a_personal_layer_is_shared_listed_both_ways_and_published() {
    let house = House::start();
    let administrator = |line: &str| house.answer("administrator", &words(line));
    house
        .run("administrator", &["sign-in", "administrator"])
        .success();
    for name in ["ana", "ben"] {
        house.account(name);
    }
    administrator("projects create Town");
    administrator("permissions grant ana create-personal-layers");
    let refused = house
        .run("ben", &words("personal create maps --geometry point"))
        .code(3);
    assert_eq!(failure(&refused)["reason"], "NOT_PERMITTED");
    let ana = |line: &str| house.answer("ana", &words(line));
    let made = ana("personal create walks --geometry point --attribute name:string");
    let id = made["layer_id"].to_string();
    let point = [
        "edit",
        "create",
        "@me/walks",
        "--geometry",
        "POINT(1 2)",
        "--set",
        "name=first",
    ];
    house.run("ana", &point).success();
    ana("grants grant ben view,add --on @me/walks");
    let shared = house.answer("ben", &["personal", "shared"]);
    assert_eq!(shared[0]["owner"], "ana");
    assert_eq!(shared[0]["all"], json!(["view", "add"]));
    let all = administrator("personal all --search walk");
    assert_eq!(
        (&all[0]["name"], &all[0]["shares"]),
        (&json!("walks"), &json!(1))
    );
    figures_are_told_without_elements(&house, &id, &all[0]["figures"]);
    let by_layer = administrator(&format!("personal access {id}"));
    let by_user = administrator("personal of ben");
    assert_eq!(by_layer[1], by_user[0]);
    let users = administrator("personal users");
    let counts = |user: &Value| (user["owned"].clone(), user["shared"].clone());
    assert_eq!(counts(&users[0]), (json!(1), json!(0)));
    house.run("ben", &["personal", "leave", &id]).success();
    house.run("ben", &["query", &id, "--count"]).code(4);
    administrator(&format!("personal reassign {id} ben --as trails"));
    assert_eq!(
        house.answer("ben", &["personal", "list"])[0]["name"],
        "trails"
    );
    hand_over_and_back(&house, &id);
    let published = administrator(&format!("personal publish {id} Town --private"));
    assert_eq!(published["name"], "trails");
    let again = house
        .run("administrator", &["personal", "publish", &id, "Town"])
        .failure();
    assert_eq!(failure(&again)["reason"], "NOT_PERSONAL");
    house.run("ben", &["query", &id, "--count"]).code(4);
}

/// R18, R46: how much ana's layer of one element is, for an administrator who may not view any of it.
fn figures_are_told_without_elements(house: &House, id: &str, figures: &Value) {
    let administrator = |line: &str| house.answer("administrator", &words(line));
    let count = house.run("administrator", &["query", id, "--count"]);
    count.code(4);
    assert_eq!(figures["elements"], 1);
    assert_eq!(figures["size_bytes"], 21 + 5);
    let ana = |line: &str| house.answer("ana", &words(line));
    assert_eq!(&ana("personal list")[0]["figures"], figures);
    let details = administrator(&format!("personal show {id}"));
    assert_eq!(details["figures"]["extent"], json!([1.0, 2.0, 1.0, 2.0]));
    let attributes = &details["layer"]["definition"]["attributes"];
    assert_eq!(attributes[0]["name"], "name");
    assert_eq!(details["access"].as_array().unwrap().len(), 2);
    assert_eq!(ana("personal show @me/walks")["access"], Value::Null);
}

/// The layer `trails` goes from ben to ana, who has one of that name already, and comes back.
fn hand_over_and_back(house: &House, id: &str) {
    let ana = |line: &str| house.answer("ana", &words(line));
    ana("personal create Trails --geometry point");
    let offered = house.answer("ben", &words("personal offer @me/trails ana"));
    assert_eq!(offered["offered_to"], "ana");
    let offers = ana("personal offers");
    assert_eq!(
        (&offers[0]["name"], &offers[0]["owner"]),
        (&json!("trails"), &json!("ben"))
    );
    assert_eq!(
        house.answer("ben", &words("personal offers --made")),
        offers
    );
    house.run("ana", &["query", id, "--count"]).code(4);
    let taken = house.run("ana", &["personal", "accept", id]).code(5);
    assert_eq!(failure(&taken)["reason"], "NAME_TAKEN");
    house.run("ana", &["personal", "decline", id]).success();
    let ben = |line: &str| house.answer("ben", &words(line));
    ben("personal offer @me/trails ana");
    ben("personal withdraw @me/trails");
    let gone = house.run("ana", &["personal", "accept", id]).code(4);
    assert_eq!(failure(&gone)["reason"], "NOT_FOUND");
    ben("personal offer @me/trails ana");
    ana(&format!("personal accept {id} --as paths"));
    house.run("ben", &["query", id, "--count"]).code(4);
    let again = house.run("ana", &["personal", "accept", id]).failure();
    assert_eq!(failure(&again)["reason"], "NOT_OFFERED");
    ana("personal offer @me/paths ben");
    ben(&format!("personal accept {id} --as trails"));
}
