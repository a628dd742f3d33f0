//! What the model says about acts on projects, and about acts after which nobody would be left to govern.

use jmap_domain::{GlobalPermission, ProjectAct, Question};

use super::{
    act::{Die, OnProjects, Read},
    judge::{Author, Verdict, Why, all_differ, ensure, reordered, up_to_date},
    model::{ANONYMOUS, EVERYONE, Model, Project, Site, Stored, Who, key, name_of},
};

impl Model {
    pub(super) fn on_projects(
        &mut self,
        Author { session: _, who }: Author,
        act: &OnProjects,
    ) -> Verdict {
        match act {
            OnProjects::CreateProject { name } => self.create_project(who, *name),
            OnProjects::RenameProject {
                project,
                name,
                read,
            } => self.rename_project(who, *project, (*name, *read)),
            OnProjects::DeleteProject {
                project,
                by_its_name,
            } => self.delete_project(who, *project, *by_its_name),
            OnProjects::OrderProjects { first } => self.order_projects(who, first),
            OnProjects::GrantProject {
                project,
                read,
                rows,
            } => self.grant_project(who, *project, (*read, rows)),
        }
    }

    /// R14.
    fn create_project(&mut self, who: Who, name: Die) -> Verdict {
        self.require(who, Question::Global(GlobalPermission::CreateProjects))?;
        let Who::Person(maker) = who else {
            return Err(Why::Forbidden);
        };
        let name = name_of("project", name);
        ensure(self.stored.project_named(&name).is_none(), Why::Wrong)?;
        let position = self
            .stored
            .projects
            .values()
            .map(|other| other.position + 1)
            .max();
        let position = position.unwrap_or(0);
        self.last_project += 1;
        let id = self.last_project;
        self.stored.projects.insert(id, Project { name, position });
        let office = [ProjectAct::Open, ProjectAct::Own].into();
        self.stored.offices.insert((id, maker), office);
        Ok(())
    }

    fn rename_project(&mut self, who: Who, project: Die, to: (Die, Read)) -> Verdict {
        let id = self.project(project);
        self.require_project(who, id, ProjectAct::Administrate)?;
        let name = name_of("project", to.0);
        up_to_date(to.1)?;
        let holder = self.stored.project_named(&name);
        ensure(holder.is_none_or(|holder| holder == id), Why::Wrong)?;
        self.stored.projects.get_mut(&id).unwrap().name = name;
        Ok(())
    }

    /// R24.
    fn delete_project(&mut self, who: Who, project: Die, by_its_name: bool) -> Verdict {
        let id = self.project(project);
        self.require_project(who, id, ProjectAct::Own)?;
        ensure(by_its_name, Why::Wrong)?;
        self.stored.projects.remove(&id);
        self.stored.offices.retain(|(project, _), _| *project != id);
        let here = |site| matches!(site, Site::Project { project, position: _ } if project == id);
        let layers = self
            .stored
            .layers
            .iter()
            .filter(|(_, layer)| here(layer.site));
        let layers: Vec<i64> = layers.map(|(id, _)| *id).collect();
        for layer in layers {
            self.stored.bury(layer);
        }
        Ok(())
    }

    fn order_projects(&mut self, who: Who, first: &[Die]) -> Verdict {
        self.require_office(who)?;
        let first: Vec<i64> = first.iter().map(|die| self.project(*die)).collect();
        let mut all: Vec<(u32, i64)> = self
            .stored
            .projects
            .iter()
            .map(|(id, p)| (p.position, *id))
            .collect();
        all.sort_unstable();
        let order = reordered(all.into_iter().map(|(_, id)| id).collect(), &first)?;
        for (id, position) in order.into_iter().zip(0..) {
            self.stored.projects.get_mut(&id).unwrap().position = position;
        }
        Ok(())
    }

    /// R17: administrators let open and access, owners appoint the rest.
    fn grant_project(
        &mut self,
        who: Who,
        project: Die,
        change: (Read, &[(Die, Vec<ProjectAct>)]),
    ) -> Verdict {
        let id = self.project(project);
        self.require_project(who, id, ProjectAct::Administrate)?;
        up_to_date(change.0)?;
        let rows = change
            .1
            .iter()
            .map(|(die, acts)| (self.principal(*die), acts));
        let rows: Vec<_> = rows
            .map(|(p, acts)| (p, acts.iter().copied().collect()))
            .collect();
        let principals: Vec<i64> = rows.iter().map(|(principal, _)| *principal).collect();
        ensure(all_differ(&principals), Why::Wrong)?;
        for (principal, wanted) in &rows {
            let held = self
                .stored
                .offices
                .get(&(id, *principal))
                .cloned()
                .unwrap_or_default();
            let changed = || held.symmetric_difference(wanted);
            if changed().next().is_none() {
                continue;
            }
            ensure(self.stored.is_principal(*principal), Why::Wrong)?;
            let anybody = *principal == EVERYONE || *principal == ANONYMOUS;
            ensure(
                !anybody || wanted.iter().all(|act| *act == ProjectAct::Open),
                Why::Wrong,
            )?;
            if changed().any(|act| [ProjectAct::Administrate, ProjectAct::Own].contains(act)) {
                self.require_project(who, id, ProjectAct::Own)?;
            }
        }
        for (principal, wanted) in rows {
            self.stored.offices.insert((id, principal), wanted);
        }
        self.stored.offices.retain(|_, acts| !acts.is_empty());
        Ok(())
    }
}

impl Stored {
    fn project_named(&self, name: &str) -> Option<i64> {
        let found = self
            .projects
            .iter()
            .find(|(_, other)| key(&other.name) == key(name));
        found.map(|(id, _)| *id)
    }

    /// R16: whoever had an administrator or an owner keeps one.
    pub(super) fn keeps_holders(&self, before: &Self) -> Verdict {
        ensure(
            self.has_administrator() || !before.has_administrator(),
            Why::Last,
        )?;
        let orphaned = |id: &i64| before.has_owner(*id) && !self.has_owner(*id);
        ensure(!self.projects.keys().any(orphaned), Why::Last)
    }

    fn has_administrator(&self) -> bool {
        let office = GlobalPermission::SuperAdministrator;
        let holders = self
            .globals
            .iter()
            .filter(|(_, permission)| *permission == office);
        holders
            .into_iter()
            .any(|(principal, _)| self.stands_for_somebody(*principal))
    }

    fn has_owner(&self, project: i64) -> bool {
        let rows = self.offices.iter().filter(|((id, _), _)| *id == project);
        let mut owners = rows.filter(|(_, acts)| acts.contains(&ProjectAct::Own));
        owners.any(|((_, principal), _)| self.stands_for_somebody(*principal))
    }

    /// Whether an enabled account that opens ordinary sessions is behind the principal, or in it.
    fn stands_for_somebody(&self, principal: i64) -> bool {
        let chosen = |id: &i64| *id == principal || self.members.contains(&(principal, *id));
        let mut accounts = self.users.iter().filter(|(id, _)| chosen(id));
        accounts.any(|(id, user)| user.enabled && !user.server && *id != ANONYMOUS)
    }
}
