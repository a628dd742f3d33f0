//! Creating a layer, from what the command line says or from what a file shows.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args};
use jmap_proto::{
    layerdata::{CreateLayerRequest, LayerDefinition, create_layer_request::Placement},
    types::{AttributeDefinition, InitialView, ZPolicy},
};
use layer_data_formats::{Format, ReadOptions, propose};

use crate::{
    attribute::{AttributeSpec, Shown},
    client::call,
    command::{Context, definition::LayerView, grant_spec::GrantSpec, request_id},
    error::{Failure, Kind},
    output::Report,
    resolve::{self, LayerPath},
    span::Keep,
    words::{GeometryWord, PolicyWord},
};

/// Rows that are looked at when a file shows the attributes; a number found later would be too late.
const LOOK_AT: usize = 10_000;

/// Create a layer
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Where and under which name: PROJECT/LAYER
    layer: LayerPath,
    #[command(flatten)]
    shape: Shape,
    /// Enable editing from the start
    #[arg(long)]
    editing: bool,
    /// Let nobody view it from the start, instead of everyone who can open the project
    #[arg(long)]
    private: bool,
    /// A first grant, as PRINCIPAL=PERMISSION,...[,only-own]; may be repeated
    #[arg(long = "grant", value_name = "GRANT")]
    grants: Vec<GrantSpec>,
}

/// What the elements of a new layer are
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("shape").args(["geometry", "from"]).required(true).multiple(true)))]
pub(crate) struct Shape {
    /// The geometries that it accepts
    #[arg(long, value_enum)]
    geometry: Option<GeometryWord>,
    /// Take geometry, reference system and attributes from a GeoJSON or CSV file; nothing is imported yet
    #[arg(long, value_name = "FILE", conflicts_with = "attributes")]
    from: Option<PathBuf>,
    /// EPSG code of the reference system [default: the file's, or 4326]
    #[arg(long)]
    epsg: Option<i32>,
    /// Every position carries a height
    #[arg(long)]
    z: bool,
    /// What becomes of polygons that are not valid
    #[arg(long, value_enum, value_name = "POLICY", default_value_t = PolicyWord::Reject)]
    geometry_policy: PolicyWord,
    /// How long the history of the elements is kept, such as 90d [default: forever]
    #[arg(long, value_name = "DURATION")]
    keep_history: Option<Keep>,
    /// An attribute, as name:type[:required][:read-only][:unique]; may be repeated
    #[arg(long = "attribute", value_name = "SPEC", id = "attributes")]
    attributes: Vec<AttributeSpec>,
}

impl Create {
    pub(super) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let definition = self.shape.definition()?;
        let mut initial_grants = Vec::new();
        for grant in &self.grants {
            initial_grants.push(grant.resolve(client).await?);
        }
        let view = if self.private {
            InitialView::Nobody
        } else {
            InitialView::Everyone
        };
        let project_id = resolve::project_id(client, &self.layer.project).await?;
        let message = CreateLayerRequest {
            placement: Some(Placement::ProjectId(project_id)),
            name: self.layer.name,
            definition: Some(definition),
            editing_enabled: Some(self.editing),
            initial_view: view.into(),
            initial_grants,
            request_id: request_id(),
        };
        let answer = call!(client, client.layers().await?, create_layer, message);
        let layer = answer.layer.ok_or_else(|| Failure::incomplete("a layer"))?;
        let view = LayerView::from(layer);
        let text = format!("created layer {} with id {}", view.name, view.layer_id);
        Report::new(text, &view)
    }
}

impl Shape {
    /// The definition that it says.
    pub(crate) fn definition(&self) -> Result<LayerDefinition, Failure> {
        let shown = match &self.from {
            Some(path) => look_at(path)?,
            None => Shown {
                geometry: GeometryWord::Any,
                z: false,
                epsg: 4326,
                attributes: self.stated_attributes(),
            },
        };
        let z = if self.z || shown.z {
            ZPolicy::Mandatory
        } else {
            ZPolicy::Forbidden
        };
        Ok(LayerDefinition {
            geometry_type: self
                .geometry
                .unwrap_or(shown.geometry)
                .geometry_type()
                .into(),
            z_policy: z.into(),
            epsg: self.epsg.unwrap_or(shown.epsg),
            attributes: shown.attributes,
            invalid_polygons: self.geometry_policy.policy().into(),
            keep_history_for: self.keep_history.and_then(Keep::to_proto),
            ..Default::default()
        })
    }

    fn stated_attributes(&self) -> Vec<AttributeDefinition> {
        let stated = self.attributes.iter();
        stated
            .map(|AttributeSpec(attribute)| attribute.clone())
            .collect()
    }
}

fn look_at(path: &Path) -> Result<Shown, Failure> {
    let format = Format::of_path(path).ok_or_else(|| super::super::file::unknown_format(path))?;
    let file = File::open(path).map_err(Failure::file("open", path))?;
    let proposal = propose(format, file, LOOK_AT, &ReadOptions::default());
    let proposal = proposal.map_err(|error| {
        Failure::new(
            Kind::Failed,
            format!("cannot read {}: {error}", path.display()),
        )
    })?;
    Ok(proposal.draft.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_shows_geometry_and_attributes() {
        let cities = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/cities.csv");
        let shown = look_at(Path::new(cities)).unwrap();
        assert_eq!(
            (shown.geometry, shown.epsg, shown.z),
            (GeometryWord::Point, 4326, false)
        );
        assert!(
            shown
                .attributes
                .iter()
                .any(|attribute| attribute.name == "population")
        );
    }
}
