//! Groups and their members.

use clap::{Args, Subcommand};
use jmap_proto::authorization::{
    CreateGroupRequest, DeleteGroupRequest, Group, ListGroupMembersRequest, ListGroupsRequest,
    UpdateGroupMembersRequest, UpdateGroupRequest,
};
use prost_types::FieldMask;
use serde::Serialize;
use serde_json::json;

use crate::{
    client::call,
    command::{Context, Direction, request_id, users::UserView},
    error::Failure,
    output::{Report, View},
    resolve::{self, Reference},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl groups create editors --description 'who keeps the layers up to date'
  jmapctl groups add editors ana ben
  jmapctl groups members editors";

/// Manage groups and their members
#[derive(Debug, Subcommand)]
pub(crate) enum Groups {
    /// Create a group
    Create {
        /// The name
        name: String,
        /// What the group is for
        #[arg(long, default_value = "", hide_default_value = true)]
        description: String,
    },
    /// List the groups
    List,
    /// Give a group another name
    Rename {
        /// Name or id
        group: Reference,
        /// The new name
        name: String,
    },
    /// Say what a group is for
    Describe {
        /// Name or id
        group: Reference,
        /// What it is for; "" for nothing
        description: String,
    },
    /// Delete a group; its grants become ineffective at once
    Delete {
        /// Name or id
        group: Reference,
    },
    /// List the members of a group
    Members {
        /// Name or id
        group: Reference,
    },
    /// Add users to a group
    Add(Members),
    /// Remove users from a group
    Remove(Members),
}

/// Users of a group
#[derive(Args, Debug)]
pub(crate) struct Members {
    /// Name or id
    group: Reference,
    /// Names or ids
    #[arg(required = true)]
    users: Vec<Reference>,
}

/// A group as it is shown.
#[derive(Debug, Serialize)]
struct GroupView {
    group_id: i64,
    name: String,
    description: String,
    revision: i64,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        let Group {
            group_id,
            name,
            description,
            revision,
        } = group;
        Self {
            group_id,
            name,
            description,
            revision,
        }
    }
}

impl View for GroupView {
    const COLUMNS: &'static [&'static str] = &["id", "name", "description"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.group_id.to_string(),
            self.name.clone(),
            self.description.clone(),
        ]
    }
}

impl Groups {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::Create { name, description } => create(context, name, description).await,
            Self::List => list(context).await,
            Self::Rename { group, name } => {
                let group = Group {
                    group_id: resolve::group_id(&context.client, &group).await?,
                    name,
                    ..Default::default()
                };
                update(context, group, "name", "renamed").await
            }
            Self::Describe { group, description } => {
                let group = Group {
                    group_id: resolve::group_id(&context.client, &group).await?,
                    description,
                    ..Default::default()
                };
                update(context, group, "description", "described").await
            }
            Self::Delete { group } => delete(context, &group).await,
            Self::Members { group } => members(context, &group).await,
            Self::Add(members) => members.change(context, Direction::Give).await,
            Self::Remove(members) => members.change(context, Direction::Take).await,
        }
    }
}

async fn create(context: &Context, name: String, description: String) -> Result<Report, Failure> {
    let client = &context.client;
    let group = Group {
        name,
        description,
        ..Default::default()
    };
    let message = CreateGroupRequest {
        group: Some(group),
        request_id: request_id(),
    };
    shown(
        call!(client, client.directory(), create_group, message).group,
        "created",
    )
}

fn shown(group: Option<Group>, done: &str) -> Result<Report, Failure> {
    let group = group.ok_or_else(|| Failure::incomplete("a group"))?;
    let text = format!("{done} group {} with id {}", group.name, group.group_id);
    Report::new(text, &GroupView::from(group))
}

async fn list(context: &Context) -> Result<Report, Failure> {
    let client = &context.client;
    let (mut groups, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListGroupsRequest {
            page_size: 1000,
            page_token,
        };
        let page = call!(client, client.directory(), list_groups, message);
        groups.extend(page.groups.into_iter().map(GroupView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&groups);
        }
    }
}

/// Changes one field of a group.
async fn update(
    context: &Context,
    group: Group,
    field: &str,
    done: &'static str,
) -> Result<Report, Failure> {
    let client = &context.client;
    let message = UpdateGroupRequest {
        group: Some(group),
        update_mask: Some(FieldMask {
            paths: vec![field.to_owned()],
        }),
    };
    shown(
        call!(client, client.directory(), update_group, message).group,
        done,
    )
}

async fn delete(context: &Context, group: &Reference) -> Result<Report, Failure> {
    let client = &context.client;
    let group_id = resolve::group_id(client, group).await?;
    call!(
        client,
        client.directory(),
        delete_group,
        DeleteGroupRequest { group_id }
    );
    Report::new(
        format!("deleted group {group_id}"),
        &json!({"group_id": group_id}),
    )
}

async fn members(context: &Context, group: &Reference) -> Result<Report, Failure> {
    let client = &context.client;
    let group_id = resolve::group_id(client, group).await?;
    let (mut users, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListGroupMembersRequest {
            group_id,
            page_size: 1000,
            page_token,
        };
        let page = call!(client, client.directory(), list_group_members, message);
        users.extend(page.users.into_iter().map(UserView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&users);
        }
    }
}

impl Members {
    async fn change(self, context: &Context, direction: Direction) -> Result<Report, Failure> {
        let client = &context.client;
        let group_id = resolve::group_id(client, &self.group).await?;
        let mut user_ids = Vec::new();
        for user in &self.users {
            user_ids.push(resolve::user_id(client, user).await?);
        }
        let text = match direction {
            Direction::Give => format!("added {} to group {group_id}", counted(user_ids.len())),
            Direction::Take => format!("removed {} from group {group_id}", counted(user_ids.len())),
        };
        let value = json!({"group_id": group_id, "user_ids": user_ids});
        let (add_user_ids, remove_user_ids) = direction.split(user_ids);
        let message = UpdateGroupMembersRequest {
            group_id,
            add_user_ids,
            remove_user_ids,
        };
        call!(client, client.directory(), update_group_members, message);
        Report::new(text, &value)
    }
}

fn counted(users: usize) -> String {
    match users {
        1 => "1 user".to_owned(),
        _ => format!("{users} users"),
    }
}
