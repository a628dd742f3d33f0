//! What a group of edit calls will write, known before the first statement: every call's revision, every new element's
//! id, and which edits one statement can write.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use jmap_domain::{DataRevision, ElementId, LayerId};
use layer_data_core::{
    edit::{Edit, PermittedEdit},
    ports::StoreError,
    value::DateTime,
};
use tokio::sync::OwnedMutexGuard;

use crate::{
    error::unexpected,
    lanes::EditJob,
    store::{KnownCounters, Layer},
    table::Counters,
};

/// A layer that a group edits. Nobody else writes to it meanwhile.
pub(crate) struct Open {
    pub(crate) layer: Arc<Layer>,
    pub(crate) known: OwnedMutexGuard<KnownCounters>,
    pub(crate) from: Counters,
    pub(crate) to: Counters,
}

/// The layers of a group, by id.
pub(crate) type Opened = BTreeMap<LayerId, Open>;

/// An edit with the numbers that it gets.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    /// Which call of the group, and which of its edits.
    pub(crate) place: (usize, usize),
    pub(crate) permitted: &'a PermittedEdit,
    pub(crate) element: ElementId,
    pub(crate) revision: DataRevision,
    /// Whether it shares a statement with no other.
    pub(crate) alone: bool,
}

impl Open {
    pub(crate) fn new(
        layer: Arc<Layer>,
        known: OwnedMutexGuard<KnownCounters>,
        from: Counters,
    ) -> Self {
        let edited = from.edited.max(DateTime::now());
        Self {
            layer,
            known,
            from,
            to: Counters { edited, ..from },
        }
    }

    fn next_element(&mut self) -> Result<ElementId, StoreError> {
        let element = ElementId::new(self.to.next_element).map_err(unexpected)?;
        self.to.next_element += 1;
        Ok(element)
    }
}

/// Gives each call its revision in each layer, and each new element its id.
pub(crate) fn steps<'a>(
    jobs: &'a [EditJob],
    opened: &mut Opened,
) -> Result<Vec<Step<'a>>, StoreError> {
    let mut steps = Vec::new();
    for (call, job) in jobs.iter().enumerate() {
        let mut revisions = BTreeMap::new();
        for (place, permitted) in job.batch.edits.iter().enumerate() {
            let id = permitted.permit().layer();
            let open = opened.get_mut(&id).ok_or(StoreError::LayerMissing(id))?;
            let revision = *revisions.entry(id).or_insert_with(|| {
                open.to.revision = open.to.revision.next();
                open.to.revision
            });
            let element = match permitted.edit() {
                Edit::Create(_) => open.next_element()?,
                Edit::Update { element, .. } | Edit::Delete { element, .. } => *element,
                Edit::Restore(restored) => {
                    open.to.restored = revision;
                    restored.element
                }
            };
            steps.push(Step {
                place: (call, place),
                permitted,
                element,
                revision,
                alone: open.layer.definition.stands_alone(permitted.edit()),
            });
        }
    }
    Ok(steps)
}

/// Cuts the steps into runs that one statement can write: of one layer and kind, each element once; those that may
/// need a value that the one before has given up are by themselves.
pub(crate) fn runs<'s, 'a>(steps: &'s [Step<'a>]) -> Vec<&'s [Step<'a>]> {
    let mut runs = Vec::new();
    for alike in steps.chunk_by(are_alike) {
        let (mut seen, mut rest) = (HashSet::new(), alike);
        while !rest.is_empty() {
            seen.clear();
            let count = rest
                .iter()
                .take_while(|step| seen.insert(step.element))
                .count();
            let (run, later) = rest.split_at(count);
            runs.push(run);
            rest = later;
        }
    }
    runs
}

fn are_alike(a: &Step<'_>, b: &Step<'_>) -> bool {
    let is_alike = match (a.permitted.edit(), b.permitted.edit()) {
        (Edit::Create(_), Edit::Create(_)) => true,
        (Edit::Delete { .. }, Edit::Delete { .. }) => true,
        (Edit::Restore(_), Edit::Restore(_)) => true,
        (Edit::Update { patch: a, .. }, Edit::Update { patch: b, .. }) => {
            let attributes =
                |values: &'_ [(_, _)]| values.iter().map(|(id, _)| *id).collect::<Vec<_>>();
            a.geometry().is_some() == b.geometry().is_some()
                && attributes(a.values()) == attributes(b.values())
        }
        _ => false,
    };
    let may_be = !a.alone && !b.alone;
    is_alike && may_be && a.permitted.permit().layer() == b.permitted.permit().layer()
}
