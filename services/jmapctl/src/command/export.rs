//! Writing the elements of a layer to a file.

use std::{
    fs::{self, File},
    io::{BufWriter, Write, stdout},
    path::{Path, PathBuf},
};

use clap::Args;
use jmap_proto::layerdata::{
    ExportElementsRequest, ExportElementsResponse, ExportSummary, export_elements_response::Part,
};
use serde_json::json;
use tonic::Streaming;

use crate::{
    command::{Context, file::FormatWord, layers, selection::SelectionArgs},
    console::Console,
    error::{Failure, Kind},
    output::Report,
    resolve::LayerReference,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl export Atlas/cities cities.geojson
  jmapctl export Atlas/cities - --format csv --where 'country = PT' | head
  jmapctl export Atlas/rivers rivers.geojson --epsg 3857

Exporting needs `export` on the layer. A file appears under its name only when it is complete.";

/// Write the elements of a layer to a file
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The file; `-` is standard output
    #[arg(default_value = "-")]
    file: PathBuf,
    /// The format, when the file's name does not tell it
    #[arg(long, value_enum)]
    format: Option<FormatWord>,
    /// EPSG code that positions are wanted in [default: the layer's own]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    epsg: i32,
    #[command(flatten)]
    selection: SelectionArgs,
}

impl Export {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let format = FormatWord::choose(self.format, &self.file)?;
        let layer = layers::get(client, &self.layer).await?;
        let message = ExportElementsRequest {
            layer_id: layer.layer_id,
            format: format.format().into(),
            selection: Some(self.selection.bind(&layer)?),
            output_epsg: self.epsg,
        };
        let request = client.stream_request(message).await?;
        let mut stub = client.transfers().await?;
        let parts = stub.export_elements(request).await?.into_inner();
        let summary = if self.file == Path::new("-") {
            copy(parts, stdout()).await
        } else {
            to_file(parts, &self.file).await
        }?;
        self.report(summary)
    }

    /// Standard output belongs to the data, so nothing else is said there.
    fn report(&self, ExportSummary { element_count }: ExportSummary) -> Result<Report, Failure> {
        if self.file == Path::new("-") {
            return Ok(Report::silent());
        }
        let text = format!("wrote {element_count} elements to {}", self.file.display());
        Report::new(
            text,
            &json!({"element_count": element_count, "file": self.file}),
        )
    }
}

/// Writes beside the file and renames in the end, so that half a file never looks like a whole one.
async fn to_file(
    parts: Streaming<ExportElementsResponse>,
    path: &Path,
) -> Result<ExportSummary, Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let draft = path.with_file_name(name);
    let file = File::create(&draft).map_err(Failure::file("create", &draft))?;
    let copied = copy(parts, BufWriter::new(file)).await;
    let finished = match copied {
        Ok(summary) => fs::rename(&draft, path)
            .map(|()| summary)
            .map_err(Failure::file("write", path)),
        Err(failure) => Err(failure),
    };
    if finished.is_err() {
        // The failure matters more than what is left of the file.
        let _ = fs::remove_file(&draft);
    }
    finished
}

async fn copy(
    mut parts: Streaming<ExportElementsResponse>,
    mut output: impl Write,
) -> Result<ExportSummary, Failure> {
    let bar = Console::bar(0, "export");
    while let Some(response) = parts.message().await? {
        match response.part {
            Some(Part::Data(data)) => {
                output.write_all(&data).map_err(unwritten)?;
                bar.inc(data.len() as u64);
            }
            Some(Part::Summary(summary)) => {
                output.flush().map_err(unwritten)?;
                bar.finish_and_clear();
                return Ok(summary);
            }
            None => {}
        }
    }
    Err(Failure::incomplete("the end of the file"))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn unwritten(error: std::io::Error) -> Failure {
    Failure::new(Kind::Failed, format!("cannot write the export: {error}"))
}
