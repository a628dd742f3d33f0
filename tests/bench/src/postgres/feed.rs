//! Changes told to many watchers: how long it takes from an edit's call until the last of them knows, beside the same
//! with one watcher.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use jmap_proto::{
    layerdata::{
        LayerWatch, UpdateElementRequest, WatchChangesRequest, watch_changes_response::Event,
    },
    types::value::Kind as Value,
};
use testkit::{Caller, wire};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinSet,
    time::timeout,
};

use super::{
    cpu::{Meter, Turn, Usage},
    data::Kind,
    site::Site,
};
use crate::{
    figure::{Figure, Target, median, percentile},
    options::Rounds,
};

/// Watchers of one layer.
const WATCHERS: usize = 100;
/// Accounts that they have: one alone may not have so many.
const ACCOUNTS: usize = 5;
/// Elements in the layer.
const ELEMENTS: i64 = 1_000;
/// How much longer the last of all may wait than one alone. Each is judged and told by itself.
const SLOWER: f64 = 50.0;
/// When a watcher is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures edits, each of which is told to all watchers before the next is made.
///
/// # Errors
/// When the pair does not answer, or a watcher is not told.
pub(crate) async fn run(site: &Site, rounds: Rounds) -> anyhow::Result<Figure> {
    let layer = site.create_layer("Feed", Kind::Points).await?;
    let mut data = Kind::Points.read()?;
    data.elements.truncate(usize::try_from(ELEMENTS)?);
    site.import(layer, &data.elements).await?;
    let viewers = site.viewers(layer, ACCOUNTS).await?;
    let everybody: Vec<&Caller> = viewers.iter().cycle().take(WATCHERS).collect();
    let meter = site.meter().await?;
    let (mut one, mut all) = <(Told, Told)>::default();
    for _ in 0..rounds.count {
        for (told, watchers) in [(&mut one, 1), (&mut all, WATCHERS)] {
            let watchers = everybody.get(..watchers).context("watchers")?;
            let mut audience = Audience::gather(watchers, layer).await?;
            told.take(&meter, rounds, async |number| {
                let revision = edit(&site.worker, layer, number).await?;
                audience.hears(revision).await
            })
            .await?;
        }
    }
    let processor = |part: fn(&Usage) -> f64| median(all.usages.iter().map(part).collect());
    Ok(Figure {
        name: format!("a change told to the last of {WATCHERS} watchers"),
        unit: "ms",
        floor: Some(median(one.millis)),
        measured: median(all.millis.clone()),
        target: Target::AtMost(SLOWER),
        p99_millis: Some(percentile(all.millis.clone(), 99)),
        note: format!(
            "floor: one watcher; processor: services {:.2} + database {:.2} ms for all",
            processor(|usage| usage.services),
            processor(|usage| usage.database),
        ),
    })
}

/// From each edit's call until everybody knew, in milliseconds, and the processor time of each on average.
#[derive(Default)]
struct Told {
    millis: Vec<f64>,
    usages: Vec<Usage>,
}

impl Told {
    async fn take(
        &mut self,
        meter: &Meter,
        rounds: Rounds,
        mut told: impl AsyncFnMut(usize) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut turn = Turn::begin(meter)?;
        while turn.lasted() < rounds.length {
            let number = turn.count();
            let began = Instant::now();
            told(number).await?;
            self.millis.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        self.usages.push(turn.end()?);
        Ok(())
    }
}

async fn edit(caller: &Caller, layer_id: i64, number: usize) -> anyhow::Result<i64> {
    let number = i64::try_from(number)?;
    let change = wire::revalued(vec![wire::set("population", Value::Integer(number))]);
    let request = UpdateElementRequest {
        layer_id,
        element_id: number % ELEMENTS + 1,
        expected: wire::any_revision(),
        change: Some(change),
        request_id: String::new(),
    };
    let edited = caller.elements().update_element(request).await?;
    let element = edited.into_inner().element.context("an element")?;
    Ok(element.revision)
}

/// Watchers of a layer; they leave when it is dropped.
struct Audience {
    told: Receiver<i64>,
    watching: JoinSet<()>,
}

impl Audience {
    async fn gather(watchers: &[&Caller], layer: i64) -> anyhow::Result<Self> {
        let (teller, told) = mpsc::channel(watchers.len());
        let mut watching = JoinSet::new();
        for watcher in watchers {
            watching.spawn(follow(watcher, layer, teller.clone()).await?);
        }
        Ok(Self { told, watching })
    }

    /// Waits until everybody has been told of a revision.
    async fn hears(&mut self, revision: i64) -> anyhow::Result<()> {
        for _ in 0..self.watching.len() {
            let told = timeout(PATIENCE, self.told.recv()).await;
            let told = told.context("somebody was told nothing")?;
            ensure!(told == Some(revision), "{told:?} instead of {revision}");
        }
        Ok(())
    }
}

/// Begins to watch from now on; what is returned passes on the revisions.
async fn follow(
    watcher: &Caller,
    layer_id: i64,
    teller: Sender<i64>,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let layer = LayerWatch {
        layer_id,
        ..LayerWatch::default()
    };
    let request = WatchChangesRequest {
        layers: vec![layer],
        heartbeat: None,
    };
    let stream = watcher.history().watch_changes(request).await?;
    let mut stream = stream.into_inner();
    stream.message().await?.context("a header")?;
    Ok(async move {
        while let Ok(Some(message)) = stream.message().await {
            let Some(Event::Changes(batch)) = message.event else {
                continue;
            };
            for event in batch.events {
                if teller.send(event.revision).await.is_err() {
                    return;
                }
            }
        }
    })
}
