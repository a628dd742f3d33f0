//! Creating a layer: reserve, activate, abandon. Until it is activated it exists for nobody.

use std::{collections::BTreeSet, sync::Arc};

use super::{OnBehalf, RegistryError, initial, tombstone};
use crate::{
    Authority, Home, LayerEntry, Refusal, Snapshot,
    change::{Changed, PolicyChange},
    draft::Draft,
    model::{CreationRequest, Editing, GrantRow, Layer, LayerState, Placement, RequestId},
    personal::require_room,
    ports::{Platform, PolicyStore},
};
use jmap_domain::{
    ConnectionId, GlobalPermission, LayerId, Name, ProjectAct, ProjectId, Question, UserId,
};

/// A layer to create.
#[derive(Clone, Debug)]
pub struct ReserveLayer {
    /// Unique where the layer will stand (R26, R64).
    pub name: Name,
    /// Where it will stand.
    pub site: Site,
    /// The connection to the instance that holds the original, for a reference.
    pub reference: Option<ConnectionId>,
    /// Chosen by the client: the same one continues where a broken call stopped.
    pub request: RequestId,
}

/// Where a new layer stands, and how it starts there.
#[derive(Clone, Debug)]
pub enum Site {
    /// In a project, which the user administrates.
    Project {
        /// The project.
        project: ProjectId,
        /// The editing switch; disabled unless asked otherwise (R83).
        editing: Editing,
        /// Who sees it at first (R29).
        view: InitialView,
        /// Grants besides; a row for `everyone` adds to the initial view.
        grants: Vec<GrantRow>,
    },
    /// In no project: the user's own (R12).
    Personal,
}

impl Site {
    const fn is_personal(&self) -> bool {
        match self {
            Self::Personal => true,
            Self::Project {
                project: _,
                editing: _,
                view: _,
                grants: _,
            } => false,
        }
    }
}

/// Who sees a new layer (R29).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InitialView {
    /// Everyone who can open the project.
    #[default]
    Everyone,
    /// Nobody, until somebody is granted.
    Nobody,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Takes an id and a name for a layer that does not exist yet for anybody.
    ///
    /// # Errors
    /// [`RegistryError::NameTaken`], [`RegistryError::RequestReused`], [`RegistryError::InitialGrant`];
    /// [`Refusal`] when the user may not create layers there.
    pub async fn reserve_layer(
        &self,
        callers: OnBehalf<'_>,
        request: ReserveLayer,
    ) -> Result<Changed<Arc<Layer>>, RegistryError> {
        let (life, limit) = (self.settings.reservation, self.settings.personal_layers);
        self.change_on_behalf(callers, move |draft| {
            let by = draft.person()?;
            let fingerprint = initial::fingerprint(&request);
            let snapshot = draft.snapshot();
            if let Some(made) = running(&snapshot, draft, by, request.request) {
                let same = made.layer.request.fingerprint == fingerprint;
                return if same {
                    Ok(Arc::clone(&made.layer))
                } else {
                    Err(RegistryError::RequestReused)
                };
            }
            require_site(draft, &request.site)?;
            let ReserveLayer {
                name,
                site,
                reference,
                request,
            } = request;
            if site.is_personal() {
                require_room(&snapshot, by, (limit, draft.now()))?;
            }
            make_way(draft, home(&site, by), &name, (by, request))?;
            let expires_at = draft.now().after(life);
            let layer = Layer {
                id: draft.next_layer()?,
                name,
                placement: placement(&snapshot, &site, by),
                editing: editing(&site),
                offered_to: None,
                reference,
                state: LayerState::Pending { expires_at },
                request: CreationRequest {
                    by,
                    id: request,
                    fingerprint,
                },
                revision: draft.revision(),
            };
            let rows = initial::initial_rows(draft, &layer, site)?;
            draft.push(PolicyChange::LayerPut(layer.clone()));
            let (layer_id, revision) = (layer.id, draft.revision());
            draft.push(PolicyChange::LayerGrantsSet {
                layer: layer_id,
                revision,
                rows,
            });
            Ok(Arc::new(layer))
        })
        .await
    }

    /// Makes a reserved layer exist, with its initial grants; a layer that was activated already is answered as it is.
    ///
    /// # Errors
    /// [`RegistryError::ReservationGone`] once it ran out; [`Refusal`] when the user may no longer create it.
    pub async fn activate_layer(
        &self,
        callers: OnBehalf<'_>,
        id: LayerId,
    ) -> Result<Changed<Arc<Layer>>, RegistryError> {
        self.change_on_behalf(callers, |draft| {
            let snapshot = draft.snapshot();
            let entry = reserved(&snapshot, draft.person()?, id)?;
            let LayerState::Pending { expires_at } = entry.layer.state else {
                return Ok(Arc::clone(&entry.layer));
            };
            if expires_at <= draft.now() {
                return Err(RegistryError::ReservationGone(id));
            }
            require_home(draft, entry.layer.placement.into())?;
            let (state, revision) = (LayerState::Active, draft.revision());
            let layer = Layer {
                state,
                revision,
                ..(*entry.layer).clone()
            };
            draft.push(PolicyChange::LayerPut(layer.clone()));
            Ok(Arc::new(layer))
        })
        .await
    }

    /// Gives a reservation up; it becomes a tombstone, so that storage made for it is dropped.
    ///
    /// # Errors
    /// [`RegistryError::ReservationGone`] when it is not pending, or somebody else's.
    pub async fn abandon_layer(
        &self,
        callers: OnBehalf<'_>,
        id: LayerId,
    ) -> Result<Changed<()>, RegistryError> {
        self.change_on_behalf(callers, |draft| {
            let snapshot = draft.snapshot();
            if reserved(&snapshot, draft.person()?, id)?.is_active() {
                return Err(RegistryError::ReservationGone(id));
            }
            draft.push(tombstone(draft, id));
            Ok(())
        })
        .await
    }

    /// Turns reservations that ran out into tombstones; to be called now and then.
    ///
    /// # Errors
    /// [`Refusal::Store`] when the store fails.
    pub async fn expire_reservations(&self) -> Result<(), Refusal> {
        let now = self.platform.now();
        if !self
            .snapshot()
            .pending_layers()
            .any(|entry| entry.layer.has_expired(now))
        {
            return Ok(());
        }
        self.change_by_itself(|draft| {
            let snapshot = draft.snapshot();
            let expired = snapshot
                .pending_layers()
                .filter(|e| e.layer.has_expired(draft.now()));
            for id in expired.map(|entry| entry.layer.id).collect::<Vec<_>>() {
                draft.push(tombstone(draft, id));
            }
            Ok(())
        })
        .await
    }
}

