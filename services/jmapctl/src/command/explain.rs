//! Why somebody may or may not do something.

use clap::Args;
use jmap_proto::authorization::{
    AnonymousSubject, ExplainRequest, ExplainResponse, ExplainedGrant, IneffectiveReason,
    MissingLink, Subject, subject,
};
use serde::Serialize;

use crate::{
    client::{Client, call},
    command::{
        Context,
        as_of::AsOf,
        grantee::Grantee,
        listed,
        question::{Asked, DecisionView},
    },
    error::Failure,
    output::{Report, rows},
    resolve::{self, Reference, myself},
    words::plain_word,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl explain layer Atlas/cities modify               about yourself
  jmapctl explain layer Atlas/cities modify --user ben    as an administrator
  jmapctl explain project Atlas open --user anonymous
  jmapctl explain layer Atlas/cities modify --user ben --as-of 2026-11-17T12:00Z";

/// Explain why somebody may or may not do something
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// About whom; yourself when left out
    #[arg(long, global = true, value_name = "NAME|ID")]
    user: Option<Reference>,
    #[command(flatten)]
    as_of: AsOf,
    #[command(subcommand)]
    asked: Asked,
}

/// An explanation as it is shown.
#[derive(Debug, Serialize)]
struct ExplanationView {
    #[serde(flatten)]
    decision: DecisionView,
    grants: Vec<GrantView>,
    missing: Vec<String>,
}

/// A grant that bears on an answer, as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct GrantView {
    path: String,
    principal: Grantee,
    gives: String,
    only_own: bool,
    effective: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ineffective: Option<String>,
}

impl From<ExplainedGrant> for GrantView {
    fn from(grant: ExplainedGrant) -> Self {
        let path = plain_word(grant.path().as_str_name(), "GRANT_PATH_");
        let reason = grant.ineffective();
        let ineffective = (reason != IneffectiveReason::Unspecified)
            .then(|| plain_word(reason.as_str_name(), "INEFFECTIVE_REASON_"));
        Self {
            path,
            principal: Grantee::named(grant.principal, grant.principal_name),
            gives: grant.gives,
            only_own: grant.only_own,
            effective: ineffective.is_none(),
            ineffective,
        }
    }
}

impl From<ExplainResponse> for ExplanationView {
    fn from(response: ExplainResponse) -> Self {
        let missing = missing_words(response.missing());
        Self {
            decision: response.decision.into(),
            grants: response.grants.into_iter().map(GrantView::from).collect(),
            missing,
        }
    }
}

impl Explain {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let message = ExplainRequest {
            subject: Some(subject(client, self.user.as_ref()).await?),
            question: Some(self.asked.question(client).await?),
            freshness: self.as_of.freshness(),
        };
        let answer = call!(client, client.checks(), explain, message);
        let token = answer.policy_token.clone();
        let view = ExplanationView::from(answer);
        let report = Report::new(view.text(), &view)?;
        Ok(self.as_of.headed(report, &token))
    }
}

/// About whom; the caller when nobody is named.
pub(super) async fn subject(client: &Client, user: Option<&Reference>) -> Result<Subject, Failure> {
    let subject = match user {
        None => return Ok(myself()),
        Some(Reference::Name(name)) if name == "anonymous" => {
            subject::Subject::Anonymous(AnonymousSubject {})
        }
        Some(user) => subject::Subject::UserId(resolve::user_id(client, user).await?),
    };
    Ok(Subject {
        subject: Some(subject),
        end_user_assertion: String::new(),
    })
}

impl ExplanationView {
    fn text(&self) -> String {
        let reasons = reasons(&self.grants, &self.missing);
        format!("{}\n\n{reasons}", self.decision.sentence())
    }
}

/// The words of what is missing.
pub(super) fn missing_words(missing: impl Iterator<Item = MissingLink>) -> Vec<String> {
    let word = |link: MissingLink| plain_word(link.as_str_name(), "MISSING_LINK_");
    missing.map(word).collect()
}

/// The grants that bear on an answer, and what is missing for a full yes.
pub(super) fn reasons(grants: &[GrantView], missing: &[String]) -> String {
    let table = if grants.is_empty() {
        "no grant bears on it".to_owned()
    } else {
        rows(
            &["path", "granted to", "gives", "only own", "effective"],
            grants.iter().map(GrantView::cells),
        )
    };
    let mut parts = vec![table];
    if !missing.is_empty() {
        parts.push(format!("missing for a full yes: {}", listed(missing)));
    }
    parts.join("\n\n")
}

impl GrantView {
    /// What it gives and by which path, in a few words.
    pub(super) fn line(&self) -> String {
        format!(
            "{} by {} ({})",
            self.gives,
            self.path,
            self.principal.written()
        )
    }

    fn cells(&self) -> Vec<String> {
        let effective = match &self.ineffective {
            None => "yes".to_owned(),
            Some(reason) => format!("no: {reason}"),
        };
        vec![
            self.path.clone(),
            self.principal.written(),
            self.gives.clone(),
            if self.only_own { "yes" } else { "no" }.to_owned(),
            effective,
        ]
    }
}
