//! Elements that a program sends, message by message.

use jmap_proto::layerdata::{
    ImportElementsRequest, ImportElementsResponse, ImportSummary, NewElement,
    RowError as WireRowError,
};
use jmap_wire::{Failure, FieldPath, Violation, id};
use layer_data_core::{
    edit::Intent,
    ports::{Authorizer, Call, LayerStore, Registry},
    transfer::{IMPORT_BATCH, Import, ImportRow, RowRefusal},
};
use tonic::{Status, Streaming};

use super::{
    MAX_ROW_ERRORS,
    run::{count, row_error},
};
use crate::{
    Api,
    parse::new_element,
    status::{self, status},
};

/// Most elements of a message.
const MAX_ELEMENTS: usize = 10_000;

/// What came of the elements so far.
#[derive(Default)]
struct Taken {
    rows: u64,
    malformed: u64,
    errors: Vec<WireRowError>,
}

impl Taken {
    fn refuse(&mut self, row: u64, failure: Failure) {
        if self.errors.len() < MAX_ROW_ERRORS {
            self.errors.push(row_error(row, failure));
        }
    }
}

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) async fn take_elements(
        &self,
        call: &Call,
        mut messages: Streaming<ImportElementsRequest>,
    ) -> Result<ImportElementsResponse, Status> {
        let first = messages.message().await?.unwrap_or_default();
        let layer = id("layer_id", first.layer_id).map_err(|error| status(error.into()))?;
        let import = self.data.import(call, layer, Intent::Commit).await;
        let mut import = import.map_err(|error| status(status::import(error)))?;
        let mut taken = Taken::default();
        let mut next = Some(first);
        while let Some(message) = next {
            let ImportElementsRequest {
                layer_id: _,
                elements,
            } = message;
            // While the storage writes, the next message comes in.
            let written = async {
                take(&mut import, elements, &mut taken)
                    .await
                    .map_err(status)
            };
            ((), next) = tokio::try_join!(written, messages.message())?;
        }
        let counts = import.counts();
        Ok(ImportElementsResponse {
            summary: Some(ImportSummary {
                created_elements: count(counts.created),
                failed_rows: count(taken.malformed + counts.refused),
                ignored_columns: Vec::new(),
                repaired_geometries: count(counts.repaired),
                repaired_rows: import.repaired_rows().iter().copied().map(count).collect(),
            }),
            row_errors: taken.errors,
        })
    }
}

/// Puts the elements of a message into the layer, some at a time.
async fn take<S: LayerStore, A: Authorizer, R: Registry>(
    import: &mut Import<S, A, R>,
    elements: Vec<NewElement>,
    taken: &mut Taken,
) -> Result<(), Failure> {
    if elements.len() > MAX_ELEMENTS {
        let maximum = MAX_ELEMENTS;
        return Err(FieldPath::of("elements")
            .violates(Violation::TooMany { maximum })
            .into());
    }
    let mut elements = elements.into_iter();
    while elements.len() > 0 {
        let rows = rows(elements.by_ref().take(IMPORT_BATCH), taken);
        for RowRefusal { row, refusal } in import.push(rows).await.map_err(status::import)? {
            taken.refuse(row, status::refusal(refusal, &FieldPath::default()));
        }
    }
    Ok(())
}

fn rows(elements: impl Iterator<Item = NewElement>, taken: &mut Taken) -> Vec<ImportRow> {
    let mut rows = Vec::new();
    for element in elements {
        taken.rows += 1;
        let row = taken.rows;
        match new_element(&FieldPath::default(), element) {
            Ok(element) => rows.push(ImportRow { row, element }),
            Err(violation) => {
                taken.malformed += 1;
                taken.refuse(row, violation.into());
            }
        }
    }
    rows
}
