//! What every store must do, as functions that a store's own tests call with an empty store. They panic where a store
//! does otherwise.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a conformance suite panics where a store does not conform"
)]

pub mod conditions;
pub mod edits;
pub mod feed;
pub mod histories;
pub mod history;
pub mod layers;
pub mod lives;
pub mod order;
pub mod pruning;
pub mod reads;
pub mod reversals;
pub mod spatial;
pub mod statistics;
pub mod structure;
pub mod unique;

/// Calls a macro of a store's tests with the path of every function of the suite, each of which takes an empty store:
/// the list stands once, so that no store leaves one out.
#[macro_export]
macro_rules! for_each_conformance_fact {
    ($tests:ident) => {
        $tests! {
            conditions::may_be_long_and_deep,
            edits::a_created_element_reads_back,
            edits::stamps_are_the_servers,
            edits::an_update_changes_only_what_it_names,
            edits::a_stale_revision_is_refused,
            edits::own_reaches_only_own_elements,
            edits::an_absent_element_is_neither_foreign_nor_stale,
            edits::an_atomic_batch_is_all_or_nothing,
            edits::a_partial_batch_reports_each_edit,
            edits::a_call_takes_one_revision,
            edits::a_retried_request_is_done_once,
            edits::an_answer_is_remembered,
            edits::validating_changes_nothing,
            edits::an_expired_permit_commits_nothing,
            edits::a_missing_layer_is_refused,
            feed::a_feed_tells_what_came_back,
            feed::a_feed_from_anywhere_rebuilds_the_layer,
            feed::events_tell_what_was_then,
            feed::parts_hold_no_more_than_was_asked_for,
            feed::edits_are_news,
            history::an_element_keeps_its_versions,
            history::versions_join_to_the_whole,
            history::refused_edits_leave_no_history,
            history::every_revision_reads_as_it_was,
            history::times_read_as_their_revisions,
            history::a_dropped_layer_has_no_history,
            order::nulls_come_last_and_ids_decide,
            order::values_order_alike_everywhere,
            order::long_values_order_by_their_beginning,
            order::a_place_outlives_its_element,
            order::what_a_query_asks_for_holds_in_any_order,
            pruning::states_from_the_start_on_stay_whole,
            pruning::only_what_ended_by_the_horizon_goes,
            pruning::a_part_of_a_pruning_ends_with_an_edit,
            pruning::only_what_the_definition_lets_go_goes,
            pruning::what_was_pruned_does_not_come_back,
            layers::making_a_layer_twice_makes_it_once,
            layers::a_layer_is_known_by_its_first_definition,
            layers::the_last_edit_is_told,
            layers::labels_may_repeat,
            layers::a_dropped_layer_is_gone,
            layers::another_installation_is_refused,
            reads::chunks_join_to_the_whole,
            reads::ids_select_what_exists,
            reads::boxes_are_exact,
            reads::boxes_cross_the_antimeridian,
            reads::boxes_come_in_other_reference_systems,
            reads::geometries_intersect_exactly,
            reads::text_compares_alike_everywhere,
            reads::output_is_what_was_asked_for,
            reads::summaries_are_exact,
            reads::counts_end_at_their_cap,
            reversals::a_deleted_element_comes_back_as_it_was,
            reversals::a_restoration_is_part_of_its_conditions,
            reversals::several_elements_come_back_together,
            reversals::a_restored_element_is_found_in_its_box,
            reversals::a_trail_has_the_elements_that_were_touched,
            statistics::are_those_of_the_selection,
            statistics::are_of_nothing_as_well,
            statistics::stop_where_there_is_too_much,
            spatial::relations_are_those_of_the_plane,
            spatial::relations_are_no_matter_of_boxes,
            spatial::shapes_come_in_other_reference_systems,
            spatial::circles_are_measured_on_the_ellipsoid,
            spatial::circles_know_no_antimeridian_and_no_pole,
            spatial::summaries_are_of_what_is_related,
            spatial::filters_in_cql2_speak_of_values_and_places,
            structure::a_new_attribute_gives_existing_elements_its_default,
            structure::renamed_attributes_keep_their_values,
            structure::dropped_attributes_come_back_until_they_are_purged,
            structure::an_element_has_no_value_of_what_was_dropped_when_it_came,
            structure::a_long_read_keeps_the_definition_it_began_with,
            structure::an_edit_checked_against_another_definition_is_refused,
            structure::a_rule_that_elements_contradict_is_not_made,
            structure::elements_written_since_they_were_examined_are_looked_at,
            structure::a_stricter_policy_looks_at_the_polygons_that_exist,
            structure::a_stale_or_unpermitted_change_is_not_made,
            structure::versions_follow_the_definition,
            structure::widened_attributes_keep_their_values,
            structure::attributes_come_back_with_wider_types_and_other_names,
            structure::widened_attributes_are_compared_by_their_new_type,
            structure::a_query_of_narrower_types_is_told_that_they_changed,
            structure::integers_that_no_double_is_stand_in_the_way,
            structure::unique_attributes_stay_unique_when_they_are_widened,
            structure::a_permit_that_ran_out_is_asked_for_anew,
            unique::a_taken_value_is_refused,
            unique::edits_of_a_batch_find_what_came_before_them,
            unique::many_creations_are_told_apart,
            unique::other_refusals_come_first,
            unique::a_restored_element_needs_its_value,
            unique::elements_that_share_a_value_contradict,
            unique::hidden_values_bind_nobody,
            unique::each_type_is_told_apart,
            unique::elements_are_found_by_their_keys,
            unique::a_new_attribute_may_be_unique,
            unique::a_batch_that_was_outrun_is_not_done,
        }
    };
}

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use jmap_domain::{ActorId, DataRevision, Decision, ElementId, LayerId};

