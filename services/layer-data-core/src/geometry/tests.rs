//! Geometries by good and bad WKB.

use proptest::prelude::*;

use super::*;

const POINT: u32 = 1;
const LINE: u32 = 2;
const POLYGON: u32 = 3;
const MULTI_POINT: u32 = 4;
const MULTI_POLYGON: u32 = 6;

/// WKB by hand, in either byte order.
#[derive(Clone)]
struct Wkb(Vec<u8>, bool);

impl Wkb {
    fn little(code: u32) -> Self {
        Self(vec![1], true).count(code)
    }

    fn big(code: u32) -> Self {
        Self(vec![0], false).count(code)
    }

    fn count(mut self, number: u32) -> Self {
        self.0.extend(if self.1 {
            number.to_le_bytes()
        } else {
            number.to_be_bytes()
        });
        self
    }

    fn numbers(mut self, numbers: &[f64]) -> Self {
        for number in numbers {
            self.0.extend(if self.1 {
                number.to_le_bytes()
            } else {
                number.to_be_bytes()
            });
        }
        self
    }

    fn member(mut self, member: &Self) -> Self {
        self.0.extend(&member.0);
        self
    }
}

fn rules(geometry_type: GeometryType) -> GeometryRules {
    GeometryRules::new(geometry_type, ZPolicy::Forbidden, Crs::known(4326).unwrap())
}

fn parse(wkb: &Wkb) -> Result<Geometry, GeometryError> {
    rules(GeometryType::Any).parse(&wkb.0, SingleToMulti::Refuse)
}

fn ring(numbers: &[f64]) -> Wkb {
    let count = u32::try_from(numbers.len() / 2).unwrap();
    Wkb::little(POLYGON).count(1).count(count).numbers(numbers)
}

const SQUARE: [f64; 10] = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0];

#[test]
fn a_geometry_keeps_its_bytes_and_knows_its_box() {
    let line = Wkb::little(LINE)
        .count(3)
        .numbers(&[1.0, 2.0, -3.0, 4.0, 0.5, -6.0]);
    let geometry = parse(&line).unwrap();
    assert_eq!(geometry.wkb(), line.0);
    assert_eq!(
        geometry.bounds(),
        Bounds {
            min_x: -3.0,
            min_y: -6.0,
            max_x: 1.0,
            max_y: 4.0
        }
    );
}

#[test]
fn big_endian_is_rewritten_as_little_endian_member_by_member() {
    let member = Wkb::big(POINT).numbers(&[1.0, 2.0]);
    let other = Wkb::little(POINT).numbers(&[3.0, 4.0]);
    let mixed = Wkb::big(MULTI_POINT)
        .count(2)
        .member(&member)
        .member(&other);
    let little = Wkb::little(POINT).numbers(&[1.0, 2.0]);
    let expected = Wkb::little(MULTI_POINT)
        .count(2)
        .member(&little)
        .member(&other);
    assert_eq!(parse(&mixed).unwrap().wkb(), expected.0);
}

#[test]
fn a_geometry_of_another_type_than_the_layers_is_refused() {
    // R66.
    let line = Wkb::little(LINE).count(2).numbers(&[0.0; 4]);
    for expected in GeometryType::ALL {
        let parsed = rules(expected).parse(&line.0, SingleToMulti::Refuse);
        if matches!(expected, GeometryType::LineString | GeometryType::Any) {
            assert!(parsed.is_ok());
        } else {
            let found = GeometryType::LineString;
            assert_eq!(parsed, Err(GeometryError::WrongType { expected, found }));
        }
    }
}

#[test]
fn a_single_geometry_becomes_a_multi_geometry_only_when_asked() {
    // R66.
    let point = Wkb::little(POINT).numbers(&[1.0, 2.0]);
    let promoted = rules(GeometryType::MultiPoint)
        .parse(&point.0, SingleToMulti::Promote)
        .unwrap();
    assert_eq!(
        promoted.wkb(),
        Wkb::little(MULTI_POINT).count(1).member(&point).0
    );
    assert!(promoted.was_promoted());
    let refused = rules(GeometryType::MultiPoint).parse(&point.0, SingleToMulti::Refuse);
    let wrong = GeometryError::WrongType {
        expected: GeometryType::MultiPoint,
        found: GeometryType::Point,
    };
    assert_eq!(refused, Err(wrong));
    assert!(
        rules(GeometryType::MultiPolygon)
            .parse(&point.0, SingleToMulti::Promote)
            .is_err()
    );
}

