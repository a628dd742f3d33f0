//! Thousands of layers in one database: how long each takes to make, and what the database's connections remember of
//! them when all have been touched.

use std::time::Instant;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use jmap_proto::{
    layerdata::{CreateElementRequest, NewElement},
    types::Box as Bounds,
};
use sqlx::{PgConnection, query_scalar};

use super::{
    cpu,
    data::Kind,
    site::{POOL, Site},
};
use crate::{
    figure::{Figure, Target, median, percentile},
    stream::read,
};

/// The longest that making a layer may take, in milliseconds.
const CREATION: f64 = 10.0;
/// The most that a connection may keep, in MiB, whatever the number of layers.
const MEMORY: f64 = 64.0;
/// How often each layer is touched.
const ROUNDS: usize = 8;
const EVERYWHERE: Bounds = Bounds {
    min_x: -180.0,
    min_y: -90.0,
    max_x: 180.0,
    max_y: 90.0,
    epsg: 0,
};

/// Measures the making of so many layers, and the memory of the connections.
///
/// # Errors
/// When the pair or its database fails.
pub(crate) async fn run(site: &Site, count: usize) -> anyhow::Result<Vec<Figure>> {
    let (mut layers, mut millis) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for number in 0..count {
        let began = Instant::now();
        layers.push(
            site.create_layer(&format!("Many {number}"), Kind::Points)
                .await?,
        );
        millis.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    let last = millis.split_off(count - count / 10);
    let creation = Figure {
        name: format!("creation of a layer beside {count} others"),
        unit: "ms",
        floor: None,
        p99_millis: Some(percentile(last.clone(), 99)),
        measured: median(last),
        target: Target::AtMost(CREATION),
        note: format!("of the first nine tenths: {:.2} ms", median(millis)),
    };
    Ok(vec![creation, memory(site, &layers).await?])
}

async fn memory(site: &Site, layers: &[i64]) -> anyhow::Result<Figure> {
    let element = Kind::Points.read()?.elements.into_iter().next();
    let element = element.context("a city")?;
    let mut database = site.connect().await?;
    let before = largest(&mut database).await?;
    each(layers, |layer| fill(site, layer, &element)).await?;
    let mut most = largest(&mut database).await?;
    for _ in 0..ROUNDS {
        each(layers, |layer| look(site, layer)).await?;
        most = most.max(largest(&mut database).await?);
    }
    Ok(Figure {
        name: format!("memory of a connection, {} layers touched", layers.len()),
        unit: "MiB",
        floor: None,
        measured: most,
        target: Target::AtMost(MEMORY),
        p99_millis: None,
        note: format!("the largest of {POOL}; {before:.1} MiB before"),
    })
}

/// Does something with each layer, with as many at once as there are connections.
async fn each<F>(layers: &[i64], touch: impl Fn(i64) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let touched = stream::iter(layers.iter().copied().map(touch));
    let touched = touched.buffer_unordered(POOL as usize);
    touched.try_collect().await
}

async fn fill(site: &Site, layer_id: i64, element: &NewElement) -> anyhow::Result<()> {
    let request = CreateElementRequest {
        layer_id,
        element: Some(element.clone()),
        ..CreateElementRequest::default()
    };
    site.worker.elements().create_element(request).await?;
    Ok(())
}

async fn look(site: &Site, layer: i64) -> anyhow::Result<()> {
    let count = read(&site.worker, layer, EVERYWHERE).await?;
    ensure!(count == 1, "{count} elements came instead of one");
    Ok(())
}

/// The memory of the largest of layer-data's connections that is nobody else's, in MiB.
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 KiB")]
async fn largest(database: &mut PgConnection) -> anyhow::Result<f64> {
    let statement = "select pid from pg_stat_activity
                     where datname = current_database() and application_name = 'jmap layer-data'";
    let connections: Vec<i32> = query_scalar(statement).fetch_all(database).await?;
    let mut largest = 0;
    for connection in connections {
        // One that was closed meanwhile has none.
        let memory = cpu::own_memory(u32::try_from(connection)?);
        largest = largest.max(memory.unwrap_or_default());
    }
    Ok(largest as f64 / 1024.0)
}
