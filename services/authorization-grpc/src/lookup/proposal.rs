//! Proposed changes, parsed by the parsers of the calls that would make them.

use authorization_core::{directory::UserUpdate, registry::LayerUpdate, suppose::Proposal};
use jmap_proto::{
    authorization::{self as pb, proposed_change::Change},
    types::{self, principal},
};
use jmap_wire::{FieldPath, FieldViolation, Violation, id, required};

use crate::{
    directory::{globals::parse_amendment, groups::parse_members},
    layer_administration::table::parse_edit,
    parse,
    project::request::parse_amendments,
};

/// Most changes in one question.
const MAX_PROPOSALS: usize = 100;

pub(super) fn parse_proposals(
    changes: Vec<pb::ProposedChange>,
) -> Result<Vec<Proposal>, FieldViolation> {
    let path = FieldPath::of("supposing");
    if changes.len() > MAX_PROPOSALS {
        return Err(path.violates(Violation::TooMany {
            maximum: MAX_PROPOSALS,
        }));
    }
    let each = changes.into_iter().enumerate();
    each.map(|(index, change)| parse_proposal(&path.item(index), change))
        .collect()
}

fn parse_proposal(
    path: &FieldPath,
    change: pb::ProposedChange,
) -> Result<Proposal, FieldViolation> {
    let pb::ProposedChange { change } = change;
    match required(path.clone(), change)? {
        Change::LayerPermissions(change) => {
            parse_edit(&path.field("layer_permissions"), change).map(Proposal::LayerTable)
        }
        Change::ProjectPermissions(change) => {
            parse_project(&path.field("project_permissions"), change)
        }
        Change::GroupMembers(change) => parse_group(&path.field("group_members"), change),
        Change::GlobalPermissions(change) => {
            parse_globals(&path.field("global_permissions"), change)
        }
        Change::AccountState(change) => parse_account(&path.field("account_state"), change),
        Change::Editing(change) => parse_editing(&path.field("editing"), change),
        Change::Deletion(principal) => parse_deletion(&path.field("deletion"), principal),
    }
}

fn parse_project(
    path: &FieldPath,
    change: pb::ProposedProjectPermissions,
) -> Result<Proposal, FieldViolation> {
    let pb::ProposedProjectPermissions {
        project_id,
        changes,
    } = change;
    let project = id(path.field("project_id"), project_id)?;
    let amendments = parse_amendments(&path.field("changes"), changes)?;
    Ok(Proposal::ProjectTable(project, amendments))
}

fn parse_group(
    path: &FieldPath,
    change: pb::ProposedGroupMembers,
) -> Result<Proposal, FieldViolation> {
    let pb::ProposedGroupMembers {
        group_id,
        add_user_ids,
        remove_user_ids,
    } = change;
    let group = id(path.field("group_id"), group_id)?;
    let update = parse_members(path, &add_user_ids, &remove_user_ids)?;
    Ok(Proposal::Members(group, update))
}

fn parse_globals(
    path: &FieldPath,
    change: pb::ProposedGlobalPermissions,
) -> Result<Proposal, FieldViolation> {
    let pb::ProposedGlobalPermissions {
        principal,
        add,
        remove,
    } = change;
    let principal = parse::principal(&path.field("principal"), principal)?;
    let amendment = parse_amendment(path, &add, &remove)?;
    Ok(Proposal::Globals(principal, amendment))
}

fn parse_account(
    path: &FieldPath,
    change: pb::ProposedAccountState,
) -> Result<Proposal, FieldViolation> {
    let pb::ProposedAccountState { user_id, enabled } = change;
    let state = parse::account_state(enabled);
    let update = UserUpdate {
        expected: None,
        display_name: None,
        state: Some(state),
    };
    Ok(Proposal::User(id(path.field("user_id"), user_id)?, update))
}

fn parse_editing(
    path: &FieldPath,
    change: pb::ProposedEditing,
) -> Result<Proposal, FieldViolation> {
    let pb::ProposedEditing { layer_id, enabled } = change;
    let editing = parse::editing(enabled);
    let update = LayerUpdate {
        editing: Some(editing),
        ..LayerUpdate::default()
    };
    Ok(Proposal::Layer(
        id(path.field("layer_id"), layer_id)?,
        update,
    ))
}

fn parse_deletion(
    path: &FieldPath,
    principal: types::Principal,
) -> Result<Proposal, FieldViolation> {
    let types::Principal { principal } = principal;
    match required(path.clone(), principal)? {
        principal::Principal::UserId(user) => {
            id(path.field("user_id"), user).map(Proposal::UserDeleted)
        }
        principal::Principal::GroupId(group) => {
            id(path.field("group_id"), group).map(Proposal::GroupDeleted)
        }
    }
}
