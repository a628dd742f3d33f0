//! Random lives of a layer: edits, deletions by query, restorations, reversals, changes of the definition and prunings of
//! history, beside a naive model that keeps every state as a whole. After each act the layer, its past and its feed are the model's.

mod looks;
mod model;

use std::{
    collections::BTreeSet,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use jmap_domain::{
    ActorId, Caller, Decision, ElementId, Question, SessionCaller, SessionId, SessionKind, UserId,
};
use proptest::{collection::vec, option, prelude::*};

use self::{
    looks::Look,
    model::{Model, NUMBER, Undone},
};
use super::{
    actor, batch, layer, point,
    pruning::{make_forgetful, prune},
    structure::{current, draft, redefined},
};
use crate::{
    LayerData, Limits,
    definition::{AttributeDefinition, DefinitionChange, LayerDefinition},
    edit::{BatchOutcome, Edit, EditResult, ExpectedRevision, Intent},
    edits::{Deleted, DeletionError, DeletionInput, Past, Reversal, ReversalError, ReversalInput},
    element::{AttributeRef, ChangeInput, ElementInput, ValueSource},
    geometry::SingleToMulti,
    history::{AsOf, Deeds, HistoryStart},
    ports::{
        Answer, Authorizer, AuthorizerError, Call, LayerFilter, LayerPage, LayerStore, PageRequest,
    },
    query::SelectionInput,
    reads::ReadError,
    value::{AttributeType, Value},
};

/// What one edit of a batch does. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Stroke {
    Create(u8, Option<i64>),
    Number(usize, Option<i64>),
    Move(usize, u8),
    Delete(usize),
}

/// What somebody does to the layer.
#[derive(Clone, Debug)]
enum Deed {
    Edit(Vec<Stroke>),
    /// Deletes whatever has at least this number, if it is no more than so many elements.
    DeleteFrom(i64, u32),
    /// Brings back some of the elements that there ever were.
    Restore(Vec<usize>),
    RevertRevision(usize),
    /// Undoes what an actor did since a state.
    RevertActor(i64, usize),
    AddAttribute(Option<i64>),
    RenameAttribute(usize),
    DropAttribute(usize),
    WidenAttribute(usize, AttributeType),
    /// Removes about so many of the oldest versions, as if all had been long ago.
    Forget(u32),
}

/// A deed, who does it, and what is looked at afterwards.
#[derive(Clone, Debug)]
pub struct Act {
    who: i64,
    deed: Deed,
    look: Look,
}

/// Lives of a layer.
pub fn lives() -> impl Strategy<Value = Vec<Act>> {
    let act = (1..4_i64, deed(), looks::look());
    vec(
        act.prop_map(|(who, deed, look)| Act { who, deed, look }),
        1..24,
    )
}

fn number() -> impl Strategy<Value = Option<i64>> {
    option::weighted(0.9, 0..6_i64)
}

fn deed() -> impl Strategy<Value = Deed> {
    let which = || 0..16_usize;
    let stroke = prop_oneof![
        3 => (0..6_u8, number()).prop_map(|(place, number)| Stroke::Create(place, number)),
        2 => (which(), number()).prop_map(|(which, number)| Stroke::Number(which, number)),
        2 => (which(), 0..6_u8).prop_map(|(which, place)| Stroke::Move(which, place)),
        2 => which().prop_map(Stroke::Delete),
    ];
    prop_oneof![
        10 => vec(stroke, 1..6).prop_map(Deed::Edit),
        2 => (0..6_i64, 1..6_u32).prop_map(|(least, most)| Deed::DeleteFrom(least, most)),
        2 => vec(which(), 1..4).prop_map(Deed::Restore),
        2 => which().prop_map(Deed::RevertRevision),
        3 => (1..4_i64, which()).prop_map(|(of, since)| Deed::RevertActor(of, since)),
        1 => number().prop_map(Deed::AddAttribute),
        1 => which().prop_map(Deed::RenameAttribute),
        1 => which().prop_map(Deed::DropAttribute),
        1 => (which(), prop_oneof![Just(AttributeType::Double), Just(AttributeType::String)])
            .prop_map(|(which, to)| Deed::WidenAttribute(which, to)),
        2 => (1..4_u32).prop_map(Deed::Forget),
    ]
}

/// R103, R106, R109, R110, R112, R114: whatever happens to a layer, it is what a naive model says.
pub async fn a_layer_is_what_was_done_to_it<S: LayerStore>(store: S, acts: Vec<Act>) {
    let store = Arc::new(store);
    make_forgetful(&*store).await;
    let (all, limits) = (Arc::new(Everything), Limits::default());
    let mut life = Life {
        service: LayerData::new(Arc::clone(&store), all, Arc::new(()), limits),
        store,
        model: Model::default(),
    };
    for Act { who, deed, look } in acts {
        life.live(who, &deed).await;
        look.compare(&*life.store, &life.model).await;
    }
}

