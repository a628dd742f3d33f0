//! Figures of layers: how many elements, how large, when edited last. They tell of no element and of no value, so that those
//! see them who administer a layer without any right on its elements (R18, R46, R82).

use std::num::{NonZeroU32, NonZeroU64};

use jmap_domain::{Decision, LayerAct, LayerId, Question};

use crate::{
    element::Element,
    geometry::Bounds,
    ports::{Authorizer, Call, ChunkLimit, Count, LayerStore, StoredLayer},
    query::{CheckedQuery, OutputInput, QueryInput, SelectionInput},
    reads::ReadError,
    service::LayerData,
    value::{DateTime, Value},
};

/// Up to so many elements are counted one by one: more are estimated.
const COUNTED: NonZeroU64 = NonZeroU64::new(10_000).expect("not zero");
/// The size of a layer is that of so many elements, made larger in proportion.
const MEASURED: NonZeroU32 = NonZeroU32::new(200).expect("not zero");
/// About how many bytes of elements are read to measure a layer.
const READ: usize = 4 << 20;

/// What can be said of a layer as a whole.
#[derive(Clone, Debug)]
pub struct LayerFigures {
    /// The layer.
    pub layer: StoredLayer,
    /// How many elements it has.
    pub count: Count,
    /// How large they are.
    pub size: Size,
    /// When it was edited last; `None` before the first edit.
    pub edited: Option<DateTime>,
    /// The smallest box around them, if it was asked for and there are any.
    pub extent: Option<Bounds>,
}

/// How large the elements of a layer are: their geometries as WKB and their values, as they are now, without history and
/// without what a storage adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// In bytes.
    pub bytes: u64,
    /// Whether every element was looked at.
    pub exact: bool,
}

/// Whether the box around the elements is wanted, for which all of them may have to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// It is.
    Wanted,
    /// It is not.
    LeftOut,
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// The figures of those of some layers whose configuration the caller may read, in their order. What it may not know
    /// of and what does not exist are alike not among them (R40).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn figures(
        &self,
        call: &Call,
        layers: &[LayerId],
        extent: Extent,
    ) -> Result<Vec<LayerFigures>, ReadError> {
        let question = |layer: &LayerId| Question::Layer(*layer, LayerAct::ReadConfiguration);
        let questions: Vec<Question> = layers.iter().map(question).collect();
        let answer = self.ask(call, &questions).await?;
        let mut figures = Vec::with_capacity(layers.len());
        for (layer, decision) in layers.iter().zip(answer.decisions) {
            // References have none here, and a layer may go meanwhile.
            if decision == Decision::All && self.store.layer(*layer).await?.is_some() {
                figures.push(self.figures_of(call, *layer, extent).await?);
            }
        }
        Ok(figures)
    }

    async fn figures_of(
        &self,
        call: &Call,
        layer: LayerId,
        extent: Extent,
    ) -> Result<LayerFigures, ReadError> {
        let check = |stored: &StoredLayer| Ok(all_of(layer).check(&stored.definition)?);
        let look = |query: CheckedQuery| async move {
            let (count, _) = self.store.count(&query, COUNTED, call.deadline).await?;
            let some = ChunkLimit {
                rows: MEASURED,
                bytes: READ,
            };
            let chunk = self.store.read(&query, None, some, call.deadline).await?;
            let around = match extent {
                Extent::Wanted => self.store.summarize(&query, call.deadline).await?.extent,
                Extent::LeftOut => None,
            };
            let edited = self.store.last_edit(layer).await?;
            Ok((count, chunk.elements, around, edited))
        };
        let (stored, (count, elements, extent, edited)) = self
            .steadily::<_, _, ReadError, _>(call, (layer, None), check, look)
            .await?;
        Ok(LayerFigures {
            layer: stored,
            size: size(count, &elements),
            count,
            edited,
            extent,
        })
    }
}

fn all_of(layer: LayerId) -> QueryInput {
    QueryInput {
        layer,
        selection: SelectionInput::default(),
        output: OutputInput::default(),
        maximum: None,
    }
}

/// The size of so many elements, of which these are some.
fn size(count: Count, some: &[Element]) -> Size {
    let bytes: u64 = some.iter().map(bytes).sum();
    let looked_at = some.len() as u64;
    let (Count::Exact(count) | Count::About(count) | Count::AtLeast(count)) = count;
    if count <= looked_at {
        return Size { bytes, exact: true };
    }
    let all = u128::from(bytes) * u128::from(count) / u128::from(looked_at.max(1));
    Size {
        bytes: u64::try_from(all).unwrap_or(u64::MAX),
        exact: false,
    }
}

fn bytes(element: &Element) -> u64 {
    let geometry = element.geometry.as_ref().map_or(0, Vec::len);
    (geometry + element.values.iter().map(Value::size).sum::<usize>()) as u64
}
