//! Following the policy: every change, as it is made.

mod view;

use std::{
    io::{self, Write, stdout},
    time::Duration,
};

use clap::Args;
use jmap_proto::authorization::{PolicyChangeSet, WatchRequest, watch_response::Event};
use jmap_wire::duration_to_proto;
use tokio::time::sleep;

use crate::{
    client::Client,
    command::Context,
    error::{Failure, Kind},
    output::{Format, Report},
};
use view::SetView;

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl watch                                 every change from now on, one line each
  jmapctl watch --json | jq -c .changes         one object a line; those without changes are heartbeats
  jmapctl watch --after TOKEN --limit 10        the next ten sets of changes after a policy token

For super administrators, and for programs with the scope `check`. When the connection breaks, it goes on after the last
change that was shown. It ends when the session does, and when changes that would have to be shown are not kept any
more.";

/// Before a stream that broke is opened again.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Follow the changes of the policy
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
    /// End after so many sets of changes
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Seconds of silence before a heartbeat, 1 to 300
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    heartbeat: u64,
}

/// Where following has come to.
struct Following {
    format: Format,
    /// The last token that was told.
    token: String,
    left: Option<u64>,
    /// A set of which more is to come.
    begun: Option<PolicyChangeSet>,
}

impl Watch {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let heartbeat = duration_to_proto(Duration::from_secs(self.heartbeat));
        let mut following = Following {
            format: context.format,
            token: self.after,
            left: self.limit,
            begun: None,
        };
        while following.left != Some(0) {
            let message = WatchRequest {
                after_policy_token: following.token.clone(),
                heartbeat: Some(heartbeat),
            };
            let has_begun = !following.token.is_empty();
            match following.follow(&context.client, message).await {
                Ok(()) => {}
                Err(failure) if has_begun && failure.kind == Kind::Unavailable => {
                    sleep(PAUSE).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(Report::silent())
    }
}

impl Following {
    /// Shows what comes until the stream ends, or enough was shown.
    async fn follow(&mut self, client: &Client, message: WatchRequest) -> Result<(), Failure> {
        let request = client.stream_request(message).await?;
        let mut stream = client.watches().watch(request).await?.into_inner();
        self.begun = None;
        while self.left != Some(0) {
            let Some(message) = stream.message().await? else {
                return Ok(());
            };
            match message.event {
                Some(Event::ChangeSet(set)) => self.take(set)?,
                Some(Event::Heartbeat(beat)) => self.heard(beat.policy_token)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Takes a set, or a part of one; only the last part has the token.
    fn take(&mut self, part: PolicyChangeSet) -> Result<(), Failure> {
        let set = match self.begun.take() {
            None => part,
            Some(mut set) => {
                set.changes.extend(part.changes);
                PolicyChangeSet {
                    changes: set.changes,
                    ..part
                }
            }
        };
        if set.policy_token.is_empty() {
            self.begun = Some(set);
            return Ok(());
        }
        self.token.clone_from(&set.policy_token);
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.show(&SetView::from(set))
    }

    /// People see what happens, programs also that nothing does.
    fn heard(&mut self, token: String) -> Result<(), Failure> {
        self.token = token;
        match self.format {
            Format::People => Ok(()),
            Format::Programs => write(&serde_json::json!({ "policy_token": self.token })),
        }
    }

    fn show(&self, set: &SetView) -> Result<(), Failure> {
        match self.format {
            Format::People => write(&set.line()),
            Format::Programs => write(&serde_json::json!(set)),
        }
    }
}

/// Writes a line at once, so that a reader sees it when it happens.
pub(super) fn write(line: &impl std::fmt::Display) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error: io::Error| {
        Failure::new(Kind::Failed, format!("cannot write the changes: {error}"))
    })
}
