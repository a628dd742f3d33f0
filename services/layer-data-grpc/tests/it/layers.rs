//! Layers: created, shown, listed, deleted.

use jmap_proto::{
    layerdata::{
        BatchGetLayerFiguresRequest, CreateLayerRequest, DeleteLayerRequest, GetLayerRequest,
        LayerAvailability, LayerDefinition, ListLayersRequest, layer_figures,
    },
    types::{LayerGrant, Principal, principal},
};
use tonic::Code;

use crate::fixture::{LAYER, Service, create_layer, refusal, refused, text};

#[tokio::test]
async fn a_layer_is_shown_with_its_definition_and_the_callers_permissions() {
    // R43, R105.
    let service = Service::start().await;
    let request = GetLayerRequest { layer_id: LAYER };
    let layer = service
        .layers()
        .get_layer(request)
        .await
        .unwrap()
        .into_inner()
        .layer
        .unwrap();
    let definition = layer.definition.unwrap();
    assert_eq!(
        (layer.name.as_str(), definition.epsg, definition.version),
        ("hydrants", 4326, 1)
    );
    let names: Vec<_> = definition
        .attributes
        .iter()
        .map(|a| (a.attribute_id, a.name.as_str()))
        .collect();
    assert_eq!(names, [(1, "name"), (2, "size"), (3, "note")]);
    assert_eq!(layer.permissions.unwrap().all, 0b1111_1110);
    assert_eq!(layer.availability, i32::from(LayerAvailability::Available));
    let list = ListLayersRequest {
        project_id: 1,
        ..Default::default()
    };
    let list = service
        .layers()
        .list_layers(list)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(list.layers.len(), 1);
}

async fn refuse_each(cases: Vec<(CreateLayerRequest, &str)>) {
    let service = Service::start().await;
    for (request, field) in cases {
        let answer = service.layers().create_layer(request.clone()).await;
        let expected = refusal(Code::InvalidArgument, "INVALID_FIELD", field);
        assert_eq!(refused(answer), expected, "{request:?}");
    }
}

fn granting(principal: Option<Principal>, permissions: Vec<i32>) -> CreateLayerRequest {
    CreateLayerRequest {
        initial_grants: vec![LayerGrant {
            principal,
            permissions,
            only_own: false,
        }],
        ..create_layer()
    }
}

#[tokio::test]
async fn a_wrong_field_of_a_creating_call_is_named() {
    // R120.
    let ana = Some(Principal {
        principal: Some(principal::Principal::UserId(10)),
    });
    refuse_each(vec![
        (
            CreateLayerRequest {
                placement: None,
                ..create_layer()
            },
            "placement",
        ),
        (
            CreateLayerRequest {
                definition: None,
                ..create_layer()
            },
            "definition",
        ),
        (
            CreateLayerRequest {
                request_id: "x".to_owned(),
                ..create_layer()
            },
            "request_id",
        ),
        (
            CreateLayerRequest {
                initial_view: 9,
                ..create_layer()
            },
            "initial_view",
        ),
        (granting(None, vec![1]), "initial_grants[0].principal"),
        (
            granting(ana, vec![1, 9]),
            "initial_grants[0].permissions[1]",
        ),
    ])
    .await;
}

fn defined(change: fn(&mut LayerDefinition)) -> CreateLayerRequest {
    let mut request = create_layer();
    change(request.definition.as_mut().unwrap());
    request
}

#[tokio::test]
async fn a_definition_that_cannot_stand_is_refused_by_its_path() {
    // R64, R105, R120.
    let attributes = "definition.attributes[1]";
    refuse_each(vec![
        (defined(|d| d.geometry_type = 0), "definition.geometry_type"),
        (defined(|d| d.z_policy = 9), "definition.z_policy"),
        (defined(|d| d.epsg = 999_999), "definition.epsg"),
        (
            defined(|d| d.attributes[1].name.clear()),
            &format!("{attributes}.name"),
        ),
        (
            defined(|d| d.attributes[1].name.insert(0, '_')),
            &format!("{attributes}.name"),
        ),
        (
            defined(|d| d.attributes[1].name = "NAME".to_owned()),
            &format!("{attributes}.name"),
        ),
        (
            defined(|d| d.attributes[1].r#type = 0),
            &format!("{attributes}.type"),
        ),
        (
            defined(|d| d.attributes[1].constraints.as_mut().unwrap().min_length = Some(-1)),
            &format!("{attributes}.constraints.min_length"),
        ),
        (
            defined(|d| d.attributes[1].default_value = Some(text("big"))),
            attributes,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_taken_name_is_refused() {
    // R26.
    let service = Service::start().await;
    let taken = CreateLayerRequest {
        name: "taken".to_owned(),
        ..create_layer()
    };
    let answer = service.layers().create_layer(taken).await;
    assert_eq!(
        refused(answer),
        refusal(Code::AlreadyExists, "NAME_TAKEN", "name")
    );
}

#[tokio::test]
async fn deleting_repeats_the_name() {
    // R24.
    let service = Service::start().await;
    let delete = |name: &str| DeleteLayerRequest {
        layer_id: LAYER,
        confirm_name: name.to_owned(),
    };
    let answer = service.layers().delete_layer(delete("hydrant")).await;
    let mismatch = refusal(Code::FailedPrecondition, "CONFIRMATION_MISMATCH", "");
    assert_eq!(refused(answer), mismatch);
    let answer = service
        .layers()
        .delete_layer(delete("hydrants"))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().policy_token, "p3");
}

#[tokio::test]
async fn figures_are_of_layers_that_are_named_once() {
    // R46.
    let service = Service::start().await;
    let ask = async |layer_ids: Vec<i64>| {
        let request = BatchGetLayerFiguresRequest {
            layer_ids,
            extent: true,
        };
        service.layers().batch_get_layer_figures(request).await
    };
    let told = ask(vec![999, LAYER]).await.unwrap().into_inner().layers;
    let [figures] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(figures.layer_id, LAYER);
    assert_eq!(figures.count, Some(layer_figures::Count::ExactCount(0)));
    assert_eq!((figures.size_bytes, &figures.last_edit_time), (0, &None));
    let wrong = |field| refusal(Code::InvalidArgument, "INVALID_FIELD", field);
    assert_eq!(refused(ask(vec![]).await), wrong("layer_ids"));
    assert_eq!(refused(ask(vec![0]).await), wrong("layer_ids[0]"));
    let twice = ask(vec![LAYER, LAYER]).await;
    assert_eq!(refused(twice), wrong("layer_ids[1]"));
    let many = ask((1..=101).collect()).await;
    assert_eq!(refused(many), wrong("layer_ids"));
}
