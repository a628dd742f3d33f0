//! The lowest floor: the rules alone, on a snapshot in memory, with elements that are no more than their creators.

mod policy;

use std::collections::BTreeMap;

use authorization_core::{
    Facts, Home, Standing,
    lookup::{LayerPlace, LayersWanted, Portion, allowed_subjects, usable_layers},
    rules,
};
use jmap_domain::{
    ActorId, Decision, DenyReason, EffectivePermissions, LayerAct, LayerId, Permission, ProjectAct,
    ProjectId, Question, SessionKind, UserId,
};

use crate::{
    run::{Explanation, Floor},
    world::{
        Added, Answer, Change, Check, Deed, Edit, Explained, Finds, Lookup, Names, Outcome,
        Updated, WhoMay, World,
    },
};
use policy::Policy;

/// A world in memory.
#[derive(Debug)]
pub struct RulesFloor {
    policy: Policy,
    elements: BTreeMap<String, Kept>,
    unnamed: usize,
}

/// An element, as far as the rules care.
#[derive(Clone, Copy, Debug)]
struct Kept {
    layer: LayerId,
    creator: Option<ActorId>,
}

impl RulesFloor {
    /// Builds the world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let policy = Policy::of(world);
        let kept = world.elements.iter().map(|element| {
            let layer = policy.layer(&element.layer);
            let creator = policy.actor(&element.by);
            (element.element.clone(), Kept { layer, creator })
        });
        Self {
            elements: kept.collect(),
            policy,
            unnamed: 0,
        }
    }

    fn decide(&self, who: &str, question: Question) -> Decision {
        let facts = Facts::of(&self.policy.snapshot, self.policy.standing(who));
        rules::decide(&self.policy.snapshot, &facts, question)
    }

    fn permitted(&self, who: &str, layer: LayerId, permission: Permission) -> Decision {
        self.decide(who, Question::Layer(layer, LayerAct::Elements(permission)))
    }

    /// What becomes of an act on an element: R58 without a statement.
    fn touch(&self, who: &str, element: &str, permission: Permission) -> Result<(), Outcome> {
        let Some(kept) = self.elements.get(element) else {
            return Err(Outcome::refused("NOT_FOUND", "ELEMENT_NOT_FOUND"));
        };
        match self.permitted(who, kept.layer, permission) {
            Decision::All => Ok(()),
            Decision::Own { creator } if kept.creator == Some(creator) => Ok(()),
            Decision::Own { creator: _ } => {
                Err(Outcome::refused("PERMISSION_DENIED", "NOT_OWN_ELEMENT"))
            }
            Decision::Denied(reason) => Err(refusal(reason)),
        }
    }

    fn add(&mut self, who: &str, added: &Added) -> Result<(), Outcome> {
        let layer = self.policy.layer(&added.layer);
        if let Decision::Denied(reason) = self.permitted(who, layer, Permission::AddElements) {
            return Err(refusal(reason));
        }
        self.unnamed += 1;
        let name = added.element.clone();
        let name = name.unwrap_or_else(|| format!("unnamed {}", self.unnamed));
        let creator = self.policy.actor(who);
        self.elements.insert(name, Kept { layer, creator });
        Ok(())
    }

    fn update(&self, who: &str, updated: &Updated) -> Result<(), Outcome> {
        // R34–R36: a geometry makes it *modify elements*, whatever comes along.
        let permission = match updated.at {
            Some(_) => Permission::ModifyElements,
            None => Permission::ModifyAttributes,
        };
        self.touch(who, &updated.element, permission)
    }

    fn delete(&mut self, who: &str, element: &str) -> Result<(), Outcome> {
        self.touch(who, element, Permission::DeleteElements)?;
        self.elements.remove(element);
        Ok(())
    }

    fn finds(&self, who: &str, layer: &str, permission: Permission) -> Finds {
        let layer = self.policy.layer(layer);
        match self.permitted(who, layer, permission) {
            Decision::Denied(reason) => Finds::Refused(refusal(reason)),
            Decision::All | Decision::Own { creator: _ } => {
                let here = self.elements.values().filter(|kept| kept.layer == layer);
                Finds::Elements(here.count() as u64)
            }
        }
    }

    fn opens(&self, who: &str, project: ProjectId) -> bool {
        self.decide(who, Question::Project(project, ProjectAct::Open)) == Decision::All
    }
}

impl Floor for RulesFloor {
    async fn change(&mut self, change: &Change) -> Option<Outcome> {
        // What is refused is refused by use cases, which this floor has not.
        if change.result != Outcome::Ok {
            return None;
        }
        self.policy.change(&change.does);
        Some(Outcome::Ok)
    }

