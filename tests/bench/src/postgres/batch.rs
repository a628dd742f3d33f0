//! Many creates in one call.

use std::time::Instant;

use anyhow::ensure;
use jmap_proto::layerdata::{
    BatchEditElementsRequest, Edit, batch_edit_elements_response::Outcome, edit::Act,
};

use super::{data::Kind, imports::rate, site::Site};
use crate::{
    figure::{Figure, Target, median, percentile},
    options::Rounds,
};

/// Creates in one call.
const COUNT: usize = 1_000;
/// Rows per second that are to be reached.
const TARGET: f64 = 50_000.0;

/// Measures calls with 1,000 creates each, one after the other.
///
/// # Errors
/// When the pair fails.
pub(crate) async fn run(site: &Site, rounds: Rounds) -> anyhow::Result<Figure> {
    let elements = Kind::Points.read()?.elements;
    let layer = site.create_layer("Batches", Kind::Points).await?;
    let (mut rates, mut millis) = (Vec::new(), Vec::new());
    let end = Instant::now() + rounds.length * u32::try_from(rounds.count)?;
    for elements in elements.chunks_exact(COUNT).cycle() {
        if Instant::now() >= end {
            break;
        }
        let edit = |element| Edit {
            layer_id: layer,
            act: Some(Act::Create(element)),
        };
        let request = BatchEditElementsRequest {
            edits: elements.iter().cloned().map(edit).collect(),
            ..BatchEditElementsRequest::default()
        };
        let mut client = site.worker.elements();
        let began = Instant::now();
        let answer = client.batch_edit_elements(request).await?.into_inner();
        rates.push(rate(COUNT, began));
        millis.push(began.elapsed().as_secs_f64() * 1000.0);
        ensure!(matches!(answer.outcome, Some(Outcome::Committed(_))));
    }
    Ok(Figure {
        name: format!("batches of {COUNT} creates"),
        unit: "rows/s",
        floor: None,
        measured: median(rates),
        target: Target::AtLeast(TARGET),
        p99_millis: Some(percentile(millis, 99)),
        note: "one call after the other".to_owned(),
    })
}
