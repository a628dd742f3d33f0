//! Layers: created in three steps, deleted in two, listed from the registry and the storage together.

use jmap_domain::{Decision, LayerAct, LayerId, ProjectAct, ProjectId, Question};

use crate::{
    definition::{DefinitionError, LayerDraft},
    ports::{
        Authorizer, Call, LayerFilter, LayerStore, NewLayer, PageRequest, Placement,
        RegisteredLayer, Registry, RegistryError, Reservation, ReservationState, StoreError,
        StoredLayer,
    },
    service::{AskError, LayerData},
};

/// Why a layer was not created, deleted or shown.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// Authorization's answer does not let the call begin.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The layer does not exist, or the caller may not know that it does (R40).
    #[error("layer `{0}` does not exist")]
    NoSuchLayer(LayerId),
    /// The caller may not create layers there (R12, R17).
    #[error("creating {} is not permitted", layers_of(.0))]
    MayNotCreate(Placement),
    /// The caller may not delete the layer (R17, R69, R73).
    #[error("deleting layer `{0}` is not permitted")]
    MayNotDelete(LayerId),
    /// The definition is not one.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The registry refused.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The storage did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn layers_of(place: &Placement) -> String {
    match place {
        Placement::Project(project) => format!("layers of project `{project}`"),
        Placement::Personal => "personal layers".to_owned(),
    }
}

impl LayerError {
    /// What the registry refused, with what it was about where it was not permitted.
    fn refused(error: RegistryError, not_permitted: Self) -> Self {
        if matches!(error, RegistryError::NotPermitted) {
            not_permitted
        } else {
            error.into()
        }
    }
}

/// A layer as it was created.
#[derive(Clone, Debug)]
pub struct CreatedLayer {
    /// What the store knows of it.
    pub stored: StoredLayer,
    /// Its name as it was taken: NFC and trimmed.
    pub name: String,
    /// The policy token of its activation; `None` when an earlier call with the same request id activated it.
    pub policy_token: Option<String>,
}

/// A layer as it is shown.
#[derive(Clone, Debug)]
pub struct LayerView {
    /// The layer.
    pub layer: LayerId,
    /// What the registry knows, with what the caller may do: nothing where it only administers (R46).
    pub registered: RegisteredLayer,
    /// What the store knows; `None` when the storage has none of it, or another instance does.
    pub stored: Option<StoredLayer>,
}

/// A part of the list of a project's layers.
#[derive(Clone, Debug)]
pub struct LayerList {
    /// The layers, in the administrator's order.
    pub layers: Vec<LayerView>,
    /// Where to go on; empty at the end.
    pub next_token: String,
    /// The state of the policy that the list was made at; opaque.
    pub policy_token: String,
}

impl<S: LayerStore, A: Authorizer, R: Registry> LayerData<S, A, R> {
    /// Creates a layer: reserve, make, activate. A retry with the same request id goes on where it stopped, and until
    /// the last step nobody sees anything.
    ///
    /// # Errors
    /// [`LayerError`].
    pub async fn create_layer(
        &self,
        call: &Call,
        draft: LayerDraft,
        reservation: Reservation,
    ) -> Result<CreatedLayer, LayerError> {
        let definition = draft.define()?;
        let refused =
            |error| LayerError::refused(error, LayerError::MayNotCreate(reservation.placement));
        let reserved = self.registry.reserve(call, &reservation).await;
        let reserved = reserved.map_err(refused)?;
        let new = NewLayer {
            layer: reserved.layer,
            label: reserved.name.clone(),
            definition,
        };
        let stored = match self.store.create_layer(new).await {
            Ok(stored) => stored,
            // The same request id, and another definition than before.
            Err(StoreError::LayerExists(_)) => return Err(RegistryError::RequestReused.into()),
            Err(error) => return Err(self.give_up(call, reserved.layer, error).await),
        };
        let policy_token = match reserved.state {
            ReservationState::Pending => {
                let activated = self.registry.activate(call, reserved.layer).await;
                Some(activated.map_err(refused)?)
            }
            ReservationState::Active => None,
        };
        Ok(CreatedLayer {
            stored,
            name: reserved.name,
            policy_token,
        })
    }