    async fn check(&mut self, check: &Check) -> Answer {
        let layer = || self.policy.layer(&check.on);
        let project = || self.policy.project(&check.on);
        let question = check.may.question(layer, project);
        self.decide(&check.who, question).into()
    }

    async fn flags(&mut self, who: &str, layer: &str) -> EffectivePermissions {
        let facts = Facts::of(&self.policy.snapshot, self.policy.standing(who));
        let layer = self.policy.layer(layer);
        rules::effective_permissions(&self.policy.snapshot, &facts, layer)
    }

    async fn explain(&mut self, _about: &Explained) -> Option<Explanation> {
        None
    }

    async fn lookup(&mut self, asked: &Lookup) -> Vec<String> {
        let snapshot = &self.policy.snapshot;
        let Question::Layer(_, act) = asked.may.question(some_layer, no_project) else {
            panic!("layers are looked up by acts on layers: {asked:?}")
        };
        let facts = Facts::of(snapshot, self.policy.standing(&asked.who));
        let wanted = LayersWanted { act, project: None };
        let found = usable_layers(snapshot, &facts, wanted, ALL);
        found.iter().map(|one| one.layer.name.to_string()).collect()
    }

    async fn who_may(&mut self, asked: &WhoMay) -> Vec<String> {
        let layer = || self.policy.layer(&asked.on);
        let project = || self.policy.project(&asked.on);
        let question = asked.may.question(layer, project);
        let all = Portion {
            after: None,
            limit: usize::MAX,
        };
        let found = allowed_subjects(&self.policy.snapshot, question, all);
        found.iter().map(|one| one.user.name.to_string()).collect()
    }

    async fn projects(&mut self, who: &str) -> Vec<String> {
        let mut seen: Vec<_> = self.policy.snapshot.projects().collect();
        seen.retain(|entry| self.opens(who, entry.project.id));
        seen.sort_by_key(|entry| (entry.project.position, entry.project.id));
        let names = seen.iter().map(|entry| entry.project.name.to_string());
        names.collect()
    }

    async fn layers(&mut self, who: &str, project: &str) -> Names {
        let project = self.policy.project(project);
        if !self.opens(who, project) {
            return Names::Refused(refusal(DenyReason::NotVisible));
        }
        let sees = |layer| self.permitted(who, layer, Permission::View) == Decision::All;
        let all = self.policy.snapshot.layers_in(Home::Project(project));
        let visible = all.filter(|entry| sees(entry.layer.id));
        let names = visible.map(|entry| entry.layer.name.to_string());
        Names::Are(names.collect())
    }

    async fn read(&mut self, who: &str, layer: &str) -> Finds {
        self.finds(who, layer, Permission::View)
    }

    async fn export(&mut self, who: &str, layer: &str) -> Finds {
        self.finds(who, layer, Permission::CopyExport)
    }

    async fn edit(&mut self, edit: &Edit) -> Outcome {
        let done = match &edit.does {
            Deed::Add(added) => self.add(&edit.who, added),
            Deed::Update(updated) => self.update(&edit.who, updated),
            Deed::Delete(element) => self.delete(&edit.who, element),
        };
        done.err().unwrap_or_default()
    }
}

/// Everything in one part.
const ALL: Portion<LayerPlace> = Portion {
    after: None,
    limit: usize::MAX,
};

/// Any layer: only the act of its question is looked at.
fn some_layer() -> LayerId {
    LayerId::new(1).expect("an id")
}

fn no_project() -> ProjectId {
    panic!("layers are not looked up by acts on projects")
}

/// A negative decision as layer-data tells it (R120).
fn refusal(reason: DenyReason) -> Outcome {
    match reason {
        DenyReason::NotVisible => Outcome::refused("NOT_FOUND", "NOT_FOUND"),
        DenyReason::NoGrant | DenyReason::OwnsNothing => {
            Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED")
        }
        DenyReason::EditingDisabled => Outcome::refused("FAILED_PRECONDITION", "EDITING_DISABLED"),
        DenyReason::SessionClosed => Outcome::refused("UNAUTHENTICATED", "SESSION_CLOSED"),
        DenyReason::SessionExpired => Outcome::refused("UNAUTHENTICATED", "SESSION_EXPIRED"),
        DenyReason::AccountDisabled => Outcome::refused("UNAUTHENTICATED", "ACCOUNT_DISABLED"),
    }
}

/// Who an account is.
fn account(user: UserId, kind: SessionKind) -> Standing {
    match user {
        UserId::ANONYMOUS => Standing::Anonymous,
        user => Standing::User { user, kind },
    }
}
