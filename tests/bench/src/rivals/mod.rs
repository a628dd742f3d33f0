//! The rules beside what a team would take instead of writing them: Cedar and Casbin as libraries, Cerbos as a server.
//! All hold the same world and answer the same questions; a different answer ends the run.

mod casbin;
mod cedar;
mod cerbos;
mod engine;
mod ours;
mod served;
mod world;

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};

use self::{
    casbin::Casbin,
    cedar::Cedar,
    engine::{Engine as _, Shown, measure},
    ours::Ours,
    world::{Asked, World},
};

/// Sizes of the worlds, in rows of permission tables. Beyond its last one an engine needs minutes or gigabytes.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
const LARGEST_FOR_CEDAR: usize = 1_000_000;
const LARGEST_FOR_CASBIN: usize = 100_000;
/// The world that is asked about over gRPC.
const SERVED: usize = 10_000;
const QUESTIONS: usize = 20_000;

/// Measures all of them and prints a table.
///
/// # Errors
/// When an engine fails, or answers otherwise than our rules.
pub(crate) async fn run(json: bool) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for size in SIZES {
        let mut world = World::of(size)?;
        let asked = expected(&mut world)?;
        all.push(measure("JMap", &world, &asked, Ours::load)?);
        if size <= LARGEST_FOR_CEDAR {
            all.push(measure("Cedar", &world, &asked, Cedar::load)?);
        }
        if size <= LARGEST_FOR_CASBIN {
            all.push(measure("Casbin", &world, &asked, Casbin::load)?);
        }
        if size == SERVED {
            all.extend(served::run(&world, &asked).await?);
        }
    }
    print(&all, json)
}

/// Questions with our rules' answers.
fn expected(world: &mut World) -> anyhow::Result<Vec<(Asked, bool)>> {
    let questions = world.questions(QUESTIONS);
    let ours = Ours::load(world)?;
    let answers = questions
        .into_iter()
        .map(|asked| Ok((asked, ours.decide(&asked)?)));
    let answers: Vec<_> = answers.collect::<anyhow::Result<_>>()?;
    let yes = answers.iter().filter(|(_, answer)| *answer).count();
    // A world of refusals alone would prove nothing.
    anyhow::ensure!(yes * 10 > answers.len(), "only {yes} answers are yes");
    Ok(answers)
}

#[expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]
fn print(all: &[Shown], json: bool) -> anyhow::Result<()> {
    if json {
        for shown in all {
            println!("{}", serde_json::to_string(shown)?);
        }
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "engine",
        "grants",
        "loading",
        "memory",
        "decisions/s",
        "equal answers",
    ]);
    for shown in all {
        table.add_row(row(shown));
    }
    for place in 1..6 {
        let column = table.column_mut(place).context("a column")?;
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    Ok(())
}

fn row(shown: &Shown) -> [String; 6] {
    let memory = if shown.mebibytes.is_nan() {
        String::new()
    } else {
        format!("{:.1} MiB", shown.mebibytes)
    };
    [
        shown.engine.to_owned(),
        shown.grants.to_string(),
        format!("{:.2} s", shown.load_seconds),
        memory,
        format!("{:.0}", shown.per_second),
        shown.equal.to_string(),
    ]
}
