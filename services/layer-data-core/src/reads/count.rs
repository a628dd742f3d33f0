//! Counting as far as it is worth it.

use std::num::NonZeroU64;

use jmap_domain::{DataRevision, LayerId};

use super::ReadError;
use crate::{
    ports::{Authorizer, Call, Count, LayerStore, StoredLayer},
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
        let check = |stored: &StoredLayer| Ok(input.clone().check(&stored.definition)?);
        let count = |query| async move { self.store.count(&query, cap, call.deadline).await };
        let counted = self.steadily(call, (layer, as_of), check, count).await;
        counted.map(|(_, counted)| counted)
    }
}