use crate::{
    definition::{
        AttributeConstraints, AttributeDraft, GeometryType, LayerDefinition, LayerDraft, ZPolicy,
    },
    edit::{
        Edit, EditMode, EditResult, EditedElement, ExpectedRevision, Intent, PermittedBatch,
        PermittedEdit, StoredAnswer,
    },
    element::{AttributeRef, ChangeInput, Element, ElementInput, ValueSource},
    geometry::SingleToMulti,
    permit::{Permit, Validity},
    ports::{ChunkLimit, LayerStore, NewLayer, Rest, StoreError},
    query::{OutputInput, QueryInput, SelectionInput},
    value::{AttributeType, Value},
};

/// The layer that most of the suite works with.
pub const LAYER: i64 = 7;

/// The suite's layer id.
#[must_use]
pub fn layer() -> LayerId {
    LayerId::new(LAYER).unwrap()
}

/// An actor.
#[must_use]
pub fn actor(id: i64) -> ActorId {
    ActorId::new(id).unwrap()
}

/// A definition of points with one attribute of each type, named as the type.
#[must_use]
pub fn definition() -> LayerDefinition {
    definition_with(|_| {})
}

/// The same, with its attributes changed.
#[must_use]
pub fn definition_with(change: impl Fn(&mut AttributeDraft)) -> LayerDefinition {
    draft_with(change).define().unwrap()
}

/// The same definition, with its history kept for so long.
#[must_use]
pub fn kept_for(keep_history: Option<Duration>) -> LayerDefinition {
    let draft = LayerDraft {
        keep_history,
        ..draft_with(|_| {})
    };
    draft.define().unwrap()
}

fn draft_with(change: impl Fn(&mut AttributeDraft)) -> LayerDraft {
    let attribute = |kind: AttributeType| AttributeDraft {
        name: kind.name().to_owned(),
        label: String::new(),
        description: String::new(),
        kind,
        default: Value::Null,
        required: false,
        read_only: false,
        constraints: AttributeConstraints::default(),
        input_hint: String::new(),
    };
    let mut attributes = AttributeType::ALL.map(attribute).to_vec();
    attributes.iter_mut().for_each(change);
    LayerDraft {
        invalid: crate::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type: GeometryType::Any,
        z: ZPolicy::Forbidden,
        epsg: 4326,
        attributes,
    }
}

/// Makes the suite's layer.
pub async fn make_layer(store: &impl LayerStore) {
    make_layer_of(store, definition()).await;
}

/// Makes the suite's layer with another definition.
pub async fn make_layer_of(store: &impl LayerStore, definition: LayerDefinition) {
    let new = NewLayer {
        layer: layer(),
        label: "conformance".to_owned(),
        definition,
    };
    store.create_layer(new).await.unwrap();
}

/// A point as little-endian ISO WKB.
#[must_use]
pub fn point(x: f64, y: f64) -> Vec<u8> {
    let mut wkb = vec![1, 1, 0, 0, 0];
    wkb.extend(x.to_le_bytes());
    wkb.extend(y.to_le_bytes());
    wkb
}

/// A text for the attribute `string`.
#[must_use]
pub fn named(text: &str) -> Vec<(AttributeRef, Value)> {
    vec![(
        AttributeRef::Name("string".to_owned()),
        Value::text(text).unwrap(),
    )]
}

