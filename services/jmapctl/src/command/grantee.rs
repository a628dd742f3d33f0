//! Principals as they are shown: with their kind, id and name.

use std::collections::HashMap;

use jmap_proto::{
    authorization::{GetUserRequest, ListGroupsRequest, get_user_request},
    types::{Principal, principal},
};
use serde::Serialize;

use crate::{
    client::{Client, call},
    error::Failure,
};

/// A user or group as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Grantee {
    kind: &'static str,
    id: i64,
    name: String,
}

impl Grantee {
    /// With the name that the service told.
    pub(super) fn named(principal: Option<Principal>, name: String) -> Self {
        let (kind, id) = match principal.and_then(|principal| principal.principal) {
            Some(principal::Principal::UserId(id)) => ("user", id),
            Some(principal::Principal::GroupId(id)) => ("group", id),
            None => ("unknown", 0),
        };
        Self { kind, id, name }
    }

    /// As it is written on the command line.
    pub(super) fn written(&self) -> String {
        let Self { kind, id, name } = self;
        match (*kind, *id) {
            ("group", 3 | 4) | ("user", _) if !name.is_empty() => name.clone(),
            (kind, id) if name.is_empty() => format!("{kind}:{id}"),
            (kind, _) => format!("{kind}:{name}"),
        }
    }
}

/// Looks names up, each once. Those whom the caller may not look up are shown by their ids.
#[derive(Debug, Default)]
pub(super) struct Names {
    users: HashMap<i64, String>,
    groups: Option<HashMap<i64, String>>,
}

impl Names {
    /// The principal with its name.
    pub(super) async fn of(&mut self, client: &Client, principal: Option<Principal>) -> Grantee {
        let name = match principal.and_then(|principal| principal.principal) {
            Some(principal::Principal::UserId(id)) => self.user(client, id).await,
            Some(principal::Principal::GroupId(id)) => self.group(client, id).await,
            None => String::new(),
        };
        Grantee::named(principal, name)
    }

    async fn user(&mut self, client: &Client, id: i64) -> String {
        if let Some(name) = self.users.get(&id) {
            return name.clone();
        }
        let name = user_name(client, id).await.unwrap_or_default();
        self.users.insert(id, name.clone());
        name
    }

    async fn group(&mut self, client: &Client, id: i64) -> String {
        match id {
            3 => return "everyone".to_owned(),
            4 => return "authenticated".to_owned(),
            _ => {}
        }
        if self.groups.is_none() {
            self.groups = Some(group_names(client).await.unwrap_or_default());
        }
        let name = self.groups.as_ref().and_then(|names| names.get(&id));
        name.cloned().unwrap_or_default()
    }
}

async fn user_name(client: &Client, id: i64) -> Result<String, Failure> {
    let message = GetUserRequest {
        user: Some(get_user_request::User::UserId(id)),
    };
    let answer = call!(client, client.directory(), get_user, message);
    Ok(answer.user.unwrap_or_default().name)
}

async fn group_names(client: &Client) -> Result<HashMap<i64, String>, Failure> {
    let (mut names, mut page_token) = (HashMap::new(), String::new());
    loop {
        let message = ListGroupsRequest {
            page_size: 1000,
            page_token,
        };
        let page = call!(client, client.directory(), list_groups, message);
        names.extend(
            page.groups
                .into_iter()
                .map(|group| (group.group_id, group.name)),
        );
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(names);
        }
    }
}
