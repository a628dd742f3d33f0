//! Permissions on layers.

mod candidates;
mod tables;

use clap::{Args, Subcommand};
use jmap_proto::{
    authorization::{
        GetLayerPermissionsRequest, LayerGrantRow, LayerGrantsDelta, LayerPermissionsChange,
        UpdateLayerPermissionsRequest, layer_permissions_change::Change as TableChange,
    },
    types::LayerGrant,
};
use serde::Serialize;
use serde_json::json;

use crate::{
    client::call,
    command::{Context, Direction, grantee::Grantee, listed},
    error::Failure,
    output::{Report, View},
    resolve::{self, LayerReference, PrincipalReference},
    words::{LayerWord, layer_word, layer_words, plain_word},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl grants show Atlas/cities
  jmapctl grants grant ana add,modify,delete --on Atlas/cities
  jmapctl grants grant group:visitors modify,delete --only-own --on Atlas/cities --on Atlas/rivers
  jmapctl grants revoke everyone view --on Atlas/cities
  jmapctl grants candidates Atlas/cities --search ana
  jmapctl grants tables Atlas/cities Atlas/rivers
  jmapctl grants set --on Atlas/cities --revision 17 --grant everyone=view --grant ana=add,modify,only-own

Several layers are changed in one call, all or none; what is not mentioned stays. `set` puts a whole table in place of
the present one; with --revision (which `tables` shows) it is refused when somebody else changed the table since.";

/// Manage the permissions on layers
#[derive(Debug, Subcommand)]
pub(crate) enum Grants {
    /// Show who is granted what on a layer, and what of it is ineffective now
    Show {
        /// PROJECT/LAYER, @me/LAYER or id
        layer: LayerReference,
    },
    /// Show the tables of several layers at once, with their revisions
    Tables {
        /// PROJECT/LAYER, @me/LAYER or id
        #[arg(required = true)]
        layers: Vec<LayerReference>,
    },
    /// List who may be granted permissions on a layer, and which
    Candidates {
        /// PROJECT/LAYER, @me/LAYER or id
        layer: LayerReference,
        /// What the name must hold
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            value_name = "TEXT"
        )]
        search: String,
    },
    /// Replace the whole tables of layers
    Set(tables::Replace),
    /// Grant permissions to a user or group
    Grant {
        #[command(flatten)]
        change: Change,
        /// Let modifying and deleting reach only elements that the user created
        #[arg(long)]
        only_own: bool,
    },
    /// Revoke permissions of a user or group
    Revoke {
        #[command(flatten)]
        change: Change,
    },
}

/// Permissions of a user or group on layers
#[derive(Args, Debug)]
pub(crate) struct Change {
    /// A user's name or id, group:NAME, everyone or authenticated
    principal: PrincipalReference,
    /// The permissions
    #[arg(required = true, value_enum, value_delimiter = ',')]
    permissions: Vec<LayerWord>,
    /// The layer, as PROJECT/LAYER, @me/LAYER or id; may be repeated
    #[arg(long = "on", required = true, value_name = "LAYER")]
    layers: Vec<LayerReference>,
}

/// A row of a permission table as it is shown.
#[derive(Debug, Serialize)]
struct GrantView {
    principal: Grantee,
    permissions: Vec<String>,
    only_own: bool,
    ineffective: Vec<IneffectiveView>,
}

#[derive(Debug, Serialize)]
struct IneffectiveView {
    permission: String,
    reason: String,
}

impl From<LayerGrantRow> for GrantView {
    fn from(row: LayerGrantRow) -> Self {
        let LayerGrantRow {
            grant,
            principal_name,
            ineffective,
        } = row;
        let grant = grant.unwrap_or_default();
        let ineffective = ineffective.into_iter().map(|entry| IneffectiveView {
            permission: layer_word(entry.permission),
            reason: plain_word(entry.reason().as_str_name(), "INEFFECTIVE_REASON_"),
        });
        Self {
            principal: Grantee::named(grant.principal, principal_name),
            permissions: layer_words(&grant.permissions),
            only_own: grant.only_own,
            ineffective: ineffective.collect(),
        }
    }
}

impl View for GrantView {
    const COLUMNS: &'static [&'static str] = &["who", "permissions", "only own", "ineffective now"];
    fn cells(&self) -> Vec<String> {
        let ineffective = self.ineffective.iter();
        let ineffective =
            ineffective.map(|entry| format!("{}: {}", entry.permission, entry.reason));
        vec![
            self.principal.written(),
            listed(&self.permissions),
            if self.only_own { "yes" } else { "no" }.to_owned(),
            listed(&ineffective.collect::<Vec<_>>()),
        ]
    }
}

impl Grants {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::Show { layer } => show(context, &layer).await,
            Self::Tables { layers } => tables::show(context, &layers).await,
            Self::Candidates { layer, search } => candidates::list(context, &layer, search).await,
            Self::Set(replace) => replace.run(context).await,
            Self::Grant { change, only_own } => {
                let permissions = change.grant(context, only_own).await?;
                change.send(context, Direction::Give, permissions).await
            }
            Self::Revoke { change } => {
                let permissions = change.grant(context, false).await?;
                change.send(context, Direction::Take, permissions).await
            }
        }
    }
}

async fn show(context: &Context, layer: &LayerReference) -> Result<Report, Failure> {
    let client = &context.client;
    let message = GetLayerPermissionsRequest {
        layer_id: resolve::layer_id(client, layer).await?,
    };
    let answer = call!(
        client,
        client.registrations(),
        get_layer_permissions,
        message
    );
    let rows: Vec<_> = answer.rows.into_iter().map(GrantView::from).collect();
    Report::list(&rows)
}

impl Change {
    async fn grant(&self, context: &Context, only_own: bool) -> Result<LayerGrant, Failure> {
        let permissions = self.permissions.iter().map(|word| word.permission().into());
        Ok(LayerGrant {
            principal: Some(resolve::principal(&context.client, &self.principal).await?),
            permissions: permissions.collect(),
            only_own,
        })
    }

    async fn send(
        &self,
        context: &Context,
        direction: Direction,
        grant: LayerGrant,
    ) -> Result<Report, Failure> {
        let client = &context.client;
        let mut changes = Vec::new();
        for layer in &self.layers {
            let layer_id = resolve::layer_id(client, layer).await?;
            let (add, remove) = direction.split(vec![grant.clone()]);
            changes.push(LayerPermissionsChange {
                layer_id,
                grants_revision: 0,
                change: Some(TableChange::Delta(LayerGrantsDelta { add, remove })),
            });
        }
        let verb = match direction {
            Direction::Give => "granted",
            Direction::Take => "revoked",
        };
        let words = listed(&layer_words(&grant.permissions));
        let done = format!("{verb} {words} on {}", counted(changes.len()));
        update(context, changes, done).await
    }
}

/// Changes tables, all or none, and tells their new revisions.
async fn update(
    context: &Context,
    changes: Vec<LayerPermissionsChange>,
    done: String,
) -> Result<Report, Failure> {
    let client = &context.client;
    let layer_ids: Vec<i64> = changes.iter().map(|change| change.layer_id).collect();
    let message = UpdateLayerPermissionsRequest { changes };
    let answer = call!(
        client,
        client.registrations(),
        update_layer_permissions,
        message
    );
    let value = json!({"layer_ids": layer_ids, "grants_revisions": answer.grants_revisions});
    Report::new(done, &value)
}

fn counted(layers: usize) -> String {
    match layers {
        1 => "1 layer".to_owned(),
        _ => format!("{layers} layers"),
    }
}
