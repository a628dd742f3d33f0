//! 1,000 points by box beside the servers that people put before PostGIS: pygeoapi (OGC API - Features) and `MapServer`
//! (WFS), both with GeoJSON. They read the same table and the same boxes, in turn with ours, and ask nobody for
//! permission. `tests/bench/peers.sh` installs them.

mod server;

use std::time::Instant;

use anyhow::ensure;
use jmap_proto::types::Box as Bounds;

use self::server::{mapserver, pygeoapi};
use super::{
    data::Kind,
    reads::{self, COUNT},
    site::Site,
};
use crate::{
    figure::{Figure, Target, median, percentile},
    options::Rounds,
    stream::read,
};

/// How the time of a read relates to a peer's: it is not to be longer.
const TARGET: f64 = 1.0;

/// Measures ours beside each peer, one call after the other.
///
/// # Errors
/// When a peer is not installed or does not answer, or the pair does not.
pub(crate) async fn run(site: &Site, rounds: Rounds) -> anyhow::Result<Vec<Figure>> {
    let data = Kind::Points.read()?;
    let layer = site.create_layer("Peers", Kind::Points).await?;
    site.import(layer, &data.elements).await?;
    let boxes = reads::boxes(&data.extents)?;
    drop(data);
    let mut database = site.connect().await?;
    let table = site.table(layer, &mut database).await?;
    reads::settle(&table, &mut database).await?;
    let mut figures = Vec::new();
    for (name, start) in [
        ("pygeoapi", pygeoapi as server::Start),
        ("MapServer", mapserver),
    ] {
        let peer = start(&site.url(), &table)?;
        peer.wait().await?;
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..rounds.count {
            let end = Instant::now() + rounds.length;
            for bounds in boxes.iter().cycle() {
                if Instant::now() >= end {
                    break;
                }
                theirs.push(millis(peer.count(bounds)).await?);
                ours.push(millis(read(&site.worker, layer, *bounds)).await?);
            }
        }
        figures.push(Figure {
            name: format!("{COUNT} points by box, beside {name}"),
            unit: "ms",
            floor: Some(median(theirs.clone())),
            measured: median(ours.clone()),
            target: Target::AtMost(TARGET),
            p99_millis: Some(percentile(ours, 99)),
            note: format!("p99 of {name}: {:.2} ms", percentile(theirs, 99)),
        });
    }
    Ok(figures)
}

/// The milliseconds of a read, which must have given all elements.
async fn millis(read: impl Future<Output = anyhow::Result<usize>>) -> anyhow::Result<f64> {
    let began = Instant::now();
    let count = read.await?;
    ensure!(count == COUNT, "{count} elements came instead of {COUNT}");
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

/// A question to a peer in the words of its protocol.
type Question = fn(&Bounds) -> String;
