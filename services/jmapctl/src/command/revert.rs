//! Undoing edits.

use clap::{ArgGroup, Args};
use jmap_proto::layerdata::{
    ActorEdits, ElementConflict, RevertEditsRequest, revert_edits_request::Edits,
};
use serde_json::{Value, json};

use crate::{
    client::call,
    command::{Context, request_id, selection::LayerMoment},
    error::{Failure, Kind},
    output::{Report, rows},
    resolve::{self, LayerReference},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl revert Town/trees --revision 42                     undo the edit of one revision
  jmapctl revert Town/trees --actor 7 --since 40 --dry-run    undo all that one actor has edited since
  jmapctl revert Town/trees --actor 7 --since 2026-11-17T12:00Z

`jmapctl history` tells revisions and actors. What was made is deleted, what was changed becomes what it was, and what was
deleted is brought back: all of it, or nothing. It needs the rights to these edits. Elements that other edits have changed
since are named and left alone.";

/// Undo edits
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("edits").required(true).args(["revision", "actor"])))]
pub(crate) struct Revert {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The edits of this revision of the layer
    #[arg(long, value_name = "REVISION")]
    revision: Option<i64>,
    /// The edits of this actor, by its id
    #[arg(long, value_name = "ID", requires = "since")]
    actor: Option<i64>,
    /// Those after a revision, or after a time such as `2026-11-17T12:00Z`
    #[arg(long, value_name = "REVISION|TIME", requires = "actor")]
    since: Option<LayerMoment>,
    /// Check everything and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What was brought back, and what stands in the way.
pub(super) struct Outcome {
    pub(super) count: i64,
    pub(super) revision: i64,
    pub(super) conflicts: Vec<ElementConflict>,
    pub(super) conflict_count: i64,
}

impl Revert {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let message = RevertEditsRequest {
            layer_id: resolve::layer_id(client, &self.layer).await?,
            edits: self.edits(),
            request_id: request_id(),
            validate_only: self.dry_run,
        };
        let answer = call!(client, client.history().await?, revert_edits, message);
        let outcome = Outcome {
            count: answer.reverted_count,
            revision: answer.data_revision,
            conflicts: answer.conflicts,
            conflict_count: answer.conflict_count,
        };
        let words = if self.dry_run {
            "would revert"
        } else {
            "reverted"
        };
        report(words, outcome)
    }

    fn edits(&self) -> Option<Edits> {
        let actor = self.actor.map(|actor_id| {
            Edits::Actor(ActorEdits {
                actor_id,
                since: self.since.map(LayerMoment::as_of),
            })
        });
        actor.or(self.revision.map(Edits::Revision))
    }
}

/// What was done, or, as a failure, what stands in the way.
pub(super) fn report(words: &str, outcome: Outcome) -> Result<Report, Failure> {
    let Outcome {
        count,
        revision,
        conflicts,
        conflict_count,
    } = outcome;
    if conflict_count > 0 {
        let table = rows(&["element", "conflict"], conflicts.iter().map(cells));
        let message =
            format!("nothing was changed: {conflict_count} elements are in the way\n\n{table}");
        return Err(Failure::new(Kind::Conflict, message));
    }
    let elements = if count == 1 { "element" } else { "elements" };
    let text = match revision {
        0 => format!("{words} {count} {elements}"),
        revision => format!("{words} {count} {elements} at revision {revision}"),
    };
    let value: Value = json!({"count": count, "revision": revision});
    Report::new(text, &value)
}

fn cells(conflict: &ElementConflict) -> Vec<String> {
    let error = conflict.error.clone().unwrap_or_default();
    vec![conflict.element_id.to_string(), error.message]
}

#[cfg(test)]
mod tests {
    use jmap_proto::types::ItemError;

    use super::*;

    #[test]
    fn what_is_in_the_way_is_a_failure_that_names_it() {
        let error = ItemError {
            message: "element `7` was changed".to_owned(),
            ..ItemError::default()
        };
        let conflict = ElementConflict {
            element_id: 7,
            error: Some(error),
        };
        let outcome = |conflicts: Vec<ElementConflict>| Outcome {
            count: 2,
            revision: 9,
            conflict_count: i64::try_from(conflicts.len()).unwrap(),
            conflicts,
        };
        let failure = report("reverted", outcome(vec![conflict])).unwrap_err();
        assert_eq!(failure.kind, Kind::Conflict);
        assert!(failure.message.contains("element `7` was changed"));
        let done = report("reverted", outcome(Vec::new())).unwrap();
        assert_eq!(done.text, "reverted 2 elements at revision 9");
    }
}
