//! The rules once more, naively: written from the rules' page alone, by listing paths.

use jmap_domain::{
    Decision, DenyReason, GlobalPermission, LayerAct, Permission, ProjectAct, Question, UserId,
};

use crate::world::{ANA, ANONYMOUS, AUTHENTICATED, EVERYONE, Who, World};

impl World {
    fn paths(&self, who: Who) -> Vec<i64> {
        match who {
            Who::Nobody => vec![ANONYMOUS, EVERYONE],
            Who::Service => vec![],
            Who::Ordinary(user) | Who::Server(user) => {
                let mut paths = vec![user, AUTHENTICATED, EVERYONE];
                paths.extend(
                    self.members
                        .iter()
                        .filter(|(_, u)| *u == user)
                        .map(|(g, _)| *g),
                );
                paths
            }
        }
    }

    fn barred(&self, who: Who) -> bool {
        !self.ana_enabled && (who == Who::Ordinary(ANA) || who == Who::Server(ANA))
    }

    fn global(&self, who: Who, wanted: GlobalPermission) -> bool {
        // R27, R100.
        let Who::Ordinary(_) = who else { return false };
        let paths = self.paths(who);
        let holds = |permission| {
            self.globals
                .iter()
                .any(|(p, set)| *p != EVERYONE && paths.contains(p) && set.contains(permission))
        };
        // R12, R15.
        let by_office = wanted != GlobalPermission::CreatePersonalLayers
            && holds(GlobalPermission::SuperAdministrator);
        holds(wanted) || by_office
    }

    fn opens(&self, who: Who) -> bool {
        let paths = self.paths(who);
        self.project
            .iter()
            .any(|(p, r)| paths.contains(p) && r.contains(ProjectAct::Open))
    }

    /// 3 owner, 2 administrator, 1 access, 0 nothing (R17).
    fn office(&self, who: Who) -> u8 {
        let Who::Ordinary(_) = who else { return 0 };
        if self.global(who, GlobalPermission::SuperAdministrator) {
            return 3;
        }
        let paths = self.paths(who);
        let rows = self.project.iter().filter(|(p, _)| paths.contains(p));
        rows.map(|(_, rights)| {
            if rights.contains(ProjectAct::Own) {
                3
            } else if rights.contains(ProjectAct::Administrate) {
                2
            } else {
                u8::from(rights.contains(ProjectAct::Access))
            }
        })
        .max()
        .unwrap_or(0)
    }

    /// 0 nothing, 1 own elements, 2 all (R56).
    fn granted(&self, who: Who, wanted: Permission) -> u8 {
        if self
            .personal_of
            .is_some_and(|owner| who == Who::Ordinary(owner))
        {
            return 2;
        }
        let paths = self.paths(who);
        let mut best = 0;
        for (principal, grant) in &self.layer {
            let special = [ANONYMOUS, EVERYONE, AUTHENTICATED].contains(principal);
            // R68, R100.
            if special && (self.personal_of.is_some() || wanted == Permission::RemoteAccess) {
                continue;
            }
            let mut gives = grant.permissions.contains(wanted);
            // R34.
            if wanted == Permission::ModifyAttributes {
                gives |= grant.permissions.contains(Permission::ModifyElements);
            }
            if !gives || !paths.contains(principal) {
                continue;
            }
            // R51, R52.
            let narrowed = grant.own_only
                && [
                    Permission::ModifyElements,
                    Permission::ModifyAttributes,
                    Permission::DeleteElements,
                ]
                .contains(&wanted);
            best = best.max(if narrowed { 1 } else { 2 });
        }
        best
    }

    fn sees(&self, who: Who) -> bool {
        // R20, R40, R70, R86, R87.
        let entered = self.personal_of.is_some() || self.opens(who);
        let let_in = match who {
            Who::Server(_) => self.granted(who, Permission::RemoteAccess) > 0,
            Who::Nobody | Who::Ordinary(_) | Who::Service => true,
        };
        !self.pending && entered && let_in && self.granted(who, Permission::View) > 0
    }

    fn elements(&self, who: Who, wanted: Permission) -> Decision {
        if !self.sees(who) {
            return Decision::Denied(DenyReason::NotVisible);
        }
        let server = matches!(who, Who::Server(_));
        // R88.
        if wanted == Permission::RemoteAccess && !server {
            return Decision::Denied(DenyReason::NoGrant);
        }
        let edits = ![
            Permission::View,
            Permission::CopyExport,
            Permission::RemoteAccess,
        ]
        .contains(&wanted);
        match (self.granted(who, wanted), who) {
            (0, _) => Decision::Denied(DenyReason::NoGrant),
            // R31, R83.
            _ if edits && !self.editing && self.personal_of.is_none() => {
                Decision::Denied(DenyReason::EditingDisabled)
            }
            (1, Who::Ordinary(user)) => Decision::Own {
                creator: UserId::new(user).unwrap().into(),
            },
            // R55, R59.
            (1, _) => Decision::Denied(DenyReason::OwnsNothing),
            _ => Decision::All,
        }
    }

    fn administration(&self, who: Who, act: LayerAct) -> Decision {
        let administers_personal = self.global(who, GlobalPermission::AdministerPersonalLayers);
        let (inspects, manages, deletes) = match self.personal_of {
            None => (
                self.office(who) >= 1,
                self.office(who) >= 2,
                self.office(who) >= 2,
            ),
            Some(owner) => {
                let own = who == Who::Ordinary(owner);
                (
                    own || administers_personal,
                    own,
                    own || administers_personal,
                )
            }
        };
        let held = match act {
            LayerAct::ReadConfiguration => inspects || self.sees(who),
            LayerAct::ChangeStructure => manages,
            LayerAct::Delete => deletes,
            LayerAct::Elements(wanted) => return self.elements(who, wanted),
        };
        if self.pending || !(inspects || self.sees(who)) {
            Decision::Denied(DenyReason::NotVisible)
        } else if held {
            Decision::All
        } else {
            Decision::Denied(DenyReason::NoGrant)
        }
    }

    /// What the rules' page says.
    pub(crate) fn expected(&self, who: Who, question: Question) -> Decision {
        if self.barred(who) {
            return Decision::Denied(DenyReason::AccountDisabled);
        }
        let held = match question {
            Question::Layer(_, act) => return self.administration(who, act),
            Question::Connection(_, _) => return Decision::Denied(DenyReason::NotVisible),
            Question::Global(wanted) => self.global(who, wanted),
            Question::Project(_, act) => {
                if !self.opens(who) && self.office(who) == 0 {
                    return Decision::Denied(DenyReason::NotVisible);
                }
                match act {
                    ProjectAct::Open => self.opens(who),
                    ProjectAct::Access => self.office(who) >= 1,
                    ProjectAct::Administrate => self.office(who) >= 2,
                    ProjectAct::Own => self.office(who) == 3,
                }
            }
        };
        if held {
            Decision::All
        } else {
            Decision::Denied(DenyReason::NoGrant)
        }
    }
}
