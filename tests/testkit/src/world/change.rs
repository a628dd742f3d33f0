//! What can happen in a world, besides edits.

use serde::Deserialize;

use super::{Global, Grant, Outcome, ProjectRight, Right, ViewWord};

/// Somebody does something of the administration plane.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Who; the administrator unless said.
    #[serde(default = "Change::administrator")]
    pub by: String,
    /// What.
    #[serde(with = "serde_yaml_ng::with::singleton_map")]
    pub does: Act,
    /// What becomes of it.
    #[serde(default)]
    pub result: Outcome,
}

impl Change {
    fn administrator() -> String {
        "administrator".to_owned()
    }
}

/// An act of the administration plane.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Add permissions to a row, and set its option.
    Grant(Grant),
    /// Take permissions from a row.
    Revoke(Withdrawal),
    /// Grant a right on a project.
    GrantProject(ProjectGrant),
    /// Revoke a right on a project.
    RevokeProject(ProjectGrant),
    /// Grant global permissions.
    GrantGlobal(Global),
    /// Enable or disable editing.
    Editing(Switch),
    /// Put an account into a group.
    Join(Member),
    /// Take an account out of a group.
    Leave(Member),
    /// Enable an account.
    Enable(String),
    /// Disable an account.
    Disable(String),
    /// Create an account of that name.
    CreateUser(String),
    /// Delete an account.
    DeleteUser(String),
    /// Create a group of that name.
    CreateGroup(String),
    /// Delete a group.
    DeleteGroup(String),
    /// Create a project of that name.
    CreateProject(String),
    /// Delete a project, repeating its name.
    DeleteProject(String),
    /// Create a layer.
    CreateLayer(Registration),
    /// Delete a layer.
    DeleteLayer(Removal),
}

/// Permissions to take from a row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// The layer.
    pub layer: String,
    /// A user or group.
    pub from: String,
    /// The permissions.
    pub take: Vec<Right>,
}

/// A right of a principal on a project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectGrant {
    /// The project.
    pub project: String,
    /// A user or group.
    pub principal: String,
    /// The right.
    pub right: ProjectRight,
}

/// The editing switch of a layer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// The layer.
    pub layer: String,
    /// Whether editing is enabled.
    pub enabled: bool,
}

/// An account and a group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The account.
    pub user: String,
    /// The group.
    pub group: String,
}

/// A layer that is created.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Its name.
    pub layer: String,
    /// Its project.
    #[serde(rename = "in")]
    pub project: String,
    /// Who views it from the start.
    #[serde(default)]
    pub view: ViewWord,
}

/// A layer that is deleted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// The layer.
    pub layer: String,
    /// The name that is repeated; the layer's unless said.
    pub confirm: Option<String>,
}
