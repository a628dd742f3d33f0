//! What became of edits.

use jmap_proto::layerdata::{
    BatchEditElementsResponse, EditResult as WireResult, EditResults, EditedElement as WireEdited,
    NotAttempted, batch_edit_elements_response::Outcome, edit_result::Result as WireOutcome,
};
use jmap_wire::FieldPath;
use layer_data_core::{
    edit::{BatchOutcome, EditResult, EditedElement},
    edits::BatchReport,
};

use crate::status::refusal;

/// An element that an edit touched.
pub(crate) const fn edited(edited: EditedElement) -> WireEdited {
    WireEdited {
        element_id: edited.element.get(),
        revision: edited.revision.get(),
    }
}

/// The report on a batch. `bases` are the paths of each edit's payload within its item.
pub(crate) fn batch_report(report: BatchReport, bases: &[FieldPath]) -> BatchEditElementsResponse {
    let BatchReport { outcome, results } = report;
    let told = match outcome {
        BatchOutcome::Committed | BatchOutcome::Refused => edited,
        BatchOutcome::Validated => unnumbered,
    };
    let results = results.into_iter().zip(bases);
    let results = results.map(|(outcome, base)| result(outcome, base, told));
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
const fn unnumbered(_: EditedElement) -> WireEdited {
    WireEdited {
        element_id: 0,
        revision: 0,
    }
}

fn result(
    result: EditResult,
    base: &FieldPath,
    told: fn(EditedElement) -> WireEdited,
) -> WireResult {
    let result = match result {
        EditResult::Done(done) => WireOutcome::Edited(told(done)),
        EditResult::Refused(why) => WireOutcome::Error(refusal(why, base).item()),
        EditResult::NotAttempted => WireOutcome::NotAttempted(NotAttempted {}),
    };
    WireResult {
        result: Some(result),
    }
}
