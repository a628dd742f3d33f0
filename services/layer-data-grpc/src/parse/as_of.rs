//! Past states.

use jmap_domain::DataRevision;
use jmap_proto::layerdata::{AsOf as WireAsOf, as_of::At};
use jmap_wire::{FieldPath, FieldViolation, millis, required};
use layer_data_core::{history::AsOf, value::DateTime};

/// Parses a past state of a layer.
pub(crate) fn as_of(path: &FieldPath, wire: WireAsOf) -> Result<AsOf, FieldViolation> {
    let WireAsOf { at } = wire;
    match required(path.field("at"), at)? {
        At::Revision(number) => {
            let negative = || path.field("revision").invalid("is negative");
            let revision = DataRevision::new(number).ok_or_else(negative)?;
            Ok(AsOf::Revision(revision))
        }
        At::Time(time) => {
            let no_time = || path.field("time").invalid("is not a time");
            let time = millis(time).and_then(|millis| DateTime::from_millis(millis).ok());
            time.map(AsOf::Time).ok_or_else(no_time)
        }
    }
}
