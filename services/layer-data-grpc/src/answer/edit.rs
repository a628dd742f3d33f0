//! What became of edits.

use jmap_domain::LayerId;
use jmap_proto::layerdata::{
    BatchEditElementsResponse, EditResult as WireResult, EditResults, EditedElement as WireEdited,
    NotAttempted, batch_edit_elements_response::Outcome, edit_result::Result as WireOutcome,
};
use jmap_service::refusals::{self, CallNotes};
use jmap_wire::FieldPath;
use layer_data_core::{
    edit::{BatchOutcome, EditResult, EditedElement},
    edits::{BatchReport, DoneEdit},
};

use crate::status::{of_layer, refusal};

/// An element that a single edit touched.
pub(crate) const fn edited(done: DoneEdit) -> WireEdited {
    WireEdited {
        geometry_repaired: done.is_repaired,
        ..numbered(done.edited)
    }
}

/// An element that an edit of a batch touched.
const fn numbered(edited: EditedElement) -> WireEdited {
    WireEdited {
        element_id: edited.element.get(),
        revision: edited.revision.get(),
        geometry_repaired: false,
        created: edited.created,
    }
}

/// The report on a batch. `bases` are the layer of each edit and the path of its payload within its item.
pub(crate) fn batch_report(
    report: BatchReport,
    bases: &[(LayerId, FieldPath)],
) -> BatchEditElementsResponse {
    let BatchReport {
        outcome,
        results,
        repaired,
    } = report;
    let told = match outcome {
        BatchOutcome::Committed | BatchOutcome::Refused => numbered,
        BatchOutcome::Validated => unnumbered,
    };
    // Who asks what would be refused is answered, and not refused.
    let notes = match outcome {
        BatchOutcome::Committed | BatchOutcome::Refused => refusals::current(),
        BatchOutcome::Validated => None,
    };
    let results = results.into_iter().zip(bases).enumerate();
    let results = results.map(|(place, (outcome, base))| {
        let told = |done| WireEdited {
            geometry_repaired: repaired.contains(&place),
            ..told(done)
        };
        result(outcome, base, told, notes.as_deref())
    });
    let results = EditResults {
        results: results.collect(),
    };
    let outcome = match outcome {
        BatchOutcome::Committed => Outcome::Committed(results),
        BatchOutcome::Refused => Outcome::Refused(results),
        BatchOutcome::Validated => Outcome::Validated(results),
    };
    BatchEditElementsResponse {
        outcome: Some(outcome),
    }
}

/// An element that an edit would have touched: the numbers are somebody else's by the time that it does.
const fn unnumbered(edited: EditedElement) -> WireEdited {
    WireEdited {
        element_id: 0,
        revision: 0,
        geometry_repaired: false,
        created: edited.created,
    }
}

fn result(
    result: EditResult,
    (layer, base): &(LayerId, FieldPath),
    told: impl Fn(EditedElement) -> WireEdited,
    notes: Option<&CallNotes>,
) -> WireResult {
    let result = match result {
        EditResult::Done(done) => WireOutcome::Edited(told(done)),
        EditResult::Refused(why) => {
            let item = of_layer(refusal(why, base), *layer).item();
            if let Some(notes) = notes {
                notes.refused_item(&item);
            }
            WireOutcome::Error(item)
        }
        EditResult::NotAttempted => WireOutcome::NotAttempted(NotAttempted {}),
    };
    WireResult {
        result: Some(result),
    }
}
