//! Sessions and accounts of programs.

use openid_provider::OpenIdProvider;
use serde_json::json;

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
    let of_program = ["sessions", "list", "--service", "layer-data"];
    let program = house.answer("administrator", &of_program);
    assert_eq!(
        (&program[0]["name"], &program[0]["user_id"]),
        (&json!("layer-data"), &json!(0))
    );
    house.failure("ana", 3, &of_program);
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

#[test]
fn an_id_token_signs_in_once_and_groups_are_described() {
    // R11.
    let Some(provider) = OpenIdProvider::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("federation.yaml");
    let issuer = provider.issuer();
    let text =
        format!("issuers:\n  - issuer: {issuer}\n    audience: jmap\n    groups_claim: groups\n");
    std::fs::write(&config, text).unwrap();
    let house = House::start_with(&["--federation", config.to_str().unwrap()]);
    let administrate = |arguments: &[&str]| house.run("administrator", arguments).success();
    administrate(&["sign-in", "administrator"]);
    administrate(&["groups", "create", "crew", "--description", "who mows"]);
    administrate(&["groups", "describe", "crew", "who mows the lawns"]);
    let groups = house.answer("administrator", &["groups", "list"]);
    let crew = groups
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "crew");
    assert_eq!(crew.unwrap()["description"], "who mows the lawns");

    let token = provider.sign_in(
        "7",
        &json!({ "preferred_username": "ana", "groups": ["crew"] }),
    );
    let sign_in = ["sign-in", "--federated-token-file", "-"];
    let signed_in = house
        .command("ana", &sign_in)
        .write_stdin(token.clone())
        .assert();
    signed_in.success();
    assert_eq!(house.answer("ana", &["whoami"])["name"], "ana");
    let members = house.answer("administrator", &["groups", "members", "crew"]);
    assert_eq!(members[0]["name"], "ana");
    assert_eq!(
        (&members[0]["issuer"], &members[0]["subject"]),
        (&json!(issuer), &json!("7"))
    );
    let file = folder.path().join("token");
    std::fs::write(&file, token).unwrap();
    let again = ["sign-in", "--federated-token-file", file.to_str().unwrap()];
    let spent = house.failure("ben", 3, &again);
    assert_eq!(spent["reason"], "CREDENTIAL_REFUSED");
}
