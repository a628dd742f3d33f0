//! Names or ids: wherever a user, group, project or layer is wanted, people give either.

use std::{convert::Infallible, str::FromStr};

use jmap_domain::{GroupId, UserId};
use jmap_proto::{
    authorization::{
        GetCallerRequest, GetGroupRequest, GetProjectRequest, GetUserRequest,
        ListEffectivePermissionsRequest, ListLayerRegistrationsRequest,
        ListOwnPersonalLayersRequest, Project, SelfSubject, Subject, User, get_group_request,
        get_project_request, get_user_request, list_effective_permissions_request::Layers, subject,
    },
    types::{Principal, principal},
};

use crate::{
    client::{Client, call},
    error::{Failure, Kind},
};

/// A thing by its id or by its name. What consists of digits is an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// By id.
    Id(i64),
    /// By name.
    Name(String),
}

impl From<&str> for Reference {
    fn from(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Name(text.to_owned()), Self::Id)
    }
}

impl FromStr for Reference {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

/// Where a layer is: its project and its name there, as `Atlas/cities`; `@me/walks` is one's own personal layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerPath {
    /// The project.
    pub(crate) project: Reference,
    /// The layer's name.
    pub(crate) name: String,
}

impl FromStr for LayerPath {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((project, name)) if !project.is_empty() && !name.is_empty() => Ok(Self {
                project: project.into(),
                name: name.to_owned(),
            }),
            Some(_) | None => Err(format!("`{text}` is not written as PROJECT/LAYER")),
        }
    }
}

/// A layer by its id, or by its name in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LayerReference {
    /// By id.
    Id(i64),
    /// By the project and the name in it.
    Path(LayerPath),
}

impl FromStr for LayerReference {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => text
                .parse()
                .map(Self::Path)
                .map_err(|error: String| format!("{error}, and is no id")),
        }
    }
}

/// A user or a group: `ana` or `user:ana`, `group:editors`, `everyone`, `authenticated`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PrincipalReference {
    /// A user.
    User(Reference),
    /// A group.
    Group(Reference),
}

impl From<&str> for PrincipalReference {
    fn from(text: &str) -> Self {
        match (text.strip_prefix("user:"), text.strip_prefix("group:")) {
            (Some(user), _) => Self::User(user.into()),
            (None, Some(group)) => Self::Group(group.into()),
            (None, None) if special_group(text).is_some() => Self::Group(text.into()),
            (None, None) => Self::User(text.into()),
        }
    }
}

