//! Which layers somebody may use, and who may do something.

use clap::{Args, Subcommand};
use jmap_proto::authorization::{
    AllowedSubject, LookupLayersRequest, LookupSubjectsRequest, UsableLayer,
};
use serde::Serialize;

use crate::{
    client::each,
    command::{
        Context,
        as_of::AsOf,
        explain::{self, GrantView},
        listed,
        question::{Asked, DecisionView},
        supposition::Supposing,
    },
    error::Failure,
    output::{Report, View},
    resolve::{self, Reference},
    words::LayerActWord,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl lookup layers modify                             the layers that you may modify
  jmapctl lookup layers view --user ben --project Atlas    as an administrator
  jmapctl lookup users layer Atlas/cities modify           who may, and why
  jmapctl lookup users layer Atlas/cities modify --as-of 2026-11-17T12:00Z
  jmapctl lookup users project Atlas open --suppose 'leave ben editors'

About others you are told what concerns the resources that you administer.";

/// Find layers or users
#[derive(Debug, Subcommand)]
pub(crate) enum Lookup {
    /// List the layers on which somebody may do something
    Layers(Layers),
    /// List the users who may do something, each with the reasons
    Users(Users),
}

/// List layers
#[derive(Args, Debug)]
pub(crate) struct Layers {
    /// The act
    #[arg(value_enum)]
    act: LayerActWord,
    /// Who may; yourself when left out
    #[arg(long, value_name = "NAME|ID")]
    user: Option<Reference>,
    /// Only in this project
    #[arg(long, value_name = "NAME|ID")]
    project: Option<Reference>,
    #[command(flatten)]
    as_of: AsOf,
    #[command(flatten)]
    supposing: Supposing,
}

/// List users
#[derive(Args, Debug)]
pub(crate) struct Users {
    #[command(flatten)]
    as_of: AsOf,
    #[command(flatten)]
    supposing: Supposing,
    #[command(subcommand)]
    asked: Asked,
}

/// A layer as it is shown.
#[derive(Debug, Serialize)]
struct LayerView {
    layer_id: i64,
    name: String,
    project_id: i64,
    owner_user_id: i64,
    #[serde(flatten)]
    decision: DecisionView,
}

impl From<UsableLayer> for LayerView {
    fn from(layer: UsableLayer) -> Self {
        Self {
            layer_id: layer.layer_id,
            name: layer.name,
            project_id: layer.project_id,
            owner_user_id: layer.owner_user_id,
            decision: layer.decision.into(),
        }
    }
}

impl View for LayerView {
    const COLUMNS: &'static [&'static str] = &["id", "layer", "project", "allowed"];
    fn cells(&self) -> Vec<String> {
        let project = match self.project_id {
            0 => format!("personal, of user {}", self.owner_user_id),
            project => project.to_string(),
        };
        vec![
            self.layer_id.to_string(),
            self.name.clone(),
            project,
            self.decision.sentence(),
        ]
    }
}

/// A user who may, as it is shown.
#[derive(Debug, Serialize)]
struct UserView {
    user_id: i64,
    name: String,
    #[serde(flatten)]
    decision: DecisionView,
    grants: Vec<GrantView>,
}

impl From<AllowedSubject> for UserView {
    fn from(subject: AllowedSubject) -> Self {
        Self {
            user_id: subject.user_id,
            name: subject.name,
            decision: subject.decision.into(),
            grants: subject.grants.into_iter().map(GrantView::from).collect(),
        }
    }
}

impl View for UserView {
    const COLUMNS: &'static [&'static str] = &["id", "user", "allowed", "why"];
    fn cells(&self) -> Vec<String> {
        let why: Vec<_> = self.grants.iter().map(GrantView::line).collect();
        vec![
            self.user_id.to_string(),
            self.name.clone(),
            self.decision.sentence(),
            listed(&why),
        ]
    }
}

impl Lookup {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::Layers(layers) => layers.run(context).await,
            Self::Users(users) => users.run(context).await,
        }
    }
}

impl Layers {
    async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let project_id = match &self.project {
            Some(project) => resolve::project_id(client, project).await?,
            None => 0,
        };
        let message = LookupLayersRequest {
            subject: Some(explain::subject(client, self.user.as_ref()).await?),
            act: self.act.act().into(),
            project_id,
            freshness: self.as_of.freshness(),
            supposing: self.supposing.resolve(client).await?,
            ..LookupLayersRequest::default()
        };
        let (mut found, mut token) = (Vec::new(), String::new());
        each!(client, client.lookups(), lookup_layers, message, |part| {
            found.extend(part.layers.into_iter().map(LayerView::from));
            token = part.policy_token;
        });
        Ok(self.as_of.headed(Report::list(&found)?, &token))
    }
}

impl Users {
    async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let message = LookupSubjectsRequest {
            question: Some(self.asked.question(client).await?),
            freshness: self.as_of.freshness(),
            supposing: self.supposing.resolve(client).await?,
            ..LookupSubjectsRequest::default()
        };
        let (mut found, mut token) = (Vec::new(), String::new());
        each!(client, client.lookups(), lookup_subjects, message, |part| {
            found.extend(part.subjects.into_iter().map(UserView::from));
            token = part.policy_token;
        });
        Ok(self.as_of.headed(Report::list(&found)?, &token))
    }
}
