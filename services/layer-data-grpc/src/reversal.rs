//! Restoring elements, and undoing edits.

use jmap_domain::{DataRevision, LayerId};
use jmap_proto::layerdata::{
    ActorEdits, ElementConflict, RestoreElementsRequest, RestoreElementsResponse,
    RevertEditsRequest, RevertEditsResponse, revert_edits_request::Edits,
};
use jmap_service::refusals;
use jmap_wire::{Failure, FieldPath, FieldViolation, id, required};
use layer_data_core::{
    edit::Intent,
    edits::{Past, Reversal, ReversalInput},
    history::Deeds,
    ports::{Authorizer, Call, LayerStore, Registry},
};

use crate::{
    Api,
    elements::MAX_EDITS,
    parse::{as_of, element_ids, intent},
    request_key::request_key,
    status::{self, of_layer, refusal},
};

/// Most conflicts that one answer tells of.
const MAX_CONFLICTS: usize = 100;

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(crate) async fn restore(
        &self,
        call: &Call,
        request: RestoreElementsRequest,
    ) -> Result<RestoreElementsResponse, Failure> {
        let key = request_key(&request.request_id, || RestoreElementsRequest {
            request_id: String::new(),
            ..request.clone()
        })?;
        let RestoreElementsRequest {
            layer_id,
            element_ids: ids,
            request_id: _,
            validate_only,
        } = request;
        let path = FieldPath::of("element_ids");
        let mut elements = element_ids(&path, &ids, MAX_EDITS)?;
        elements.sort_unstable();
        if elements.is_empty() || elements.windows(2).any(|pair| pair.first() == pair.last()) {
            let problem = "names no element, or one of them twice";
            return Err(path.invalid(problem).into());
        }
        let input = ReversalInput {
            layer: id("layer_id", layer_id)?,
            past: Past::Deleted(elements),
            intent: intent(validate_only),
            request: key,
        };
        let told = self.reverse(call, input).await?;
        Ok(RestoreElementsResponse {
            restored_count: told.count,
            data_revision: told.revision,
            conflicts: told.conflicts,
            conflict_count: told.conflict_count,
        })
    }

    pub(crate) async fn revert(
        &self,
        call: &Call,
        request: RevertEditsRequest,
    ) -> Result<RevertEditsResponse, Failure> {
        let key = request_key(&request.request_id, || RevertEditsRequest {
            request_id: String::new(),
            ..request.clone()
        })?;
        let RevertEditsRequest {
            layer_id,
            edits,
            request_id: _,
            validate_only,
        } = request;
        let input = ReversalInput {
            layer: id("layer_id", layer_id)?,
            past: Past::Before(deeds(required("edits", edits)?)?),
            intent: intent(validate_only),
            request: key,
        };
        let told = self.reverse(call, input).await?;
        Ok(RevertEditsResponse {
            reverted_count: told.count,
            data_revision: told.revision,
            conflicts: told.conflicts,
            conflict_count: told.conflict_count,
        })
    }

    async fn reverse(&self, call: &Call, input: ReversalInput) -> Result<Told, Failure> {
        let (layer, intent) = (input.layer, input.intent);
        let reversal = self.data.reverse(call, input).await;
        let reversal = reversal.map_err(|error| of_layer(status::reversal(error), layer))?;
        Ok(told(reversal, layer, intent))
    }
}

/// Parses which edits are meant.
fn deeds(edits: Edits) -> Result<Deeds, FieldViolation> {
    match edits {
        Edits::Revision(revision) => {
            let revision = DataRevision::new(revision);
            let revision = revision.filter(|revision| *revision > DataRevision::default());
            let path = || FieldPath::of("revision");
            let revision = revision.ok_or_else(|| path().invalid("is not positive"))?;
            Ok(Deeds::Of(revision))
        }
        Edits::Actor(ActorEdits { actor_id, since }) => {
            let path = FieldPath::of("actor");
            let since_path = path.field("since");
            let since = as_of(&since_path, required(since_path.clone(), since)?)?;
            Ok(Deeds::By(id(path.field("actor_id"), actor_id)?, since))
        }
    }
}

/// What both answers tell.
struct Told {
    count: i64,
    revision: i64,
    conflicts: Vec<ElementConflict>,
    conflict_count: i64,
}

fn told(reversal: Reversal, layer: LayerId, intent: Intent) -> Told {
    let Reversal {
        count,
        revision,
        conflicts,
    } = reversal;
    // Who asks what would be refused is answered, and not refused.
    let notes = match intent {
        Intent::Commit => refusals::current(),
        Intent::Validate => None,
    };
    let conflict_count = conflicts.len();
    let conflict = |(element, why)| {
        let item = of_layer(refusal(why, &FieldPath::default()), layer).item();
        if let Some(notes) = notes.as_deref() {
            notes.refused_item(&item);
        }
        ElementConflict {
            element_id: jmap_domain::ElementId::get(element),
            error: Some(item),
        }
    };
    // Every refusal is recorded (R122), and the first ones are told.
    let mut conflicts: Vec<_> = conflicts.into_iter().map(conflict).collect();
    conflicts.truncate(MAX_CONFLICTS);
    Told {
        count: i64::try_from(count).unwrap_or(i64::MAX),
        revision: revision.map_or(0, DataRevision::get),
        conflicts,
        conflict_count: i64::try_from(conflict_count).unwrap_or(i64::MAX),
    }
}
