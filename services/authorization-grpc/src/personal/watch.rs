//! What changes for somebody about personal layers, as it happens.

use std::sync::Arc;

use authorization_core::{
    personal::{Follower, News, NewsKind, Reaching},
    ports::{Platform, PolicyStore},
};
use futures::stream::BoxStream;
use jmap_domain::{Caller, PolicyToken, ProjectId};
use jmap_proto::authorization::{
    PersonalLayerEvent, PersonalLayerEventKind, WatchPersonalLayersRequest,
    WatchPersonalLayersResponse,
};
use jmap_wire::{effective_to_proto, format_policy_token};
use tonic::{Request, Status};

use crate::{
    context::Context,
    status::Rejection,
    watch::follow::{Source, follow, parse_after, scope},
};

/// The messages of a stream.
pub(super) type Stream = BoxStream<'static, Result<WatchPersonalLayersResponse, Status>>;

/// Begins to tell.
pub(super) async fn watch<S: PolicyStore, P: Platform>(
    context: &Arc<Context<S, P>>,
    request: Request<WatchPersonalLayersRequest>,
) -> Result<Stream, Rejection> {
    let (caller, deadline) = scope(request.extensions())?;
    let WatchPersonalLayersRequest {
        after_policy_token,
        heartbeat,
    } = request.into_inner();
    let after = parse_after(&after_policy_token)?;
    let heartbeat = jmap_wire::heartbeat(heartbeat)?;
    context.authority.admit_follower(&caller)?;
    let place = context.following(&caller)?;
    let follower = context.authority.follow_personal(&caller, after).await?;
    let source = Followed {
        context: Arc::clone(context),
        caller,
        follower,
    };
    follow(Arc::clone(context), deadline, source, (heartbeat, place)).await
}

/// Who follows, and how far it has come.
struct Followed<S, P> {
    context: Arc<Context<S, P>>,
    caller: Caller,
    follower: Follower,
}

impl<S: PolicyStore, P: Platform> Source for Followed<S, P> {
    type Message = WatchPersonalLayersResponse;

    fn admit(&self) -> Result<(), Rejection> {
        self.context.authority.admit_follower(&self.caller)?;
        Ok(())
    }

    fn token(&self) -> PolicyToken {
        self.follower.token()
    }

    async fn read(&mut self) -> Result<Vec<Self::Message>, Rejection> {
        let news = self.context.authority.personal_news(&mut self.follower);
        let news = news.await?.into_iter();
        let messages = news.map(|(token, news)| WatchPersonalLayersResponse {
            events: news.into_iter().map(event).collect(),
            policy_token: format_policy_token(token),
        });
        Ok(messages.collect())
    }

    fn heartbeat(token: PolicyToken) -> Self::Message {
        WatchPersonalLayersResponse {
            events: Vec::new(),
            policy_token: format_policy_token(token),
        }
    }
}

fn event(News { layer, kind }: News) -> PersonalLayerEvent {
    let (kind, goes_on, project) = match kind {
        NewsKind::Received => (PersonalLayerEventKind::Received, true, None),
        NewsKind::GivenAway => (PersonalLayerEventKind::GivenAway, false, None),
        NewsKind::Shared => (PersonalLayerEventKind::Shared, true, None),
        NewsKind::Changed => (PersonalLayerEventKind::Changed, true, None),
        NewsKind::Unshared => (PersonalLayerEventKind::Unshared, false, None),
        NewsKind::Published(project) => (PersonalLayerEventKind::Published, false, project),
        NewsKind::Deleted => (PersonalLayerEventKind::Deleted, false, None),
    };
    let Reaching {
        layer,
        name,
        owner,
        owner_name,
        permissions,
    } = layer;
    PersonalLayerEvent {
        kind: kind.into(),
        layer_id: layer.get(),
        name: name.to_string(),
        owner_user_id: owner.get(),
        owner_name: owner_name.map(|name| name.to_string()).unwrap_or_default(),
        permissions: goes_on.then(|| effective_to_proto(permissions)),
        project_id: project.map_or(0, ProjectId::get),
    }
}
