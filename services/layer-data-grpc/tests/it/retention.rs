//! How long the history of a layer is kept: given when it is created, and changed later.

use jmap_proto::layerdata::{
    ChangeLayerDefinitionRequest, CreateLayerRequest, DefinitionChange, GetLayerRequest, Layer,
    LayerDefinition, SetHistoryRetention, definition_change::Change,
};
use prost_types::Duration;
use tonic::{Code, Status};

use crate::fixture::{LAYER, Service, create_layer, refusal, refused};

const HOUR: i64 = 3_600;
const LONGEST: i64 = 36_525 * 24 * HOUR;

const fn seconds(seconds: i64) -> Duration {
    Duration { seconds, nanos: 0 }
}

/// Durations that history is not kept for.
const WRONG: [Duration; 8] = [
    seconds(0),
    seconds(-HOUR),
    seconds(i64::MIN),
    seconds(HOUR - 1),
    seconds(LONGEST + 1),
    seconds(i64::MAX),
    Duration {
        seconds: HOUR,
        nanos: 1,
    },
    Duration {
        seconds: HOUR,
        nanos: -1,
    },
];

async fn shown(service: &Service) -> Layer {
    let request = GetLayerRequest { layer_id: LAYER };
    let answer = service.layers().get_layer(request).await.unwrap();
    answer.into_inner().layer.unwrap()
}

async fn keep_for(
    service: &Service,
    (version, keep_for): (i32, Option<Duration>),
) -> Result<LayerDefinition, Status> {
    let change = Change::SetHistoryRetention(SetHistoryRetention { keep_for });
    let request = ChangeLayerDefinitionRequest {
        layer_id: LAYER,
        expected_version: version,
        changes: vec![DefinitionChange {
            change: Some(change),
        }],
        ..Default::default()
    };
    let answer = service.layers().change_layer_definition(request).await?;
    Ok(answer.into_inner().definition.unwrap())
}

fn created_with(keep_history_for: Duration) -> CreateLayerRequest {
    let mut request = create_layer();
    let definition = request.definition.as_mut().unwrap();
    definition.keep_history_for = Some(keep_history_for);
    request
}

#[tokio::test]
async fn a_layer_says_how_long_its_history_is_kept_and_where_it_begins() {
    let service = Service::start().await;
    let layer = shown(&service).await;
    let definition = layer.definition.unwrap();
    assert_eq!(definition.keep_history_for, None);
    assert_eq!(layer.history_start_revision, Some(0));
    assert_eq!(layer.history_start_time, definition.create_time);
    for (version, keep) in [
        (1, Some(seconds(HOUR))),
        (2, Some(seconds(LONGEST))),
        (3, None),
    ] {
        let changed = keep_for(&service, (version, keep)).await.unwrap();
        assert_eq!(
            (changed.version, changed.keep_history_for),
            (version + 1, keep)
        );
        let shown = shown(&service).await.definition.unwrap();
        assert_eq!(shown.keep_history_for, keep);
    }
}

#[tokio::test]
async fn durations_that_make_no_sense_are_refused_by_their_path() {
    // R120.
    let service = Service::start().await;
    for wrong in WRONG {
        let answer = service.layers().create_layer(created_with(wrong)).await;
        let field = "definition.keep_history_for";
        let expected = refusal(Code::InvalidArgument, "INVALID_FIELD", field);
        assert_eq!(refused(answer), expected, "{wrong:?}");
        let answer = keep_for(&service, (1, Some(wrong))).await;
        let expected = refusal(Code::InvalidArgument, "INVALID_FIELD", "changes[0]");
        assert_eq!(refused(answer), expected, "{wrong:?}");
    }
    assert_eq!(shown(&service).await.definition.unwrap().version, 1);
}
