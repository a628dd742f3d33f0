//! Sessions and accounts of programs.

use crate::fixture::House;

#[test]
fn sessions_are_listed_and_closed() {
    // R117.
    let house = House::start();
    house
        .run("administrator", &["sign-in", "administrator"])
        .success();
    house.account("ana");
    let own = house.answer("ana", &["sessions", "list"]);
    assert_eq!(
        (own[0]["name"].as_str(), own.as_array().map(Vec::len)),
        (Some("ana"), Some(1))
    );
    let of_ana = ["sessions", "list", "--user", "ana"];
    assert_eq!(house.answer("administrator", &of_ana), own);
    house.failure("ana", 4, &["sessions", "list", "--user", "administrator"]);
    let session = own[0]["session_id"].to_string();
    let close = ["sessions", "close", &session];
    house.run("administrator", &close).success();
    let ended = house.failure("ana", 3, &["users", "show", "ana"]);
    assert_eq!(ended["reason"], "SESSION_CLOSED");
}

#[test]
fn programs_have_accounts_whose_keys_are_told_once() {
    // R15, R120.
    let house = House::start();
    house
        .run("administrator", &["sign-in", "administrator"])
        .success();
    house.account("ana");
    let create = ["services", "create", "monitor", "--scope", "check"];
    let created = house.answer("administrator", &create);
    let rotated = house.answer("administrator", &["services", "rotate-key", "Monitor"]);
    assert_eq!(created["service_id"], rotated["service_id"]);
    assert_ne!(created["key"], rotated["key"]);
    let listed = house.answer("administrator", &["services", "list"]);
    assert_eq!(listed[1]["name"], "monitor");
    assert!(!listed.to_string().contains("key"), "{listed}");
    house.failure("ana", 3, &["services", "list"]);
    // What a program does with its key, as a person would try it.
    let key = rotated["key"].as_str().unwrap();
    let lines = format!(
        "JMAP_TOKEN=$(echo '{key}' | jmapctl services token)\nexport JMAP_TOKEN\njmapctl whoami"
    );
    let told = house.script("administrator", &lines).success();
    let told = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
    assert!(told.contains("monitor"), "{told}");
    house
        .run("administrator", &["services", "delete", "monitor"])
        .success();
    house.failure("administrator", 4, &["services", "rotate-key", "monitor"]);
}
