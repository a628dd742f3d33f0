//! The known systems and where they may be used.
//!
//! Areas of use are those of the EPSG dataset, in degrees; zones of a regular series are computed. Definitions come
//! from the crate `crs-definitions`.

use crate::geometry::Bounds;

/// By how many degrees the area of a projected system is widened: maps reach over borders.
const MARGIN: f64 = 3.0;

const WORLD: Bounds = Bounds {
    min_x: -180.0,
    min_y: -90.0,
    max_x: 180.0,
    max_y: 90.0,
};

/// Where the spherical Mercator projection is a square.
const MERCATOR: Bounds = Bounds {
    min_x: -180.0,
    min_y: -85.06,
    max_x: 180.0,
    max_y: 85.06,
};

const CANADA: Bounds = Bounds {
    min_x: -141.01,
    min_y: 40.04,
    max_x: -47.74,
    max_y: 86.46,
};
const QUEBEC: Bounds = Bounds {
    min_x: -79.85,
    min_y: 44.99,
    max_x: -57.1,
    max_y: 62.62,
};

const GEOGRAPHIC: [i32; 4] = [4326, 4258, 4269, 4617];

/// National and continental systems with their area of use.
const PROJECTED: [(i32, Bounds); 12] = [
    (
        2056,
        Bounds {
            min_x: 5.96,
            min_y: 45.82,
            max_x: 10.49,
            max_y: 47.81,
        },
    ),
    (
        2154,
        Bounds {
            min_x: -9.86,
            min_y: 41.15,
            max_x: 10.38,
            max_y: 51.56,
        },
    ),
    (
        2193,
        Bounds {
            min_x: 166.37,
            min_y: -47.33,
            max_x: 178.63,
            max_y: -34.1,
        },
    ),
    (
        3035,
        Bounds {
            min_x: -35.58,
            min_y: 24.6,
            max_x: 44.83,
            max_y: 84.73,
        },
    ),
    (3347, CANADA),
    (3978, CANADA),
    (3979, CANADA),
    (6622, QUEBEC),
    (
        27700,
        Bounds {
            min_x: -9.01,
            min_y: 49.75,
            max_x: 2.01,
            max_y: 61.01,
        },
    ),
    (
        28992,
        Bounds {
            min_x: 3.2,
            min_y: 50.75,
            max_x: 7.22,
            max_y: 53.7,
        },
    ),
    (
        31370,
        Bounds {
            min_x: 2.5,
            min_y: 49.5,
            max_x: 6.4,
            max_y: 51.51,
        },
    ),
    (32198, QUEBEC),
];

/// Every code that [`area`] knows.
pub(super) fn codes() -> impl Iterator<Item = i32> {
    let projected = PROJECTED.into_iter().map(|(code, _)| code);
    GEOGRAPHIC
        .into_iter()
        .chain([3857])
        .chain(projected)
        .chain(2945..=2952)
        .chain(25828..=25838)
        .chain(32601..=32660)
        .chain(32701..=32760)
}

/// Where a system may be used, in degrees, widened.
pub(super) fn area(epsg: i32) -> Option<Bounds> {
    match epsg {
        3857 => Some(MERCATOR),
        code if GEOGRAPHIC.contains(&code) => Some(WORLD),
        // NAD83(CSRS) / MTM zones 3 to 10, three degrees each, the first around 58.5° west.
        2945..=2952 => Some(zone(
            -58.5 - 3.0 * f64::from(epsg - 2945),
            1.5,
            (43.0, 63.0),
        )),
        // ETRS89 / UTM zones 28N to 38N.
        25828..=25838 => Some(zone(utm_meridian(epsg - 25800), 3.0, (0.0, 84.0))),
        // WGS 84 / UTM, northern and southern.
        32601..=32660 => Some(zone(utm_meridian(epsg - 32600), 3.0, (0.0, 84.0))),
        32701..=32760 => Some(zone(utm_meridian(epsg - 32700), 3.0, (-80.0, 0.0))),
        code => PROJECTED
            .into_iter()
            .find(|(known, _)| *known == code)
            .map(|(_, area)| widened(area)),
    }
}

fn utm_meridian(zone: i32) -> f64 {
    f64::from(zone) * 6.0 - 183.0
}

fn zone(meridian: f64, half_width: f64, (south, north): (f64, f64)) -> Bounds {
    widened(Bounds {
        min_x: meridian - half_width,
        min_y: south,
        max_x: meridian + half_width,
        max_y: north,
    })
}

fn widened(area: Bounds) -> Bounds {
    Bounds {
        min_x: area.min_x - MARGIN,
        min_y: (area.min_y - MARGIN).max(WORLD.min_y),
        max_x: area.max_x + MARGIN,
        max_y: (area.max_y + MARGIN).min(WORLD.max_y),
    }
}
