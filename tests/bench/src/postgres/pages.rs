//! A page of elements, filtered and sorted: the first one, and one far behind it; and one element by its id. Each is
//! measured beside the same SQL by itself.

use std::time::Instant;

use anyhow::{Context, ensure};
use jmap_proto::{
    layerdata::{
        Filter, GetElementsRequest, ListElementsRequest, Selection, SortDirection, SortKey,
        filter::Form,
    },
    types::GetServerInfoRequest,
};
use sqlx::{AssertSqlSafe, PgConnection};
use testkit::{Caller, wire};

use super::{
    cpu::{Meter, Turn, Usage},
    data::Kind,
    site::Site,
};
use crate::{
    figure::{Figure, Target, median, percentile},
    options::Rounds,
};

/// Elements before the page that is far behind.
const DEPTH: i32 = 200_000;
/// Elements on each page on the way there.
const STEP: i32 = 1_000;
/// Elements on a page that is measured.
const PAGE: i32 = 100;
/// How much longer a page may take than the same SQL, and one far behind than the first.
const SLOWER: f64 = 2.0;
/// Calls behind one of layer-data: itself, and its question to authorization.
const CALLS: f64 = 2.0;

/// Measures pages of all points, and single elements.
///
/// # Errors
/// When the pair or its database does not answer.
pub(crate) async fn run(site: &Site, rounds: Rounds) -> anyhow::Result<Vec<Figure>> {
    let layer = site.create_layer("Pages", Kind::Points).await?;
    site.import(layer, &Kind::Points.read()?.elements).await?;
    let mut database = site.connect().await?;
    let table = site.table(layer, &mut database).await?;
    super::reads::settle(&table, &mut database).await?;
    let far = far_behind(&site.worker, layer).await?;
    let meter = site.meter().await?;
    let columns =
        r#"t.fid, t."_revision", t."_created_by", t.geom, t."population", t."name", t."country""#;
    let sorted = format!(
        r#"select {columns} from {table} t where t."population" >= 1
           order by t."population" desc nulls last, t.fid limit {}"#,
        PAGE + 1
    );
    let by_id = format!("select {columns} from {table} t where t.fid = 4321");
    let (mut first, mut behind, mut one) = <(Pair, Pair, Pair)>::default();
    let mut empty = Taken::default();
    for _ in 0..rounds.count {
        let page = async || list(&site.worker, layer, PAGE, "").await.map(drop);
        first.measured.take(&meter, rounds, page).await?;
        let page = async || list(&site.worker, layer, PAGE, &far).await.map(drop);
        behind.measured.take(&meter, rounds, page).await?;
        let element = async || get(&site.worker, layer).await;
        one.measured.take(&meter, rounds, element).await?;
        first
            .floor(&meter, rounds, (&sorted, &mut database))
            .await?;
        one.floor(&meter, rounds, (&by_id, &mut database)).await?;
        let nothing = async || ask_nothing(&site.worker).await;
        empty.take(&meter, rounds, nothing).await?;
    }
    behind.floor = first.measured.clone();
    let page = format!("a page of {PAGE}, filtered and sorted");
    Ok(vec![
        first.figure(&page, SLOWER),
        behind.figure(
            &format!("the same at depth {DEPTH}, beside the first"),
            SLOWER,
        ),
        one.beyond(CALLS * median(empty.millis)).figure(
            "one element by its id, beside the SQL and two empty calls",
            SLOWER,
        ),
    ])
}

/// The token of the page after so many elements.
async fn far_behind(caller: &Caller, layer: i64) -> anyhow::Result<String> {
    let mut token = String::new();
    for _ in 0..DEPTH / STEP {
        token = list(caller, layer, STEP, &token).await?;
        ensure!(!token.is_empty(), "there are not so many elements");
    }
    Ok(token)
}

/// Reads a page, and answers with the token of the next one.
async fn list(caller: &Caller, layer: i64, size: i32, token: &str) -> anyhow::Result<String> {
    let filter = Filter {
        form: Some(Form::Cql2Text("population >= 1".to_owned())),
    };
    let request = ListElementsRequest {
        layer_id: layer,
        selection: Some(Selection {
            filter: Some(filter),
            ..Selection::default()
        }),
        order_by: vec![SortKey {
            attribute: Some(wire::by_name("population")),
            direction: SortDirection::Descending.into(),
        }],
        page_size: size,
        page_token: token.to_owned(),
        ..ListElementsRequest::default()
    };
    let page = caller.elements().list_elements(request).await?.into_inner();
    ensure!(page.elements.len() == usize::try_from(size)?);
    Ok(page.next_page_token)
}

async fn get(caller: &Caller, layer: i64) -> anyhow::Result<()> {
    let request = GetElementsRequest {
        layer_id: layer,
        element_ids: vec![4_321],
        ..GetElementsRequest::default()
    };
    let answer = caller.elements().get_elements(request).await?.into_inner();
    answer.elements.first().context("an element").map(drop)
}

/// A call that reads and asks nothing.
async fn ask_nothing(caller: &Caller) -> anyhow::Result<()> {
    let mut service = caller.layer_data_info();
    service
        .get_server_info(GetServerInfoRequest::default())
        .await?;
    Ok(())
}

/// What was measured, beside its floor.
#[derive(Default)]
struct Pair {
    floor: Taken,
    measured: Taken,
}

/// Calls of one kind: what each took in milliseconds, and the processor time of each on average.
#[derive(Clone, Default)]
struct Taken {
    millis: Vec<f64>,
    usages: Vec<Usage>,
}

impl Taken {
    async fn take(
        &mut self,
        meter: &Meter,
        rounds: Rounds,
        mut call: impl AsyncFnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut turn = Turn::begin(meter)?;
        while turn.lasted() < rounds.length {
            turn.count();
            let began = Instant::now();
            call().await?;
            self.millis.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        self.usages.push(turn.end()?);
        Ok(())
    }

    fn processor(&self, part: fn(&Usage) -> f64) -> f64 {
        median(self.usages.iter().map(part).collect())
    }
}

impl Pair {
    async fn floor(
        &mut self,
        meter: &Meter,
        rounds: Rounds,
        (statement, database): (&str, &mut PgConnection),
    ) -> anyhow::Result<()> {
        let select = async || {
            // The name of the table is the catalogue's.
            let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(&mut *database);
            ensure!(!rows.await?.is_empty());
            Ok(())
        };
        self.floor.take(meter, rounds, select).await
    }

    /// With a floor that takes so many milliseconds more.
    fn beyond(mut self, millis: f64) -> Self {
        for floor in &mut self.floor.millis {
            *floor += millis;
        }
        self
    }

    fn figure(self, name: &str, target: f64) -> Figure {
        let Self { floor, measured } = self;
        Figure {
            name: name.to_owned(),
            unit: "ms",
            floor: Some(median(floor.millis)),
            measured: median(measured.millis.clone()),
            target: Target::AtMost(target),
            note: format!(
                "processor: services {:.2} + database {:.2} ms",
                measured.processor(|usage| usage.services),
                measured.processor(|usage| usage.database),
            ),
            p99_millis: Some(percentile(measured.millis, 99)),
        }
    }
}
