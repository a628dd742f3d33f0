//! Figures of layers, asked for by the page, and a layer in detail.

use std::collections::HashMap;

use jmap_proto::{
    authorization::{ListPersonalLayerAccessRequest, list_personal_layer_access_request::About},
    layerdata::{BatchGetLayerFiguresRequest, GetLayerRequest, LayerFigures, layer_figures::Count},
};
use serde::Serialize;

use super::view::AccessView;
use crate::{
    client::{Client, call},
    command::definition::LayerView,
    error::{Failure, Kind},
    output::{self, Report, View},
    resolve::{self, LayerReference},
    words::geometry_word,
};

/// Most layers that are asked about at once.
const AT_ONCE: usize = 100;

/// What is shown where layer-data does not answer.
const UNKNOWN: &str = "unknown";

/// How much a layer is, without any of its elements.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FiguresView {
    geometry_type: String,
    elements: i64,
    /// `exact`, `estimated` or `least`.
    elements_kind: &'static str,
    size_bytes: i64,
    size_is_estimate: bool,
    last_edit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extent: Option<[f64; 4]>,
}

impl From<LayerFigures> for FiguresView {
    fn from(figures: LayerFigures) -> Self {
        let (elements, elements_kind) = match figures.count {
            Some(Count::ExactCount(count)) => (count, "exact"),
            Some(Count::EstimatedCount(count)) => (count, "estimated"),
            Some(Count::LeastCount(count)) => (count, "least"),
            None => (0, "least"),
        };
        let extent = figures.extent;
        Self {
            geometry_type: geometry_word(figures.geometry_type),
            elements,
            elements_kind,
            size_bytes: figures.size_bytes,
            size_is_estimate: figures.size_is_estimate,
            last_edit: figures.last_edit_time.and_then(|time| {
                let time = jiff::Timestamp::new(time.seconds, time.nanos);
                time.ok().map(|time| time.to_string())
            }),
            extent: extent.map(|one| [one.min_x, one.min_y, one.max_x, one.max_y]),
        }
    }
}

impl FiguresView {
    pub(super) const COLUMNS: [&'static str; 4] = ["geometry", "elements", "size", "last edit"];

    /// The cells of a layer whose figures may be unknown.
    pub(super) fn cells(figures: Option<&Self>) -> [String; 4] {
        let Some(figures) = figures else {
            return [UNKNOWN; 4].map(str::to_owned);
        };
        let elements = match figures.elements_kind {
            "exact" => figures.elements.to_string(),
            "estimated" => format!("~{}", figures.elements),
            _ => format!(">={}", figures.elements),
        };
        let size = indicatif::HumanBytes(u64::try_from(figures.size_bytes).unwrap_or_default());
        let about = if figures.size_is_estimate { "~" } else { "" };
        [
            figures.geometry_type.clone(),
            elements,
            format!("{about}{size}"),
            figures
                .last_edit
                .clone()
                .unwrap_or_else(|| "never".to_owned()),
        ]
    }
}

/// The figures of some layers; none where layer-data does not answer now (R82).
pub(super) async fn of(
    client: &Client,
    layers: &[i64],
) -> Result<HashMap<i64, FiguresView>, Failure> {
    let mut all = HashMap::new();
    for some in layers.chunks(AT_ONCE) {
        match ask(client, some, false).await {
            Ok(figures) => all.extend(figures),
            Err(failure) if failure.kind == Kind::Unavailable => return Ok(HashMap::new()),
            Err(failure) => return Err(failure),
        }
    }
    Ok(all)
}

async fn ask(
    client: &Client,
    layers: &[i64],
    extent: bool,
) -> Result<Vec<(i64, FiguresView)>, Failure> {
    let message = BatchGetLayerFiguresRequest {
        layer_ids: layers.to_vec(),
        extent,
    };
    let answer = call!(
        client,
        client.layers().await?,
        batch_get_layer_figures,
        message
    );
    let figures = answer.layers.into_iter();
    Ok(figures.map(|one| (one.layer_id, one.into())).collect())
}

/// A layer in detail.
#[derive(Debug, Serialize)]
struct Details {
    layer: LayerView,
    figures: Option<FiguresView>,
    /// Who has access, for those who may know.
    access: Option<Vec<AccessView>>,
}

/// Shows the configuration, the figures and who has access.
pub(super) async fn show(client: &Client, layer: &LayerReference) -> Result<Report, Failure> {
    let layer_id = resolve::layer_id(client, layer).await?;
    let message = GetLayerRequest { layer_id };
    let answer = call!(client, client.layers().await?, get_layer, message);
    let layer = answer.layer.ok_or_else(|| Failure::incomplete("a layer"))?;
    let figures = ask(client, &[layer_id], true).await?.into_iter().next();
    let figures = figures.map(|(_, figures)| figures);
    let access = match access(client, About::LayerId(layer_id)).await {
        Ok(access) => Some(access),
        Err(failure) if failure.kind == Kind::Refused => None,
        Err(failure) => return Err(failure),
    };
    let layer = LayerView::from(layer);
    let definition = layer.report()?.text;
    let details = Details {
        layer,
        figures,
        access,
    };
    Report::new(
        format!("{}{}", definition.trim_end(), details.text()),
        &details,
    )
}

impl Details {
    /// What follows the definition.
    fn text(&self) -> String {
        let names = FiguresView::COLUMNS.iter().map(ToString::to_string);
        let cells = FiguresView::cells(self.figures.as_ref());
        let mut facts: Vec<(String, String)> = names.zip(cells).collect();
        let extent = self.figures.as_ref().and_then(|figures| figures.extent);
        if let Some([min_x, min_y, max_x, max_y]) = extent {
            let extent = format!("{min_x},{min_y},{max_x},{max_y}");
            facts.push(("extent".to_owned(), extent));
        }
        let facts = output::pairs(facts.into_iter());
        let access = self.access.as_ref().map(|access| {
            let rows = access.iter().map(View::cells);
            format!("\n\n{}", output::rows(AccessView::COLUMNS, rows))
        });
        format!("\n\n{facts}{}", access.unwrap_or_default())
    }
}

/// Who has access to a layer, or to which layers somebody has.
pub(super) async fn access(client: &Client, about: About) -> Result<Vec<AccessView>, Failure> {
    let (mut entries, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListPersonalLayerAccessRequest {
            about: Some(about),
            page_size: 0,
            page_token,
        };
        let page = call!(
            client,
            client.personal(),
            list_personal_layer_access,
            message
        );
        entries.extend(page.access.into_iter().map(AccessView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(entries);
        }
    }
}
