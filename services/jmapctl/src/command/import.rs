//! Bringing the elements of a file into a layer.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use clap::Args;
use jmap_proto::layerdata::{
    CreateImportRequest, EditMode, Import as ImportMessage, ImportOptions, ImportProgress,
    ImportSummary, RowError, RunImportRequest, UploadChunkRequest, run_import_response::Event,
};
use serde::Serialize;

use crate::{
    client::{Client, call},
    command::{Context, file::FormatWord, request_id},
    console::Console,
    error::Failure,
    output::{Outcome, Report, rows},
    resolve::{self, LayerReference},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl import Atlas/cities cities.csv
  jmapctl import Atlas/trees trees.geojson --atomic
  jmapctl import Atlas/wells wells.csv --x-column easting --y-column northing --epsg 25832

Rows that cannot be taken are listed and the others are kept; the exit code is then 1. With --atomic all
rows are checked first and one bad row refuses the file; others may see the layer grow while it is written. Importing needs `add` on the layer, and you become the creator of every element.";

/// The largest chunk that the service takes.
const CHUNK: u64 = 1 << 20;
/// Most rows that are listed for people.
const LISTED: usize = 20;

/// Bring the elements of a file into a layer
#[derive(Args, Debug)]
pub(crate) struct Import {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The file
    file: PathBuf,
    /// The format, when the file's name does not tell it
    #[arg(long, value_enum)]
    format: Option<FormatWord>,
    /// EPSG code of the file's positions [default: the file's own, or the layer's]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    epsg: i32,
    /// Refuse the whole file when one row is bad
    #[arg(long)]
    atomic: bool,
    #[command(flatten)]
    columns: Columns,
}

/// Where a CSV file has its geometry
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "CSV")]
struct Columns {
    /// The column with WKT
    #[arg(
        long = "wkt-column",
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    wkt: String,
    /// The column with x
    #[arg(
        long = "x-column",
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    x: String,
    /// The column with y
    #[arg(
        long = "y-column",
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    y: String,
}

/// What became of an import.
#[derive(Debug, Default, Serialize)]
struct ImportView {
    created_elements: i64,
    failed_rows: i64,
    ignored_columns: Vec<String>,
    repaired_geometries: i64,
    repaired_rows: Vec<i64>,
    row_errors: Vec<RowErrorView>,
}

#[derive(Debug, Serialize)]
struct RowErrorView {
    row: i64,
    reason: String,
    field: String,
    message: String,
}

impl From<RowError> for RowErrorView {
    fn from(RowError { row, error }: RowError) -> Self {
        let error = error.unwrap_or_default();
        Self {
            row,
            reason: error.reason,
            field: error.field,
            message: error.message,
        }
    }
}

impl Import {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let format = FormatWord::choose(self.format, &self.file)?;
        let mut file = File::open(&self.file).map_err(Failure::file("open", &self.file))?;
        let layer_id = resolve::layer_id(client, &self.layer).await?;
        let message = CreateImportRequest {
            layer_id,
            options: Some(self.options(format)),
            request_id: request_id(),
        };
        let answer = call!(client, client.transfers().await?, create_import, message);
        let import = answer
            .import
            .ok_or_else(|| Failure::incomplete("an import"))?;
        let upload = Upload {
            client,
            import: &import,
        };
        upload.send(&mut file, &self.file).await?;
        upload.run().await?.report()
    }

    fn options(&self, format: FormatWord) -> ImportOptions {
        let Columns { wkt, x, y } = self.columns.clone();
        let mode = if self.atomic {
            EditMode::Atomic
        } else {
            EditMode::Partial
        };
        ImportOptions {
            format: format.format().into(),
            epsg: self.epsg,
            wkt_column: wkt,
            x_column: x,
            y_column: y,
            mode: mode.into(),
        }
    }
}

/// An import that has begun.
struct Upload<'a> {
    client: &'a Client,
    import: &'a ImportMessage,
}

