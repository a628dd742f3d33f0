//! Which layers a subject may use.

use std::{collections::BTreeSet, sync::Arc};

use jmap_domain::{Decision, GlobalPermission, LayerAct, LayerId, ProjectAct, ProjectId, Question};

use super::Portion;
use crate::{Facts, Home, LayerEntry, Path, Snapshot, model::Layer, rules};

/// Which layers are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayersWanted {
    /// Those on which the subject may do this, at least on own elements.
    pub act: LayerAct,
    /// Of this project alone; `None` for all projects and personal layers.
    pub project: Option<ProjectId>,
}

/// A layer's place in such a list: personal layers first, then project by project, each by id. Moving a layer in its
/// project's order does not change it, so that no page loses one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerPlace {
    /// Its project; `None` for a personal layer.
    pub project: Option<ProjectId>,
    /// The layer.
    pub layer: LayerId,
}

impl LayerPlace {
    /// Where a layer is.
    #[must_use]
    pub fn of(layer: &Layer) -> Self {
        Self {
            project: layer.placement.project(),
            layer: layer.id,
        }
    }
}

/// A layer that the subject may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLayer {
    /// The registration.
    pub layer: Arc<Layer>,
    /// How far: all elements or own ones.
    pub decision: Decision,
}

/// How far a lookup looks.
pub(super) struct Reach<'s> {
    /// The policy that is decided on.
    pub(super) policy: &'s Snapshot,
    /// About whom.
    pub(super) subject: &'s Facts<'s>,
    /// Who asks about somebody else, and the policy that lets it: nothing but what it administers is looked at.
    pub(super) asker: Option<(&'s Snapshot, &'s Facts<'s>)>,
}

/// The layers that a subject may use, in the order of their places: exactly those for which the rules say so.
#[must_use]
pub fn usable_layers(
    policy: &Snapshot,
    subject: &Facts<'_>,
    wanted: LayersWanted,
    portion: Portion<LayerPlace>,
) -> Vec<FoundLayer> {
    let reach = Reach {
        policy,
        subject,
        asker: None,
    };
    found(&reach, wanted, portion, |_| true)
}

/// The same, as far as the one who asks is told.
pub(super) fn found(
    reach: &Reach<'_>,
    wanted: LayersWanted,
    portion: Portion<LayerPlace>,
    tells: impl Fn(Question) -> bool,
) -> Vec<FoundLayer> {
    let Portion { after, limit } = portion;
    let places = places(reach, wanted.project, after.and_then(|place| place.project));
    let places = places.filter(|place| Some(*place) > after);
    let usable = places.filter_map(|place| {
        let question = Question::Layer(place.layer, wanted.act);
        let decision = match rules::decide(reach.policy, reach.subject, question) {
            Decision::Denied(_) => return None,
            decision @ (Decision::All | Decision::Own { creator: _ }) => decision,
        };
        let layer = Arc::clone(&reach.policy.layer(place.layer)?.layer);
        tells(question).then_some(FoundLayer { layer, decision })
    });
    usable.take(limit).collect()
}

/// Every place where the subject may have a right, from that project on.
fn places<'s>(
    reach: &'s Reach<'_>,
    project: Option<ProjectId>,
    from: Option<ProjectId>,
) -> impl Iterator<Item = LayerPlace> + use<'s> {
    let personal = if project.is_none() && from.is_none() {
        personal_layers(reach)
    } else {
        BTreeSet::new()
    };
    let personal = personal.into_iter().map(|layer| LayerPlace {
        project: None,
        layer,
    });
    let mut projects = projects(reach.policy, reach.subject);
    if let Some((now, asker)) = reach.asker {
        projects = &projects & &self::projects(now, asker);
    }
    projects.retain(|id| Some(*id) >= from && project.is_none_or(|project| project == *id));
    personal.chain(projects.into_iter().flat_map(move |project| {
        let entries = reach.policy.layers_in(Home::Project(project));
        let ids: BTreeSet<LayerId> = entries.map(|entry| entry.layer.id).collect();
        ids.into_iter().map(move |layer| LayerPlace {
            project: Some(project),
            layer,
        })
    }))
}

/// The projects on which the subject may have a right.
fn projects(policy: &Snapshot, subject: &Facts<'_>) -> BTreeSet<ProjectId> {
    if subject.is_super_administrator() {
        return policy.projects().map(|entry| entry.project.id).collect();
    }
    let granted = subject
        .paths()
        .flat_map(|(_, principal)| policy.projects_granted_to(principal));
    granted.collect()
}

/// The personal layers on which the subject may have a right. Special groups have no part in them (R68).
fn personal_layers(reach: &Reach<'_>) -> BTreeSet<LayerId> {
    let Reach {
        policy,
        subject,
        asker,
    } = reach;
    let oversees = |facts: &Facts<'_>| facts.holds(GlobalPermission::AdministerPersonalLayers);
    if asker.is_some_and(|(_, asker)| !oversees(asker)) {
        return asker.map_or_else(BTreeSet::new, |(now, asker)| owned_layers(now, asker));
    }
    if oversees(subject) {
        return policy
            .personal_layers()
            .map(|entry| entry.layer.id)
            .collect();
    }
    let chosen = subject.paths().filter(|(path, _)| match path {
        Path::Direct | Path::Group(_) => true,
        Path::Authenticated | Path::Everyone | Path::Owner | Path::SuperAdministrator => false,
    });
    let granted = chosen.flat_map(|(_, principal)| policy.layers_granted_to(principal));
    let is_personal = |id: &LayerId| policy.layer(*id).is_some_and(|e| e.project().is_none());
    let mut layers = owned_layers(policy, subject);
    layers.extend(granted.filter(is_personal));
    layers
}

/// The layers that somebody administers.
pub(super) fn administered(policy: &Snapshot, asker: &Facts<'_>) -> BTreeSet<LayerId> {
    let managed = |id: &ProjectId| {
        let question = Question::Project(*id, ProjectAct::Administrate);
        rules::decide(policy, asker, question) == Decision::All
    };
    let projects = projects(policy, asker).into_iter().filter(managed);
    let layers = projects.flat_map(|id| policy.layers_in(Home::Project(id)));
    let mut layers: BTreeSet<LayerId> = layers.map(|entry| entry.layer.id).collect();
    if asker.holds(GlobalPermission::AdministerPersonalLayers) {
        layers.extend(policy.personal_layers().map(|entry| entry.layer.id));
    }
    layers.extend(owned_layers(policy, asker));
    layers
}

fn owned_layers(policy: &Snapshot, subject: &Facts<'_>) -> BTreeSet<LayerId> {
    let homes = subject.person().map(Home::Personal);
    let entries = homes.into_iter().flat_map(|home| policy.layers_in(home));
    entries.map(|entry: &LayerEntry| entry.layer.id).collect()
}
