//! 1,000 elements by box: processor time of services and database together, beside the same SQL by itself. The floor's
//! time is the database's and its reader's: the rows are received in binary form and decoded.

use std::time::Instant;

use anyhow::{Context, ensure};
use jmap_proto::types::Box as Bounds;
use sqlx::{
    AssertSqlSafe, Executor, PgConnection, Postgres, Row, ValueRef,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{
    cpu::{Turn, Usage},
    data::{Extent, Kind},
    site::Site,
};
use crate::{
    figure::{Figure, Target, median, percentile},
    options::Rounds,
    stream::read,
};

/// Elements in each box.
pub(super) const COUNT: usize = 1_000;
/// Boxes that are read in turn.
const BOXES: usize = 16;
/// Indices keep 32-bit floats: between the last element in a box and the next one there is more than their error.
const MARGIN: f64 = 0.000_1;

/// Measures reads of points or of lines.
///
/// # Errors
/// When the pair or its database does not answer.
pub(crate) async fn run(site: &Site, kind: Kind, rounds: Rounds) -> anyhow::Result<Figure> {
    let data = kind.read()?;
    let layer = site
        .create_layer(&format!("Read {}", kind.name()), kind)
        .await?;
    site.import(layer, &data.elements).await?;
    let boxes = boxes(&data.extents)?;
    drop(data);
    let mut database = site.connect().await?;
    let floor = Floor::of(&site.table(layer, &mut database).await?, kind);
    settle(&floor.table, &mut database).await?;
    let meter = site.meter().await?;
    let (mut floors, mut measured, mut millis) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.count {
        let mut turn = Turn::begin(&meter)?;
        while turn.lasted() < rounds.length {
            let bounds = next(&boxes, turn.count())?;
            ensure!(floor.select(&mut database, bounds).await? == COUNT);
        }
        floors.push(turn.end()?);
        let mut turn = Turn::begin(&meter)?;
        while turn.lasted() < rounds.length {
            let (bounds, began) = (next(&boxes, turn.count())?, Instant::now());
            ensure!(read(&site.worker, layer, *bounds).await? == COUNT);
            millis.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        measured.push(turn.end()?);
    }
    Ok(figure(kind, &floors, &measured, millis))
}

fn figure(kind: Kind, floors: &[Usage], measured: &[Usage], millis: Vec<f64>) -> Figure {
    let of = |usages: &[Usage], part: fn(&Usage) -> f64| median(usages.iter().map(part).collect());
    let note = format!(
        "services {:.2} + database {:.2}; alone: reader {:.2} + database {:.2}; call {:.2} ms",
        of(measured, |usage| usage.services),
        of(measured, |usage| usage.database),
        of(floors, |usage| usage.ourselves),
        of(floors, |usage| usage.database),
        median(millis.clone()),
    );
    Figure {
        name: format!("{COUNT} {} by box, processor time", kind.name()),
        unit: "ms",
        floor: Some(of(floors, |usage| usage.ourselves + usage.database)),
        measured: of(measured, |usage| usage.services + usage.database),
        target: Target::AtMost(match kind {
            Kind::Points => 3.0,
            Kind::Lines => 2.0,
        }),
        p99_millis: Some(percentile(millis, 99)),
        note,
    }
}

/// Nothing that the server does by itself later may fall into the measurement.
///
/// # Errors
/// When it does not answer.
pub(crate) async fn settle(table: &str, database: &mut PgConnection) -> anyhow::Result<()> {
    let vacuum = format!("vacuum (analyze) {table}");
    database.execute(AssertSqlSafe(vacuum)).await?;
    database.execute("checkpoint").await?;
    Ok(())
}

fn next(boxes: &[Bounds], call: usize) -> anyhow::Result<&Bounds> {
    boxes.get(call % BOXES).context("a box")
}

/// Squares around elements here and there, each with so many elements in it or touching it.
pub(super) fn boxes(extents: &[Extent]) -> anyhow::Result<Vec<Bounds>> {
    let centres = extents.iter().step_by(extents.len() / (BOXES * 4));
    let boxes: Vec<Bounds> = centres
        .filter_map(|[x, y, ..]| around([*x, *y], extents))
        .take(BOXES)
        .collect();
    ensure!(boxes.len() == BOXES, "the data do not allow so many boxes");
    Ok(boxes)
}

fn around([x, y]: [f64; 2], extents: &[Extent]) -> Option<Bounds> {
    let away = |[min_x, min_y, max_x, max_y]: &Extent| {
        let edges = [min_x - x, x - max_x, min_y - y, y - max_y];
        edges.into_iter().fold(0.0, f64::max)
    };
    let mut distances: Vec<f64> = extents.iter().map(away).collect();
    let (_, last, beyond) = distances.select_nth_unstable_by(COUNT - 1, f64::total_cmp);
    let next = beyond.iter().copied().fold(f64::INFINITY, f64::min);
    let half = f64::midpoint(*last, next);
    let is_in_the_world = x.abs() + half < 180.0 && y.abs() + half < 90.0;
    (is_in_the_world && next - *last > MARGIN).then_some(Bounds {
        min_x: x - half,
        min_y: y - half,
        max_x: x + half,
        max_y: y + half,
        epsg: 0,
    })
}

/// The statement that any reader of the database would write.
struct Floor {
    table: String,
    select: String,
    kind: Kind,
}

/// A row as its reader has it.
#[expect(
    dead_code,
    reason = "decoded, as the service decodes them, and counted"
)]
struct Decoded {
    fid: i64,
    revision: i64,
    created_by: Option<i64>,
    geometry: Vec<u8>,
    text: [Option<String>; 2],
    number: Option<i64>,
}

impl Floor {
    fn of(table: &str, kind: Kind) -> Self {
        let columns = match kind {
            Kind::Points => r#"t."population", t."name", t."country""#,
            Kind::Lines => r#"t."number""#,
        };
        Self {
            table: table.to_owned(),
            select: format!(
                r#"select t.fid, t."_revision", t."_created_by", t.geom, {columns} from {table} t
                   where t.geom && ST_MakeEnvelope($1, $2, $3, $4, 4326) order by t.fid + 0"#
            ),
            kind,
        }
    }

    async fn select(&self, database: &mut PgConnection, bounds: &Bounds) -> anyhow::Result<usize> {
        // The name of the table is the catalogue's.
        let mut query: Query<'_, Postgres, PgArguments> =
            sqlx::query(AssertSqlSafe(self.select.as_str()));
        for edge in [bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y] {
            query = query.bind(edge);
        }
        let rows = query.fetch_all(database).await?;
        let decoded = rows.iter().map(|row| self.decode(row));
        Ok(decoded.collect::<Result<Vec<_>, _>>()?.len())
    }

    fn decode(&self, row: &PgRow) -> Result<Decoded, sqlx::Error> {
        let geometry = row.try_get_raw(3)?;
        let geometry = if geometry.is_null() {
            Vec::new()
        } else {
            geometry.as_bytes().map_err(sqlx::Error::Decode)?.to_vec()
        };
        Ok(Decoded {
            fid: row.try_get(0)?,
            revision: row.try_get(1)?,
            created_by: row.try_get(2)?,
            geometry,
            number: row.try_get(4)?,
            text: match self.kind {
                Kind::Points => [row.try_get(5)?, row.try_get(6)?],
                Kind::Lines => [None, None],
            },
        })
    }
}
