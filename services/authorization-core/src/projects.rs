//! Projects: create, change, order, delete, and who may do what on them (R16, R17, R20, R21, R24).

use std::{collections::BTreeSet, sync::Arc};

use jmap_domain::{
    Caller, GlobalPermission, Name, PolicyRevision, PrincipalId, ProjectAct, ProjectId, Question,
};

use crate::{
    Authority, Home, ProjectEntry, Refusal, Resource, Snapshot,
    change::{Changed, PolicyChange},
    draft::Draft,
    globals::is_anybody,
    model::{Description, Project, ProjectGrantRow, ProjectRights},
    ports::{Platform, PolicyStore},
    registry::tombstone,
};

/// Why a project is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// Another one bears the name, perhaps in other case (R26).
    #[error("the name `{0}` is taken")]
    NameTaken(Name),
    /// Deleting repeats the name, exactly (R24).
    #[error("the repeated name is not the name of project `{0}`")]
    WrongName(ProjectId),
    /// A row names nobody.
    #[error("principal `{0}` does not exist")]
    NoSuchPrincipal(PrincipalId),
    /// Two rows name the same principal.
    #[error("principal `{0}` is named twice")]
    NamedTwice(PrincipalId),
    /// Administration is for accounts that sign in: `everyone` and anonymous can only be let open.
    #[error("principal `{0}` can only be granted to open the project")]
    OpenOnly(PrincipalId),
    /// An order names something that is not there, or names something twice.
    #[error("the order names an item that does not belong to it, or one twice")]
    BadOrder,
    /// Everything else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A project to create.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Unique in the installation (R26).
    pub name: Name,
    /// What it is about.
    pub description: Description,
}

/// What changes of a project.
#[derive(Clone, Debug, Default)]
pub struct ProjectUpdate {
    /// The revision that the caller has read; `None` for any.
    pub expected: Option<PolicyRevision>,
    /// The new name; unset keeps it.
    pub name: Option<Name>,
    /// The new description; unset keeps it.
    pub description: Option<Description>,
}

/// A change of a project's permission table.
#[derive(Clone, Debug)]
pub struct ProjectTableEdit {
    /// The table's revision that the caller has read; `None` for any.
    pub expected: Option<PolicyRevision>,
    /// The rows that change, each replaced as a whole; an empty one is removed. Others stay.
    pub rows: Vec<ProjectGrantRow>,
}