/// The creation of a point.
#[must_use]
pub fn creation(x: f64, y: f64, values: Vec<(AttributeRef, Value)>) -> Edit {
    let input = ElementInput {
        geometry: point(x, y),
        values,
    };
    Edit::Create(
        input
            .check(&definition(), ValueSource::Client, SingleToMulti::Refuse)
            .unwrap(),
    )
}

/// The change of an element.
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "tests write the change where they make it"
)]
pub fn change(element: ElementId, expected: ExpectedRevision, change: ChangeInput) -> Edit {
    Edit::Update {
        element,
        expected,
        patch: change.check(&definition()).unwrap(),
    }
}

/// A change of the attribute `string` alone.
#[must_use]
pub fn renaming(element: ElementId, expected: ExpectedRevision, text: &str) -> Edit {
    change(
        element,
        expected,
        ChangeInput {
            geometry: None,
            values: named(text),
        },
    )
}

/// Edits as a batch of one actor, each under a permit that is good for a while.
#[must_use]
pub fn batch(actor: ActorId, decision: Decision, edits: Vec<Edit>) -> PermittedBatch {
    batch_until(actor, decision, edits, later())
}

/// Edits as a batch whose permits run out at a moment.
#[must_use]
pub fn batch_until(
    actor: ActorId,
    decision: Decision,
    edits: Vec<Edit>,
    until: Instant,
) -> PermittedBatch {
    let validity = Validity { actor, until };
    let permitted = |(index, edit): (u32, Edit)| {
        let permit = |needed| Permit::from_decision(layer(), needed, decision, validity).unwrap();
        let first = permit(edit.permission());
        match edit.second_permission().map(permit) {
            None => PermittedEdit::new(index, first, edit).unwrap(),
            Some(second) => PermittedEdit::under_both(index, [first, second], edit).unwrap(),
        }
    };
    let edits = (0..).zip(edits).map(permitted).collect();
    PermittedBatch {
        edits,
        actor,
        mode: EditMode::Atomic,
        intent: Intent::Commit,
        request: None,
    }
}

/// Makes edits by somebody who may do everything.
pub async fn edit(store: &impl LayerStore, edits: Vec<Edit>) -> StoredAnswer {
    store
        .edit(batch(actor(1), Decision::All, edits))
        .await
        .unwrap()
}

/// Makes one edit that must succeed.
pub async fn done(store: &impl LayerStore, edit: Edit) -> EditedElement {
    match self::edit(store, vec![edit]).await.results.as_slice() {
        [(0, EditResult::Done(edited))] => *edited,
        other => panic!("the edit was not done: {other:?}"),
    }
}

/// A moment that no test lives to see.
#[must_use]
pub fn later() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

/// A query of everything that a selection means.
#[must_use]
pub fn query(selection: SelectionInput) -> QueryInput {
    QueryInput {
        layer: layer(),
        selection,
        output: OutputInput::default(),
        maximum: None,
    }
}

/// All elements of a query, read chunk by chunk.
pub async fn read(store: &impl LayerStore, input: QueryInput, limit: ChunkLimit) -> Vec<Element> {
    let query = input.check(&definition()).unwrap();
    let (mut elements, mut after) = (Vec::new(), None);
    loop {
        let chunk = store
            .read(&query, after.as_ref(), limit, later())
            .await
            .unwrap();
        assert!(
            chunk.elements.len() <= limit.rows.get() as usize,
            "a chunk is within its limit"
        );
        elements.extend(chunk.elements);
        match chunk.rest {
            Rest::End => return elements,
            Rest::After(last) => after = Some(last),
        }
    }
}

/// All elements of the suite's layer.
pub async fn read_all(store: &impl LayerStore) -> Vec<Element> {
    read(store, query(SelectionInput::default()), rows(1_000)).await
}

/// A limit on rows alone.
#[must_use]
pub fn rows(rows: u32) -> ChunkLimit {
    ChunkLimit {
        rows: NonZeroU32::new(rows).unwrap(),
        bytes: usize::MAX,
    }
}

/// The value of the attribute `string`.
#[must_use]
pub fn name_of(element: &Element) -> &str {
    match element.values.first() {
        Some(Value::String(text)) => text.as_str(),
        other => panic!("not a text: {other:?}"),
    }
}

/// The newest revision of the suite's layer.
pub async fn revision(store: &impl LayerStore) -> DataRevision {
    store.layer(layer()).await.unwrap().unwrap().revision
}

/// Whether a store's answer is that a permit ran out.
#[must_use]
pub const fn is_expired(answer: &Result<StoredAnswer, StoreError>) -> bool {
    matches!(answer, Err(StoreError::PermitExpired))
}
