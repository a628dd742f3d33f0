//! Personal layers: published into a project, given or handed over to another owner, left by those whom they were shared
//! with (R74–R79, R81). What their owners do with them is done by the calls for all layers (R69).

mod access;
mod handover;
mod list;
mod news;
mod quota;

use std::{collections::BTreeSet, sync::Arc};

use jmap_domain::{
    Caller, Decision, GlobalPermission, GroupId, LayerAct, LayerId, Name, PrincipalId, ProjectAct,
    ProjectId, Question, UserId,
};

pub use access::{Access, Through};
pub(crate) use handover::end_offers;
pub use handover::{MadeBy, Offer};
pub use list::{Listed, Owner, PersonalWanted, Sharee};
pub use news::{Follower, News, NewsKind, Reach, Reaching};
pub(crate) use quota::require_room;

use crate::{
    Authority, Facts, Home, LayerEntry, Refusal, Resource, Snapshot,
    change::{Changed, PolicyChange},
    draft::Draft,
    layer_permissions::{LayerTable, table_of},
    model::{AccountPolicy, Editing, GrantRow, Layer, LayerGrant, Placement},
    ports::{Platform, PolicyStore},
    registry::{self, InitialView},
    rules,
};

/// Why a personal layer is not published, given away or left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersonalError {
    /// The layer is in a project: it was published, or never was a personal one (R77).
    #[error("layer `{0}` is in a project, and nobody's own")]
    NotPersonal(LayerId),
    /// The name is taken where the layer would stand (R26, R64).
    #[error("the name `{0}` is taken there")]
    NameTaken(Name),
    /// There is no such account, or none that may own layers: of servers, and the special ones.
    #[error("user `{0}` is no account that owns layers")]
    NoOwner(UserId),
    /// Whoever owns the layer already is offered nothing.
    #[error("user `{0}` owns the layer already")]
    OwnsAlready(UserId),
    /// The layer is not offered to the caller, or, where the caller is its owner, to nobody: never, or no longer.
    #[error("layer `{0}` is not offered")]
    NotOffered(LayerId),
    /// The layer was not shared with the caller itself: as its owner, or only with a group that the caller is in.
    #[error("layer `{0}` was not shared with the caller itself")]
    NotShared(LayerId),
    /// Everything else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// How a layer is published.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The project that it becomes a layer of.
    pub project: ProjectId,
    /// Its name there; `None` keeps the one that it has.
    pub name: Option<Name>,
    /// Who sees it at first (R29, R77).
    pub view: InitialView,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Makes a personal layer a layer of a project, in one change: no observer sees it in both states or in neither (R78).
    /// It keeps its id, editing stays enabled, it comes last in the project's order, and nothing of what it was shared for
    /// is granted there (R76, R77). Answers its table as it is then.
    ///
    /// # Errors
    /// [`PersonalError::NotPersonal`], [`PersonalError::NameTaken`]; [`Refusal`] unless the caller administers personal
    /// layers and *administrates* the project (R74).
    pub async fn publish_layer(
        &self,
        caller: &Caller,
        id: LayerId,
        publication: Publication,
    ) -> Result<Changed<LayerTable>, PersonalError> {
        let standing = self.admit(caller)?;
        let Changed { value: (), policy } = self
            .change(caller, |draft| draft_publication(draft, id, publication))
            .await?;
        let entry = policy
            .layer(id)
            .ok_or(Refusal::NotFound(Resource::Layer(id)))?;
        Ok(Changed {
            value: table_of(&policy, &Facts::of(&policy, standing), entry),
            policy: Arc::clone(&policy),
        })
    }

    /// Gives a personal layer to another owner: shares keep working, and who owned it keeps nothing (R79, R81).
    ///
    /// # Errors
    /// [`PersonalError::NotPersonal`], [`PersonalError::NoOwner`], [`PersonalError::NameTaken`] unless another name is
    /// given; [`Refusal`] unless the caller administers personal layers; [`Refusal::QuotaExceeded`] for that owner.
    pub async fn reassign_layer(
        &self,
        caller: &Caller,
        id: LayerId,
        (owner, name): (UserId, Option<Name>),
    ) -> Result<Changed<Arc<Layer>>, PersonalError> {
        let limit = self.settings.personal_layers;
        self.change(caller, |draft| {
            let snapshot = draft.snapshot();
            let entry = administered(draft, &snapshot, id)?;
            if !owns_layers(&snapshot, owner) {
                return Err(PersonalError::NoOwner(owner));
            }
            give(draft, entry, (owner, name), limit)
        })
        .await
    }

    /// Takes the caller's own row out of a personal layer's table; what reaches the caller through groups stays.
    ///
    /// # Errors
    /// [`PersonalError::NotPersonal`], [`PersonalError::NotShared`]; [`Refusal`] when the layer does not exist for the
    /// caller.
    pub async fn leave_layer(
        &self,
        caller: &Caller,
        id: LayerId,
    ) -> Result<Changed<()>, PersonalError> {
        self.change(caller, |draft| draft_leaving(draft, id)).await
    }
}

