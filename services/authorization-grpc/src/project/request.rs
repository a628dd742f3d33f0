//! What the calls of projects take, parsed.

use authorization_core::{
    model::ProjectRights,
    projects::{NewProject, ProjectAmendment, ProjectUpdate},
};
use jmap_domain::{ProjectAct, ProjectId};
use jmap_proto::{authorization as pb, types};
use jmap_wire::{FieldPath, FieldViolation, enumeration, field_mask, id, list, required};

use crate::parse;

/// Most principals in one change of a table.
const MAX_CHANGES: usize = 1000;

pub(super) fn parse_new(project: pb::Project) -> Result<NewProject, FieldViolation> {
    let path = FieldPath::of("project");
    let pb::Project {
        name,
        description,
        project_id: _output_only,
        revision: _of_nothing_yet,
        permissions: _the_makers_own,
    } = project;
    Ok(NewProject {
        name: parse::name(path.field("name"), &name)?,
        description: parse::description(path.field("description"), &description)?,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Name,
    Description,
}

const FIELDS: [(&str, Field); 2] = [("name", Field::Name), ("description", Field::Description)];

pub(super) fn parse_update(
    message: pb::UpdateProjectRequest,
) -> Result<(ProjectId, ProjectUpdate), FieldViolation> {
    let pb::UpdateProjectRequest {
        project,
        update_mask,
    } = message;
    let path = FieldPath::of("project");
    let pb::Project {
        project_id,
        name,
        description,
        revision,
        permissions: _output_only,
    } = required(path.clone(), project)?;
    let expected = parse::expected(path.field("revision"), revision)?;
    let mut update = ProjectUpdate {
        expected,
        name: None,
        description: None,
    };
    for field in field_mask(update_mask, &FIELDS)? {
        match field {
            Field::Name => update.name = Some(parse::name(path.field("name"), &name)?),
            Field::Description => {
                let text = parse::description(path.field("description"), &description)?;
                update.description = Some(text);
            }
        }
    }
    Ok((id(path.field("project_id"), project_id)?, update))
}

pub(crate) fn parse_amendments(
    path: &FieldPath,
    changes: Vec<pb::ProjectGrantChange>,
) -> Result<Vec<ProjectAmendment>, FieldViolation> {
    list(path, changes, MAX_CHANGES, parse_amendment)
}

fn parse_amendment(
    path: &FieldPath,
    change: pb::ProjectGrantChange,
) -> Result<ProjectAmendment, FieldViolation> {
    let pb::ProjectGrantChange {
        principal,
        add,
        remove,
    } = change;
    let principal = parse::principal(&path.field("principal"), principal)?;
    let add = parse_rights(&path.field("add"), &add)?;
    let path = path.field("remove");
    let remove = parse_rights(&path, &remove)?;
    if add.intersection(remove).is_empty() {
        Ok(ProjectAmendment {
            principal,
            add,
            remove,
        })
    } else {
        Err(path.invalid("names a permission that is in `add` as well"))
    }
}

fn parse_rights(path: &FieldPath, numbers: &[i32]) -> Result<ProjectRights, FieldViolation> {
    let parse = |(index, number): (usize, &i32)| {
        enumeration(path.item(index), *number, permission_from_proto)
    };
    numbers.iter().enumerate().map(parse).collect()
}

const fn permission_from_proto(permission: types::ProjectPermission) -> Option<ProjectAct> {
    match permission {
        types::ProjectPermission::Unspecified => None,
        types::ProjectPermission::Open => Some(ProjectAct::Open),
        types::ProjectPermission::Access => Some(ProjectAct::Access),
        types::ProjectPermission::Administrate => Some(ProjectAct::Administrate),
        types::ProjectPermission::Own => Some(ProjectAct::Own),
    }
}

pub(crate) const fn permission_to_proto(act: ProjectAct) -> types::ProjectPermission {
    match act {
        ProjectAct::Open => types::ProjectPermission::Open,
        ProjectAct::Access => types::ProjectPermission::Access,
        ProjectAct::Administrate => types::ProjectPermission::Administrate,
        ProjectAct::Own => types::ProjectPermission::Own,
    }
}
