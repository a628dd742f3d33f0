//! Reference systems and what lies between them.

use super::*;

fn close(found: (f64, f64), expected: (f64, f64), tolerance: f64) {
    assert!(
        (found.0 - expected.0).abs() <= tolerance && (found.1 - expected.1).abs() <= tolerance,
        "{found:?} is not {expected:?}"
    );
}

fn crs(epsg: i32) -> &'static Crs {
    Crs::known(epsg).unwrap()
}

#[test]
fn every_code_of_the_table_is_known_with_name_definition_and_bounds() {
    for code in Crs::codes() {
        let crs = Crs::known(code);
        let crs = crs.unwrap_or_else(|| panic!("EPSG:{code} cannot be loaded"));
        assert!(crs.epsg() == code && !crs.name().is_empty() && !crs.wkt().is_empty());
        let Bounds {
            min_x,
            min_y,
            max_x,
            max_y,
        } = crs.bounds();
        assert!(min_x < max_x && min_y < max_y, "EPSG:{code}");
    }
    assert!(Crs::known(0).is_none() && Crs::known(-1).is_none() && Crs::known(70_000).is_none());
}

#[test]
fn degrees_stay_degrees() {
    // The projection library counts in radians; a slip would show by a factor of 57.
    let (x, y) = crs(4326).position_to(crs(3857), 180.0, 0.0).unwrap();
    close((x, y), (20_037_508.342_789, 0.0), 1e-3);
    close(
        crs(3857).position_to(crs(4326), x, y).unwrap(),
        (180.0, 0.0),
        1e-9,
    );
    assert_eq!(crs(4326).name(), "WGS 84");
    assert!(crs(4326).is_geographic() && !crs(3857).is_geographic());
}

#[test]
fn positions_agree_with_published_ones() {
    // Bern, the origin of the Swiss grid; its geodetic position from the national survey.
    close(
        crs(2056)
            .position_to(crs(4326), 2_600_000.0, 1_200_000.0)
            .unwrap(),
        (7.438_632, 46.951_083),
        2e-5,
    );
    // Central meridian and equator of UTM zone 32, by definition.
    close(
        crs(32632).position_to(crs(4326), 500_000.0, 0.0).unwrap(),
        (9.0, 0.0),
        1e-9,
    );
    // The origin of the European equal-area grid, by definition.
    close(
        crs(4326).position_to(crs(3035), 10.0, 52.0).unwrap(),
        (4_321_000.0, 3_210_000.0),
        1e-3,
    );
    // The origin of the Quebec grid, by definition.
    close(
        crs(32198).position_to(crs(4326), 0.0, 0.0).unwrap(),
        (-68.5, 44.0),
        1e-9,
    );
}

#[test]
fn a_box_in_another_system_encloses_what_it_enclosed() {
    // R115: edges become curves, so the corners alone would cut off what lies between them.
    let degrees = Bounds {
        min_x: -10.0,
        min_y: 40.0,
        max_x: 30.0,
        max_y: 60.0,
    };
    let boxes = crs(4326).bounds_to(crs(3035), degrees);
    let [found] = boxes.as_slice() else {
        panic!("one box: {boxes:?}")
    };
    for (x, y) in degrees.grid(16) {
        let (x, y) = crs(4326).position_to(crs(3035), x, y).unwrap();
        assert!(found.contains(x, y), "{x} {y} is outside");
    }
    let corners = [(-10.0, 60.0), (30.0, 60.0)]
        .map(|(x, y)| crs(4326).position_to(crs(3035), x, y).unwrap().1);
    assert!(found.max_y >= corners[0].max(corners[1]));
}

#[test]
fn a_box_over_more_than_the_system_reaches_to_its_end() {
    let world = Bounds {
        min_x: -180.0,
        min_y: -90.0,
        max_x: 180.0,
        max_y: 90.0,
    };
    assert_eq!(crs(4326).bounds_to(crs(2056), world), [crs(2056).bounds()]);
    let elsewhere = Bounds {
        min_x: 100.0,
        min_y: -50.0,
        max_x: 120.0,
        max_y: -40.0,
    };
    assert_eq!(crs(4326).bounds_to(crs(2056), elsewhere), []);
}

#[test]
fn a_box_from_a_projected_system_becomes_degrees() {
    let grid = Bounds {
        min_x: 2_680_000.0,
        min_y: 1_245_000.0,
        max_x: 2_686_000.0,
        max_y: 1_252_000.0,
    };
    let boxes = crs(2056).bounds_to(crs(4326), grid);
    let [found] = boxes.as_slice() else {
        panic!("one box: {boxes:?}")
    };
    assert!(found.contains(8.54, 47.37) && !found.contains(8.3, 47.37));
}

#[test]
fn bounds_notice_swapped_axes() {
    let bounds = crs(2056).bounds();
    assert!(
        bounds.contains(2_600_000.0, 1_200_000.0) && !bounds.contains(1_200_000.0, 2_600_000.0)
    );
    // A survey over the border is no mistake.
    assert!(crs(32632).bounds().contains(150_000.0, 5_000_000.0));
}
