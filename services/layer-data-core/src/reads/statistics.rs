//! Statistics, by the rights of a read where they tell values one by one (R38, R40, R113).

use super::{ReadError, ReadPurpose, Wanted};
use crate::{
    ports::{Authorizer, Call, LayerStore, StoredLayer},
    service::LayerData,
    statistics::{Statistics, StatisticsFault, StatisticsInput, TallyError},
};

/// Why there are no statistics.
#[derive(Debug, thiserror::Error)]
pub enum StatisticsError {
    /// The elements may not be read, or cannot.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The question makes no sense for the layer.
    #[error(transparent)]
    Fault(#[from] StatisticsFault),
    /// There was too much.
    #[error(transparent)]
    Tally(#[from] TallyError),
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Computes statistics. Counts, extents and what numbers add up to need *view*, for the whole layer as well.
    /// Groups and distinct values tell what elements hold, one by one: they are given where a read would be, that is
    /// for a limited selection and within the display limit, unless the caller may copy.
    ///
    /// # Errors
    /// [`StatisticsError`].
    pub async fn statistics(
        &self,
        call: &Call,
        input: StatisticsInput,
    ) -> Result<(StoredLayer, Statistics), StatisticsError> {
        let layer = input.layer;
        let maximum = if input.lists_values() {
            let wanted = Wanted {
                purpose: ReadPurpose::Display,
                whole_layer: !input.selection.is_for_viewers(),
                maximum: None,
            };
            self.terms(call, layer, wanted).await?.maximum
        } else {
            self.may_sum_up(call, layer, &input.selection).await?;
            None
        };
        let as_of = input.selection.as_of;
        let check = |stored: &StoredLayer| Ok(input.clone().check(&stored.definition, maximum)?);
        let sum_up =
            |(query, tally)| async move { self.store.tally(&query, tally, call.deadline).await };
        let answer = self.steadily::<_, _, StatisticsError, _>(call, (layer, as_of), check, sum_up);
        let (stored, (tally, revision)) = answer.await?;
        Ok((stored, tally.finish(revision)?))
    }
}
