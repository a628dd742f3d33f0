//! The audit record: who did what, and what was refused, as a table, as JSON or as CSV.

mod change;
mod follow;
mod view;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jmap_proto::{
    authorization::{
        AuditFilter, AuditKind, AuditOutcome, AuditedResource, AuditedResourceKind,
        ListAuditRecordsRequest,
    },
    types::principal,
};

use crate::{
    client::{Client, call},
    command::Context,
    error::Failure,
    output::{Report, comma_separated},
    resolve::{self, LayerReference, PrincipalReference, Reference},
};
use follow::follow;
use view::RecordView;

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl audit                                       what happened last, as a super administrator
  jmapctl audit --project Town                        what concerns a project that you administrate
  jmapctl audit --kind refusal --user ben             what was refused to somebody
  jmapctl audit --layer Town/trees --kind change      who changed the permissions on a layer
  jmapctl audit --principal ana --from 2026-11-01T00:00Z --csv > ana.csv
  jmapctl audit --kind refusal --follow               as it happens

Refusals appear within about a minute, equal ones as one record with a count. Who is no super administrator names a
project or a layer.";

/// Most records of one call.
const PAGE: i32 = 1_000;

/// Show the audit record
#[derive(Args, Debug)]
pub(crate) struct Audit {
    /// Only by this user
    #[arg(long, value_name = "NAME|ID")]
    user: Option<Reference>,
    /// Only by this service account, or passed on by it
    #[arg(long, value_name = "ID")]
    service: Option<i64>,
    /// Only what concerns this project and its layers
    #[arg(long, value_name = "NAME|ID")]
    project: Option<Reference>,
    /// Only about this layer
    #[arg(long, value_name = "PROJECT/LAYER|ID", conflicts_with = "principal")]
    layer: Option<LayerReference>,
    /// Only about this user or group:NAME
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<PrincipalReference>,
    /// Only of these kinds
    #[arg(long, value_enum, value_delimiter = ',')]
    kind: Vec<KindWord>,
    /// Only with this outcome
    #[arg(long, value_enum)]
    outcome: Option<OutcomeWord>,
    /// Not before this time, such as 2026-11-17T12:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Most records, the newest first
    #[arg(
        long,
        default_value_t = 50,
        value_name = "NUMBER",
        conflicts_with = "follow"
    )]
    limit: usize,
    /// Show what is recorded from now on, until it is interrupted
    #[arg(long)]
    follow: bool,
    /// Write comma-separated values
    #[arg(long)]
    csv: bool,
}

/// A kind of acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindWord {
    /// The policy was changed
    Change,
    /// Somebody signed in
    SignIn,
    /// Somebody signed out
    SignOut,
    /// A session was closed otherwise
    SessionClosed,
    /// Something was refused
    Refusal,
    /// A question was answered
    Check,
    /// Too many different refusals to be recorded
    Dropped,
}

impl KindWord {
    const fn kind(self) -> AuditKind {
        match self {
            Self::Change => AuditKind::Change,
            Self::SignIn => AuditKind::SignIn,
            Self::SignOut => AuditKind::SignOut,
            Self::SessionClosed => AuditKind::SessionClosed,
            Self::Refusal => AuditKind::Refusal,
            Self::Check => AuditKind::Check,
            Self::Dropped => AuditKind::Dropped,
        }
    }
}

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutcomeWord {
    /// It was done, or allowed
    Done,
    /// It was allowed for own elements
    Own,
    /// It was refused
    Refused,
}

impl OutcomeWord {
    const fn outcome(self) -> AuditOutcome {
        match self {
            Self::Done => AuditOutcome::Done,
            Self::Own => AuditOutcome::Own,
            Self::Refused => AuditOutcome::Refused,
        }
    }
}

impl Audit {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let filter = self.filter(&context.client).await?;
        if self.follow {
            return follow(context, filter, self.csv).await;
        }
        let records = list(&context.client, filter, self.limit).await?;
        if self.csv {
            return Report::new(comma_separated(&records)?, &records);
        }
        Report::list(&records)
    }

    async fn filter(&self, client: &Client) -> Result<AuditFilter, Failure> {
        let user_id = match &self.user {
            Some(user) => resolve::user_id(client, user).await?,
            None => 0,
        };
        let project_id = match &self.project {
            Some(project) => resolve::project_id(client, project).await?,
            None => 0,
        };
        Ok(AuditFilter {
            from_time: self.from.map(time),
            until_time: self.until.map(time),
            user_id,
            service_id: self.service.unwrap_or_default(),
            about: self.about(client).await?,
            project_id,
            kinds: self.kind.iter().map(|word| word.kind().into()).collect(),
            outcome: self.outcome.map_or(0, |word| word.outcome().into()),
        })
    }

    async fn about(&self, client: &Client) -> Result<Option<AuditedResource>, Failure> {
        let (kind, id) = match (&self.layer, &self.principal) {
            (Some(layer), _) => (
                AuditedResourceKind::Layer,
                resolve::layer_id(client, layer).await?,
            ),
            (None, Some(principal)) => {
                match resolve::principal(client, principal).await?.principal {
                    Some(principal::Principal::UserId(id)) => (AuditedResourceKind::User, id),
                    Some(principal::Principal::GroupId(id)) => (AuditedResourceKind::Group, id),
                    None => return Ok(None),
                }
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(AuditedResource {
            kind: kind.into(),
            id,
            ..AuditedResource::default()
        }))
    }
}

fn time(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }
}

/// The newest records, page by page.
async fn list(
    client: &Client,
    filter: AuditFilter,
    limit: usize,
) -> Result<Vec<RecordView>, Failure> {
    let (mut records, mut page_token) = (Vec::new(), String::new());
    loop {
        let left = limit.saturating_sub(records.len());
        let message = ListAuditRecordsRequest {
            filter: Some(filter.clone()),
            page_size: i32::try_from(left).map_or(PAGE, |left| left.min(PAGE)),
            page_token,
        };
        let page = call!(client, client.audit(), list_audit_records, message);
        records.extend(page.records.into_iter().map(RecordView::from));
        records.truncate(limit);
        page_token = page.next_page_token;
        if page_token.is_empty() || records.len() >= limit {
            return Ok(records);
        }
    }
}
