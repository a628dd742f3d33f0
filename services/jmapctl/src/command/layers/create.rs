//! Creating a layer, from what the command line says or from what a file shows.

use std::{
    fs::File,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::{ArgGroup, Args, ValueEnum};
use jmap_proto::{
    layerdata::{CreateLayerRequest, LayerDefinition, create_layer_request::Placement},
    types::{AttributeDefinition, InitialView, LayerGrant, ZPolicy},
};
use layer_data_formats::{Format, ReadOptions, propose};

use crate::{
    attribute::{AttributeSpec, Shown},
    client::{Client, call},
    command::{Context, definition::LayerView, request_id},
    error::{Failure, Kind},
    output::Report,
    resolve::{self, LayerPath, PrincipalReference},
    words::{GeometryWord, LayerWord},
};

/// Rows that are looked at when a file shows the attributes; a number found later would be too late.
const LOOK_AT: usize = 10_000;

/// Create a layer
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("shape").args(["geometry", "from"]).required(true).multiple(true)))]
pub(crate) struct Create {
    /// Where and under which name: PROJECT/LAYER
    layer: LayerPath,
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
    /// An attribute, as name:type[:required][:read-only]; may be repeated
    #[arg(long = "attribute", value_name = "SPEC", id = "attributes")]
    attributes: Vec<AttributeSpec>,
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

/// A grant as the command line states it: `ana=view,add`, `group:editors=modify,only-own`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct GrantSpec {
    principal: PrincipalReference,
    permissions: Vec<LayerWord>,
    only_own: bool,
}

impl FromStr for GrantSpec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (principal, words) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is not written as PRINCIPAL=PERMISSION,..."))?;
        let mut spec = Self {
            principal: principal.into(),
            permissions: Vec::new(),
            only_own: false,
        };
        for word in words.split(',').map(str::trim) {
            if word == "only-own" {
                spec.only_own = true;
            } else {
                let permission = LayerWord::from_str(word, false).ok();
                let unknown = || format!("`{word}` is no permission");
                spec.permissions.push(permission.ok_or_else(unknown)?);
            }
        }
        Ok(spec)
    }
}

impl GrantSpec {
    async fn resolve(&self, client: &Client) -> Result<LayerGrant, Failure> {
        let permissions = self.permissions.iter().map(|word| word.permission().into());
        Ok(LayerGrant {
            principal: Some(resolve::principal(client, &self.principal).await?),
            permissions: permissions.collect(),
            only_own: self.only_own,
        })
    }
}

impl Create {
    pub(super) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let definition = self.definition()?;
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

    fn definition(&self) -> Result<LayerDefinition, Failure> {
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
    use crate::resolve::Reference;

    #[test]
    fn a_grant_names_a_principal_its_permissions_and_the_option() {
        let spec: GrantSpec = "group:editors=add, modify,only-own".parse().unwrap();
        let expected = GrantSpec {
            principal: PrincipalReference::Group(Reference::Name("editors".to_owned())),
            permissions: vec![LayerWord::Add, LayerWord::Modify],
            only_own: true,
        };
        assert_eq!(spec, expected);
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for wrong in ["ana", "ana=", "ana=view,fly"] {
            assert!(wrong.parse::<GrantSpec>().is_err(), "{wrong}");
        }
    }

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