impl Upload<'_> {
    /// Sends the file chunk by chunk; the service says where the next one begins.
    async fn send(&self, file: &mut File, path: &Path) -> Result<(), Failure> {
        let size = file.metadata().map_err(Failure::file("read", path))?.len();
        let bar = Console::bar(size, "upload");
        let mut offset = self.import.received_bytes;
        loop {
            let data = chunk(file, offset).map_err(Failure::file("read", path))?;
            if data.is_empty() {
                bar.finish_and_clear();
                return Ok(());
            }
            let message = UploadChunkRequest {
                import_id: self.import.import_id.clone(),
                offset,
                data: data.into(),
            };
            let client = self.client;
            let answer = call!(client, client.transfers().await?, upload_chunk, message);
            offset = answer.received_bytes;
            bar.set_position(offset.unsigned_abs());
        }
    }

    async fn run(&self) -> Result<ImportView, Failure> {
        let message = RunImportRequest {
            import_id: self.import.import_id.clone(),
        };
        let request = self.client.stream_request(message).await?;
        let mut stub = self.client.transfers().await?;
        let mut events = stub.run_import(request).await?.into_inner();
        let bar = Console::bar(1, "import");
        let mut view = ImportView::default();
        while let Some(response) = events.message().await? {
            match response.event {
                Some(Event::Progress(ImportProgress {
                    read_bytes,
                    total_bytes,
                    created_elements,
                    failed_rows: _,
                    repaired_geometries: _,
                })) => {
                    bar.set_length(total_bytes.unsigned_abs());
                    bar.set_position(read_bytes.unsigned_abs());
                    bar.set_message(format!("{created_elements} elements"));
                }
                Some(Event::RowError(error)) => view.row_errors.push(error.into()),
                Some(Event::Summary(summary)) => {
                    bar.finish_and_clear();
                    return Ok(view.with(summary));
                }
                None => {}
            }
        }
        Err(Failure::incomplete("the summary of the import"))
    }
}

fn chunk(file: &mut File, offset: i64) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    file.seek(SeekFrom::Start(offset.unsigned_abs()))?;
    file.take(CHUNK).read_to_end(&mut data)?;
    Ok(data)
}

impl ImportView {
    fn with(mut self, summary: ImportSummary) -> Self {
        let ImportSummary {
            created_elements,
            failed_rows,
            ignored_columns,
            repaired_geometries,
            repaired_rows,
        } = summary;
        self.created_elements = created_elements;
        self.failed_rows = failed_rows;
        self.ignored_columns = ignored_columns;
        self.repaired_geometries = repaired_geometries;
        self.repaired_rows = repaired_rows;
        // What the file itself shows is told before what its values show, some rows later.
        self.row_errors.sort_by_key(|error| error.row);
        self
    }

    fn report(&self) -> Result<Report, Failure> {
        let mut parts = vec![format!("created {} elements", self.created_elements)];
        if !self.ignored_columns.is_empty() {
            let ignored = self.ignored_columns.join(", ");
            parts.push(format!("the layer has no attribute for: {ignored}"));
        }
        if self.repaired_geometries > 0 {
            let rows: Vec<String> = self.repaired_rows.iter().map(i64::to_string).collect();
            let (count, rows) = (self.repaired_geometries, rows.join(", "));
            parts.push(format!(
                "repaired {count} polygons, such as in the rows {rows}"
            ));
        }
        if self.failed_rows == 0 {
            return Report::new(parts.join("\n"), self);
        }
        parts.push(format!(
            "{} rows were not taken:\n\n{}",
            self.failed_rows,
            self.table()
        ));
        let report = Report::new(parts.join("\n"), self)?;
        Ok(Report {
            outcome: Outcome::Partial,
            ..report
        })
    }

    fn table(&self) -> String {
        let row = |error: &RowErrorView| {
            vec![
                error.row.to_string(),
                error.field.clone(),
                error.message.clone(),
                error.reason.clone(),
            ]
        };
        let listed = self.row_errors.iter().take(LISTED);
        rows(&["row", "field", "why", "reason"], listed.map(row))
    }
}