/// What one principal gains and loses on a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectAmendment {
    /// Whose row.
    pub principal: PrincipalId,
    /// Rights to add.
    pub add: ProjectRights,
    /// Rights to remove; one that is in both is removed.
    pub remove: ProjectRights,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Creates a project; its maker owns and may open it.
    ///
    /// # Errors
    /// [`ProjectError::NameTaken`]; [`Refusal::Forbidden`] without *create projects* (R14).
    pub async fn create_project(
        &self,
        caller: &Caller,
        new: NewProject,
    ) -> Result<Changed<Arc<Project>>, ProjectError> {
        self.change(caller, |draft| {
            draft.require(Question::Global(GlobalPermission::CreateProjects))?;
            let maker = draft.person()?;
            let NewProject { name, description } = new;
            let snapshot = draft.snapshot();
            if snapshot.project_named(&name).is_some() {
                return Err(ProjectError::NameTaken(name));
            }
            let (id, revision) = (draft.next_project()?, draft.revision());
            let last = snapshot
                .projects()
                .map(|entry| entry.project.position)
                .max();
            let position = last.map_or(0, |last| last.saturating_add(1));
            let project = Project {
                id,
                name,
                description,
                position,
                revision,
            };
            draft.push(PolicyChange::ProjectPut(project.clone()));
            let rights = ProjectRights::of(ProjectAct::Open).with(ProjectAct::Own);
            let rows = vec![ProjectGrantRow {
                principal: maker.into(),
                rights,
            }];
            draft.push(PolicyChange::ProjectGrantsSet {
                project: id,
                revision,
                rows,
            });
            Ok(Arc::new(project))
        })
        .await
    }

    /// Renames or describes a project.
    ///
    /// # Errors
    /// [`ProjectError::NameTaken`]; [`Refusal::Stale`]; [`Refusal::Forbidden`] without *administrate* (R17).
    pub async fn update_project(
        &self,
        caller: &Caller,
        id: ProjectId,
        update: ProjectUpdate,
    ) -> Result<Changed<Arc<Project>>, ProjectError> {
        self.change(caller, |draft| {
            draft.require(Question::Project(id, ProjectAct::Administrate))?;
            let snapshot = draft.snapshot();
            let before = &project(&snapshot, id)?.project;
            let ProjectUpdate {
                expected,
                name,
                description,
            } = update;
            if expected.is_some_and(|expected| expected != before.revision) {
                return Err(Refusal::Stale(Resource::Project(id)).into());
            }
            let name = name.unwrap_or_else(|| before.name.clone());
            if snapshot
                .project_named(&name)
                .is_some_and(|other| other != id)
            {
                return Err(ProjectError::NameTaken(name));
            }
            let description = description.unwrap_or_else(|| before.description.clone());
            let revision = draft.revision();
            let project = Project {
                name,
                description,
                revision,
                ..(**before).clone()
            };
            draft.push(PolicyChange::ProjectPut(project.clone()));
            Ok(Arc::new(project))
        })
        .await
    }

    /// Deletes a project and its layers, in one change; the call repeats the project's name (R24).
    ///
    /// # Errors
    /// [`ProjectError::WrongName`]; [`Refusal::Forbidden`] for all but owners (R17).
    pub async fn delete_project(
        &self,
        caller: &Caller,
        id: ProjectId,
        name: &Name,
    ) -> Result<Changed<()>, ProjectError> {
        self.change(caller, |draft| {
            draft.require(Question::Project(id, ProjectAct::Own))?;
            let snapshot = draft.snapshot();
            if project(&snapshot, id)?.project.name != *name {
                return Err(ProjectError::WrongName(id));
            }
            for entry in snapshot.layers_in(Home::Project(id)) {
                draft.push(tombstone(draft, entry.layer.id));
            }
            draft.push(PolicyChange::ProjectDeleted(id));
            Ok(())
        })
        .await
    }

    /// Puts projects into an order, first to last; those not named follow in their old order (R23).
    ///
    /// # Errors
    /// [`ProjectError::BadOrder`]; [`Refusal::Forbidden`] unless a super administrator asks.
    pub async fn order_projects(
        &self,
        caller: &Caller,
        order: &[ProjectId],
    ) -> Result<Changed<()>, ProjectError> {
        self.change(caller, |draft| {
            draft.require(Question::Global(GlobalPermission::SuperAdministrator))?;
            let snapshot = draft.snapshot();
            let ids = in_order(&snapshot)
                .into_iter()
                .map(|entry| entry.project.id)
                .collect();
            let revision = draft.revision();
            for (id, position) in reorder(ids, order).ok_or(ProjectError::BadOrder)? {
                let before = &project(&snapshot, id)?.project;
                if before.position != position {
                    let project = Project {
                        position,
                        revision,
                        ..(**before).clone()
                    };
                    draft.push(PolicyChange::ProjectPut(project));
                }
            }
            Ok(())
        })
        .await
    }

    /// The permission table of a project.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without *access* (R46).
    pub fn project_table(&self, caller: &Caller, id: ProjectId) -> Result<ProjectEntry, Refusal> {
        let snapshot = self.snapshot();
        self.require(&snapshot, caller, Question::Project(id, ProjectAct::Access))?;
        project(&snapshot, id).cloned()
    }

    /// Changes rows of a project's permission table. Administrators let open and access; owners appoint
    /// administrators and owners (R17).
    ///
    /// # Errors
    /// [`Refusal::Stale`]; [`Refusal::LastOwner`] (R16); [`Refusal::Forbidden`].
    pub async fn edit_project_table(
        &self,
        caller: &Caller,
        id: ProjectId,
        edit: ProjectTableEdit,
    ) -> Result<Changed<ProjectEntry>, ProjectError> {
        let Changed { value: (), policy } = self
            .change(caller, |draft| draft_table_edit(draft, id, edit))
            .await?;
        let value = project(&policy, id)?.clone();
        Ok(Changed { value, policy })
    }

    /// Adds to and removes from rows of a project's permission table; what is not mentioned stays.
    ///
    /// # Errors
    /// As [`Authority::edit_project_table`].
    pub async fn amend_project_table(
        &self,
        caller: &Caller,
        id: ProjectId,
        amendments: &[ProjectAmendment],
    ) -> Result<Changed<()>, ProjectError> {
        self.change(caller, |draft| draft_amendments(draft, id, amendments))
            .await
    }
}

