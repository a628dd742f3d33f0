//! The shape of the workspace: which way dependencies point, and how large files get.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Which crates of the workspace each of them may depend on. A new crate is decided on here.
const MAY_KNOW: [(&str, &[&str]); 23] = [
    ("jmap-domain", &[]),
    ("jmap-proto", &[]),
    ("jmap-wire", &["jmap-domain", "jmap-proto"]),
    ("jmap-service", &["jmap-domain", "jmap-proto", "jmap-wire"]),
    ("jmap-postgres", &[]),
    ("fresh-database", &[]),
    ("openid-provider", &[]),
    ("authorization-core", &["jmap-domain"]),
    (
        "authorization-store",
        &["jmap-domain", "jmap-postgres", "authorization-core"],
    ),
    (
        "authorization-clients",
        &["jmap-domain", "authorization-core"],
    ),
    (
        "authorization-grpc",
        &[
            "jmap-domain",
            "jmap-proto",
            "jmap-wire",
            "jmap-service",
            "authorization-core",
        ],
    ),
    (
        "authorization-server",
        &[
            "jmap-domain",
            "jmap-proto",
            "jmap-wire",
            "jmap-service",
            "jmap-postgres",
            "authorization-core",
            "authorization-clients",
            "authorization-store",
            "authorization-grpc",
        ],
    ),
    ("layer-data-core", &["jmap-domain"]),
    ("layer-data-formats", &["jmap-domain", "layer-data-core"]),
    ("layer-data-geopackage", &["jmap-domain", "layer-data-core"]),
    (
        "layer-data-postgis",
        &["jmap-domain", "jmap-postgres", "layer-data-core"],
    ),
    (
        "layer-data-clients",
        &[
            "jmap-domain",
            "jmap-proto",
            "jmap-wire",
            "jmap-service",
            "layer-data-core",
        ],
    ),
    (
        "layer-data-grpc",
        &[
            "jmap-domain",
            "jmap-proto",
            "jmap-wire",
            "jmap-service",
            "layer-data-core",
            "layer-data-formats",
        ],
    ),
    (
        "layer-data-server",
        &[
            "jmap-domain",
            "jmap-proto",
            "jmap-wire",
            "jmap-service",
            "jmap-postgres",
            "layer-data-core",
            "layer-data-clients",
            "layer-data-geopackage",
            "layer-data-grpc",
            "layer-data-postgis",
        ],
    ),
    // The command line starts both services, and otherwise is a client like any other.
    (
        "jmapctl",
        &[
            "jmap-domain",
            "jmap-proto",
            "jmap-wire",
            "jmap-service",
            "jmap-postgres",
            "authorization-server",
            "layer-data-server",
            "authorization-core",
            "layer-data-formats",
            "layer-data-core",
        ],
    ),
    ("testkit", &["*"]),
    ("e2e", &["*"]),
    ("bench", &["*"]),
];

/// Which libraries are not for which crates.
const MAY_NOT_USE: [(&[&str], &[&str]); 4] = [
    (
        &["jmap-domain", "authorization-core", "layer-data-core"],
        &["tokio", "tonic", "prost", "sqlx", "axum", "hyper"],
    ),
    (&["jmap-proto", "jmap-wire", "jmap-service"], &["sqlx"]),
    (
        &[
            "jmap-postgres",
            "authorization-store",
            "layer-data-geopackage",
            "layer-data-postgis",
        ],
        &["tonic", "prost", "axum", "hyper"],
    ),
    (
        &[
            "authorization-clients",
            "authorization-grpc",
            "layer-data-grpc",
            "layer-data-clients",
            "layer-data-formats",
            "jmapctl",
        ],
        &["sqlx"],
    ),
];

#[test]
fn dependencies_point_one_way() {
    let graph = dependencies();
    let ours: Vec<_> = graph.keys().map(String::as_str).collect();
    for (name, needed) in &graph {
        let allowed = MAY_KNOW.iter().find(|(known, _)| known == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("`{name}` has no place in the table"));
        let crates = needed.iter().filter(|used| ours.contains(&used.as_str()));
        for used in crates {
            let fine = allowed.contains(&"*") || allowed.contains(&used.as_str());
            assert!(fine, "`{name}` must not depend on `{used}`");
        }
    }
}

#[test]
fn every_crate_keeps_to_its_libraries() {
    let graph = dependencies();
    for (crates, forbidden) in MAY_NOT_USE {
        for name in crates {
            let used = graph
                .get(*name)
                .unwrap_or_else(|| panic!("no crate `{name}`"));
            for library in used {
                assert!(
                    !forbidden.contains(&library.as_str()),
                    "`{name}` must not use `{library}`"
                );
            }
        }
    }
}

#[test]
fn files_stay_small_and_say_what_they_are() {
    let complaints: Vec<_> = sources()
        .iter()
        .filter_map(|file| complaint(file))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What is wrong with the shape of a file.
fn complaint(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).unwrap();
    let own = text
        .split("#[cfg(test)]\nmod ")
        .next()
        .unwrap()
        .lines()
        .count();
    let limit = match file {
        main if main.ends_with("src/main.rs") => 40,
        tests if tests.components().any(|part| part.as_os_str() == "it") => 600,
        _ => 500,
    };
    let shown = file.display();
    if own > limit {
        return Some(format!("{shown} has {own} lines"));
    }
    (!text.starts_with("//!")).then(|| format!("{shown} does not say what it is"))
}

#[test]
fn a_file_of_sql_is_one_statement() {
    let statements = files("sql")
        .into_iter()
        .filter(|file| !file.to_string_lossy().contains("/migrations/"));
    for file in statements {
        let text = fs::read_to_string(&file).unwrap();
        let ends = text.trim_end().trim_end_matches(';').matches(';').count();
        assert_eq!(ends, 0, "{} has several statements", file.display());
    }
}

/// What each crate of the workspace depends on outside tests.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let cargo = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        cargo.status.success(),
        "{}",
        String::from_utf8_lossy(&cargo.stderr)
    );
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| (text(&package["name"]), needed(package)))
        .collect()
}

fn needed(package: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().unwrap().iter();
    let outside_tests = all.filter(|dependency| dependency["kind"] != "dev");
    outside_tests
        .map(|dependency| text(&dependency["name"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The Rust files of the workspace, without what is generated.
pub(crate) fn sources() -> Vec<PathBuf> {
    files("rs")
}

/// The files of the workspace's own folders with that extension.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["shared", "services", "tests"] {
        collect(&root().join(folder), extension, &mut found);
    }
    assert!(!found.is_empty(), "no .{extension} files");
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|its| its == extension) {
            found.push(path);
        }
    }
}
