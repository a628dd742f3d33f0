//! Decisions, read off the model by the rules' page: who somebody is, which grants reach it, and what they give.

use std::collections::{BTreeSet, HashSet};

use jmap_domain::{
    Decision, DenyReason, GlobalPermission, LayerAct, Permission, ProjectAct, Question, UserId,
};

use super::model::{ANONYMOUS, AUTHENTICATED, Admitted, EVERYONE, Grant, Life, Site, Stored, Who};

impl Stored {
    /// Everything whose grants reach somebody (R2, R3, R5, R6).
    fn principals_of(&self, who: Who) -> BTreeSet<i64> {
        match who {
            Who::Anonymous => [ANONYMOUS, EVERYONE].into(),
            Who::Person(user) | Who::Server(user) => {
                let groups = self.members.iter().filter(|(_, member)| *member == user);
                let groups = groups.map(|(group, _)| *group);
                groups.chain([user, AUTHENTICATED, EVERYONE]).collect()
            }
        }
    }

    /// R12, R14, R15, R27, R100.
    pub(crate) fn holds(&self, who: Who, wanted: GlobalPermission) -> bool {
        let Who::Person(_) = who else { return false };
        let mut principals = self.principals_of(who);
        principals.remove(&EVERYONE);
        let granted = |permission| {
            principals
                .iter()
                .any(|principal| self.globals.contains(&(*principal, permission)))
        };
        granted(wanted)
            || (wanted != GlobalPermission::CreatePersonalLayers
                && granted(GlobalPermission::SuperAdministrator))
    }

    fn office(&self, who: Who, project: i64) -> HashSet<ProjectAct> {
        let principals = self.principals_of(who).into_iter();
        principals
            .filter_map(|principal| self.offices.get(&(project, principal)))
            .flatten()
            .copied()
            .collect()
    }

    /// R20: nothing but the grant itself opens.
    pub(crate) fn opens(&self, who: Who, project: i64) -> bool {
        self.projects.contains_key(&project)
            && self.office(who, project).contains(&ProjectAct::Open)
    }

    /// R15, R17, R18, R100.
    pub(crate) fn governs(&self, who: Who, project: i64, act: ProjectAct) -> bool {
        let by: &[ProjectAct] = match act {
            ProjectAct::Open => return self.opens(who, project),
            ProjectAct::Access => &[
                ProjectAct::Access,
                ProjectAct::Administrate,
                ProjectAct::Own,
            ],
            ProjectAct::Administrate => &[ProjectAct::Administrate, ProjectAct::Own],
            ProjectAct::Own => &[ProjectAct::Own],
        };
        let (Who::Person(_), true) = (who, self.projects.contains_key(&project)) else {
            return false;
        };
        let office = self.office(who, project);
        by.iter().any(|act| office.contains(act))
            || self.holds(who, GlobalPermission::SuperAdministrator)
    }

    /// The grants that count for somebody on a layer; `None` for its owner, who needs none (R67, R68, R69, R100).
    fn rows(&self, who: Who, id: i64, wanted: Permission) -> Option<Vec<&Grant>> {
        let personal = match self.layers[&id].site {
            Site::Personal { owner } if who == Who::Person(owner) => return None,
            Site::Personal { owner: _ } => true,
            Site::Project {
                project: _,
                position: _,
            } => false,
        };
        let mut principals = self.principals_of(who);
        if personal || wanted == Permission::RemoteAccess {
            principals.retain(|id| ![ANONYMOUS, EVERYONE, AUTHENTICATED].contains(id));
        }
        let rows = principals
            .iter()
            .filter_map(|principal| self.grants.get(&(id, *principal)));
        // R34.
        let giving = rows.filter(|row| {
            row.permissions.contains(&wanted)
                || (wanted == Permission::ModifyAttributes
                    && row.permissions.contains(&Permission::ModifyElements))
        });
        Some(giving.collect())
    }

    fn granted(&self, who: Who, id: i64, wanted: Permission) -> bool {
        self.rows(who, id, wanted)
            .is_none_or(|rows| !rows.is_empty())
    }

    /// R20, R40, R70, R86.
    pub(crate) fn sees(&self, who: Who, id: i64) -> bool {
        let Some(layer) = self
            .layers
            .get(&id)
            .filter(|layer| layer.life == Life::Active)
        else {
            return false;
        };
        let inside = match layer.site {
            Site::Project {
                project,
                position: _,
            } => self.opens(who, project),
            Site::Personal { owner: _ } => true,
        };
        let server = matches!(who, Who::Server(_));
        let let_in = !server || self.granted(who, id, Permission::RemoteAccess);
        inside && let_in && self.granted(who, id, Permission::View)
    }

