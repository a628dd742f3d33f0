//! `PersonalLayerService`: personal layers by their owners, by those whom they are shared with, and by administrators (R71–R82).

mod handover;
mod watch;

use std::sync::Arc;

use authorization_core::{
    Snapshot,
    layer_permissions::Search,
    model::{Layer, User},
    personal::{Access, Listed, Owner, PersonalWanted, Publication, Sharee, Through},
    ports::{Platform, PolicyStore},
};
use jmap_domain::{LayerId, UserId};
use jmap_proto::authorization::{
    self as pb, list_personal_layer_access_request::About,
    personal_layer_service_server::PersonalLayerService,
};
use jmap_wire::{FieldPath, FieldViolation, effective_to_proto, format_policy_token, id, required};
use tonic::{Request, Response, Status};

use crate::{
    context::{Context, answer, receive},
    layer_administration::{registration, table::table_row},
    page::{Asked, LONG, Page, SHORT, number},
    parse, principals,
    status::Rejection,
};

/// Longest text to search for, in characters.
const MAX_SEARCH: usize = 200;

#[derive(Debug)]
pub(crate) struct PersonalLayerApi<S, P>(pub(crate) Arc<Context<S, P>>);

#[tonic::async_trait]
impl<S: PolicyStore, P: Platform> PersonalLayerService for PersonalLayerApi<S, P> {
    type WatchPersonalLayersStream = watch::Stream;

    async fn watch_personal_layers(
        &self,
        request: Request<pb::WatchPersonalLayersRequest>,
    ) -> Result<Response<Self::WatchPersonalLayersStream>, Status> {
        answer(watch::watch(&self.0, request)).await
    }

