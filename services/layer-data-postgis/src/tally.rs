//! Finding the elements that statistics are of.

use std::{ops::ControlFlow, time::Instant};

use jmap_domain::DataRevision;
use layer_data_core::{
    ports::StoreError,
    query::{CheckedQuery, GeometryOutput},
    statistics::Tally,
};
use sqlx::postgres::PgRow;

use crate::{
    read::{Plan, look_at_all, session},
    store::{Layer, Shared},
    table::GeometryColumn,
};

/// Adds the elements of a query to a tally.
pub(crate) async fn tally(
    shared: &Shared,
    layer: &Layer,
    query: &CheckedQuery,
    (mut tally, revision, deadline): (Tally, DataRevision, Instant),
) -> Result<(Tally, DataRevision), StoreError> {
    let wanted = match query.geometry() {
        GeometryOutput::Include => GeometryColumn::Included,
        GeometryOutput::Omit => GeometryColumn::LeftOut,
    };
    let plan = Plan::new(shared, layer, query, wanted).await?;
    let mut session = session(shared, deadline).await?;
    let add = |row: &PgRow| {
        let flow = plan.look(row)?.map(|found| {
            // A relation or a box needs geometries whose extent nobody asked for.
            let geometry = found
                .geometry
                .filter(|_| wanted == GeometryColumn::Included);
            let bounds = geometry.map(|(_, bounds)| bounds);
            tally.add(&found.values, bounds)
        });
        Ok(flow.unwrap_or(ControlFlow::Continue(())))
    };
    if look_at_all(&mut session, &plan, add).await?.is_continue() {
        session.done();
    }
    Ok((tally, revision))
}
