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
    /// The floor's median; none where the target is a number by itself.
    pub(crate) floor: Option<f64>,
    /// The pair's median.
    pub(crate) measured: f64,
    /// The target for `measured / floor`, or for `measured` alone.
    pub(crate) target: Target,
    /// The pair's 99th percentile of one call, in milliseconds, where calls are alike.
    pub(crate) p99_millis: Option<f64>,
    /// What else there is to say.
    pub(crate) note: String,
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
    fn is_met(&self) -> bool {
        let reached = self.measured / self.floor.unwrap_or(1.0);
        match self.target {
            Target::AtLeast(target) => reached >= target,
            Target::AtMost(target) => reached <= target,
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
    if figures.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "figure", "floor", "measured", "ratio", "target", "met", "p99", "note",
    ]);
    for figure in figures {
        table.add_row(row(figure));
    }
    println!("{table}");
    Ok(())
}

fn row(figure: &Figure) -> [String; 8] {
    let target = match figure.target {
        Target::AtLeast(target) => format!(">= {target:.2}"),
        Target::AtMost(target) => format!("<= {target:.2}"),
    };
    let in_unit = |value: f64| format!("{value:.2} {}", figure.unit);
    let or_nothing = |text: Option<String>| text.unwrap_or_default();
    [
        figure.name.clone(),
        or_nothing(figure.floor.map(in_unit)),
        in_unit(figure.measured),
        or_nothing(
            figure
                .floor
                .map(|floor| format!("{:.2}", figure.measured / floor)),
        ),
        target,
        if figure.is_met() { "yes" } else { "NO" }.to_owned(),
        or_nothing(figure.p99_millis.map(|millis| format!("{millis:.2} ms"))),
        figure.note.clone(),
    ]
}

/// The median; 0 of nothing.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    percentile(values, 50)
}

/// A percentile; 0 of nothing.
pub(crate) fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = values.len() * percent / 100;
    values.get(place).copied().unwrap_or_default()
}
