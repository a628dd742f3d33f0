//! The registry of layers: reserve, activate, abandon and unregister on a service's word and a user's token;
//! names, order and the editing switch by administrators (R24, R26, R29, R31, R69, R83).

mod administer;
mod initial;
mod removals;
mod reserve;

use jmap_domain::{Caller, LayerId, Name, PrincipalId, Scope, ServiceId, SessionCaller};

pub use administer::LayerUpdate;
pub(crate) use administer::draft_update;
pub(crate) use initial::add_view;
pub use removals::LayerStatus;
pub(crate) use reserve::last_in;
pub use reserve::{InitialView, ReserveLayer, Site};

use crate::{
    Authority, LayerEntry, Refusal, Resource, Snapshot, Standing,
    change::{Author, Changed, PolicyChange},
    draft::Draft,
    layer_permissions::GrantError,
    model::Tombstone,
    ports::{Platform, PolicyStore},
};

/// A service that passes on a user's call, with both tokens: a service's bare word never becomes a user.
#[derive(Clone, Copy, Debug)]
pub struct OnBehalf<'c> {
    /// The service; it needs scope *register*.
    pub service: &'c Caller,
    /// The user.
    pub user: &'c Caller,
}

/// Why a registration is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Another layer of the project or owner bears the name, perhaps in other case (R26, R64).
    #[error("the name `{0}` is taken")]
    NameTaken(Name),
    /// The repeated name is not the layer's (R73).
    #[error("the repeated name is not the name of layer `{0}`")]
    WrongName(LayerId),
    /// The same request id came with another question.
    #[error("the request id was used for another layer")]
    RequestReused,
    /// The reservation ran out, was abandoned, or is somebody else's.
    #[error("the reservation of layer `{0}` is gone")]
    ReservationGone(LayerId),
    /// Editing is always enabled on a personal layer (R83).
    #[error("editing is always enabled on a personal layer")]
    AlwaysEditable,
    /// An order names something that is not there, or names something twice.
    #[error("the order names a layer that does not belong to it, or one twice")]
    BadOrder,
    /// An initial grant is refused.
    #[error("the initial grant to principal `{0}` is refused: {1}")]
    InitialGrant(PrincipalId, GrantError),
    /// Everything else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Plans a change for a user whose call a service passes on.
    async fn change_on_behalf<R>(
        &self,
        callers: OnBehalf<'_>,
        plan: impl FnOnce(&mut Draft) -> Result<R, RegistryError> + Send,
    ) -> Result<Changed<R>, RegistryError> {
        let (standing, author) = self.admit_on_behalf(callers)?;
        self.change_as(standing, author, plan).await
    }

    /// Checks both callers; the act is the user's.
    fn admit_on_behalf(&self, callers: OnBehalf<'_>) -> Result<(Standing, Author), Refusal> {
        let service = self
            .admit_service(callers.service, Scope::Register)?
            .service;
        let Caller::Session(user) = callers.user else {
            return Err(Refusal::NotSignedIn);
        };
        Ok((self.admit(callers.user)?, passed_on(*user, service)))
    }
}

const fn passed_on(user: SessionCaller, service: ServiceId) -> Author {
    Author::User {
        user: user.user,
        session: user.session,
        via: Some(service),
    }
}

/// The deletion of a layer, as a change.
pub(crate) fn tombstone(draft: &Draft, layer: LayerId) -> PolicyChange {
    PolicyChange::TombstonePut(Tombstone {
        layer,
        at: draft.now(),
        by: draft.facts().account(),
        revision: draft.revision(),
        confirmed: false,
    })
}

/// A layer, after the rules have said that the caller may know of it.
fn layer(snapshot: &Snapshot, id: LayerId) -> Result<&LayerEntry, Refusal> {
    snapshot
        .layer(id)
        .ok_or(Refusal::NotFound(Resource::Layer(id)))
}
