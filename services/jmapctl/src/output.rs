//! What a command answers: a value for programs, and the same as a table or a sentence for people.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Failure, Kind};

/// Something that is shown as a row of a table, or as an object.
pub(crate) trait View: Serialize {
    /// The headings of the table.
    const COLUMNS: &'static [&'static str];

    /// The cells of its row, one for each heading.
    fn cells(&self) -> Vec<String>;
}

/// The answer of a command.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// For programs.
    pub(crate) value: Value,
    /// For people; empty when there is nothing to say.
    pub(crate) text: String,
    /// Whether all was done; otherwise the process ends with 1.
    pub(crate) outcome: Outcome,
}

/// Whether all that was asked for was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of it.
    Complete,
    /// Some of it, such as an import with rows that were not taken.
    Partial,
}

impl Report {
    /// Several things: an array, or a table.
    pub(crate) fn list<T: View>(items: &[T]) -> Result<Self, Failure> {
        let text = if items.is_empty() {
            "none".to_owned()
        } else {
            rows(T::COLUMNS, items.iter().map(View::cells))
        };
        Self::new(text, &items)
    }

    /// One thing: an object, or its fields below one another.
    pub(crate) fn one<T: View>(item: &T) -> Result<Self, Failure> {
        let fields = T::COLUMNS.iter().map(ToString::to_string);
        let text = pairs(fields.zip(item.cells()));
        Self::new(text, item)
    }

    /// Something done: a sentence, and what programs want to know of it.
    pub(crate) fn new(text: impl Into<String>, value: &impl Serialize) -> Result<Self, Failure> {
        let value = serde_json::to_value(value).map_err(|error| {
            Failure::new(Kind::Failed, format!("cannot show the answer: {error}"))
        })?;
        Ok(Self {
            value,
            text: text.into(),
            outcome: Outcome::Complete,
        })
    }

    /// Nothing to say: standard output was used for something else.
    pub(crate) const fn silent() -> Self {
        Self {
            value: Value::Null,
            text: String::new(),
            outcome: Outcome::Complete,
        }
    }

    /// The answer as it goes to standard output.
    pub(crate) fn render(&self, format: Format) -> String {
        match format {
            Format::People if self.text.is_empty() => String::new(),
            Format::People => format!("{}\n", self.text.trim_end()),
            Format::Programs if self.value.is_null() => String::new(),
            Format::Programs => format!("{:#}\n", self.value),
        }
    }
}

/// For whom answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Tables and sentences.
    People,
    /// JSON.
    Programs,
}

/// A table with headings.
pub(crate) fn rows(headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = plain_table();
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    rows.for_each(|row| {
        table.add_row(row);
    });
    trimmed(table)
}

/// Names and values below one another.
pub(crate) fn pairs(pairs: impl Iterator<Item = (String, String)>) -> String {
    let mut table = plain_table();
    pairs.for_each(|(name, value)| {
        table.add_row([name, value]);
    });
    trimmed(table)
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// Two spaces between columns and none at the edges, so that lines can be cut and compared.
fn trimmed(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Things with a line of headings, as spreadsheets read them.
pub(crate) fn comma_separated<T: View>(items: &[T]) -> Result<String, Failure> {
    let headings = T::COLUMNS.iter().map(ToString::to_string).collect();
    let rows = items.iter().map(View::cells);
    let lines = std::iter::once(headings).chain(rows);
    lines
        .map(|cells: Vec<String>| comma_separated_row(&cells))
        .collect()
}

/// One line of comma-separated values, with its end.
pub(crate) fn comma_separated_row(cells: &[String]) -> Result<String, Failure> {
    let unwritten = |error: &dyn std::error::Error| {
        Failure::new(Kind::Failed, format!("cannot write the values: {error}"))
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(cells)
        .map_err(|error| unwritten(&error))?;
    let bytes = writer.into_inner().map_err(|error| unwritten(&error))?;
    String::from_utf8(bytes).map_err(|error| unwritten(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Thing {
        thing_id: i64,
        name: &'static str,
    }

    impl View for Thing {
        const COLUMNS: &'static [&'static str] = &["id", "name"];
        fn cells(&self) -> Vec<String> {
            vec![self.thing_id.to_string(), self.name.to_owned()]
        }
    }

    #[test]
    fn people_get_a_table_and_programs_an_array_with_numbers() {
        let report = Report::list(&[Thing {
            thing_id: 7,
            name: "sea",
        }])
        .unwrap();
        assert_eq!(report.render(Format::People), "ID  NAME\n7   sea\n");
        assert_eq!(
            report.value,
            serde_json::json!([{"thing_id": 7, "name": "sea"}])
        );
    }

    #[test]
    fn an_empty_list_says_so_to_people_only() {
        let report = Report::list::<Thing>(&[]).unwrap();
        assert_eq!(report.render(Format::People), "none\n");
        assert_eq!(report.render(Format::Programs), "[]\n");
    }
}
