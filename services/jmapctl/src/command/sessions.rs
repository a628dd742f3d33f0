//! Open sessions: one's own, and as a super administrator anybody's.

use clap::Subcommand;
use jmap_proto::authorization::{CloseSessionRequest, ListSessionsRequest, Session};
use serde::Serialize;
use serde_json::json;

use crate::{
    client::call,
    command::{Context, services},
    error::Failure,
    output::{Report, View},
    resolve::{self, Reference},
    words::plain_word,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl sessions list                 your own
  jmapctl sessions list --user ana      as a super administrator
  jmapctl sessions list --service layer-data
  jmapctl sessions close 17";

/// Manage open sessions
#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// List open sessions
    List {
        /// Whose; your own when left out
        #[arg(long, value_name = "NAME|ID")]
        user: Option<Reference>,
        /// The sessions of a program's account instead
        #[arg(long, value_name = "NAME|ID", conflicts_with = "user")]
        service: Option<Reference>,
    },
    /// Close a session; its next call is refused
    Close {
        /// Its id
        session: i64,
    },
}

/// A session as it is shown.
#[derive(Debug, Serialize)]
struct SessionView {
    session_id: i64,
    user_id: i64,
    service_id: i64,
    name: String,
    kind: String,
    opened: String,
    expires: String,
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        let time = |time: Option<prost_types::Timestamp>| {
            time.map(|time| time.to_string()).unwrap_or_default()
        };
        Self {
            session_id: session.session_id,
            user_id: session.user_id,
            service_id: session.service_id,
            kind: plain_word(session.kind().as_str_name(), "SESSION_KIND_"),
            name: session.account_name,
            opened: time(session.create_time),
            expires: time(session.expire_time),
        }
    }
}

impl View for SessionView {
    const COLUMNS: &'static [&'static str] = &["id", "account", "kind", "opened", "expires"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.session_id.to_string(),
            self.name.clone(),
            self.kind.clone(),
            self.opened.clone(),
            self.expires.clone(),
        ]
    }
}

impl Sessions {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::List { user, service } => list(context, user.as_ref(), service.as_ref()).await,
            Self::Close { session } => close(context, session).await,
        }
    }
}

async fn list(
    context: &Context,
    user: Option<&Reference>,
    service: Option<&Reference>,
) -> Result<Report, Failure> {
    let client = &context.client;
    let user_id = match user {
        Some(user) => resolve::user_id(client, user).await?,
        None => 0,
    };
    let service_id = match service {
        Some(service) => services::service_id(client, service).await?,
        None => 0,
    };
    let (mut sessions, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListSessionsRequest {
            user_id,
            page_size: 1000,
            page_token,
            service_id,
        };
        let page = call!(client, client.sessions(), list_sessions, message);
        sessions.extend(page.sessions.into_iter().map(SessionView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&sessions);
        }
    }
}

async fn close(context: &Context, session_id: i64) -> Result<Report, Failure> {
    let client = &context.client;
    let message = CloseSessionRequest { session_id };
    call!(client, client.sessions(), close_session, message);
    Report::new(
        format!("closed session {session_id}"),
        &json!({"session_id": session_id}),
    )
}
