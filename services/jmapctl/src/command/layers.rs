//! Layers.

mod attributes;
mod create;

pub(crate) use create::Shape;

use clap::{Subcommand, ValueEnum};
use jmap_proto::{
    authorization::{LayerRegistration, ReorderLayersRequest, UpdateLayerRegistrationRequest},
    layerdata::{DeleteLayerRequest, GetLayerRequest, ListLayersRequest},
};
use prost_types::FieldMask;
use serde_json::json;

use crate::{
    client::{Client, call},
    command::{Context, definition::LayerView},
    error::Failure,
    output::Report,
    resolve::{self, LayerPath, LayerReference, Reference},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl layers create Atlas/cities --from cities.csv --grant ana=view,add,export
  jmapctl layers create Atlas/trees --geometry point --attribute species:string:required \\
      --attribute planted:date --editing --grant group:editors=add,modify,delete,only-own
  jmapctl layers list Atlas
  jmapctl layers geometry-policy Atlas/countries repair --dry-run
  jmapctl layers keep-history Atlas/trees 90d
  jmapctl layers editing Atlas/trees off
  jmapctl layers order Atlas countries rivers cities
  jmapctl layers attributes add Atlas/trees height:double --min 0
  jmapctl layers delete Atlas/trees --confirm trees";

/// Manage layers
#[derive(Debug, Subcommand)]
pub(crate) enum Layers {
    /// Create a layer
    Create(Box<create::Create>),
    /// List the layers of a project that you can view, with what you may do
    List {
        /// Name or id
        project: Reference,
    },
    /// Show a layer with its attributes
    Show {
        /// PROJECT/LAYER, @me/LAYER or id
        layer: LayerReference,
    },
    /// Change the attributes of a layer, which may have elements and be in use
    #[command(subcommand, after_help = attributes::EXAMPLES)]
    Attributes(attributes::Attributes),
    /// Say what becomes of polygons that are not valid, such as cross themselves
    GeometryPolicy(attributes::GeometryPolicy),
    /// Say how long the history of the elements is kept
    KeepHistory(attributes::KeepHistory),
    /// Give a layer another name
    Rename {
        /// PROJECT/LAYER, @me/LAYER or id
        layer: LayerReference,
        /// The new name
        name: String,
    },
    /// Enable or disable editing
    Editing {
        /// PROJECT/LAYER, @me/LAYER or id
        layer: LayerReference,
        /// Whether elements may be edited
        #[arg(value_enum)]
        switch: Switch,
    },
    /// Put the layers of a project into an order
    Order {
        /// Name or id
        project: Reference,
        /// All its layers by name or id, in the new order
        #[arg(required = true)]
        layers: Vec<Reference>,
    },
    /// Delete a layer with all its data, for good
    Delete {
        /// PROJECT/LAYER, @me/LAYER or id
        layer: LayerReference,
        /// The layer's name, repeated
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Enabled
    On,
    /// Disabled
    Off,
}

impl Layers {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::Attributes(attributes) => attributes.run(context).await,
            Self::GeometryPolicy(policy) => policy.run(context).await,
            Self::KeepHistory(keep) => keep.run(context).await,
            Self::List { project } => list(context, &project).await,
            Self::Show { layer } => show(context, &layer).await,
            Self::Rename { layer, name } => {
                let layer = LayerRegistration {
                    layer_id: resolve::layer_id(&context.client, &layer).await?,
                    name,
                    ..Default::default()
                };
                update(context, layer, "name").await
            }
            Self::Editing { layer, switch } => {
                let layer = LayerRegistration {
                    layer_id: resolve::layer_id(&context.client, &layer).await?,
                    editing_enabled: switch == Switch::On,
                    ..Default::default()
                };
                update(context, layer, "editing_enabled").await
            }
            Self::Order { project, layers } => order(context, project, layers).await,
            Self::Delete { layer, confirm } => delete(context, &layer, confirm).await,
        }
    }
}

async fn list(context: &Context, project: &Reference) -> Result<Report, Failure> {
    let client = &context.client;
    let project_id = resolve::project_id(client, project).await?;
    let (mut layers, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListLayersRequest {
            project_id,
            page_size: 1000,
            page_token,
        };
        let page = call!(client, client.layers().await?, list_layers, message);
        layers.extend(page.layers.into_iter().map(LayerView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&layers);
        }
    }
}

/// The layer with its definition.
pub(super) async fn get(
    client: &Client,
    layer: &LayerReference,
) -> Result<jmap_proto::layerdata::Layer, Failure> {
    let layer_id = resolve::layer_id(client, layer).await?;
    let message = GetLayerRequest { layer_id };
    let answer = call!(client, client.layers().await?, get_layer, message);
    answer.layer.ok_or_else(|| Failure::incomplete("a layer"))
}

async fn show(context: &Context, layer: &LayerReference) -> Result<Report, Failure> {
    LayerView::from(get(&context.client, layer).await?).report()
}

async fn update(
    context: &Context,
    layer: LayerRegistration,
    path: &str,
) -> Result<Report, Failure> {
    let client = &context.client;
    let message = UpdateLayerRegistrationRequest {
        layer: Some(layer),
        update_mask: Some(FieldMask {
            paths: vec![path.to_owned()],
        }),
    };
    let answer = call!(
        client,
        client.registrations(),
        update_layer_registration,
        message
    );
    let layer = answer.layer.ok_or_else(|| Failure::incomplete("a layer"))?;
    let editing = if layer.editing_enabled { "on" } else { "off" };
    let value = json!({
        "layer_id": layer.layer_id,
        "name": layer.name,
        "editing_enabled": layer.editing_enabled,
        "revision": layer.revision,
    });
    Report::new(
        format!(
            "layer {} is {} now, editing is {editing}",
            layer.layer_id, layer.name
        ),
        &value,
    )
}

async fn order(
    context: &Context,
    project: Reference,
    layers: Vec<Reference>,
) -> Result<Report, Failure> {
    let client = &context.client;
    let project_id = resolve::project_id(client, &project).await?;
    let mut layer_ids = Vec::new();
    for layer in layers {
        let layer = match layer {
            Reference::Id(id) => LayerReference::Id(id),
            Reference::Name(name) => LayerReference::Path(LayerPath {
                project: Reference::Id(project_id),
                name,
            }),
        };
        layer_ids.push(resolve::layer_id(client, &layer).await?);
    }
    let value = json!({"project_id": project_id, "layer_ids": layer_ids});
    let message = ReorderLayersRequest {
        project_id,
        layer_ids,
    };
    call!(client, client.registrations(), reorder_layers, message);
    Report::new(
        format!("put the layers of project {project_id} into the new order"),
        &value,
    )
}

async fn delete(
    context: &Context,
    layer: &LayerReference,
    confirm_name: String,
) -> Result<Report, Failure> {
    let client = &context.client;
    let layer_id = resolve::layer_id(client, layer).await?;
    let message = DeleteLayerRequest {
        layer_id,
        confirm_name,
    };
    call!(client, client.layers().await?, delete_layer, message);
    let text = format!("deleted layer {layer_id} with all its data");
    Report::new(text, &json!({"layer_id": layer_id}))
}
