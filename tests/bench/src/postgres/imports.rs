//! Importing everything by one call, beside COPY of the same rows in binary form into a table of the same making.

use std::time::Instant;

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::{data::Kind, site::Site};
use crate::{
    figure::{Figure, Target, median},
    options::Rounds,
};

/// The share of COPY's rate that an import must reach.
const TARGET: f64 = 0.5;
/// Most rounds: each takes its time.
const MOST_ROUNDS: usize = 3;

/// Measures imports of all points, or of all lines.
///
/// # Errors
/// When the pair or its database fails.
pub(crate) async fn run(site: &Site, kind: Kind, rounds: Rounds) -> anyhow::Result<Figure> {
    let elements = kind.read()?.elements;
    let mut database = site.connect().await?;
    let (mut floors, mut rates) = (Vec::new(), Vec::new());
    for round in 0..rounds.count.min(MOST_ROUNDS) {
        let name = format!("Import {} {round}", kind.name());
        let layer = site.create_layer(&name, kind).await?;
        checkpoint(&mut database).await?;
        let began = Instant::now();
        site.import(layer, &elements).await?;
        rates.push(rate(elements.len(), began));
        let from = site.table(layer, &mut database).await?;
        let layer = site.create_layer(&format!("{name}, copied"), kind).await?;
        let to = site.table(layer, &mut database).await?;
        floors.push(copy(&mut database, &from, &to).await?);
        for table in [from, to] {
            // The layers stay, so that nothing of it happens during the next round.
            database
                .execute(AssertSqlSafe(format!("truncate {table}")))
                .await?;
        }
    }
    Ok(Figure {
        name: format!("import of {} {}", elements.len(), kind.name()),
        unit: "rows/s",
        floor: Some(median(floors)),
        measured: median(rates),
        target: Target::AtLeast(TARGET),
        p99_millis: None,
        note: "floor: binary COPY into the same table".to_owned(),
    })
}

/// What the server has still to write may not fall into a measurement.
async fn checkpoint(database: &mut PgConnection) -> anyhow::Result<()> {
    database.execute("checkpoint").await?;
    Ok(())
}

/// The rate of COPY alone: the rows are in our memory already.
async fn copy(database: &mut PgConnection, from: &str, to: &str) -> anyhow::Result<f64> {
    let out = format!("copy {from} to stdout (format binary)");
    let rows: Vec<_> = database.copy_out_raw(&out).await?.try_collect().await?;
    checkpoint(database).await?;
    let began = Instant::now();
    let into = format!("copy {to} from stdin (format binary)");
    let mut copying = database.copy_in_raw(&into).await?;
    for part in rows {
        copying.send(part).await?;
    }
    let count = copying.finish().await?;
    Ok(rate(usize::try_from(count)?, began))
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 rows")]
pub(crate) fn rate(rows: usize, began: Instant) -> f64 {
    rows as f64 / began.elapsed().as_secs_f64()
}
