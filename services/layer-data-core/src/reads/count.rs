//! Counting as far as it is worth it.

use std::num::NonZeroU64;

use jmap_domain::{DataRevision, LayerId};

use super::ReadError;
use crate::{
    history::kept,
    ports::{Authorizer, Call, Count, LayerStore},
    query::{GeometryOutput, OutputInput, QueryInput, SelectionInput},
    service::LayerData,
};

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Counts elements; those beyond a cap are estimated, or said to be there. Rights are those of
    /// [`LayerData::summarize`]: an estimate tells nothing that counting would not (R113).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn count(
        &self,
        call: &Call,
        (layer, selection): (LayerId, SelectionInput),
        cap: NonZeroU64,
    ) -> Result<(Count, DataRevision), ReadError> {
        let as_of = selection.as_of;
        self.may_sum_up(call, layer, &selection).await?;
        let stored = self.stored(layer).await?;
        kept(&stored, as_of)?;
        let input = QueryInput {
            layer,
            selection,
            output: OutputInput {
                geometry: GeometryOutput::Omit,
                attributes: Some(Vec::new()),
                ..OutputInput::default()
            },
            maximum: None,
        };
        let query = input.check(&stored.definition)?;
        let counted = self.store.count(&query, cap, call.deadline).await;
        let counted = counted.map_err(|error| ReadError::unanswered(call, error))?;
        self.kept_still(layer, as_of).await?;
        Ok(counted)
    }
}