/// A layer and what it must be.
struct Life<S> {
    service: LayerData<S, Everything, ()>,
    store: Arc<S>,
    model: Model,
}

impl<S: LayerStore> Life<S> {
    async fn live(&mut self, who: i64, deed: &Deed) {
        let who = actor(who);
        match deed {
            Deed::Edit(strokes) => self.edit(who, strokes).await,
            Deed::DeleteFrom(least, most) => self.delete_from(who, *least, *most).await,
            Deed::Restore(chosen) => self.restore(who, chosen).await,
            Deed::RevertRevision(which) => {
                if let Some(revision) = self.model.revision(*which) {
                    self.revert(who, Deeds::Of(revision)).await;
                }
            }
            Deed::RevertActor(of, since) => {
                let since = self.model.revision(*since).unwrap_or_default();
                let deeds = Deeds::By(actor(*of), AsOf::Revision(since));
                self.revert(who, deeds).await;
            }
            Deed::AddAttribute(_)
            | Deed::RenameAttribute(_)
            | Deed::DropAttribute(_)
            | Deed::WidenAttribute(..) => {
                self.restructure(deed).await;
            }
            Deed::Forget(limit) => self.forget(*limit).await,
        }
    }

    async fn edit(&mut self, who: ActorId, strokes: &[Stroke]) {
        let definition = current(&*self.store).await;
        let mut left: Vec<ElementId> = self.model.now().keys().copied().collect();
        let edits = strokes.iter();
        let edits = edits.filter_map(|stroke| stroke.edit(&definition, &mut left));
        let edits: Vec<Edit> = edits.collect();
        if edits.is_empty() {
            return;
        }
        let batch = batch(who, Decision::All, edits.clone());
        let answer = self.store.edit(batch).await.unwrap();
        assert_eq!(answer.outcome, BatchOutcome::Committed, "{answer:?}");
        let done = answer.results.into_iter().map(|(_, result)| {
            let EditResult::Done(edited) = result else {
                panic!("not done: {result:?}")
            };
            edited
        });
        let done: Vec<_> = done.collect();
        self.model.edited(who, &definition, &edits, &done);
    }