pub(crate) fn draft_amendments(
    draft: &mut Draft,
    id: ProjectId,
    amendments: &[ProjectAmendment],
) -> Result<(), ProjectError> {
    draft.require(Question::Project(id, ProjectAct::Administrate))?;
    let snapshot = draft.snapshot();
    let table = &project(&snapshot, id)?.grants;
    let row = |amendment: &ProjectAmendment| {
        let ProjectAmendment {
            principal,
            add,
            remove,
        } = *amendment;
        let held = table.get(&principal).copied().unwrap_or_default();
        ProjectGrantRow {
            principal,
            rights: held.union(add).difference(remove),
        }
    };
    let rows = amendments.iter().map(row).collect();
    let expected = None;
    draft_table_edit(draft, id, ProjectTableEdit { expected, rows })
}

fn draft_table_edit(
    draft: &mut Draft,
    id: ProjectId,
    edit: ProjectTableEdit,
) -> Result<(), ProjectError> {
    draft.require(Question::Project(id, ProjectAct::Administrate))?;
    let snapshot = draft.snapshot();
    let table = project(&snapshot, id)?;
    let ProjectTableEdit { expected, rows } = edit;
    if expected.is_some_and(|expected| expected != table.grants_revision) {
        return Err(Refusal::Stale(Resource::Project(id)).into());
    }
    refuse_twice(&rows)?;
    let rows = changed_rows(draft, table, rows)?;
    if !rows.is_empty() {
        let revision = draft.revision();
        draft.push(PolicyChange::ProjectGrantsSet {
            project: id,
            revision,
            rows,
        });
    }
    Ok(())
}

/// The rows that differ from the stored ones, each checked.
fn changed_rows(
    draft: &Draft,
    table: &ProjectEntry,
    rows: Vec<ProjectGrantRow>,
) -> Result<Vec<ProjectGrantRow>, ProjectError> {
    let mut changed = Vec::new();
    for row in rows {
        let stored = table
            .grants
            .get(&row.principal)
            .copied()
            .unwrap_or_default();
        if stored != row.rights {
            check_row(draft, table.project.id, stored, row)?;
            changed.push(row);
        }
    }
    Ok(changed)
}

fn check_row(
    draft: &Draft,
    project: ProjectId,
    stored: ProjectRights,
    row: ProjectGrantRow,
) -> Result<(), ProjectError> {
    let ProjectGrantRow { principal, rights } = row;
    draft
        .snapshot()
        .principal(principal)
        .ok_or(ProjectError::NoSuchPrincipal(principal))?;
    let open = ProjectRights::of(ProjectAct::Open);
    if is_anybody(principal) && !rights.difference(open).is_empty() {
        return Err(ProjectError::OpenOnly(principal));
    }
    let changed = stored.difference(rights).union(rights.difference(stored));
    let appointed = ProjectRights::of(ProjectAct::Administrate).with(ProjectAct::Own);
    if !changed.intersection(appointed).is_empty() {
        draft.require(Question::Project(project, ProjectAct::Own))?;
    }
    Ok(())
}

fn refuse_twice(rows: &[ProjectGrantRow]) -> Result<(), ProjectError> {
    let mut seen = BTreeSet::new();
    match rows.iter().find(|row| !seen.insert(row.principal)) {
        Some(row) => Err(ProjectError::NamedTwice(row.principal)),
        None => Ok(()),
    }
}

/// A project, after the rules have said that the caller may know of it.
pub(crate) fn project(snapshot: &Snapshot, id: ProjectId) -> Result<&ProjectEntry, Refusal> {
    snapshot
        .project(id)
        .ok_or(Refusal::NotFound(Resource::Project(id)))
}

/// All projects in the administrator's order (R23).
pub(crate) fn in_order(snapshot: &Snapshot) -> Vec<&ProjectEntry> {
    let mut projects: Vec<_> = snapshot.projects().collect();
    projects.sort_by_key(|entry| (entry.project.position, entry.project.id));
    projects
}

/// Positions from 0 after some items were put first; `None` when one is unknown or named twice.
pub(crate) fn reorder<I: Copy + Ord>(items: Vec<I>, first: &[I]) -> Option<Vec<(I, u32)>> {
    let known: BTreeSet<I> = items.iter().copied().collect();
    let named: BTreeSet<I> = first.iter().copied().collect();
    if named.len() != first.len() || !named.is_subset(&known) {
        return None;
    }
    let rest = items.into_iter().filter(|item| !named.contains(item));
    Some(first.iter().copied().chain(rest).zip(0..).collect())
}
