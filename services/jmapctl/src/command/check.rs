//! What the caller may do.

use clap::Subcommand;
use jmap_proto::authorization::{
    CheckRequest, LayerPermissions, ListEffectivePermissionsRequest,
    list_effective_permissions_request::Layers,
};
use serde::Serialize;

use crate::{
    client::call,
    command::{
        Context,
        definition::Flags,
        question::{Asked, DecisionView},
    },
    error::Failure,
    output::{Report, View},
    resolve::{self, Reference, myself},
    words::effective_words,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl check permissions Atlas           what you may do on each layer of a project
  jmapctl check layer Atlas/cities modify
  jmapctl check project Atlas open
  jmapctl check global create-projects

A no is an answer, not a failure: the exit code is 0, and with --json the field `decision` is `denied`.";

/// Ask what you may do
#[derive(Debug, Subcommand)]
pub(crate) enum Check {
    #[command(flatten)]
    Asked(Asked),
    /// List what you may do on each layer of a project
    Permissions {
        /// Name or id
        project: Reference,
    },
}

/// What the caller may do on a layer.
#[derive(Debug, Serialize)]
struct PermissionsView {
    layer_id: i64,
    name: String,
    editing_enabled: bool,
    permissions: Flags,
}

impl From<LayerPermissions> for PermissionsView {
    fn from(layer: LayerPermissions) -> Self {
        let (all, own) = effective_words(layer.permissions);
        Self {
            layer_id: layer.layer_id,
            name: layer.name,
            editing_enabled: layer.editing_enabled,
            permissions: Flags { all, own },
        }
    }
}

impl View for PermissionsView {
    const COLUMNS: &'static [&'static str] = &["id", "layer", "editing", "you may"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.layer_id.to_string(),
            self.name.clone(),
            if self.editing_enabled { "on" } else { "off" }.to_owned(),
            self.permissions.line(),
        ]
    }
}

impl Check {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::Asked(asked) => ask(context, &asked).await,
            Self::Permissions { project } => permissions(context, &project).await,
        }
    }
}

async fn ask(context: &Context, asked: &Asked) -> Result<Report, Failure> {
    let client = &context.client;
    let message = CheckRequest {
        subject: Some(myself()),
        questions: vec![asked.question(client).await?],
        freshness: None,
    };
    let mut answer = call!(client, client.checks(), check, message);
    let view = DecisionView::from(answer.decisions.pop());
    Report::new(view.sentence(), &view)
}

async fn permissions(context: &Context, project: &Reference) -> Result<Report, Failure> {
    let client = &context.client;
    let project_id = resolve::project_id(client, project).await?;
    let (mut layers, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListEffectivePermissionsRequest {
            subject: Some(myself()),
            page_size: 1000,
            page_token,
            freshness: None,
            layers: Some(Layers::ProjectId(project_id)),
        };
        let page = call!(client, client.checks(), list_effective_permissions, message);
        layers.extend(page.layers.into_iter().map(PermissionsView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&layers);
        }
    }
}