/// The layer that the request made or is making, unless its reservation has run out.
fn running<'s>(
    snapshot: &'s Snapshot,
    draft: &Draft,
    by: UserId,
    request: RequestId,
) -> Option<&'s LayerEntry> {
    let made = snapshot.layer_requested(by, request);
    made.filter(|entry| !entry.layer.has_expired(draft.now()))
}

/// A layer that the user's own call reserved, pending or active by now.
fn reserved(snapshot: &Snapshot, user: UserId, id: LayerId) -> Result<&LayerEntry, RegistryError> {
    let entry = snapshot
        .registered_layer(id)
        .filter(|entry| entry.layer.request.by == user);
    entry.ok_or(RegistryError::ReservationGone(id))
}

/// Whether the user may create a layer there (R12, R17).
fn require_site(draft: &Draft, site: &Site) -> Result<(), RegistryError> {
    let home = match site {
        Site::Project {
            project,
            editing: _,
            view: _,
            grants: _,
        } => Home::Project(*project),
        Site::Personal => Home::Personal(draft.person()?),
    };
    require_home(draft, home)
}

fn require_home(draft: &Draft, home: Home) -> Result<(), RegistryError> {
    let question = match home {
        Home::Project(id) => Question::Project(id, ProjectAct::Administrate),
        Home::Personal(_) => Question::Global(GlobalPermission::CreatePersonalLayers),
    };
    Ok(draft.require(question)?)
}

/// Refuses a taken name. Reservations that ran out hold neither a name nor a request id: those in the way
/// become tombstones.
fn make_way(
    draft: &mut Draft,
    home: Home,
    name: &Name,
    request: (UserId, RequestId),
) -> Result<(), RegistryError> {
    let snapshot = draft.snapshot();
    let holder = snapshot
        .layer_named(home, name)
        .and_then(|id| snapshot.registered_layer(id));
    if holder.is_some_and(|holder| !holder.layer.has_expired(draft.now())) {
        return Err(RegistryError::NameTaken(name.clone()));
    }
    let earlier = snapshot.layer_requested(request.0, request.1);
    let expired: BTreeSet<LayerId> = holder
        .into_iter()
        .chain(earlier)
        .map(|entry| entry.layer.id)
        .collect();
    for id in expired {
        draft.push(tombstone(draft, id));
    }
    Ok(())
}

const fn home(site: &Site, by: UserId) -> Home {
    match site {
        Site::Project {
            project,
            editing: _,
            view: _,
            grants: _,
        } => Home::Project(*project),
        Site::Personal => Home::Personal(by),
    }
}

const fn editing(site: &Site) -> Editing {
    match site {
        Site::Project {
            project: _,
            editing,
            view: _,
            grants: _,
        } => *editing,
        Site::Personal => Editing::Enabled,
    }
}

/// A new layer comes last in its project's order.
fn placement(snapshot: &Snapshot, site: &Site, by: UserId) -> Placement {
    match site {
        Site::Personal => Placement::Personal { owner: by },
        Site::Project {
            project,
            editing: _,
            view: _,
            grants: _,
        } => last_in(snapshot, *project),
    }
}

/// The place after all layers of a project.
pub(crate) fn last_in(snapshot: &Snapshot, project: ProjectId) -> Placement {
    let last = snapshot.last_layer_in(Home::Project(project));
    let last = last.and_then(|entry| entry.layer.position());
    let position = last.map_or(0, |last| last.saturating_add(1));
    Placement::Project { project, position }
}