    /// Frees the name of a layer whose storage cannot be made. What may pass is left to a retry.
    async fn give_up(&self, call: &Call, layer: LayerId, error: StoreError) -> LayerError {
        match &error {
            StoreError::Unavailable | StoreError::Overloaded => {}
            StoreError::Unexpected(_)
            | StoreError::PermitExpired
            | StoreError::LayerMissing(_)
            | StoreError::DefinitionChanged(_)
            | StoreError::Dependent(_)
            | StoreError::LayerExists(_)
            | StoreError::RequestReused
            | StoreError::OtherInstallation => {
                // Should this fail as well, the reservation runs out by itself.
                let _ = self.registry.abandon(call, layer).await;
            }
        }
        error.into()
    }

    /// Deletes a layer: it vanishes for everyone at once; its storage goes by [`LayerData::reconcile`] (R25). Answers
    /// the policy token of the change.
    ///
    /// # Errors
    /// [`LayerError`].
    pub async fn delete_layer(
        &self,
        call: &Call,
        layer: LayerId,
        confirm_name: &str,
    ) -> Result<String, LayerError> {
        let deleted = self.registry.unregister(call, layer, confirm_name).await;
        deleted.map_err(|error| LayerError::refused(error, LayerError::MayNotDelete(layer)))
    }

    /// Removes the storage of layers that authorization says are deleted, and tells it so. Answers which. Storage
    /// of a layer that authorization does not know is left alone.
    ///
    /// # Errors
    /// [`LayerError`]; what was not done is done the next time.
    pub async fn reconcile(&self) -> Result<Vec<LayerId>, LayerError> {
        let removals = self.registry.removals().await?;
        let mut gone = Vec::with_capacity(removals.len());
        for removal in removals {
            self.store.drop_layer(removal).await?;
            gone.push(removal.layer);
        }
        if !gone.is_empty() {
            self.registry.confirm_removals(&gone).await?;
        }
        Ok(gone)
    }

    /// Shows a layer to whoever may read its configuration (R46, R105).
    ///
    /// # Errors
    /// [`LayerError`].
    pub async fn get_layer(&self, call: &Call, layer: LayerId) -> Result<LayerView, LayerError> {
        let question = Question::Layer(layer, LayerAct::ReadConfiguration);
        if !self.is_allowed(call, question).await? {
            return Err(LayerError::NoSuchLayer(layer));
        }
        let filter = LayerFilter::Layers(vec![layer]);
        let page = self
            .authorizer
            .layers(call, &filter, &PageRequest::default())
            .await
            .map_err(AskError::from)?;
        let registered = page
            .layers
            .into_iter()
            .find(|registered| registered.layer == layer)
            .ok_or(LayerError::NoSuchLayer(layer))?;
        Ok(LayerView {
            layer,
            registered,
            stored: self.store.layer(layer).await?,
        })
    }

    /// Lists the layers of a project that the caller can open and view, each with what the caller may do (R23).
    ///
    /// # Errors
    /// [`LayerError`].
    pub async fn list_layers(
        &self,
        call: &Call,
        project: ProjectId,
        page: &PageRequest,
    ) -> Result<LayerList, LayerError> {
        // A list alone would not tell a session that is over from a project that is closed (R117).
        let question = Question::Project(project, ProjectAct::Open);
        if !self.is_allowed(call, question).await? {
            return Err(AskError::NoSuchProject.into());
        }
        let filter = LayerFilter::Project(project);
        let page = self
            .authorizer
            .layers(call, &filter, page)
            .await
            .map_err(AskError::from)?;
        let mut layers = Vec::with_capacity(page.layers.len());
        for registered in page.layers {
            let stored = match registered.connection {
                Some(_) => None,
                None => self.store.layer(registered.layer).await?,
            };
            layers.push(LayerView {
                layer: registered.layer,
                registered,
                stored,
            });
        }
        Ok(LayerList {
            layers,
            next_token: page.next_token,
            policy_token: page.policy_token,
        })
    }

    async fn is_allowed(&self, call: &Call, question: Question) -> Result<bool, LayerError> {
        let answer = self.ask(call, &[question]).await?;
        Ok(answer.decisions.first() == Some(&Decision::All))
    }
}