fn draft_publication(
    draft: &mut Draft,
    id: LayerId,
    publication: Publication,
) -> Result<(), PersonalError> {
    let Publication {
        project,
        name,
        view,
    } = publication;
    let snapshot = draft.snapshot();
    let entry = administered(draft, &snapshot, id)?;
    draft.require(Question::Project(project, ProjectAct::Administrate))?;
    let name = name.unwrap_or_else(|| entry.layer.name.clone());
    require_free(&snapshot, (Home::Project(project), &name), id)?;
    let revision = draft.revision();
    draft.push(PolicyChange::LayerPut(Layer {
        name,
        placement: registry::last_in(&snapshot, project),
        editing: Editing::Enabled,
        offered_to: None,
        revision,
        ..(*entry.layer).clone()
    }));
    let mut rows: Vec<GrantRow> = entry.grants.keys().copied().map(nothing).collect();
    if view == InitialView::Everyone {
        registry::add_view(&mut rows, GroupId::EVERYONE.into());
    }
    draft.push(PolicyChange::LayerGrantsSet {
        layer: id,
        revision,
        rows,
    });
    Ok(())
}

/// Makes somebody the owner of a layer, by whatever way it comes (R81): who owned it keeps nothing, what it is shared for
/// goes on, and an offer of it ends.
fn give(
    draft: &mut Draft,
    entry: &LayerEntry,
    (owner, name): (UserId, Option<Name>),
    limit: u32,
) -> Result<Arc<Layer>, PersonalError> {
    let snapshot = draft.snapshot();
    let id = entry.layer.id;
    // Who owns it already gets no layer more.
    if entry.layer.placement.owner() != Some(owner) {
        require_room(&snapshot, owner, (limit, draft.now()))?;
    }
    let name = name.unwrap_or_else(|| entry.layer.name.clone());
    require_free(&snapshot, (Home::Personal(owner), &name), id)?;
    let revision = draft.revision();
    let layer = Layer {
        name,
        placement: Placement::Personal { owner },
        offered_to: None,
        revision,
        ..(*entry.layer).clone()
    };
    draft.push(PolicyChange::LayerPut(layer.clone()));
    // An owner holds every right, and needs no row; one that the former owner gave itself would outlive its ownership.
    let owners: BTreeSet<PrincipalId> = [Some(owner), entry.layer.placement.owner()]
        .into_iter()
        .flatten()
        .map(PrincipalId::from)
        .filter(|one| entry.grants.contains_key(one))
        .collect();
    if !owners.is_empty() {
        draft.push(PolicyChange::LayerGrantsSet {
            layer: id,
            revision,
            rows: owners.into_iter().map(nothing).collect(),
        });
    }
    Ok(Arc::new(layer))
}

fn draft_leaving(draft: &mut Draft, id: LayerId) -> Result<(), PersonalError> {
    let person = PrincipalId::from(draft.person()?);
    let snapshot = draft.snapshot();
    let entry = personal(draft, &snapshot, id)?;
    if !entry.grants.contains_key(&person) {
        return Err(PersonalError::NotShared(id));
    }
    let revision = draft.revision();
    draft.push(PolicyChange::LayerGrantsSet {
        layer: id,
        revision,
        rows: vec![nothing(person)],
    });
    Ok(())
}

/// A personal layer that the acting subject may know of.
fn personal<'s>(
    draft: &Draft,
    snapshot: &'s Snapshot,
    id: LayerId,
) -> Result<&'s LayerEntry, PersonalError> {
    draft.require(Question::Layer(id, LayerAct::ReadConfiguration))?;
    let entry = snapshot
        .layer(id)
        .ok_or(Refusal::NotFound(Resource::Layer(id)))?;
    match entry.layer.placement {
        Placement::Personal { owner: _ } => Ok(entry),
        Placement::Project {
            project: _,
            position: _,
        } => Err(PersonalError::NotPersonal(id)),
    }
}

/// The same, where the acting subject administers personal layers (R80).
fn administered<'s>(
    draft: &Draft,
    snapshot: &'s Snapshot,
    id: LayerId,
) -> Result<&'s LayerEntry, PersonalError> {
    let entry = personal(draft, snapshot, id)?;
    let question = Question::Global(GlobalPermission::AdministerPersonalLayers);
    match rules::decide(snapshot, &draft.facts(), question) {
        Decision::All => Ok(entry),
        Decision::Own { creator: _ } | Decision::Denied(_) => {
            Err(Refusal::Forbidden(Resource::Layer(id)).into())
        }
    }
}

/// Refuses a name that another layer bears there. A reservation counts until it has run out and is gone.
fn require_free(
    snapshot: &Snapshot,
    (home, name): (Home, &Name),
    layer: LayerId,
) -> Result<(), PersonalError> {
    let holder = snapshot.layer_named(home, name);
    if holder.is_some_and(|holder| holder != layer) {
        Err(PersonalError::NameTaken(name.clone()))
    } else {
        Ok(())
    }
}

/// Whether an account may own layers: ordinary ones may, also while they are disabled.
fn owns_layers(snapshot: &Snapshot, user: UserId) -> bool {
    let account = snapshot.user(user);
    user != UserId::ANONYMOUS && account.is_some_and(|one| one.policy == AccountPolicy::Ordinary)
}

fn nothing(principal: PrincipalId) -> GrantRow {
    GrantRow {
        principal,
        grant: LayerGrant::default(),
    }
}
