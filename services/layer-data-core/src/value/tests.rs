//! Values: types, ranges and texts that are none.

use super::*;

#[test]
fn doubles_are_finite() {
    // R115.
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Value::double(number), Err(ValueError::NotFinite));
    }
    assert_eq!(Finite::new(-0.0).map(|n| n.get().to_bits()), Ok(0));
}

#[test]
fn texts_have_no_nul_character() {
    // R115.
    assert_eq!(Value::text("a\0b"), Err(ValueError::NulCharacter));
    assert!(Value::text("").is_ok());
}

#[test]
fn days_and_instants_stay_within_the_years_1_to_9999() {
    // R115.
    assert_eq!(
        Date::parse("0001-01-01").map(|d| d.to_string()).as_deref(),
        Ok("0001-01-01")
    );
    assert_eq!(
        Date::parse("9999-12-31").map(|d| d.to_string()).as_deref(),
        Ok("9999-12-31")
    );
    assert_eq!(Date::parse("0000-12-31"), Err(ValueError::YearOutOfRange));
    assert_eq!(Date::from_days(2_932_897), Err(ValueError::YearOutOfRange));
    assert_eq!(
        DateTime::from_millis(i64::MAX),
        Err(ValueError::YearOutOfRange)
    );
    assert_eq!(
        DateTime::from_millis(253_402_300_800_000),
        Err(ValueError::YearOutOfRange)
    );
    assert!(DateTime::from_millis(253_402_300_799_999).is_ok());
}

#[test]
fn instants_are_utc_with_milliseconds() {
    // R104, R115.
    let instant = DateTime::parse("2024-02-29T14:30:00.1239+02:00").unwrap();
    assert_eq!(instant.to_string(), "2024-02-29T12:30:00.123Z");
    assert_eq!(DateTime::parse(&instant.to_string()), Ok(instant));
    assert_eq!(
        DateTime::parse("1969-12-31T23:59:59.9999Z").map(DateTime::millis),
        Ok(-1)
    );
    assert_eq!(DateTime::parse("2024-02-29"), Err(ValueError::NotADateTime));
    assert_eq!(Date::parse("2023-02-29"), Err(ValueError::NotADate));
    assert_eq!(Date::parse("2024-02-29T10:00"), Err(ValueError::NotADate));
}

#[test]
fn text_orders_by_code_point_and_null_compares_with_nothing() {
    // R104, R115.
    let (upper, lower) = (Value::text("Z").unwrap(), Value::text("a").unwrap());
    assert_eq!(upper.compare(&lower), Some(Ordering::Less));
    assert_eq!(Value::Null.compare(&Value::Null), None);
    assert_eq!(Value::Integer(1).compare(&Value::Double(Finite(1.0))), None);
}

proptest::proptest! {
    #[test]
    fn days_and_instants_read_back_as_written(days in -719_162..=2_932_896_i32, millis in -62_135_596_800_000..=253_402_300_799_999_i64) {
        let day = Date::from_days(days).unwrap();
        proptest::prop_assert_eq!(Date::parse(&day.to_string()), Ok(day));
        let instant = DateTime::from_millis(millis).unwrap();
        proptest::prop_assert_eq!(DateTime::parse(&instant.to_string()), Ok(instant));
    }
}

/// A value of each type, from two numbers.
fn drawn(kind: AttributeType, number: i64, text: &str) -> Value {
    let within = |least: i64, most: i64| least + number.rem_euclid(most - least + 1);
    match kind {
        AttributeType::String => Value::text(text).unwrap(),
        AttributeType::Integer => Value::Integer(number),
        AttributeType::Double => Value::double(f64::from_bits(number.cast_unsigned()))
            .unwrap_or_else(|_| Value::double(0.5).unwrap()),
        AttributeType::Boolean => Value::Boolean(number % 2 == 0),
        AttributeType::Date => {
            let days = i32::try_from(within(-719_162, 2_932_896)).unwrap();
            Value::Date(Date::from_days(days).unwrap())
        }
        AttributeType::DateTime => {
            let millis = within(-62_135_596_800_000, 253_402_300_799_999);
            Value::DateTime(DateTime::from_millis(millis).unwrap())
        }
        AttributeType::Binary => Value::Binary(text.as_bytes().to_vec()),
    }
}

proptest::proptest! {
    /// R114: no value is lost in a wider type, and none is taken for one that it was not.
    #[test]
    fn what_is_widened_is_narrowed_again(number: i64, bits in 0..64_u32, text in "-?[0-9]{1,6}|true|[0-9T:.Z-]{0,24}") {
        for from in AttributeType::ALL {
            for to in AttributeType::ALL {
                let value = drawn(from, number >> bits, &text);
                let wide = value.widened(to);
                proptest::prop_assert!(wide.is_none() || from == to || from.widens_to(to));
                if let Some(wide) = wide {
                    proptest::prop_assert_eq!(wide.kind(), Some(to));
                    proptest::prop_assert_eq!(wide.narrowed(from), Some(value.clone()));
                } else if from.widens_to(to) {
                    proptest::prop_assert!(matches!(value, Value::Integer(n) if n.abs() > MAX_EXACT));
                }
                if let Some(narrow) = value.narrowed(to) {
                    proptest::prop_assert_eq!(narrow.widened(from), Some(value));
                }
            }
        }
    }

    /// R112, R114: where an order is said to be kept, it is.
    #[test]
    fn what_keeps_its_order_does(one: i64, other: i64, bits in 0..64_u32) {
        for from in AttributeType::ALL {
            for to in AttributeType::ALL.into_iter().filter(|to| from.keeps_order_as(*to)) {
                let [one, other] = [one, other].map(|number| drawn(from, number >> bits, ""));
                if let (Some(wide), Some(also)) = (one.widened(to), other.widened(to)) {
                    proptest::prop_assert_eq!(wide.compare(&also), one.compare(&other));
                }
            }
        }
    }
}