    async fn list_own_personal_layers(
        &self,
        request: Request<pb::ListOwnPersonalLayersRequest>,
    ) -> Result<Response<pb::ListOwnPersonalLayersResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListOwnPersonalLayersRequest {
                page_size: size,
                page_token,
            } = message;
            let token = &page_token;
            let query = "own personal layers".to_owned();
            let page = Page::parse(&self.0.pages, query, Asked { size, token }, LONG)?;
            let layers = self.0.authority.own_personal_layers(&caller)?;
            let (layers, next_page_token) = page.take(layers, |layer| by_name(layer));
            let layers = layers.iter().map(|layer| registration(layer));
            Ok(pb::ListOwnPersonalLayersResponse {
                layers: layers.collect(),
                next_page_token,
            })
        })
        .await
    }

    async fn list_shared_personal_layers(
        &self,
        request: Request<pb::ListSharedPersonalLayersRequest>,
    ) -> Result<Response<pb::ListSharedPersonalLayersResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListSharedPersonalLayersRequest {
                page_size: size,
                page_token,
            } = message;
            let token = &page_token;
            let query = "shared personal layers".to_owned();
            let page = Page::parse(&self.0.pages, query, Asked { size, token }, LONG)?;
            let shared = self.0.authority.shared_personal_layers(&caller)?;
            let place = |one: &Sharee| number(one.access.layer.id.get());
            let (shared, next_page_token) = page.take(shared, place);
            let snapshot = self.0.authority.snapshot();
            let layers = shared
                .iter()
                .map(|one| access(&snapshot, &one.access, one.owner.as_ref()));
            Ok(pb::ListSharedPersonalLayersResponse {
                layers: layers.collect(),
                next_page_token,
            })
        })
        .await
    }

    async fn leave_personal_layer(
        &self,
        request: Request<pb::LeavePersonalLayerRequest>,
    ) -> Result<Response<pb::LeavePersonalLayerResponse>, Status> {
        answer(async {
            let (caller, pb::LeavePersonalLayerRequest { layer_id }) = receive(request)?;
            let layer = id("layer_id", layer_id)?;
            let made = self.0.authority.leave_layer(&caller, layer).await?;
            Ok(pb::LeavePersonalLayerResponse {
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn list_personal_layers(
        &self,
        request: Request<pb::ListPersonalLayersRequest>,
    ) -> Result<Response<pb::ListPersonalLayersResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListPersonalLayersRequest {
                search,
                owner_user_id,
                page_size: size,
                page_token,
                order,
                descending,
            } = message;
            let wanted = wanted(&search, owner_user_id)?;
            let place = place(order)?;
            let token = &page_token;
            let query = format!("personal layers {owner_user_id} {order} {descending} {search}");
            let page = Page::parse(&self.0.pages, query, Asked { size, token }, LONG)?;
            let listed = self.0.authority.personal_layers(&caller, &wanted)?;
            let (listed, next_page_token) = page.sort(listed, place, descending);
            Ok(pb::ListPersonalLayersResponse {
                layers: listed.iter().map(shown).collect(),
                next_page_token,
            })
        })
        .await
    }

    async fn list_personal_layer_users(
        &self,
        request: Request<pb::ListPersonalLayerUsersRequest>,
    ) -> Result<Response<pb::ListPersonalLayerUsersResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListPersonalLayerUsersRequest {
                page_size: size,
                page_token,
                search,
            } = message;
            let token = &page_token;
            let query = format!("users of personal layers {search}");
            let page = Page::parse(&self.0.pages, query, Asked { size, token }, SHORT)?;
            let searched = parse_search(&search)?;
            let authority = &self.0.authority;
            let users = authority.personal_layer_users(&caller, searched.as_ref())?;
            let (users, next_page_token) = page.take(users, |one| number(one.user.id.get()));
            Ok(pb::ListPersonalLayerUsersResponse {
                users: users.iter().map(user).collect(),
                next_page_token,
            })
        })
        .await
    }

    async fn list_personal_layer_access(
        &self,
        request: Request<pb::ListPersonalLayerAccessRequest>,
    ) -> Result<Response<pb::ListPersonalLayerAccessResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListPersonalLayerAccessRequest {
                about,
                page_size: size,
                page_token,
            } = message;
            let token = &page_token;
            let authority = &self.0.authority;
            let about = required("about", about)?;
            let query = format!("access to personal layers {about:?}");
            let page = Page::parse(&self.0.pages, query, Asked { size, token }, SHORT)?;
            let found = match about {
                About::LayerId(layer) => {
                    let layer: LayerId = id("layer_id", layer)?;
                    authority.personal_layer_access(&caller, layer)?
                }
                About::UserId(user) => {
                    let user: UserId = id("user_id", user)?;
                    authority.personal_access_of(&caller, user)?
                }
            };
            let place = |one: &Access| match about {
                About::LayerId(_) => number(one.user.id.get()),
                About::UserId(_) => number(one.layer.id.get()),
            };
            let (found, next_page_token) = page.take(found, place);
            let snapshot = authority.snapshot();
            let found = found.iter().map(|one| {
                let owner = one.layer.placement.owner();
                access(&snapshot, one, owner.and_then(|owner| snapshot.user(owner)))
            });
            Ok(pb::ListPersonalLayerAccessResponse {
                access: found.collect(),
                next_page_token,
            })
        })
        .await
    }

    async fn publish_personal_layer(
        &self,
        request: Request<pb::PublishPersonalLayerRequest>,
    ) -> Result<Response<pb::PublishPersonalLayerResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::PublishPersonalLayerRequest {
                layer_id,
                project_id,
                name,
                initial_view,
            } = message;
            let layer = id("layer_id", layer_id)?;
            let publication = Publication {
                project: id("project_id", project_id)?,
                name: parse::optional_name("name", &name)?,
                view: parse::initial_view(initial_view)?,
            };
            let publishing = self.0.authority.publish_layer(&caller, layer, publication);
            let made = publishing.await?;
            let table = &made.value;
            let rows = table.rows.iter().map(|row| table_row(&made.policy, *row));
            Ok(pb::PublishPersonalLayerResponse {
                layer: Some(registration(&table.layer)),
                rows: rows.collect(),
                grants_revision: principals::revision(table.revision),
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn reassign_personal_layer(
        &self,
        request: Request<pb::ReassignPersonalLayerRequest>,
    ) -> Result<Response<pb::ReassignPersonalLayerResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ReassignPersonalLayerRequest {
                layer_id,
                owner_user_id,
                name,
            } = message;
            let layer = id("layer_id", layer_id)?;
            let owner: UserId = id("owner_user_id", owner_user_id)?;
            let name = parse::optional_name("name", &name)?;
            let reassigning = self
                .0
                .authority
                .reassign_layer(&caller, layer, (owner, name));
            let made = reassigning.await?;
            Ok(pb::ReassignPersonalLayerResponse {
                layer: Some(registration(&made.value)),
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn offer_personal_layer(
        &self,
        request: Request<pb::OfferPersonalLayerRequest>,
    ) -> Result<Response<pb::OfferPersonalLayerResponse>, Status> {
        answer(handover::offer(&self.0, request)).await
    }

    async fn withdraw_personal_layer_offer(
        &self,
        request: Request<pb::WithdrawPersonalLayerOfferRequest>,
    ) -> Result<Response<pb::WithdrawPersonalLayerOfferResponse>, Status> {
        answer(handover::withdraw(&self.0, request)).await
    }

    async fn list_personal_layer_offers(
        &self,
        request: Request<pb::ListPersonalLayerOffersRequest>,
    ) -> Result<Response<pb::ListPersonalLayerOffersResponse>, Status> {
        answer(async { handover::list(&self.0, request) }).await
    }

    async fn accept_personal_layer(
        &self,
        request: Request<pb::AcceptPersonalLayerRequest>,
    ) -> Result<Response<pb::AcceptPersonalLayerResponse>, Status> {
        answer(handover::accept(&self.0, request)).await
    }

    async fn decline_personal_layer(
        &self,
        request: Request<pb::DeclinePersonalLayerRequest>,
    ) -> Result<Response<pb::DeclinePersonalLayerResponse>, Status> {
        answer(handover::decline(&self.0, request)).await
    }
}

fn parse_search(search: &str) -> Result<Option<Search>, FieldViolation> {
    if search.chars().count() > MAX_SEARCH {
        let path = FieldPath::of("search");
        return Err(path.invalid("is longer than 200 characters"));
    }
    Ok((!search.trim().is_empty()).then(|| Search::of(search)))
}

/// A layer's place in an order (R82).
fn place(order: i32) -> Result<fn(&Listed) -> Vec<u8>, FieldViolation> {
    let path = || FieldPath::of("order");
    match pb::PersonalLayerOrder::try_from(order) {
        Ok(pb::PersonalLayerOrder::Unspecified | pb::PersonalLayerOrder::Created) => {
            Ok(|one| number(one.layer.id.get()).to_vec())
        }
        Ok(pb::PersonalLayerOrder::Name) => Ok(|one| by_name(&one.layer)),
        Ok(pb::PersonalLayerOrder::Owner) => Ok(|one| {
            let owner = one.owner.as_ref().map(|owner| owner.name.key());
            let owner = owner.unwrap_or_default();
            [owner.as_bytes(), &[0], &number(one.layer.id.get())].concat()
        }),
        Err(_) => Err(path().invalid("is not an order")),
    }
}

fn wanted(search: &str, owner: i64) -> Result<PersonalWanted, Rejection> {
    let owner: Result<Option<UserId>, FieldViolation> = match owner {
        0 => Ok(None),
        owner => id("owner_user_id", owner).map(Some),
    };
    Ok(PersonalWanted {
        search: parse_search(search)?,
        owner: owner?,
    })
}

/// A layer's place among its owner's: by name, then by id.
fn by_name(layer: &Layer) -> Vec<u8> {
    [layer.name.key().as_bytes(), &[0], &number(layer.id.get())].concat()
}

fn name_of(user: Option<&Arc<User>>) -> String {
    user.map(|user| user.name.to_string()).unwrap_or_default()
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn shown(listed: &Listed) -> pb::PersonalLayer {
    let Listed {
        layer,
        owner,
        shares,
    } = listed;
    pb::PersonalLayer {
        registration: Some(registration(layer)),
        owner_name: name_of(owner.as_ref()),
        share_count: count(*shares),
    }
}

fn user(listed: &Owner) -> pb::PersonalLayerUser {
    let Owner {
        user,
        owned,
        shared,
    } = listed;
    pb::PersonalLayerUser {
        user_id: user.id.get(),
        name: user.name.to_string(),
        owned_count: count(*owned),
        shared_count: count(*shared),
    }
}

fn access(
    snapshot: &Snapshot,
    access: &Access,
    owner: Option<&Arc<User>>,
) -> pb::PersonalLayerAccess {
    let Access {
        layer,
        user,
        permissions,
        through,
    } = access;
    let shares = through.iter().filter_map(|through| match through {
        Through::Ownership => None,
        Through::Share(principal) => {
            let (principal, name) = principals::principal(snapshot, *principal);
            let principal = Some(principal);
            Some(pb::PersonalLayerShare { principal, name })
        }
    });
    pb::PersonalLayerAccess {
        registration: Some(registration(layer)),
        owner_name: name_of(owner),
        user_id: user.id.get(),
        user_name: user.name.to_string(),
        permissions: Some(effective_to_proto(*permissions)),
        owner: through.contains(&Through::Ownership),
        through: shares.collect(),
    }
}
