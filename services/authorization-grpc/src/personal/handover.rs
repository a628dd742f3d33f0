//! Handing a personal layer over: offered, listed, withdrawn, accepted, declined (R81).

use authorization_core::{
    personal::{MadeBy, Offer},
    ports::{Platform, PolicyStore},
};
use jmap_domain::UserId;
use jmap_proto::authorization as pb;
use jmap_wire::{format_policy_token, id};
use tonic::Request;

use crate::{
    context::{Context, receive},
    layer_administration::registration,
    page::{Asked, LONG, Page, number},
    parse,
    status::Rejection,
};

pub(super) async fn offer<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    request: Request<pb::OfferPersonalLayerRequest>,
) -> Result<pb::OfferPersonalLayerResponse, Rejection> {
    let (caller, message) = receive(request)?;
    let pb::OfferPersonalLayerRequest {
        layer_id,
        owner_user_id,
    } = message;
    let layer = id("layer_id", layer_id)?;
    let to: UserId = id("owner_user_id", owner_user_id)?;
    let made = context.authority.offer_layer(&caller, layer, to).await?;
    Ok(pb::OfferPersonalLayerResponse {
        offer: Some(shown(&made.value)),
        policy_token: format_policy_token(made.token()),
    })
}

pub(super) async fn withdraw<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    request: Request<pb::WithdrawPersonalLayerOfferRequest>,
) -> Result<pb::WithdrawPersonalLayerOfferResponse, Rejection> {
    let (caller, pb::WithdrawPersonalLayerOfferRequest { layer_id }) = receive(request)?;
    let layer = id("layer_id", layer_id)?;
    let made = context.authority.withdraw_offer(&caller, layer).await?;
    Ok(pb::WithdrawPersonalLayerOfferResponse {
        policy_token: format_policy_token(made.token()),
    })
}

pub(super) fn list<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    request: Request<pb::ListPersonalLayerOffersRequest>,
) -> Result<pb::ListPersonalLayerOffersResponse, Rejection> {
    let (caller, message) = receive(request)?;
    let pb::ListPersonalLayerOffersRequest {
        made_by_caller,
        page_size: size,
        page_token,
    } = message;
    let made_by = if made_by_caller {
        MadeBy::Caller
    } else {
        MadeBy::Others
    };
    let token = &page_token;
    let query = format!("offers of personal layers {made_by_caller}");
    let page = Page::parse(&context.pages, query, Asked { size, token }, LONG)?;
    let offers = context.authority.offered_layers(&caller, made_by)?;
    let (offers, next_page_token) = page.take(offers, |one| number(one.layer.id.get()));
    Ok(pb::ListPersonalLayerOffersResponse {
        offers: offers.iter().map(shown).collect(),
        next_page_token,
    })
}

pub(super) async fn accept<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    request: Request<pb::AcceptPersonalLayerRequest>,
) -> Result<pb::AcceptPersonalLayerResponse, Rejection> {
    let (caller, pb::AcceptPersonalLayerRequest { layer_id, name }) = receive(request)?;
    let layer = id("layer_id", layer_id)?;
    let name = parse::optional_name("name", &name)?;
    let accepting = context.authority.accept_layer(&caller, layer, name);
    let made = accepting.await?;
    Ok(pb::AcceptPersonalLayerResponse {
        layer: Some(registration(&made.value)),
        policy_token: format_policy_token(made.token()),
    })
}

pub(super) async fn decline<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    request: Request<pb::DeclinePersonalLayerRequest>,
) -> Result<pb::DeclinePersonalLayerResponse, Rejection> {
    let (caller, pb::DeclinePersonalLayerRequest { layer_id }) = receive(request)?;
    let layer = id("layer_id", layer_id)?;
    let made = context.authority.decline_layer(&caller, layer).await?;
    Ok(pb::DeclinePersonalLayerResponse {
        policy_token: format_policy_token(made.token()),
    })
}

fn shown(offer: &Offer) -> pb::PersonalLayerOffer {
    let Offer {
        layer,
        owner,
        offeree,
    } = offer;
    pb::PersonalLayerOffer {
        layer_id: layer.id.get(),
        name: layer.name.to_string(),
        owner_user_id: owner.id.get(),
        owner_name: owner.name.to_string(),
        offered_to_user_id: offeree.id.get(),
        offered_to_name: offeree.name.to_string(),
    }
}
