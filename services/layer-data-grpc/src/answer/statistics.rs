//! Statistics.

use jmap_domain::AttributeId;
use jmap_proto::{
    layerdata::{
        AttributeStatistics as WireStatistics, ComputeStatisticsResponse, DistinctValue,
        DistinctValues, StatisticsGroup, TooManyValues, attribute_statistics as wire,
    },
    types::Box as WireBox,
};
use layer_data_core::{
    crs::Crs,
    geometry::Bounds,
    statistics::{AttributeStatistics, Distinct, Group, Moments, Statistics, Sum},
};

use super::{bounds, value};

/// Statistics, with extents taken from the layer's reference system to the one that is wanted.
pub(crate) fn statistics(
    statistics: Statistics,
    (own, wanted): (&Crs, &Crs),
) -> ComputeStatisticsResponse {
    let Statistics {
        groups,
        group_by,
        attributes,
        revision,
    } = statistics;
    let write = |written: Group| StatisticsGroup {
        keys: written.keys.iter().map(value).collect(),
        count: counted(written.count),
        extent: written
            .extent
            .and_then(|extent| transformed(extent, (own, wanted))),
        attributes: attributes
            .iter()
            .zip(&written.attributes)
            .map(|(id, statistics)| attribute(*id, statistics))
            .collect(),
    };
    ComputeStatisticsResponse {
        groups: groups.into_iter().map(write).collect(),
        group_by: group_by.into_iter().map(AttributeId::get).collect(),
        data_revision: revision.get(),
    }
}

fn transformed(extent: Bounds, (own, wanted): (&Crs, &Crs)) -> Option<WireBox> {
    let parts = own.bounds_to(wanted, extent).into_iter();
    let whole = parts.reduce(Bounds::union)?;
    Some(bounds(whole, wanted.epsg()))
}

fn counted(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn attribute(id: AttributeId, statistics: &AttributeStatistics) -> WireStatistics {
    let AttributeStatistics {
        count,
        least,
        greatest,
        moments,
        distinct,
    } = statistics;
    WireStatistics {
        attribute_id: id.get(),
        count: counted(*count),
        min_value: least.as_ref().map(value),
        max_value: greatest.as_ref().map(value),
        sum: moments.map(sum),
        mean: moments.map(|moments| moments.mean),
        deviation: moments.map(|moments| moments.deviation),
        distinct: distinct.as_ref().map(|distinct| match distinct {
            Distinct::Values(values) => wire::Distinct::DistinctValues(distinct_values(values)),
            Distinct::TooMany => wire::Distinct::TooManyValues(TooManyValues {}),
        }),
    }
}

fn sum(moments: Moments) -> wire::Sum {
    match moments.sum {
        Sum::Integer(sum) => match i64::try_from(sum) {
            Ok(sum) => wire::Sum::IntegerSum(sum),
            Err(_large) => wire::Sum::LargeSum(sum.to_string()),
        },
        Sum::Double(sum) => wire::Sum::DoubleSum(sum),
    }
}

fn distinct_values(values: &[(layer_data_core::value::Value, u64)]) -> DistinctValues {
    let write = |(found, count): &(_, u64)| DistinctValue {
        value: Some(value(found)),
        count: counted(*count),
    };
    DistinctValues {
        values: values.iter().map(write).collect(),
    }
}
