//! A personal layer is handed over while its owner writes, and nobody has more layers than it may have (R12, R81, R123).

use authorization_core::Settings;
use jmap_proto::{
    authorization::{
        AcceptPersonalLayerRequest, ListPersonalLayerOffersRequest, OfferPersonalLayerRequest,
    },
    types::Permission,
};
use testkit::{Stage, Tuning, ready::eventually, wire};
use tonic::Code;
use tonic_types::StatusExt;

use super::{TOWN, add_until_refused, create, let_create, share, try_create};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_is_handed_over_while_its_owner_writes_to_it() {
    // R79, R81, R123.
    let stage = Stage::set(TOWN).await;
    let administrator = stage.caller("administrator").await;
    let (ana, ben, eye) = (
        stage.caller("ana").await,
        stage.caller("ben").await,
        stage.caller("eye").await,
    );
    let_create(&administrator, wire::user(stage.floor.user("ana"))).await;
    let layer_id = create(&ana, "walks").await;
    ana.add(layer_id, "POINT(3 4)").await.unwrap();
    let give = [Permission::View, Permission::AddElements];
    let sharee = wire::user(stage.floor.user("eye"));
    share(&ana, layer_id, sharee, &give).await;
    let owner_user_id = stage.floor.user("ben");
    let offer = OfferPersonalLayerRequest {
        layer_id,
        owner_user_id,
    };
    let by_sharee = eye.personal().offer_personal_layer(offer).await;
    assert_eq!(by_sharee.unwrap_err().code(), Code::PermissionDenied);
    ana.personal().offer_personal_layer(offer).await.unwrap();
    // An offer gives nothing, and everything goes on.
    let hidden = ben.count(layer_id).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotFound);
    let list = ListPersonalLayerOffersRequest::default();
    let offers = ben.personal().list_personal_layer_offers(list).await;
    let offers = offers.unwrap().into_inner().offers;
    assert_eq!((offers.len(), offers[0].name.as_str()), (1, "walks"));
    let writer = tokio::spawn(add_until_refused(ana.clone(), layer_id));
    let busy = || async { (eye.count(layer_id).await.unwrap() > 20).then_some(()) };
    eventually("some elements", busy).await;
    let accept = AcceptPersonalLayerRequest {
        layer_id,
        name: String::new(),
    };
    let by_sharee = eye.personal().accept_personal_layer(accept.clone()).await;
    assert_eq!(by_sharee.unwrap_err().code(), Code::FailedPrecondition);
    let accepted = ben.personal().accept_personal_layer(accept).await.unwrap();
    let layer = accepted.into_inner().layer.unwrap();
    assert_eq!(layer.owner_user_id, owner_user_id);
    // Acknowledged: from here on the former owner adds nothing, and finds nothing.
    let at_acknowledgement = eye.count(layer_id).await.unwrap();
    let (done, refusal) = writer.await.unwrap();
    assert_eq!(refusal, Code::NotFound);
    assert_eq!(eye.count(layer_id).await.unwrap(), at_acknowledgement);
    assert_eq!(done + 1, at_acknowledgement);
    eye.add(layer_id, "POINT(5 6)").await.unwrap();
    ben.add(layer_id, "POINT(7 8)").await.unwrap();
    assert_eq!(ben.count(layer_id).await.unwrap(), at_acknowledgement + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_too_many_is_refused_with_the_limit_and_the_usage() {
    // R12, R120.
    let settings = Settings {
        personal_layers: 1,
        ..Settings::default()
    };
    let tuning = Tuning {
        settings,
        ..Tuning::default()
    };
    let stage = Stage::set_with(tuning, TOWN).await;
    let administrator = stage.caller("administrator").await;
    let (ana, ben) = (stage.caller("ana").await, stage.caller("ben").await);
    for who in ["ana", "ben"] {
        let_create(&administrator, wire::user(stage.floor.user(who))).await;
    }
    let layer_id = create(&ana, "walks").await;
    create(&ben, "maps").await;
    let offer = OfferPersonalLayerRequest {
        layer_id,
        owner_user_id: stage.floor.user("ben"),
    };
    ana.personal().offer_personal_layer(offer).await.unwrap();
    let accept = AcceptPersonalLayerRequest {
        layer_id,
        name: String::new(),
    };
    let accepted = ben.personal().accept_personal_layer(accept).await;
    for refused in [
        try_create(&ana, "more").await.unwrap_err(),
        accepted.unwrap_err(),
    ] {
        assert_eq!(refused.code(), Code::ResourceExhausted);
        let told = refused.get_details_error_info().unwrap();
        assert_eq!(told.reason, "QUOTA_EXCEEDED");
        let number = |name| told.metadata.get(name).map(String::as_str);
        assert_eq!((number("limit"), number("used")), (Some("1"), Some("1")));
        assert!(refused.message().contains("at most 1"), "{refused:?}");
    }
}
