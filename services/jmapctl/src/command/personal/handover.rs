//! Handing a personal layer over: offered, withdrawn, listed, accepted, declined.

use jmap_proto::authorization::{
    AcceptPersonalLayerRequest, DeclinePersonalLayerRequest, ListPersonalLayerOffersRequest,
    OfferPersonalLayerRequest, WithdrawPersonalLayerOfferRequest,
};
use serde_json::json;

use super::view::{OfferView, OwnView};
use crate::{
    client::{Client, call},
    error::Failure,
    output::Report,
    resolve::{self, LayerReference, Reference},
};

pub(super) async fn offer(
    client: &Client,
    layer: &LayerReference,
    to: &Reference,
) -> Result<Report, Failure> {
    let message = OfferPersonalLayerRequest {
        layer_id: resolve::layer_id(client, layer).await?,
        owner_user_id: resolve::user_id(client, to).await?,
    };
    let answer = call!(client, client.personal(), offer_personal_layer, message);
    let offer = OfferView::from(answer.offer.unwrap_or_default());
    let text = format!(
        "layer {} is offered to {}; it stays yours until it is accepted",
        offer.layer_id, offer.offered_to
    );
    Report::new(text, &offer)
}

pub(super) async fn withdraw(client: &Client, layer: &LayerReference) -> Result<Report, Failure> {
    let layer_id = resolve::layer_id(client, layer).await?;
    let message = WithdrawPersonalLayerOfferRequest { layer_id };
    call!(
        client,
        client.personal(),
        withdraw_personal_layer_offer,
        message
    );
    let text = format!("layer {layer_id} is offered to nobody any more");
    Report::new(text, &json!({"layer_id": layer_id}))
}

pub(super) async fn offers(client: &Client, made_by_caller: bool) -> Result<Report, Failure> {
    let (mut offers, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListPersonalLayerOffersRequest {
            made_by_caller,
            page_size: 0,
            page_token,
        };
        let page = call!(
            client,
            client.personal(),
            list_personal_layer_offers,
            message
        );
        offers.extend(page.offers.into_iter().map(OfferView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&offers);
        }
    }
}

pub(super) async fn accept(
    client: &Client,
    layer: &LayerReference,
    name: Option<String>,
) -> Result<Report, Failure> {
    let message = AcceptPersonalLayerRequest {
        layer_id: resolve::layer_id(client, layer).await?,
        name: name.unwrap_or_default(),
    };
    let answer = call!(client, client.personal(), accept_personal_layer, message);
    let layer = answer.layer.unwrap_or_default();
    let text = format!("layer {} is yours now: @me/{}", layer.layer_id, layer.name);
    Report::new(text, &OwnView::from(layer))
}

pub(super) async fn decline(client: &Client, layer: &LayerReference) -> Result<Report, Failure> {
    let layer_id = resolve::layer_id(client, layer).await?;
    let message = DeclinePersonalLayerRequest { layer_id };
    call!(client, client.personal(), decline_personal_layer, message);
    let text = format!("declined layer {layer_id}");
    Report::new(text, &json!({"layer_id": layer_id}))
}
