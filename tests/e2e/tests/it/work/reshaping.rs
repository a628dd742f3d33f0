//! The definition of a layer, changed again and again while others write to it.

use std::sync::Arc;

use jmap_proto::{
    layerdata::{
        AddAttribute, ChangeLayerDefinitionRequest, DefinitionChange, DropAttribute,
        GetLayerRequest, LayerDefinition, PurgeAttribute, RenameAttribute, WidenAttribute,
        definition_change::Change,
    },
    types::{AttributeDefinition, AttributeType, Value, value::Kind},
};
use testkit::{Caller, ready::eventually};

use super::{Shared, request_id};

/// Changes the definition until the work is over, and answers what the last acknowledged change made of it.
pub(super) async fn reshape(
    (work, by): (Arc<Shared>, Caller),
    layer: i64,
) -> Option<LayerDefinition> {
    let mut last: Option<LayerDefinition> = None;
    let mut newest = 0;
    while work.goes_on() {
        let version = last.as_ref().map_or(1, |definition| definition.version);
        let (change, id) = (next(version, newest), request_id());
        let tried = || async {
            let request = ChangeLayerDefinitionRequest {
                layer_id: layer,
                expected_version: version,
                changes: vec![DefinitionChange {
                    change: Some(change.clone()),
                }],
                request_id: id.clone(),
                validate_only: false,
            };
            work.answer(by.layers().change_layer_definition(request).await)
        };
        let changed = eventually("a change of the definition", tried).await;
        let definition = changed.into_inner().definition.unwrap();
        assert_eq!(definition.version, version + 1, "made once, and no more");
        if let Change::Add(_) = change {
            newest = definition.attributes.last().unwrap().attribute_id;
        }
        last = Some(definition);
    }
    last
}

/// The change of a version: an attribute comes, gets a wider type and another name, is hidden and goes for good.
fn next(version: i32, attribute_id: i64) -> Change {
    match (version - 1) % 5 {
        0 => Change::Add(AddAttribute {
            attribute: Some(AttributeDefinition {
                name: format!("count {version}"),
                r#type: AttributeType::Integer.into(),
                default_value: Some(Value {
                    kind: Some(Kind::Integer(version.into())),
                }),
                ..AttributeDefinition::default()
            }),
        }),
        1 => Change::Widen(WidenAttribute {
            attribute_id,
            r#type: AttributeType::Double.into(),
        }),
        2 => Change::Rename(RenameAttribute {
            attribute_id,
            name: format!("size {version}"),
        }),
        3 => Change::Drop(DropAttribute { attribute_id }),
        _ => Change::Purge(PurgeAttribute { attribute_id }),
    }
}

/// The definition is what was acknowledged last.
pub(super) async fn is(work: &Shared, by: &Caller, (layer, last): (i64, Option<LayerDefinition>)) {
    let asked = || async {
        let layer_id = layer;
        work.answer(by.layers().get_layer(GetLayerRequest { layer_id }).await)
    };
    let found = eventually("a definition", asked).await.into_inner().layer;
    assert_eq!(found.unwrap().definition, last);
}