#[test]
fn coordinates_that_are_not_finite_are_refused() {
    // R115.
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let line = Wkb::little(LINE).count(2).numbers(&[0.0, 0.0, 1.0, bad]);
        assert_eq!(parse(&line), Err(GeometryError::NotFinite { vertex: 1 }));
    }
}

#[test]
fn empty_geometries_are_refused() {
    // R115.
    assert_eq!(
        parse(&Wkb::little(POINT).numbers(&[f64::NAN, f64::NAN])),
        Err(GeometryError::Empty)
    );
    for code in [LINE, POLYGON, MULTI_POINT, MULTI_POLYGON] {
        assert_eq!(
            parse(&Wkb::little(code).count(0)),
            Err(GeometryError::Empty)
        );
    }
    let hollow = Wkb::little(MULTI_POLYGON)
        .count(1)
        .member(&Wkb::little(POLYGON).count(0));
    assert_eq!(parse(&hollow), Err(GeometryError::Empty));
}

#[test]
fn rings_are_closed_and_have_at_least_four_positions() {
    assert!(parse(&ring(&SQUARE)).is_ok());
    let mut open = SQUARE;
    open[9] = f64::EPSILON;
    assert_eq!(
        parse(&ring(&open)),
        Err(GeometryError::UnclosedRing { vertex: 4 })
    );
    assert_eq!(
        parse(&ring(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0])),
        Err(GeometryError::ShortRing(3))
    );
    assert_eq!(
        parse(&Wkb::little(LINE).count(1).numbers(&[0.0, 0.0])),
        Err(GeometryError::ShortLine(1))
    );
}

#[test]
fn positions_outside_the_reference_systems_bounds_are_refused() {
    for (x, y) in [(180.5, 0.0), (-180.5, 0.0), (0.0, 90.5), (0.0, -90.5)] {
        let point = Wkb::little(POINT).numbers(&[x, y]);
        assert_eq!(parse(&point), Err(GeometryError::OutOfBounds { vertex: 0 }));
    }
    assert!(parse(&Wkb::little(POINT).numbers(&[180.0, -90.0])).is_ok());
}

#[test]
fn more_positions_than_the_limit_are_refused_before_they_are_read() {
    let rules = GeometryRules {
        max_vertices: 4,
        ..rules(GeometryType::Any)
    };
    let refused = Err(GeometryError::TooManyVertices { limit: 4 });
    let parse = |wkb: &Wkb| rules.parse(&wkb.0, SingleToMulti::Refuse);
    assert_eq!(parse(&Wkb::little(LINE).count(5)), refused);
    assert_eq!(parse(&ring(&SQUARE)), refused);
    let point = Wkb::little(POINT).numbers(&[0.0, 0.0]);
    let points = (0..5).fold(Wkb::little(MULTI_POINT).count(5), |points, _| {
        points.member(&point)
    });
    assert_eq!(parse(&points), refused);
    assert!(parse(&Wkb::little(LINE).count(4).numbers(&[0.0; 8])).is_ok());
}

#[test]
fn counts_that_lie_are_refused_without_reserving_memory() {
    for code in [LINE, POLYGON, MULTI_POINT, MULTI_POLYGON] {
        let lie = Wkb::little(code).count(900_000);
        assert_eq!(parse(&lie), Err(GeometryError::Truncated));
    }
    assert_eq!(parse(&Wkb(Vec::new(), true)), Err(GeometryError::Truncated));
}

