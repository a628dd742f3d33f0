//! Lists of projects and layers: for users what they may open and view (R23), for administrators what they
//! administer (R46). Two calls each, never a flag.

use std::sync::Arc;

use jmap_domain::{
    Caller, EffectivePermissions, LayerAct, LayerId, ProjectAct, ProjectId, Question,
};

use crate::{
    Answer, Asking, Authority, CheckError, Facts, Home, LayerEntry, Refusal, Resource, Snapshot,
    model::{Layer, Project},
    ports::{Platform, PolicyStore},
    projects::{in_order, project},
    rules,
};

/// A layer as the subject sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibleLayer {
    /// The registration.
    pub layer: Arc<Layer>,
    /// What the subject may do on it (R43).
    pub permissions: EffectivePermissions,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The projects that the subject may open, in the administrator's order.
    ///
    /// # Errors
    /// [`CheckError`] when the caller may not ask about the subject.
    pub fn list_projects(
        &self,
        asking: Asking<'_>,
    ) -> Result<Answer<Vec<Arc<Project>>>, CheckError> {
        self.answer(
            asking,
            |snapshot, facts| chosen_projects(snapshot, facts, ProjectAct::Open),
            |_: &Vec<_>| false,
        )
    }

    /// The projects on which the caller has *access*, in the administrator's order (R17).
    ///
    /// # Errors
    /// [`CheckError`] when the caller's session is over.
    pub fn list_administered_projects(
        &self,
        asking: Asking<'_>,
    ) -> Result<Answer<Vec<Arc<Project>>>, CheckError> {
        self.answer(
            asking,
            |snapshot, facts| chosen_projects(snapshot, facts, ProjectAct::Access),
            |_: &Vec<_>| false,
        )
    }

    /// A project that the caller may open or access.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] otherwise.
    pub fn project(&self, caller: &Caller, id: ProjectId) -> Result<Arc<Project>, Refusal> {
        let snapshot = self.snapshot();
        let facts = Facts::of(&snapshot, self.admit(caller)?);
        let holds = |act| holds(&snapshot, &facts, Question::Project(id, act));
        if holds(ProjectAct::Open) || holds(ProjectAct::Access) {
            return Ok(Arc::clone(&project(&snapshot, id)?.project));
        }
        Err(Refusal::NotFound(Resource::Project(id)))
    }

    /// The layers of a project that the subject may view, in the administrator's order, each with its flags (R23).
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when the subject may not open the project.
    pub fn list_layers(
        &self,
        asking: Asking<'_>,
        id: ProjectId,
    ) -> Result<Answer<Vec<VisibleLayer>>, CheckError> {
        let list = |snapshot: &Snapshot, facts: &Facts<'_>| opened(snapshot, facts, id);
        let Answer {
            value,
            token,
            valid_for,
            actor,
        } = self.answer(asking, list, |_: &Option<_>| false)?;
        let value = value.ok_or(Refusal::NotFound(Resource::Project(id)))?;
        Ok(Answer {
            value,
            token,
            valid_for,
            actor,
        })
    }

    /// Those of some layers whose configuration the subject may read, each with its flags (R40, R43, R46): who
    /// only administers a layer has none. The others are left out.
    ///
    /// # Errors
    /// [`CheckError`] when the caller may not ask about the subject, or the answer would be too old.
    pub fn list_chosen_layers(
        &self,
        asking: Asking<'_>,
        ids: &[LayerId],
    ) -> Result<Answer<Vec<VisibleLayer>>, CheckError> {
        let list = |snapshot: &Snapshot, facts: &Facts<'_>| readable(snapshot, facts, ids);
        self.answer(asking, list, |_: &Vec<_>| false)
    }

    /// All layers of a project for those with *access* on it, in the administrator's order (R46).
    ///
    /// # Errors
    /// [`Refusal`] without *access*.
    pub fn list_administered_layers(
        &self,
        caller: &Caller,
        id: ProjectId,
    ) -> Result<Vec<Arc<Layer>>, Refusal> {
        let snapshot = self.snapshot();
        self.require(&snapshot, caller, Question::Project(id, ProjectAct::Access))?;
        let layers = snapshot
            .layers_in(Home::Project(id))
            .filter(|entry| entry.is_active());
        Ok(layers.map(|entry| Arc::clone(&entry.layer)).collect())
    }

    /// The registration of a layer whose configuration the caller may read.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] otherwise.
    pub fn layer(&self, caller: &Caller, id: LayerId) -> Result<Arc<Layer>, Refusal> {
        let snapshot = self.snapshot();
        self.require(
            &snapshot,
            caller,
            Question::Layer(id, LayerAct::ReadConfiguration),
        )?;
        let entry = snapshot
            .layer(id)
            .ok_or(Refusal::NotFound(Resource::Layer(id)))?;
        Ok(Arc::clone(&entry.layer))
    }

    /// Goes on only if the rules let the caller.
    pub(crate) fn require(
        &self,
        snapshot: &Snapshot,
        caller: &Caller,
        question: Question,
    ) -> Result<(), Refusal> {
        let facts = Facts::of(snapshot, self.admit(caller)?);
        Refusal::unless_allowed(question, rules::decide(snapshot, &facts, question))
    }
}

fn chosen_projects(snapshot: &Snapshot, facts: &Facts<'_>, act: ProjectAct) -> Vec<Arc<Project>> {
    let projects = in_order(snapshot).into_iter().map(|entry| &entry.project);
    let chosen = projects.filter(|p| holds(snapshot, facts, Question::Project(p.id, act)));
    chosen.cloned().collect()
}

/// The layers of a project that somebody may view; `None` when it may not open the project.
pub(crate) fn opened(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    id: ProjectId,
) -> Option<Vec<VisibleLayer>> {
    holds(snapshot, facts, Question::Project(id, ProjectAct::Open))
        .then(|| rules::flags_in(snapshot, facts, id).map(flagged).collect())
}

/// Those of some layers whose configuration somebody may read.
pub(crate) fn readable(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    ids: &[LayerId],
) -> Vec<VisibleLayer> {
    let readable = |id: &&LayerId| {
        let question = Question::Layer(**id, LayerAct::ReadConfiguration);
        holds(snapshot, facts, question)
    };
    let layers = ids.iter().filter(readable);
    let layers = layers.filter_map(|id| snapshot.layer(*id));
    let flags = |entry| rules::flags(snapshot, facts, entry).unwrap_or_default();
    layers.map(|entry| flagged((entry, flags(entry)))).collect()
}

fn flagged((entry, permissions): (&LayerEntry, EffectivePermissions)) -> VisibleLayer {
    VisibleLayer {
        layer: Arc::clone(&entry.layer),
        permissions,
    }
}

fn holds(snapshot: &Snapshot, facts: &Facts<'_>, question: Question) -> bool {
    Refusal::unless_allowed(question, rules::decide(snapshot, facts, question)).is_ok()
}
