//! The permission report: all that a user or group holds, as a table, as JSON or as CSV.

use clap::Args;
use jmap_domain::UserId;
use jmap_proto::{
    authorization::{
        HeldGlobalPermissions, HeldLayerPermissions, HeldProjectPermissions, IneffectivePermission,
        ReportEntry, ReportPermissionsRequest, report_entry::Held,
    },
    types::{Principal, principal},
};
use serde::Serialize;

use crate::{
    client::{Client, each},
    command::{Context, as_of::AsOf, grantee::Grantee, listed, supposition::Supposing},
    error::Failure,
    output::{Report, View, comma_separated},
    resolve::{self, PrincipalReference},
    words::{global_words, layer_word, layer_words, plain_word, project_words},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl report                                your own permissions
  jmapctl report ana                            as an administrator
  jmapctl report group:editors --csv > editors.csv
  jmapctl report ana --as-of 2026-11-17T12:00Z   what ana held then
  jmapctl report ana --suppose 'leave ana editors'

About others you are told what concerns the resources that you administer.";

/// Report permissions
#[derive(Args, Debug)]
pub(crate) struct Reporting {
    /// A user's name or id, group:NAME, everyone or authenticated; yourself when left out
    principal: Option<PrincipalReference>,
    /// Write comma-separated values
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    as_of: AsOf,
    #[command(flatten)]
    supposing: Supposing,
}

/// An entry as it is shown.
#[derive(Debug, Serialize)]
struct EntryView {
    kind: &'static str,
    id: i64,
    name: String,
    project_id: i64,
    permissions: Vec<String>,
    only_own: bool,
    path: String,
    holder: Grantee,
    ineffective: Vec<String>,
}

impl From<ReportEntry> for EntryView {
    fn from(entry: ReportEntry) -> Self {
        let path = plain_word(entry.path().as_str_name(), "GRANT_PATH_");
        let blank = Self {
            kind: "unknown",
            id: 0,
            name: String::new(),
            project_id: 0,
            permissions: Vec::new(),
            only_own: false,
            path,
            holder: Grantee::named(entry.holder, entry.holder_name),
            ineffective: Vec::new(),
        };
        match entry.held {
            Some(Held::Globals(held)) => blank.of_globals(&held),
            Some(Held::Project(held)) => blank.of_project(held),
            Some(Held::Layer(held)) => blank.of_layer(held),
            None => blank,
        }
    }
}

impl EntryView {
    fn of_globals(self, held: &HeldGlobalPermissions) -> Self {
        Self {
            kind: "global",
            permissions: global_words(&held.permissions),
            ..self
        }
    }

    fn of_project(self, held: HeldProjectPermissions) -> Self {
        Self {
            kind: "project",
            id: held.project_id,
            name: held.name,
            permissions: project_words(&held.permissions),
            ..self
        }
    }

    fn of_layer(self, held: HeldLayerPermissions) -> Self {
        Self {
            kind: if held.project_id == 0 {
                "personal layer"
            } else {
                "layer"
            },
            id: held.layer_id,
            name: held.name,
            project_id: held.project_id,
            permissions: layer_words(&held.permissions),
            only_own: held.only_own,
            ineffective: held.ineffective.into_iter().map(asleep).collect(),
            ..self
        }
    }
}

/// A permission that gives nothing now, with the reason.
fn asleep(entry: IneffectivePermission) -> String {
    let reason = plain_word(entry.reason().as_str_name(), "INEFFECTIVE_REASON_");
    format!("{}: {reason}", layer_word(entry.permission))
}

impl View for EntryView {
    const COLUMNS: &'static [&'static str] = &[
        "kind",
        "id",
        "name",
        "permissions",
        "only own",
        "path",
        "held by",
        "ineffective now",
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.kind.to_owned(),
            match self.id {
                0 => "-".to_owned(),
                id => id.to_string(),
            },
            self.name.clone(),
            listed(&self.permissions),
            if self.only_own { "yes" } else { "no" }.to_owned(),
            self.path.clone(),
            self.holder.written(),
            listed(&self.ineffective),
        ]
    }
}

impl Reporting {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let message = ReportPermissionsRequest {
            principal: Some(self.principal(client).await?),
            freshness: self.as_of.freshness(),
            supposing: self.supposing.resolve(client).await?,
            ..ReportPermissionsRequest::default()
        };
        let (mut entries, mut token) = (Vec::new(), String::new());
        each!(
            client,
            client.lookups(),
            report_permissions,
            message,
            |part| {
                entries.extend(part.entries.into_iter().map(EntryView::from));
                token = part.policy_token;
            }
        );
        if self.csv {
            return Report::new(comma_separated(&entries)?, &entries);
        }
        Ok(self.as_of.headed(Report::list(&entries)?, &token))
    }

    async fn principal(&self, client: &Client) -> Result<Principal, Failure> {
        if let Some(principal) = &self.principal {
            return resolve::principal(client, principal).await;
        }
        let user_id = match resolve::own_user_id(client).await? {
            0 => UserId::ANONYMOUS.get(),
            user_id => user_id,
        };
        Ok(Principal {
            principal: Some(principal::Principal::UserId(user_id)),
        })
    }
}

#[cfg(test)]
mod tests {
    use jmap_proto::types::Permission;

    use super::*;

    #[test]
    fn a_report_is_written_as_comma_separated_values() {
        // R19.
        let held = HeldLayerPermissions {
            layer_id: 7,
            name: "roads, old".to_owned(),
            project_id: 3,
            permissions: vec![Permission::View.into(), Permission::AddElements.into()],
            ..HeldLayerPermissions::default()
        };
        let entry = ReportEntry {
            path: 2,
            holder: Some(Principal {
                principal: Some(principal::Principal::GroupId(9)),
            }),
            holder_name: "team".to_owned(),
            held: Some(Held::Layer(held)),
        };
        let text = comma_separated(&[EntryView::from(entry)]).unwrap();
        assert_eq!(
            text,
            "kind,id,name,permissions,only own,path,held by,ineffective now\n\
             layer,7,\"roads, old\",\"view, add\",no,group,group:team,-\n"
        );
    }
}
