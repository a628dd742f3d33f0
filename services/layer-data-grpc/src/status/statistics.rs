//! Statistics that are not given.

use jmap_wire::{Failure, FieldPath};
use layer_data_core::{
    reads::StatisticsError,
    statistics::{StatisticsFault, TallyError},
};
use tonic::Code;

use super::read::{query, read, too_many_elements};

/// Statistics.
pub(crate) fn statistics(error: StatisticsError) -> Failure {
    match error {
        StatisticsError::Read(error) => read(error, &FieldPath::default()),
        StatisticsError::Fault(fault) => question(&fault),
        StatisticsError::Tally(TallyError::TooManyElements { maximum }) => {
            too_many_elements(maximum, error.to_string())
        }
        StatisticsError::Tally(error @ (TallyError::TooManyGroups | TallyError::TooLarge)) => {
            Failure::new(Code::ResourceExhausted, "TOO_LARGE", error.to_string())
        }
    }
}

fn question(fault: &StatisticsFault) -> Failure {
    let about = |field: &'static str, reason| {
        let violation = FieldPath::of(field).invalid(fault);
        Failure::new(Code::InvalidArgument, reason, violation.to_string()).at(violation)
    };
    match fault {
        StatisticsFault::UnknownAttribute(name) | StatisticsFault::RepeatedAttribute(name) => {
            about("attributes", "INVALID_ATTRIBUTE").fact("attribute", name)
        }
        StatisticsFault::UnknownGroupKey(name) | StatisticsFault::RepeatedGroupKey(name) => {
            about("group_by", "INVALID_ATTRIBUTE").fact("attribute", name)
        }
        StatisticsFault::TooManyAttributes => about("attributes", "INVALID_FIELD"),
        StatisticsFault::TooManyGroupKeys => about("group_by", "INVALID_FIELD"),
        StatisticsFault::Query(error) => query(error, &FieldPath::default()),
    }
}
