//! Whole permission tables: shown with their revisions, and replaced.

use clap::Args;
use jmap_proto::authorization::{
    BatchGetLayerPermissionsRequest, LayerGrants, LayerPermissionTable, LayerPermissionsChange,
    layer_permissions_change::Change,
};
use serde::Serialize;

use super::{GrantView, counted, update};
use crate::{
    client::call,
    command::{Context, grant_spec::GrantSpec},
    error::Failure,
    output::{Report, View, rows},
    resolve::{self, LayerReference},
};

/// Replace whole tables
#[derive(Args, Debug)]
pub(crate) struct Replace {
    /// The layer, as PROJECT/LAYER, @me/LAYER or id; may be repeated
    #[arg(long = "on", required = true, value_name = "LAYER")]
    layers: Vec<LayerReference>,
    /// A row, as PRINCIPAL=PERMISSION,...[,only-own]; may be repeated. Without any the table is emptied
    #[arg(long = "grant", value_name = "GRANT")]
    grants: Vec<GrantSpec>,
    /// The revision of the table that you have seen; for several layers one for each, in their order
    #[arg(long = "revision", value_name = "NUMBER")]
    revisions: Vec<i64>,
}

/// A table as it is shown.
#[derive(Debug, Serialize)]
struct TableView {
    layer_id: i64,
    grants_revision: i64,
    rows: Vec<GrantView>,
}

impl From<LayerPermissionTable> for TableView {
    fn from(table: LayerPermissionTable) -> Self {
        Self {
            layer_id: table.layer_id,
            grants_revision: table.grants_revision,
            rows: table.rows.into_iter().map(GrantView::from).collect(),
        }
    }
}

impl TableView {
    fn text(&self) -> String {
        format!(
            "layer {}, revision {}\n{}",
            self.layer_id,
            self.grants_revision,
            rows(GrantView::COLUMNS, self.rows.iter().map(View::cells))
        )
    }
}

async fn layer_ids(context: &Context, layers: &[LayerReference]) -> Result<Vec<i64>, Failure> {
    let mut ids = Vec::new();
    for layer in layers {
        ids.push(resolve::layer_id(&context.client, layer).await?);
    }
    Ok(ids)
}

/// Shows tables as they are at one moment.
pub(super) async fn show(context: &Context, layers: &[LayerReference]) -> Result<Report, Failure> {
    let client = &context.client;
    let message = BatchGetLayerPermissionsRequest {
        layer_ids: layer_ids(context, layers).await?,
    };
    let answer = call!(
        client,
        client.registrations(),
        batch_get_layer_permissions,
        message
    );
    let tables: Vec<_> = answer.tables.into_iter().map(TableView::from).collect();
    let texts: Vec<_> = tables.iter().map(TableView::text).collect();
    Report::new(texts.join("\n\n"), &tables)
}

impl Replace {
    pub(super) async fn run(self, context: &Context) -> Result<Report, Failure> {
        if !self.revisions.is_empty() && self.revisions.len() != self.layers.len() {
            let problem = "--revision is wanted once for each layer, or not at all";
            return Err(Failure::usage(problem.to_owned()));
        }
        let mut grants = Vec::new();
        for grant in &self.grants {
            grants.push(grant.resolve(&context.client).await?);
        }
        let mut revisions = self.revisions.into_iter();
        let ids = layer_ids(context, &self.layers).await?;
        let changes = ids.into_iter().map(|layer_id| LayerPermissionsChange {
            layer_id,
            grants_revision: revisions.next().unwrap_or_default(),
            change: Some(Change::Replace(LayerGrants {
                grants: grants.clone(),
            })),
        });
        let changes: Vec<_> = changes.collect();
        let done = format!("set the table of {}", counted(changes.len()));
        update(context, changes, done).await
    }
}
