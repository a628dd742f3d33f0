//! Permissions that belong to no project.

use clap::{Args, Subcommand};
use jmap_proto::authorization::{ListGlobalPermissionsRequest, UpdateGlobalPermissionsRequest};
use serde::Serialize;

use crate::{
    client::call,
    command::{
        Context, Direction,
        grantee::{Grantee, Names},
        listed,
    },
    error::Failure,
    output::{Report, View},
    resolve::{self, PrincipalReference},
    words::{GlobalWord, global_words},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl permissions list
  jmapctl permissions grant ana create-projects
  jmapctl permissions revoke group:planners create-personal-layers";

/// Manage permissions that belong to no project
#[derive(Debug, Subcommand)]
pub(crate) enum Permissions {
    /// List who holds which
    List,
    /// Grant permissions to a user or group
    Grant(Change),
    /// Revoke permissions of a user or group
    Revoke(Change),
}

/// Permissions of a user or group
#[derive(Args, Debug)]
pub(crate) struct Change {
    /// A user's name or id, or group:NAME
    principal: PrincipalReference,
    /// The permissions
    #[arg(required = true, value_enum, value_delimiter = ',')]
    permissions: Vec<GlobalWord>,
}

/// The permissions of one principal as they are shown.
#[derive(Debug, Serialize)]
struct GlobalGrantView {
    principal: Grantee,
    permissions: Vec<String>,
}

impl View for GlobalGrantView {
    const COLUMNS: &'static [&'static str] = &["who", "permissions"];
    fn cells(&self) -> Vec<String> {
        vec![self.principal.written(), listed(&self.permissions)]
    }
}

impl Permissions {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::List => list(context).await,
            Self::Grant(change) => change.send(context, Direction::Give).await,
            Self::Revoke(change) => change.send(context, Direction::Take).await,
        }
    }
}

async fn list(context: &Context) -> Result<Report, Failure> {
    let client = &context.client;
    let message = ListGlobalPermissionsRequest {};
    let answer = call!(client, client.directory(), list_global_permissions, message);
    let (mut names, mut views) = (Names::default(), Vec::new());
    for grant in answer.grants {
        views.push(GlobalGrantView {
            principal: names.of(client, grant.principal).await,
            permissions: global_words(&grant.permissions),
        });
    }
    Report::list(&views)
}

impl Change {
    async fn send(self, context: &Context, direction: Direction) -> Result<Report, Failure> {
        let client = &context.client;
        let principal = resolve::principal(client, &self.principal).await?;
        let permissions = self.permissions.iter().map(|word| word.permission().into());
        let (add, remove) = direction.split(permissions.collect());
        let message = UpdateGlobalPermissionsRequest {
            principal: Some(principal),
            add,
            remove,
        };
        call!(
            client,
            client.directory(),
            update_global_permissions,
            message
        );
        list(context).await
    }
}
