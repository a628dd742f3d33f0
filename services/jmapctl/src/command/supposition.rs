//! Changes that are supposed, as the command line states them.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use jmap_proto::{
    authorization::{
        LayerGrantsDelta, LayerPermissionsChange, ProjectGrantChange, ProposedAccountState,
        ProposedChange, ProposedEditing, ProposedGlobalPermissions, ProposedGroupMembers,
        ProposedProjectPermissions, layer_permissions_change::Change as TableChange,
        proposed_change::Change,
    },
    types::LayerGrant,
};

use crate::{
    client::Client,
    command::Direction,
    error::Failure,
    resolve::{self, LayerReference, PrincipalReference, Reference},
    words::{GlobalWord, LayerWord, ProjectWord},
};

/// What is to be supposed.
#[derive(Args, Debug)]
pub(crate) struct Supposing {
    /// A change to suppose, such as `grant ana add Atlas/cities`; may be repeated. `what-if --help` lists them all
    #[arg(long = "suppose", global = true, value_name = "CHANGE")]
    changes: Vec<Supposition>,
}

impl Supposing {
    /// The changes of the contract.
    pub(super) async fn resolve(&self, client: &Client) -> Result<Vec<ProposedChange>, Failure> {
        let mut changes = Vec::new();
        for change in &self.changes {
            changes.push(ProposedChange {
                change: Some(change.resolve(client).await?),
            });
        }
        Ok(changes)
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Supposition {
    Layer(
        Direction,
        PrincipalReference,
        Vec<LayerWord>,
        LayerReference,
    ),
    Project(Direction, PrincipalReference, Vec<ProjectWord>, Reference),
    Global(Direction, PrincipalReference, Vec<GlobalWord>),
    Member(Direction, Reference, Reference),
    Enabled(Reference, Switch),
    Editing(LayerReference, Switch),
    Delete(PrincipalReference),
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

impl FromStr for Supposition {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        use Direction::{Give, Take};
        let (verb, rest) = first(text);
        match verb {
            "grant" => on_layer(Give, rest),
            "revoke" => on_layer(Take, rest),
            "grant-project" => on_project(Give, rest),
            "revoke-project" => on_project(Take, rest),
            "grant-global" => globally(Give, rest),
            "revoke-global" => globally(Take, rest),
            "join" => member(Give, rest),
            "leave" => member(Take, rest),
            "enable" => Ok(Self::Enabled(last(rest)?.into(), Switch::On)),
            "disable" => Ok(Self::Enabled(last(rest)?.into(), Switch::Off)),
            "editing-on" => Ok(Self::Editing(last(rest)?.parse()?, Switch::On)),
            "editing-off" => Ok(Self::Editing(last(rest)?.parse()?, Switch::Off)),
            "delete" => Ok(Self::Delete(last(rest)?.into())),
            _ => Err(format!("`{verb}` is no change that can be supposed")),
        }
    }
}

fn on_layer(direction: Direction, text: &str) -> Result<Supposition, String> {
    let (principal, rest) = first(text);
    let (permissions, layer) = first(rest);
    let (permissions, layer) = (words(permissions)?, last(layer)?.parse()?);
    let principal = last(principal)?.into();
    Ok(Supposition::Layer(direction, principal, permissions, layer))
}

fn on_project(direction: Direction, text: &str) -> Result<Supposition, String> {
    let (principal, rest) = first(text);
    let (rights, project) = first(rest);
    let (rights, project) = (words(rights)?, last(project)?.into());
    let principal = last(principal)?.into();
    Ok(Supposition::Project(direction, principal, rights, project))
}

fn globally(direction: Direction, text: &str) -> Result<Supposition, String> {
    let (principal, permissions) = first(text);
    let permissions = words(permissions)?;
    Ok(Supposition::Global(
        direction,
        last(principal)?.into(),
        permissions,
    ))
}

fn member(direction: Direction, text: &str) -> Result<Supposition, String> {
    let (user, group) = first(text);
    let (user, group) = (last(user)?.into(), last(group)?.into());
    Ok(Supposition::Member(direction, user, group))
}

/// The first word, and what follows it.
fn first(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

/// What is left, which may be a name with spaces.
fn last(text: &str) -> Result<&str, String> {
    match text.trim() {
        "" => Err("something is missing at the end".to_owned()),
        text => Ok(text),
    }
}

fn words<T: ValueEnum>(text: &str) -> Result<Vec<T>, String> {
    let word = |word: &str| {
        T::from_str(word, false).map_err(|_unknown| format!("`{word}` is no permission"))
    };
    text.split(',').map(word).collect()
}

impl Supposition {
    async fn resolve(&self, client: &Client) -> Result<Change, Failure> {
        Ok(match self {
            Self::Layer(direction, principal, permissions, layer) => {
                let permissions = permissions.iter().map(|word| word.permission().into());
                let row = LayerGrant {
                    principal: Some(resolve::principal(client, principal).await?),
                    permissions: permissions.collect(),
                    only_own: false,
                };
                let (add, remove) = direction.split(vec![row]);
                Change::LayerPermissions(LayerPermissionsChange {
                    layer_id: resolve::layer_id(client, layer).await?,
                    grants_revision: 0,
                    change: Some(TableChange::Delta(LayerGrantsDelta { add, remove })),
                })
            }
            Self::Project(direction, principal, rights, project) => {
                let rights = rights.iter().map(|word| word.permission().into());
                let (add, remove) = direction.split(rights.collect());
                let change = ProjectGrantChange {
                    principal: Some(resolve::principal(client, principal).await?),
                    add,
                    remove,
                };
                Change::ProjectPermissions(ProposedProjectPermissions {
                    project_id: resolve::project_id(client, project).await?,
                    changes: vec![change],
                })
            }
            Self::Global(direction, principal, permissions) => {
                let permissions = permissions.iter().map(|word| word.permission().into());
                let (add, remove) = direction.split(permissions.collect());
                Change::GlobalPermissions(ProposedGlobalPermissions {
                    principal: Some(resolve::principal(client, principal).await?),
                    add,
                    remove,
                })
            }
            Self::Member(direction, user, group) => {
                let user = resolve::user_id(client, user).await?;
                let (add_user_ids, remove_user_ids) = direction.split(vec![user]);
                Change::GroupMembers(ProposedGroupMembers {
                    group_id: resolve::group_id(client, group).await?,
                    add_user_ids,
                    remove_user_ids,
                })
            }
            Self::Enabled(user, switch) => Change::AccountState(ProposedAccountState {
                user_id: resolve::user_id(client, user).await?,
                enabled: *switch == Switch::On,
            }),
            Self::Editing(layer, switch) => Change::Editing(ProposedEditing {
                layer_id: resolve::layer_id(client, layer).await?,
                enabled: *switch == Switch::On,
            }),
            Self::Delete(principal) => {
                Change::Deletion(resolve::principal(client, principal).await?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Supposition, String> {
        text.parse()
    }

    #[test]
    fn a_supposition_is_a_verb_and_what_it_is_about() {
        let layer = "Atlas/old cities".parse().unwrap();
        let expected = Supposition::Layer(
            Direction::Give,
            "group:editors".into(),
            vec![LayerWord::Add, LayerWord::Modify],
            layer,
        );
        let grant = parsed("grant group:editors add,modify Atlas/old cities");
        assert_eq!(grant, Ok(expected));
        let leave = Supposition::Member(Direction::Take, "ana".into(), "night shift".into());
        assert_eq!(parsed("leave ana night shift"), Ok(leave));
        let disabled = Supposition::Enabled("ana".into(), Switch::Off);
        assert_eq!(parsed("disable ana"), Ok(disabled));
    }

    #[test]
    fn what_is_no_supposition_is_refused() {
        for wrong in [
            "",
            "fly ana",
            "grant ana",
            "grant ana fly Atlas/cities",
            "grant ana add cities",
            "grant-global ana add",
            "grant-project ana open",
            "join ana",
            "delete",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
