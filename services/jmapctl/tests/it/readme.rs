//! The commands of the README, on the layers of the demo.

use crate::fixture::House;

/// The commands of a chapter.
fn commands(chapter: &str) -> &'static str {
    let readme = include_str!("../../../../README.md");
    let (_, chapter) = readme.split_once(chapter).unwrap();
    let (_, block) = chapter.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0
}

#[test]
fn the_commands_of_the_readme_do_on_the_demo_what_it_says() {
    // R38, R39, R107, R110, R111, R112, R114.
    let house = House::demo();
    for (chapter, told) in [
        (
            "## Finding elements",
            &["France", "San Diego", "elements within"][..],
        ),
        ("## Reading elements", &["Tokyo", "FeatureCollection", "CN"]),
        (
            "## For developers of applications",
            &[
                "Tokyo",
                "at least 101 elements",
                "copied ",
                "2.35 48.85",
                "1 added, 1 changed, 0 removed",
                "is now version 2",
                "is now version 3",
                "would be version 4",
            ],
        ),
    ] {
        let done = house.script("administrator", commands(chapter)).success();
        let text = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
        for told in told {
            assert!(text.contains(told), "`{told}` is not in\n{text}");
        }
    }
}

#[test]
fn the_commands_of_the_readme_share_and_publish_a_personal_layer() {
    // R63, R71, R74.
    let house = House::start();
    house
        .run("administrator", &["sign-in", "administrator"])
        .success();
    house.account("ana");
    house
        .run("administrator", &["projects", "create", "Town"])
        .success();
    let lines = commands("## Personal layers");
    let done = house.script("administrator", lines).success();
    let text = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    for told in [
        "created layer @me/walks",
        "ownership",
        "is offered to ana",
        "is offered to nobody",
        "published layer",
    ] {
        assert!(text.contains(told), "`{told}` is not in\n{text}");
    }
}