    /// R46, R72.
    pub(crate) fn inspects(&self, who: Who, id: i64) -> bool {
        let layer = self
            .layers
            .get(&id)
            .filter(|layer| layer.life == Life::Active);
        layer.is_some_and(|layer| match layer.site {
            Site::Project {
                project,
                position: _,
            } => self.governs(who, project, ProjectAct::Access),
            Site::Personal { owner } => {
                who == Who::Person(owner)
                    || self.holds(who, GlobalPermission::AdministerPersonalLayers)
            }
        })
    }

    /// R17, R41, R69.
    fn manages(&self, who: Who, id: i64) -> bool {
        match self.layers[&id].site {
            Site::Project {
                project,
                position: _,
            } => self.governs(who, project, ProjectAct::Administrate),
            Site::Personal { owner } => who == Who::Person(owner),
        }
    }

    fn on_elements(&self, who: Who, id: i64, wanted: Permission) -> Decision {
        if !self.sees(who, id) {
            return Decision::Denied(DenyReason::NotVisible);
        }
        // R88.
        if wanted == Permission::RemoteAccess && !matches!(who, Who::Server(_)) {
            return Decision::Denied(DenyReason::NoGrant);
        }
        let narrowing = [
            Permission::ModifyElements,
            Permission::ModifyAttributes,
            Permission::DeleteElements,
        ];
        let edits = wanted == Permission::AddElements || narrowing.contains(&wanted);
        let layer = &self.layers[&id];
        let project = matches!(
            layer.site,
            Site::Project {
                project: _,
                position: _
            }
        );
        match self.rows(who, id, wanted) {
            Some(rows) if rows.is_empty() => Decision::Denied(DenyReason::NoGrant),
            // R31, R83.
            _ if edits && project && !layer.editing => {
                Decision::Denied(DenyReason::EditingDisabled)
            }
            // R51, R52, R56.
            Some(rows) if narrowing.contains(&wanted) && rows.iter().all(|row| row.own_only) => {
                match who {
                    Who::Person(user) => Decision::Own {
                        creator: UserId::new(user).unwrap().into(),
                    },
                    // R55, R59.
                    Who::Anonymous | Who::Server(_) => Decision::Denied(DenyReason::OwnsNothing),
                }
            }
            Some(_) | None => Decision::All,
        }
    }

    fn on_layer(&self, who: Who, id: i64, act: LayerAct) -> Decision {
        let known = self.sees(who, id) || self.inspects(who, id);
        let held = match act {
            LayerAct::Elements(wanted) => return self.on_elements(who, id, wanted),
            LayerAct::ReadConfiguration => known,
            LayerAct::ChangeStructure => known && self.manages(who, id),
            LayerAct::Delete => known && (self.manages(who, id) || self.clears(who, id)),
        };
        verdict(known, held)
    }

    /// R73, R80: whoever administers personal layers deletes those of others.
    fn clears(&self, who: Who, id: i64) -> bool {
        let personal = matches!(self.layers[&id].site, Site::Personal { owner: _ });
        personal && self.holds(who, GlobalPermission::AdministerPersonalLayers)
    }

    /// What the rules' page says.
    pub(crate) fn decide(&self, who: Admitted, question: Question) -> Decision {
        let who = match who {
            Ok(who) => who,
            Err(reason) => return Decision::Denied(reason),
        };
        match question {
            Question::Layer(id, act) => self.on_layer(who, id.get(), act),
            Question::Project(id, act) => {
                let open = self.opens(who, id.get());
                let known = open || self.governs(who, id.get(), ProjectAct::Access);
                verdict(known, self.governs(who, id.get(), act))
            }
            Question::Connection(_, _) => Decision::Denied(DenyReason::NotVisible),
            Question::Global(wanted) => verdict(true, self.holds(who, wanted)),
        }
    }
}

const fn verdict(known: bool, held: bool) -> Decision {
    match (known, held) {
        (false, _) => Decision::Denied(DenyReason::NotVisible),
        (true, false) => Decision::Denied(DenyReason::NoGrant),
        (true, true) => Decision::All,
    }
}
