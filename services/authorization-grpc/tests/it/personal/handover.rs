//! Handing a personal layer over: what is told to whom, and the refusals that programs tell apart (R69, R81, R120).

use jmap_proto::authorization as pb;
use tonic::{Code, Status};

use super::{World, world};
use crate::fixture::{Caller, refused, wrong};

impl World {
    async fn offer(&self, by: &Caller, to: i64) -> Result<pb::PersonalLayerOffer, Status> {
        let request = by.says(pb::OfferPersonalLayerRequest {
            layer_id: self.layer,
            owner_user_id: to,
        });
        let made = self.running.personal().offer_personal_layer(request).await;
        made.map(|made| made.into_inner().offer.unwrap())
    }

    async fn withdraw(&self, by: &Caller) -> Result<String, Status> {
        let request = by.says(pb::WithdrawPersonalLayerOfferRequest {
            layer_id: self.layer,
        });
        let mut personal = self.running.personal();
        let made = personal.withdraw_personal_layer_offer(request).await;
        made.map(|made| made.into_inner().policy_token)
    }

    async fn accept(&self, by: &Caller, name: &str) -> Result<pb::LayerRegistration, Status> {
        let request = by.says(pb::AcceptPersonalLayerRequest {
            layer_id: self.layer,
            name: name.to_owned(),
        });
        let made = self.running.personal().accept_personal_layer(request).await;
        made.map(|made| made.into_inner().layer.unwrap())
    }

    async fn decline(&self, by: &Caller) -> Result<String, Status> {
        let request = by.says(pb::DeclinePersonalLayerRequest {
            layer_id: self.layer,
        });
        let made = self
            .running
            .personal()
            .decline_personal_layer(request)
            .await;
        made.map(|made| made.into_inner().policy_token)
    }

    async fn offers(&self, to: &Caller, made_by_caller: bool) -> Vec<pb::PersonalLayerOffer> {
        let request = to.says(pb::ListPersonalLayerOffersRequest {
            made_by_caller,
            ..Default::default()
        });
        let mut personal = self.running.personal();
        let offers = personal.list_personal_layer_offers(request).await;
        offers.unwrap().into_inner().offers
    }
}

#[tokio::test]
async fn an_offer_is_told_to_both_and_answered() {
    let world = world().await;
    let ((ana, ana_id), (ben, ben_id)) = (&world.ana, &world.ben);
    let offer = world.offer(ana, *ben_id).await.unwrap();
    let expected = pb::PersonalLayerOffer {
        layer_id: world.layer,
        name: "walks".to_owned(),
        owner_user_id: *ana_id,
        owner_name: "ana".to_owned(),
        offered_to_user_id: *ben_id,
        offered_to_name: "ben".to_owned(),
    };
    assert_eq!(offer, expected);
    assert_eq!(
        world.offers(ben, false).await,
        std::slice::from_ref(&expected)
    );
    assert_eq!(world.offers(ana, true).await, [expected]);
    assert_eq!(world.offers(ana, false).await, []);
    assert_eq!(world.offers(&world.administrator, false).await, []);
    assert!(!world.decline(ben).await.unwrap().is_empty());
    refused(world.decline(ben).await, Code::NotFound, "NOT_FOUND");
    world.offer(ana, *ben_id).await.unwrap();
    let layer = world.accept(ben, "trails").await.unwrap();
    assert_eq!(
        (layer.owner_user_id, layer.name.as_str()),
        (*ben_id, "trails")
    );
    let again = refused(
        world.accept(ben, "trails").await,
        Code::FailedPrecondition,
        "NOT_OFFERED",
    );
    assert!(again.message().contains("is not offered"), "{again:?}");
}

#[tokio::test]
async fn what_is_not_offered_is_told_apart_from_what_is_not_there() {
    let world = world().await;
    let ((ana, ana_id), (ben, ben_id)) = (&world.ana, &world.ben);
    let nothing = world.withdraw(ana).await;
    refused(nothing, Code::FailedPrecondition, "NOT_OFFERED");
    for result in [
        world.withdraw(ben).await.map(drop),
        world.decline(ben).await.map(drop),
        world.accept(ben, "").await.map(drop),
        world.offer(ben, *ana_id).await.map(drop),
    ] {
        refused(result, Code::NotFound, "NOT_FOUND");
    }
    for nobody in [0, 999, *ana_id] {
        wrong(world.offer(ana, nobody).await, "owner_user_id");
    }
    let by_nobody = world.offer(&Caller::ANONYMOUS, *ben_id).await;
    refused(by_nobody, Code::Unauthenticated, "SIGN_IN_REQUIRED");
    world.share().await;
    let by_sharee = world.offer(ben, *ana_id).await;
    refused(by_sharee, Code::PermissionDenied, "NOT_PERMITTED");
    let by_sharee = world.accept(ben, "").await;
    refused(by_sharee, Code::FailedPrecondition, "NOT_OFFERED");
    world.offer(ana, *ben_id).await.unwrap();
    wrong(world.accept(ben, "two\nlines").await, "name");
    assert!(!world.withdraw(ana).await.unwrap().is_empty());
    let request = world.administrator.says(world.publication());
    let mut personal = world.running.personal();
    personal.publish_personal_layer(request).await.unwrap();
    let published = world.offer(&world.administrator, *ben_id).await;
    refused(published, Code::FailedPrecondition, "NOT_PERSONAL");
}
