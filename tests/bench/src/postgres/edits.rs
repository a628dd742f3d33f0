//! Single edits, each with its permission and its revision, beside pgbench's bare UPDATE of one row of the same tables.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jmap_proto::{layerdata::UpdateElementRequest, types::value::Kind as Value};
use testkit::{Caller, wire};
use tonic::Status;

use super::{data::Kind, pgbench::Scripts, site::Site};
use crate::{
    figure::{Figure, Target, median},
    load::{Load, load_each, millis},
    options::Rounds,
};

/// Callers, and layers when each has its own.
const CLIENTS: usize = 16;
/// Elements in each layer.
const ELEMENTS: i64 = 1_000;
/// The share of pgbench's rate that is to be reached: with a layer for each caller, and with one for all.
const TARGETS: [f64; 2] = [0.5, 0.25];

/// Measures edits on as many layers as callers, then on one.
///
/// # Errors
/// When the pair, its database or pgbench fails.
pub(crate) async fn run(site: &Site, rounds: Rounds) -> anyhow::Result<Vec<Figure>> {
    let mut data = Kind::Points.read()?;
    data.elements.truncate(usize::try_from(ELEMENTS)?);
    let mut layers = Vec::new();
    for number in 0..CLIENTS {
        let layer = site
            .create_layer(&format!("Edit {number}"), Kind::Points)
            .await?;
        site.import(layer, &data.elements).await?;
        layers.push(layer);
    }
    let [apart, together] = TARGETS;
    let first = layers.first().copied().into_iter().collect();
    Ok(vec![
        beside(site, layers, apart, rounds).await?,
        beside(site, first, together, rounds).await?,
    ])
}

async fn beside(
    site: &Site,
    layers: Vec<i64>,
    target: f64,
    rounds: Rounds,
) -> anyhow::Result<Figure> {
    let scripts = scripts(site, &layers).await?;
    let (mut floors, mut rates, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.count {
        floors.push(scripts.run(&site.url(), CLIENTS, rounds.length).await?);
        let measured = edit(&site.worker, &layers, rounds).await?;
        rates.push(measured.rate);
        p99.push(millis(&measured.latency, 0.99));
    }
    Ok(Figure {
        name: match layers.len() {
            1 => format!("single edits, {CLIENTS} callers on one layer"),
            count => format!("single edits, {CLIENTS} callers on {count} layers"),
        },
        unit: "edits/s",
        floor: Some(median(floors)),
        measured: median(rates),
        target: Target::AtLeast(target),
        p99_millis: Some(median(p99)),
        note: "floor: pgbench, bare UPDATE of one row".to_owned(),
    })
}

async fn scripts(site: &Site, layers: &[i64]) -> anyhow::Result<Scripts> {
    let mut database = site.connect().await?;
    let mut scripts = Vec::new();
    for layer in layers {
        let table = site.table(*layer, &mut database).await?;
        scripts.push(format!(
            "\\set element random(1, {ELEMENTS})\n\
             update {table} set population = population + 1 where fid = :element;\n"
        ));
    }
    Scripts::new(&scripts)
}

async fn edit(caller: &Caller, layers: &[i64], rounds: Rounds) -> anyhow::Result<Load> {
    let next = Arc::new(AtomicI64::new(0));
    let calls = layers.iter().cycle().take(CLIENTS);
    let calls = calls.map(|layer| update(caller, *layer, Arc::clone(&next)));
    load_each(calls.collect(), rounds.length).await
}

/// Changes one element after the other.
fn update(
    caller: &Caller,
    layer_id: i64,
    next: Arc<AtomicI64>,
) -> impl Fn() -> futures::future::BoxFuture<'static, Result<(), Status>> + Send + 'static {
    let client = caller.elements();
    move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let change = wire::revalued(vec![wire::set("population", Value::Integer(number))]);
        let request = UpdateElementRequest {
            layer_id,
            element_id: number % ELEMENTS + 1,
            expected: wire::any_revision(),
            change: Some(change),
            request_id: String::new(),
        };
        let mut client = client.clone();
        Box::pin(async move { client.update_element(request).await.map(drop) })
    }
}
