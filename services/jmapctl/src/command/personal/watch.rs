//! Following one's personal layers.

use std::time::Duration;

use clap::Args;
use jmap_proto::authorization::{
    PersonalLayerEvent, PersonalLayerEventKind as Kind, WatchPersonalLayersRequest,
    WatchPersonalLayersResponse,
};
use jmap_wire::duration_to_proto;
use serde::Serialize;
use tokio::time::sleep;

use super::view::{flags, may, named};
use crate::{
    client::Client,
    command::{
        Context,
        watch::{PAUSE, write},
    },
    error::{Failure, Kind as FailureKind},
    output::{Format, Report},
};

/// Follow what changes for you about personal layers
#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// The policy token to begin after; the present state if left out
    #[arg(
        long,
        value_name = "TOKEN",
        default_value = "",
        hide_default_value = true
    )]
    after: String,
    /// End after so many events
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Seconds of silence before a heartbeat, 1 to 300
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    heartbeat: u64,
}

/// What a change brought; without events, that nothing happens.
#[derive(Debug, Serialize)]
struct NewsView {
    events: Vec<EventView>,
    policy_token: String,
}

#[derive(Debug, Serialize)]
struct EventView {
    event: &'static str,
    layer_id: i64,
    name: String,
    owner_user_id: i64,
    owner: Option<String>,
    all: Vec<String>,
    own: Vec<String>,
    project_id: Option<i64>,
}

impl Watch {
    pub(super) async fn run(mut self, context: &Context) -> Result<Report, Failure> {
        let heartbeat = duration_to_proto(Duration::from_secs(self.heartbeat));
        while self.limit != Some(0) {
            let message = WatchPersonalLayersRequest {
                after_policy_token: self.after.clone(),
                heartbeat: Some(heartbeat),
            };
            let has_begun = !self.after.is_empty();
            match self.follow(context, message).await {
                Ok(()) => {}
                Err(failure) if has_begun && failure.kind == FailureKind::Unavailable => {
                    sleep(PAUSE).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(Report::silent())
    }

    /// Shows what comes until the stream ends, or enough was shown.
    async fn follow(
        &mut self,
        context: &Context,
        message: WatchPersonalLayersRequest,
    ) -> Result<(), Failure> {
        let client: &Client = &context.client;
        let request = client.stream_request(message).await?;
        let stream = client.personal().watch_personal_layers(request).await?;
        let mut stream = stream.into_inner();
        while self.limit != Some(0) {
            let Some(message) = stream.message().await? else {
                return Ok(());
            };
            self.show(context.format, message)?;
        }
        Ok(())
    }

    fn show(
        &mut self,
        format: Format,
        message: WatchPersonalLayersResponse,
    ) -> Result<(), Failure> {
        let WatchPersonalLayersResponse {
            mut events,
            policy_token,
        } = message;
        if let Some(left) = &mut self.limit {
            let most = usize::try_from(*left).unwrap_or(usize::MAX);
            events.truncate(most);
            *left -= u64::try_from(events.len()).unwrap_or(u64::MAX);
        }
        self.after.clone_from(&policy_token);
        let events: Vec<EventView> = events.into_iter().map(EventView::from).collect();
        match format {
            Format::People => events.iter().try_for_each(|event| write(&event.line())),
            Format::Programs => {
                let news = NewsView {
                    events,
                    policy_token,
                };
                write(&serde_json::json!(news))
            }
        }
    }
}

impl From<PersonalLayerEvent> for EventView {
    fn from(event: PersonalLayerEvent) -> Self {
        let kind = event.kind();
        let (all, own) = flags(event.permissions);
        Self {
            event: match kind {
                Kind::Unspecified => "unknown",
                Kind::Received => "received",
                Kind::GivenAway => "given-away",
                Kind::Shared => "shared",
                Kind::Changed => "changed",
                Kind::Unshared => "unshared",
                Kind::Published => "published",
                Kind::Deleted => "deleted",
            },
            layer_id: event.layer_id,
            name: event.name,
            owner_user_id: event.owner_user_id,
            owner: named(event.owner_name),
            all,
            own,
            project_id: (event.project_id != 0).then_some(event.project_id),
        }
    }
}

impl EventView {
    /// The event on one line.
    fn line(&self) -> String {
        let of = self.owner.as_deref().unwrap_or("a deleted user");
        let begun = format!("{}  {} of {of}  {}", self.layer_id, self.name, self.event);
        match self.project_id {
            Some(project) => format!("{begun} into project {project}"),
            None if self.all.is_empty() => begun,
            None => format!("{begun}: you may {}", may(&self.all, &self.own)),
        }
    }
}
