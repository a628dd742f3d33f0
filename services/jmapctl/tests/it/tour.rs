//! The guided tour.

use crate::fixture::jmapctl;

#[test]
fn the_tour_goes_as_said_and_keeps_its_data_where_asked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let done = jmapctl()
        .args(["demo", "--once", "--data"])
        .arg(&data)
        .assert()
        .success();
    let text = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    // R51, R40, R108, R10.
    for refusal in [
        "PERMISSION_DENIED NOT_OWN_ELEMENT",
        "NOT_FOUND NOT_FOUND",
        "ABORTED STALE_REVISION",
        "PERMISSION_DENIED NOT_PERMITTED",
    ] {
        assert!(text.contains(refusal), "{text}");
    }
    assert!(!text.contains('\u{1b}'), "colours are for terminals only");
    assert!(data.join("layers.gpkg").exists() && data.join("authorization.sqlite").exists());
}
