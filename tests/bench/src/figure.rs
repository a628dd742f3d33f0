//! Figures: what was measured, beside its floor and its target.

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: String,
    /// In what the two numbers are.
    pub(crate) unit: &'static str,
    /// The floor's median.
    pub(crate) floor: f64,
    /// The pair's median.
    pub(crate) measured: f64,
    /// The target for `measured / floor`.
    pub(crate) target: Target,
    /// The pair's 99th percentile of one call, in milliseconds.
    pub(crate) p99_millis: f64,
}

/// What the ratio of measured to floor should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// Rates: at least this.
    AtLeast(f64),
    /// Times: at most this.
    AtMost(f64),
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.measured / self.floor
    }

    fn is_met(&self) -> bool {
        match self.target {
            Target::AtLeast(ratio) => self.ratio() >= ratio,
            Target::AtMost(ratio) => self.ratio() <= ratio,
        }
    }
}

/// Prints the figures, for people or for programs.
///
/// # Errors
/// When a figure cannot be written as JSON.
#[expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]
pub(crate) fn print(figures: &[Figure], json: bool) -> anyhow::Result<()> {
    if json {
        for figure in figures {
            println!("{}", serde_json::to_string(figure)?);
        }
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "figure", "floor", "measured", "ratio", "target", "met", "p99",
    ]);
    for figure in figures {
        table.add_row(row(figure));
    }
    println!("{table}");
    Ok(())
}

fn row(figure: &Figure) -> [String; 7] {
    let target = match figure.target {
        Target::AtLeast(ratio) => format!(">= {ratio:.2}"),
        Target::AtMost(ratio) => format!("<= {ratio:.2}"),
    };
    [
        figure.name.clone(),
        format!("{:.2} {}", figure.floor, figure.unit),
        format!("{:.2} {}", figure.measured, figure.unit),
        format!("{:.2}", figure.ratio()),
        target,
        if figure.is_met() { "yes" } else { "NO" }.to_owned(),
        format!("{:.2} ms", figure.p99_millis),
    ]
}

/// The median; 0 of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
