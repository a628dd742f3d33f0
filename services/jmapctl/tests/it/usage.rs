//! Help, mistakes, and a server that is not there.

use std::net::TcpListener;

use crate::fixture::{failure, jmapctl};

const AREAS: [&str; 23] = [
    "sign-in",
    "sessions",
    "services",
    "users",
    "groups",
    "permissions",
    "projects",
    "layers",
    "grants",
    "check",
    "explain",
    "lookup",
    "what-if",
    "report",
    "watch",
    "restored",
    "query",
    "stats",
    "edit",
    "import",
    "export",
    "up",
    "demo",
];

#[test]
fn every_command_teaches_by_examples() {
    for area in AREAS {
        let done = jmapctl().args([area, "--help"]).assert().success();
        let text = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
        assert!(
            text.contains("Examples:") && text.contains(&format!("jmapctl {area}")),
            "{text}"
        );
    }
    let done = jmapctl().arg("--help").assert().success();
    let text = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    assert!(AREAS.iter().all(|area| text.contains(area)), "{text}");
}

#[test]
fn what_cannot_be_understood_ends_with_2() {
    for mistake in [
        &["dance"][..],
        &["query"],
        &["query", "cities"],
        &["query", "Atlas/cities", "--where", "population ~ 3"],
        &["query", "Atlas/cities", "--bbox", "1,2,3"],
        &["query", "Atlas/cities", "--within", "circle 1,2"],
        &["query", "Atlas/cities", "--shape-epsg", "2056"],
        &[
            "query",
            "Atlas/cities",
            "--within",
            "POINT(1 2)",
            "--disjoint",
            "POINT(1 2)",
        ],
        &[
            "query",
            "Atlas/cities",
            "--where",
            "a = 1",
            "--filter",
            "a = 1",
        ],
        &["layers", "create", "Atlas/trees"],
        &["layers", "create", "Atlas/trees", "--geometry", "blob"],
        &[
            "layers",
            "create",
            "Atlas/trees",
            "--geometry",
            "point",
            "--attribute",
            "height:tall",
        ],
        &["grants", "grant", "ana", "fly", "--on", "Atlas/cities"],
        &["report", "ana", "--suppose", "fly ana"],
        &["lookup", "layers", "fly"],
        &["edit", "update", "Atlas/cities", "7", "--set", "name=x"],
        &["edit", "update", "Atlas/cities", "7", "--revision", "any"],
        &["import", "Atlas/cities", "cities.docx"],
        &["sign-in", "ana"],
        &["sign-in", "ana", "--password", "secret"],
        &["up"],
    ] {
        jmapctl()
            .env("HOME", "/nonexistent")
            .args(mistake)
            .assert()
            .code(2);
    }
}

#[test]
fn a_password_is_not_waited_for_where_nobody_can_type_it() {
    let folder = tempfile::tempdir().unwrap();
    let done = jmapctl()
        .env("XDG_CONFIG_HOME", folder.path())
        .args(["--json", "sign-in", "ana"])
        .assert()
        .code(2);
    let hint = failure(&done)["hint"].to_string();
    assert!(
        hint.contains("JMAP_PASSWORD") && hint.contains("--password-stdin"),
        "{hint}"
    );
}

#[test]
fn a_server_that_is_not_there_ends_with_6_and_says_what_to_do() {
    // R120: bound and dropped, so that nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let folder = tempfile::tempdir().unwrap();
    let done = jmapctl()
        .env("XDG_CONFIG_HOME", folder.path())
        .args([
            "--json",
            "--server",
            &format!("http://127.0.0.1:{port}"),
            "whoami",
        ])
        .assert()
        .code(6);
    let failure = failure(&done);
    assert_eq!(
        (&failure["kind"], &failure["code"]),
        (&"unavailable".into(), &"UNAVAILABLE".into())
    );
    assert!(
        failure["hint"].to_string().contains("jmapctl up"),
        "{failure}"
    );
}

#[test]
fn a_folder_with_data_is_no_place_for_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    jmapctl()
        .args(["demo", "--once", "--data"])
        .arg(folder.path())
        .assert()
        .code(2);
}