impl FromStr for PrincipalReference {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

fn special_group(name: &str) -> Option<i64> {
    match name {
        "everyone" => Some(GroupId::EVERYONE.get()),
        "authenticated" => Some(GroupId::AUTHENTICATED.get()),
        _ => None,
    }
}

/// The user.
pub(crate) async fn user(client: &Client, reference: &Reference) -> Result<User, Failure> {
    let user = match reference {
        Reference::Id(id) => get_user_request::User::UserId(*id),
        Reference::Name(name) => get_user_request::User::Name(name.clone()),
    };
    let message = GetUserRequest { user: Some(user) };
    let answer = call!(client, client.directory(), get_user, message);
    answer.user.ok_or_else(|| Failure::incomplete("a user"))
}

/// The user's id; given as an id, it is not looked up.
pub(crate) async fn user_id(client: &Client, reference: &Reference) -> Result<i64, Failure> {
    match reference {
        Reference::Id(id) => Ok(*id),
        Reference::Name(name) if name == "administrator" => Ok(UserId::ADMINISTRATOR.get()),
        Reference::Name(name) if name == "anonymous" => Ok(UserId::ANONYMOUS.get()),
        Reference::Name(_) => Ok(user(client, reference).await?.user_id),
    }
}

/// The group's id; given as an id, it is not looked up.
pub(crate) async fn group_id(client: &Client, reference: &Reference) -> Result<i64, Failure> {
    let name = match reference {
        Reference::Id(id) => return Ok(*id),
        Reference::Name(name) => name,
    };
    if let Some(id) = special_group(name) {
        return Ok(id);
    }
    let message = GetGroupRequest {
        group: Some(get_group_request::Group::Name(name.clone())),
    };
    let answer = call!(client, client.directory(), get_group, message);
    let group = answer.group.ok_or_else(|| Failure::incomplete("a group"))?;
    Ok(group.group_id)
}

/// The user or group as the contract names it.
pub(crate) async fn principal(
    client: &Client,
    reference: &PrincipalReference,
) -> Result<Principal, Failure> {
    let principal = match reference {
        PrincipalReference::User(user) => {
            principal::Principal::UserId(user_id(client, user).await?)
        }
        PrincipalReference::Group(group) => {
            principal::Principal::GroupId(group_id(client, group).await?)
        }
    };
    Ok(Principal {
        principal: Some(principal),
    })
}

/// The project.
pub(crate) async fn project(client: &Client, reference: &Reference) -> Result<Project, Failure> {
    let project = match reference {
        Reference::Id(id) => get_project_request::Project::ProjectId(*id),
        Reference::Name(name) => get_project_request::Project::Name(name.clone()),
    };
    let message = GetProjectRequest {
        project: Some(project),
    };
    let answer = call!(client, client.projects(), get_project, message);
    answer
        .project
        .ok_or_else(|| Failure::incomplete("a project"))
}

/// The project's id; given as an id, it is not looked up.
pub(crate) async fn project_id(client: &Client, reference: &Reference) -> Result<i64, Failure> {
    match reference {
        Reference::Id(id) => Ok(*id),
        Reference::Name(_) => Ok(project(client, reference).await?.project_id),
    }
}

/// The layer's id; given as an id, it is not looked up. By name it is found among the layers that the caller can
/// view, and otherwise among those that the caller administers.
pub(crate) async fn layer_id(client: &Client, reference: &LayerReference) -> Result<i64, Failure> {
    let path = match reference {
        LayerReference::Id(id) => return Ok(*id),
        LayerReference::Path(path) => path,
    };
    if path.project == Reference::Name(OWN.to_owned()) {
        return own_layer(client, &path.name).await;
    }
    let project = project_id(client, &path.project).await?;
    if let Some(id) = visible_layer(client, project, &path.name).await? {
        return Ok(id);
    }
    match registered_layer(client, project, &path.name).await {
        Ok(Some(id)) => Ok(id),
        Err(failure) if !matches!(failure.kind, Kind::Refused | Kind::NotFound) => Err(failure),
        Ok(None) | Err(_) => Err(no_layer(&path.name)),
    }
}

/// What is written before the name of one's own personal layer.
const OWN: &str = "@me";

/// One's own personal layer of that name.
async fn own_layer(client: &Client, name: &str) -> Result<i64, Failure> {
    let mut page_token = String::new();
    loop {
        let message = ListOwnPersonalLayersRequest {
            page_size: 10_000,
            page_token,
        };
        let page = call!(client, client.personal(), list_own_personal_layers, message);
        let found = page
            .layers
            .iter()
            .find(|layer| same_name(&layer.name, name));
        if let Some(layer) = found {
            return Ok(layer.layer_id);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            let failure = Failure::not_found(format!("you own no personal layer `{name}`"));
            return Err(failure.hint("`jmapctl personal list` shows yours"));
        }
    }
}

fn no_layer(name: &str) -> Failure {
    Failure::not_found(format!(
        "there is no layer `{name}` in the project that you may view"
    ))
    .hint("`jmapctl layers list PROJECT` shows them; an administrator of the project can grant `view`")
}

async fn visible_layer(client: &Client, project: i64, name: &str) -> Result<Option<i64>, Failure> {
    let mut page_token = String::new();
    loop {
        let message = ListEffectivePermissionsRequest {
            subject: Some(myself()),
            page_size: 10_000,
            page_token,
            freshness: None,
            layers: Some(Layers::ProjectId(project)),
        };
        let page = call!(client, client.checks(), list_effective_permissions, message);
        if let Some(layer) = page
            .layers
            .iter()
            .find(|layer| same_name(&layer.name, name))
        {
            return Ok(Some(layer.layer_id));
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(None);
        }
    }
}

async fn registered_layer(
    client: &Client,
    project: i64,
    name: &str,
) -> Result<Option<i64>, Failure> {
    let mut page_token = String::new();
    loop {
        let message = ListLayerRegistrationsRequest {
            project_id: project,
            page_size: 10_000,
            page_token,
        };
        let page = call!(
            client,
            client.registrations(),
            list_layer_registrations,
            message
        );
        if let Some(layer) = page
            .layers
            .iter()
            .find(|layer| same_name(&layer.name, name))
        {
            return Ok(Some(layer.layer_id));
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(None);
        }
    }
}

/// The caller's own account; 0 when nobody is signed in.
pub(crate) async fn own_user_id(client: &Client) -> Result<i64, Failure> {
    let answer = call!(client, client.sessions(), get_caller, GetCallerRequest {});
    Ok(answer.session.unwrap_or_default().user_id)
}

/// The caller, as the subject of a question.
pub(crate) const fn myself() -> Subject {
    Subject {
        end_user_assertion: String::new(),
        subject: Some(subject::Subject::Self_(SelfSubject {})),
    }
}

/// Names are unique whatever the case, so at most one matches.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Reference {
        Reference::Name(text.to_owned())
    }

    #[test]
    fn digits_are_an_id_and_all_else_is_a_name() {
        assert_eq!(Reference::from("17"), Reference::Id(17));
        assert_eq!(Reference::from("17b"), name("17b"));
        assert_eq!(Reference::from("Ana Maria"), name("Ana Maria"));
    }

    #[test]
    fn a_layer_is_an_id_or_a_name_in_a_project() {
        let path = |project, layer: &str| {
            LayerReference::Path(LayerPath {
                project,
                name: layer.to_owned(),
            })
        };
        assert_eq!("17".parse(), Ok(LayerReference::Id(17)));
        assert_eq!("Atlas/cities".parse(), Ok(path(name("Atlas"), "cities")));
        assert_eq!("3/a/b".parse(), Ok(path(Reference::Id(3), "a/b")));
        for wrong in ["cities", "/cities", "Atlas/", ""] {
            assert!(wrong.parse::<LayerReference>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_principal_is_a_user_unless_it_says_group_or_is_a_special_one() {
        use PrincipalReference::{Group, User};
        assert_eq!(PrincipalReference::from("ana"), User(name("ana")));
        assert_eq!(
            PrincipalReference::from("user:everyone"),
            User(name("everyone"))
        );
        assert_eq!(PrincipalReference::from("group:7"), Group(Reference::Id(7)));
        assert_eq!(
            PrincipalReference::from("everyone"),
            Group(name("everyone"))
        );
        assert_eq!(
            PrincipalReference::from("anonymous"),
            User(name("anonymous"))
        );
    }

    #[test]
    fn names_match_whatever_the_case() {
        // R26.
        assert!(same_name("Éditeurs", "éditeurs") && !same_name("a", "b"));
    }
}
