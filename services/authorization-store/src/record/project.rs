//! Projects and their permission tables.

use authorization_core::model::{self, Description, Project, ProjectRights};
use jmap_domain::{Name, PrincipalId, ProjectId};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{Unreadable, bits, revision, revision_to_row};

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct ProjectRow {
    pub(crate) project_id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) position: i64,
    pub(crate) revision: i64,
}

impl From<&Project> for ProjectRow {
    fn from(project: &Project) -> Self {
        let Project {
            id,
            name,
            description,
            position,
            revision,
        } = project;
        Self {
            project_id: id.get(),
            name: name.as_str().to_owned(),
            description: description.as_str().to_owned(),
            position: (*position).into(),
            revision: revision_to_row(*revision),
        }
    }
}

impl TryFrom<ProjectRow> for Project {
    type Error = Unreadable;

    fn try_from(row: ProjectRow) -> Result<Self, Unreadable> {
        Ok(Self {
            id: ProjectId::new(row.project_id)?,
            name: Name::parse(&row.name)?,
            description: Description::parse(&row.description)?,
            position: u32::try_from(row.position)?,
            revision: revision(row.revision)?,
        })
    }
}

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct ProjectGrantRow {
    pub(crate) principal_id: i64,
    pub(crate) rights: i64,
}

impl From<&model::ProjectGrantRow> for ProjectGrantRow {
    fn from(row: &model::ProjectGrantRow) -> Self {
        let model::ProjectGrantRow { principal, rights } = row;
        Self {
            principal_id: principal.get(),
            rights: rights.bits().into(),
        }
    }
}

impl TryFrom<ProjectGrantRow> for model::ProjectGrantRow {
    type Error = Unreadable;

    fn try_from(row: ProjectGrantRow) -> Result<Self, Unreadable> {
        Ok(Self {
            principal: PrincipalId::new(row.principal_id)?,
            rights: bits(row.rights, ProjectRights::from_bits)?,
        })
    }
}
