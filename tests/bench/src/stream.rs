//! 1,000 points by box with the permission question, beside the same SQL through sqlx on the same file.

use std::{path::Path, time::Instant};

use anyhow::{Context, ensure};
use jmap_proto::{
    layerdata::{LayerQuery, ReadElementsRequest, Selection, read_elements_response::Part},
    types::Box as Bounds,
};
use sqlx::{
    AssertSqlSafe, FromRow, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use testkit::{Caller, Pair};

use crate::{
    figure::{Figure, Target, median, percentile},
    options::Rounds,
    town::Town,
};

/// What a read may cost beside the SQL alone.
const TARGET: f64 = 2.0;
const POINTS: usize = 1000;

/// Measures reads of 1,000 points.
///
/// # Errors
/// When the pair or its file does not answer.
pub(crate) async fn run(pair: &Pair, town: &Town, rounds: Rounds) -> anyhow::Result<Figure> {
    let file = open(&pair.home().geopackage()).await?;
    let bounds = strip(&town.longitudes)?;
    let floor = Floor::of(town.layer);
    let (mut floors, mut times) = (Vec::new(), Vec::new());
    for _ in 0..rounds.count {
        let end = Instant::now() + rounds.length;
        // In turns, call by call, so that a drift of the machine meets both.
        while Instant::now() < end {
            floors.push(millis(floor.select(&file, &bounds)).await?);
            times.push(millis(read(&town.viewer, town.layer, bounds)).await?);
        }
    }
    Ok(Figure {
        name: format!("{POINTS} points by box, with the question"),
        unit: "ms",
        floor: Some(median(floors)),
        p99_millis: Some(percentile(times.clone(), 99)),
        measured: median(times),
        target: Target::AtMost(TARGET),
        note: String::new(),
    })
}

/// The milliseconds of a read, which must have given all points.
async fn millis(read: impl Future<Output = anyhow::Result<usize>>) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let count = read.await?;
    ensure!(count == POINTS, "{count} points came instead of {POINTS}");
    Ok(begin.elapsed().as_secs_f64() * 1000.0)
}

/// A box from pole to pole that holds 1,000 points exactly.
fn strip(longitudes: &[f64]) -> anyhow::Result<Bounds> {
    let middle = longitudes.len() / 2;
    let found = longitudes
        .windows(POINTS + 2)
        .skip(middle)
        .find_map(|window| match window {
            [before, first, .., last, after] if before < first && last < after => {
                Some((*first, *last))
            }
            _ => None,
        });
    let (min_x, max_x) = found.context("no strip holds that many points")?;
    Ok(Bounds {
        min_x,
        min_y: -90.0,
        max_x,
        max_y: 90.0,
        epsg: 0,
    })
}

/// Reads a box, and answers how many elements came.
pub(crate) async fn read(caller: &Caller, layer_id: i64, bounds: Bounds) -> anyhow::Result<usize> {
    let selection = Some(Selection {
        r#box: Some(bounds),
        ..Selection::default()
    });
    let query = LayerQuery {
        layer_id,
        selection,
        ..LayerQuery::default()
    };
    let request = ReadElementsRequest {
        queries: vec![query],
        partial: false,
    };
    let mut stream = caller.elements().read_elements(request).await?.into_inner();
    let (mut count, mut is_whole) = (0, false);
    // To its very end: a connection counts the streams that are dropped before, and ends after a thousand.
    while let Some(message) = stream.message().await? {
        match message.part.context("an empty message")? {
            Part::Header(_) => {}
            Part::Batch(batch) => count += batch.elements.len(),
            Part::Trailer(_) => is_whole = true,
            Part::Error(error) => anyhow::bail!("{}", error.message),
        }
    }
    ensure!(is_whole, "the stream ended without its trailer");
    Ok(count)
}

async fn open(path: &Path) -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options);
    pool.await.context("open the GeoPackage")
}

/// The floor: the statement that any reader of the file would write, its rows decoded and counted.
struct Floor(String);

#[derive(FromRow)]
#[expect(
    dead_code,
    reason = "decoded, as the service decodes them, and counted"
)]
struct City {
    fid: i64,
    revision: i64,
    created_by: Option<i64>,
    geom: Vec<u8>,
    name: Option<String>,
    country: Option<String>,
    population: Option<i64>,
}

impl Floor {
    fn of(layer: i64) -> Self {
        Self(format!(
            r#"select t.fid, t."_revision" as revision, t."_created_by" as created_by, t.geom,
                      t."name", t."country", t."population"
                 from "rtree_l_{layer}_geom" r join "l_{layer}" t on t.fid = r.id
                where r.maxx >= ? and r.minx <= ? and r.maxy >= ? and r.miny <= ?
                order by t.fid"#
        ))
    }

    async fn select(&self, pool: &SqlitePool, bounds: &Bounds) -> anyhow::Result<usize> {
        let Bounds {
            min_x,
            min_y,
            max_x,
            max_y,
            epsg: _,
        } = bounds;
        // The name of the table is a number of ours.
        let query = sqlx::query_as::<_, City>(AssertSqlSafe(self.0.as_str()));
        let rows = query
            .bind(*min_x)
            .bind(*max_x)
            .bind(*min_y)
            .bind(*max_y)
            .fetch_all(pool)
            .await?;
        // The R*Tree's boxes are 32-bit floats and may let a neighbour in.
        Ok(rows.len().min(POINTS))
    }
}
