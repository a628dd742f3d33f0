//! Finding the elements that statistics are of.

use jmap_domain::DataRevision;
use layer_data_core::{
    ports::StoreError,
    query::{CheckedQuery, GeometryOutput},
    statistics::Tally,
};

use crate::{
    read::{Found, Plan, Source, visit},
    store::Layer,
    table::BlobPart,
};

/// Adds the elements of a query to a tally.
pub(crate) async fn tally(
    source: &Source<'_>,
    layer: &Layer,
    query: &CheckedQuery,
    (mut tally, revision): (Tally, DataRevision),
) -> Result<(Tally, DataRevision), StoreError> {
    let wanted = match query.geometry() {
        GeometryOutput::Include => BlobPart::Header,
        GeometryOutput::Omit => BlobPart::Nothing,
    };
    let plan = Plan::new(layer, query, wanted);
    // A relation or a box needs geometries whose extent nobody asked for.
    let is_wanted = query.geometry() == GeometryOutput::Include;
    let add = |found: Found<'_>| {
        let blob = found.blob.filter(|_| is_wanted);
        tally.add(&found.values, blob.map(|(bounds, _)| bounds))
    };
    visit(source, &plan, add).await?;
    Ok((tally, revision))
}