#[test]
fn dialects_measures_curves_and_collections_are_refused() {
    let coordinates = [0.0; 4];
    let code = |code: u32| parse(&Wkb::little(code).numbers(&coordinates));
    for flag in [0x8000_0000, 0x4000_0000, 0x2000_0000] {
        assert_eq!(code(POINT | flag), Err(GeometryError::ExtendedWkb));
    }
    assert_eq!(code(2001), Err(GeometryError::Measured));
    assert_eq!(code(3001), Err(GeometryError::Measured));
    assert_eq!(code(7), Err(GeometryError::Collection));
    assert_eq!(code(8), Err(GeometryError::UnsupportedType(8)));
    assert_eq!(code(0), Err(GeometryError::UnsupportedType(0)));
    assert_eq!(code(4001), Err(GeometryError::UnsupportedType(4001)));
    assert_eq!(parse(&Wkb(vec![2], true)), Err(GeometryError::ByteOrder(2)));
}

#[test]
fn members_of_another_kind_and_trailing_bytes_are_refused() {
    let line = Wkb::little(LINE).count(2).numbers(&[0.0; 4]);
    let (expected, found) = (GeometryType::Point, GeometryType::LineString);
    let wrong = Wkb::little(MULTI_POINT).count(1).member(&line);
    assert_eq!(
        parse(&wrong),
        Err(GeometryError::WrongMember { expected, found })
    );
    let mut long = line;
    long.0.push(0);
    assert_eq!(parse(&long), Err(GeometryError::TrailingBytes(1)));
}

#[test]
fn heights_are_mandatory_or_forbidden() {
    let flat = Wkb::little(POINT).numbers(&[1.0, 2.0]);
    let high = Wkb::little(1001).numbers(&[1.0, 2.0, 3.0]);
    assert_eq!(parse(&high), Err(GeometryError::UnexpectedZ));
    let rules = GeometryRules {
        z: ZPolicy::Mandatory,
        ..rules(GeometryType::Any)
    };
    assert_eq!(
        rules.parse(&flat.0, SingleToMulti::Refuse),
        Err(GeometryError::MissingZ)
    );
    assert_eq!(
        rules.parse(&high.0, SingleToMulti::Refuse).unwrap().wkb(),
        high.0
    );
    let bad = Wkb::little(1001).numbers(&[1.0, 2.0, f64::NAN]);
    assert_eq!(
        rules.parse(&bad.0, SingleToMulti::Refuse),
        Err(GeometryError::NotFinite { vertex: 0 })
    );
}

#[test]
fn what_was_parsed_is_fit_for_predicates() {
    use geo::Area;
    let geometry = parse(&ring(&SQUARE)).unwrap().to_geo().unwrap();
    assert!((geometry.unsigned_area() - 1.0).abs() < f64::EPSILON);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = rules(GeometryType::Any).parse(&bytes, SingleToMulti::Promote);
    }

    /// Bytes that begin like a geometry get further than random ones.
    #[test]
    fn no_plausible_bytes_make_the_parser_panic(
        order in 0..=1_u8,
        code in prop_oneof![0..=8_u32, 1000..=1008_u32],
        counts in prop::collection::vec(0..6_u32, 0..4),
        rest in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 0..200),
    ) {
        let start = if order == 1 { Wkb::little(code) } else { Wkb::big(code) };
        let mut wkb = counts.into_iter().fold(start, Wkb::count);
        wkb.0.extend(rest);
        if let Ok(geometry) = parse(&wkb) {
            prop_assert_eq!(parse(&Wkb(geometry.wkb().to_vec(), true)), Ok(geometry.clone()));
            prop_assert!(geometry.to_geo().is_some());
        }
    }

    #[test]
    fn lines_read_back_in_either_byte_order(numbers in prop::collection::vec(-90.0..90.0_f64, 4..40)) {
        let numbers = &numbers[..numbers.len() / 2 * 2];
        let count = u32::try_from(numbers.len() / 2).unwrap();
        let little = Wkb::little(LINE).count(count).numbers(numbers);
        let big = Wkb::big(LINE).count(count).numbers(numbers);
        prop_assert_eq!(parse(&little).unwrap(), parse(&big).unwrap());
    }
}