    async fn delete_from(&mut self, who: ActorId, least: i64, most: u32) {
        let input = DeletionInput {
            layer: layer(),
            selection: SelectionInput {
                condition: Some(looks::at_least(least)),
                ..SelectionInput::default()
            },
            maximum: NonZeroU32::new(most).unwrap(),
            intent: Intent::Commit,
            request: None,
        };
        let found = self.model.with_number_from(least);
        match self.service.delete_selected(&call(who), input).await {
            Ok(Deleted { count, revision }) => {
                assert_eq!(count, found.len() as u64);
                assert!(found.len() <= most as usize);
                assert_eq!(revision.is_some(), count > 0);
                let undone = found.into_iter().map(|id| (id, None));
                self.model.became(who, revision, undone.collect());
            }
            Err(DeletionError::Read(ReadError::TooManyElements { .. })) => {
                assert!(found.len() > most as usize, "{found:?}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn restore(&mut self, who: ActorId, chosen: &[usize]) {
        let ever = self.model.ever();
        let ids = chosen.iter().filter_map(|which| pick(&ever, *which));
        let ids: BTreeSet<ElementId> = ids.copied().collect();
        let expected = self.model.restored(&ids);
        let past = Past::Deleted(ids.into_iter().collect());
        self.reverse(who, past, expected).await;
    }

    async fn revert(&mut self, who: ActorId, deeds: Deeds) {
        let expected = self.model.reverted(deeds);
        self.reverse(who, Past::Before(deeds), expected).await;
    }

    async fn reverse(&mut self, who: ActorId, past: Past, expected: Option<Undone>) {
        let input = ReversalInput {
            layer: layer(),
            past,
            intent: Intent::Commit,
            request: None,
        };
        let done = self.service.reverse(&call(who), input.clone()).await;
        let Some(expected) = expected else {
            let refused = matches!(done, Err(ReversalError::Read(ReadError::HistoryPruned(_))));
            assert!(refused, "{input:?}: {done:?}");
            return;
        };
        let Reversal {
            count,
            revision,
            conflicts,
        } = done.unwrap();
        let conflicts: Vec<ElementId> = conflicts.into_iter().map(|(id, _)| id).collect();
        assert_eq!(conflicts, expected.conflicts, "{input:?}");
        if conflicts.is_empty() {
            assert_eq!(count, expected.elements.len() as u64, "{input:?}");
            self.model.became(who, revision, expected.elements);
        } else {
            assert_eq!((count, revision), (0, None));
        }
    }

    async fn forget(&mut self, limit: u32) {
        let before = self.history().await;
        let pruned = prune(&*self.store, limit).await;
        let begun = self.history().await;
        assert_eq!(pruned.versions > 0, begun.revision > before.revision);
        self.model.forgot(begun.revision);
    }

    async fn history(&self) -> HistoryStart {
        self.store.layer(layer()).await.unwrap().unwrap().history
    }

    async fn restructure(&mut self, deed: &Deed) {
        let before = current(&*self.store).await;
        let Some(change) = change(&before, deed) else {
            return;
        };
        let after = redefined(&*self.store, vec![change]).await;
        self.model.restructured(&after);
    }
}

impl Stroke {
    /// The edit, of an element that no other edit of the batch is of.
    fn edit(&self, definition: &LayerDefinition, left: &mut Vec<ElementId>) -> Option<Edit> {
        let mut take = |which: usize| {
            let place = which.checked_rem(left.len())?;
            Some(left.swap_remove(place))
        };
        let update = |element, geometry, values| Edit::Update {
            element,
            expected: ExpectedRevision::Any,
            patch: ChangeInput { geometry, values }.check(definition).unwrap(),
        };
        Some(match self {
            Self::Create(place, number) => {
                let input = ElementInput {
                    geometry: point(f64::from(*place), 0.0),
                    values: vec![numbered(*number)],
                };
                let new = input.check(definition, ValueSource::Client, SingleToMulti::Refuse);
                Edit::Create(new.unwrap())
            }
            Self::Number(which, number) => update(take(*which)?, None, vec![numbered(*number)]),
            Self::Move(which, place) => {
                let place = point(f64::from(*place), 0.0);
                update(take(*which)?, Some(place), Vec::new())
            }
            Self::Delete(which) => Edit::Delete {
                element: take(*which)?,
                expected: ExpectedRevision::Any,
            },
        })
    }
}

fn pick<T>(items: &[T], which: usize) -> Option<&T> {
    items.get(which.checked_rem(items.len())?)
}

fn integer(number: Option<i64>) -> Value {
    number.map_or(Value::Null, Value::Integer)
}

fn numbered(number: Option<i64>) -> (AttributeRef, Value) {
    (AttributeRef::Name(NUMBER.to_owned()), integer(number))
}

/// A change of the attributes that were added; the suite's own stay.
fn change(definition: &LayerDefinition, deed: &Deed) -> Option<DefinitionChange> {
    let next = definition.next_attribute();
    let added: Vec<&AttributeDefinition> = definition
        .attributes()
        .iter()
        .skip(AttributeType::ALL.len())
        .collect();
    match deed {
        Deed::AddAttribute(default) => {
            let (name, kind) = (format!("added {next}"), AttributeType::Integer);
            let added = draft(&name, kind, integer(*default));
            Some(DefinitionChange::Add(added))
        }
        Deed::RenameAttribute(which) => {
            pick(&added, *which).map(|attribute| DefinitionChange::Rename {
                attribute: attribute.id,
                name: format!("renamed {}", definition.version().0),
            })
        }
        Deed::DropAttribute(which) => {
            pick(&added, *which).map(|attribute| DefinitionChange::Drop(attribute.id))
        }
        Deed::WidenAttribute(which, to) => {
            let narrow: Vec<_> = added.iter().filter(|one| one.kind.widens_to(*to)).collect();
            pick(&narrow, *which).map(|attribute| DefinitionChange::Widen {
                attribute: attribute.id,
                to: *to,
            })
        }
        Deed::Edit(_)
        | Deed::DeleteFrom(..)
        | Deed::Restore(_)
        | Deed::RevertRevision(_)
        | Deed::RevertActor(..)
        | Deed::Forget(_) => None,
    }
}

/// A call by a user.
pub(crate) fn call(user: ActorId) -> Call {
    let session = SessionCaller {
        session: SessionId::new(1).unwrap(),
        user: UserId::new(user.get()).unwrap(),
        kind: SessionKind::Ordinary,
    };
    Call {
        caller: Caller::Session(session),
        deadline: super::later(),
        user_token: None,
        request_id: "test".into(),
    }
}

/// An authorization under which every user may do everything.
struct Everything;

impl Authorizer for Everything {
    async fn ask(&self, call: &Call, questions: &[Question]) -> Result<Answer, AuthorizerError> {
        let Caller::Session(session) = call.caller else {
            return Err(AuthorizerError::NotASubject);
        };
        Ok(Answer {
            decisions: vec![Decision::All; questions.len()],
            actor: session.user.into(),
            valid_until: Instant::now() + Duration::from_mins(1),
            policy_token: String::new(),
        })
    }

    async fn layers(
        &self,
        _: &Call,
        _: &LayerFilter,
        _: &PageRequest,
    ) -> Result<LayerPage, AuthorizerError> {
        Err(AuthorizerError::Unavailable)
    }
}
