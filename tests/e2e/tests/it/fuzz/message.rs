//! Messages out of a tape of random bytes, made by the descriptors alone: of the right shape, with likely and unlikely values.

use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};

/// Deeper ones are left empty: some messages contain themselves.
const DEEPEST: usize = 7;

/// Ids that exist in a small world, ids that do not, and numbers that are none.
const NUMBERS: [i64; 14] = [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    0,
    -1,
    100,
    1_000_000,
    (1 << 53) - 1,
    1 << 53,
    i64::MIN,
];

/// Names of the world, and texts that names must not be.
const TEXTS: [&str; 12] = [
    "ana",
    "administrator",
    "editors",
    "town",
    "trees",
    "TREES",
    "species",
    "",
    " ",
    "a\u{0}b",
    "é",
    "018f6f2e-7b3c-7d10-8000-000000000001",
];

/// A point at 1 2 as WKB.
const POINT: [u8; 21] = [
    1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0x40,
];

/// Bytes that decide; when they are used up, everything that is left is the first choice.
pub(super) struct Tape<'t>(pub(super) &'t [u8]);

impl Tape<'_> {
    pub(super) fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.next()) % from.len()]
    }

    fn take(&mut self, most: u8) -> Vec<u8> {
        let length = usize::from(self.next() % (most + 1)).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.to_vec()
    }

    /// A message of the shape.
    pub(super) fn message(&mut self, shape: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(shape.clone());
        if depth >= DEEPEST {
            return message;
        }
        for oneof in shape.oneofs() {
            let fields: Vec<_> = oneof.fields().collect();
            // One side more than there are fields: perhaps none is set.
            if let Some(field) = fields.get(usize::from(self.next()) % (fields.len() + 1)) {
                let value = self.value(field, depth);
                message.set_field(field, value);
            }
        }
        let alone = shape
            .fields()
            .filter(|field| field.containing_oneof().is_none());
        for field in alone {
            if self.next() % 4 != 3 {
                let value = self.field(&field, depth);
                message.set_field(&field, value);
            }
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        if field.is_map() {
            return Value::Map(std::collections::HashMap::new());
        }
        if field.is_list() {
            let length = self.next() % 4;
            return Value::List((0..length).map(|_| self.value(field, depth)).collect());
        }
        self.value(field, depth)
    }

    fn value(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        match field.kind() {
            Kind::Double => Value::F64(self.double()),
            #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
            Kind::Float => Value::F32(self.double() as f32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.choose(&NUMBERS)),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.choose(&NUMBERS).cast_unsigned()),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.small()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.small().cast_unsigned()),
            Kind::Bool => Value::Bool(self.next().is_multiple_of(2)),
            Kind::String => Value::String(self.text()),
            Kind::Bytes => Value::Bytes(self.bytes().into()),
            Kind::Message(shape) => Value::Message(self.message(&shape, depth + 1)),
            Kind::Enum(names) => Value::EnumNumber(self.name(&names)),
        }
    }

    fn double(&mut self) -> f64 {
        self.choose(&[0.0, 1.0, 2.0, -1.0, 180.0, 1e300, f64::NAN, f64::INFINITY])
    }

    fn small(&mut self) -> i32 {
        self.choose(&[0, 1, 2, 4326, 3857, -1, 1000, i32::MAX, i32::MIN])
    }

    fn text(&mut self) -> String {
        match self.next() % 8 {
            0 => String::from_utf8_lossy(&self.take(40)).into_owned(),
            1 => "long ".repeat(2_000),
            _ => self.choose(&TEXTS).to_owned(),
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        match self.next() % 4 {
            0 => self.take(60),
            1 => b"id,x,y\n1,2,3\n".to_vec(),
            _ => POINT.to_vec(),
        }
    }

    fn name(&mut self, names: &EnumDescriptor) -> i32 {
        let numbers: Vec<i32> = names.values().map(|value| value.number()).collect();
        match self.next() {
            255 => 9_999,
            _ => self.choose(&numbers),
        }
    }
}
