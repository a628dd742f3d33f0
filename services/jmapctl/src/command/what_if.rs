//! What an answer would be after changes that are not made.

use clap::Args;
use jmap_proto::authorization::{SupposedAnswer, WhatIfRequest};
use serde::Serialize;

use crate::{
    client::call,
    command::{
        Context,
        explain::{self, GrantView, missing_words, reasons},
        question::{Asked, DecisionView},
        supposition::Supposing,
    },
    error::Failure,
    output::Report,
    resolve::Reference,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl what-if layer Atlas/cities modify --user ben --suppose 'grant ben modify Atlas/cities'
  jmapctl what-if project Atlas open --user ben --suppose 'leave ben editors' --suppose 'disable ana'

Suppositions, one for each --suppose, taken one after the other:
  grant PRINCIPAL PERMISSION,... LAYER          revoke PRINCIPAL PERMISSION,... LAYER
  grant-project PRINCIPAL RIGHT,... PROJECT     revoke-project PRINCIPAL RIGHT,... PROJECT
  grant-global PRINCIPAL PERMISSION,...         revoke-global PRINCIPAL PERMISSION,...
  join USER GROUP      leave USER GROUP         enable USER       disable USER
  editing-on LAYER     editing-off LAYER        delete PRINCIPAL
Only who could make a change can suppose it. Nothing is changed.";

/// What if
#[derive(Args, Debug)]
pub(crate) struct WhatIf {
    /// About whom; yourself when left out
    #[arg(long, global = true, value_name = "NAME|ID")]
    user: Option<Reference>,
    #[command(flatten)]
    supposing: Supposing,
    #[command(subcommand)]
    asked: Asked,
}

/// Both answers as they are shown.
#[derive(Debug, Serialize)]
struct WhatIfView {
    now: DecisionView,
    then: DecisionView,
    grants: Vec<GrantView>,
    missing: Vec<String>,
}

impl From<SupposedAnswer> for WhatIfView {
    fn from(answer: SupposedAnswer) -> Self {
        let missing = missing_words(answer.missing());
        Self {
            now: answer.now.into(),
            then: answer.then.into(),
            grants: answer.grants.into_iter().map(GrantView::from).collect(),
            missing,
        }
    }
}

impl WhatIf {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let message = WhatIfRequest {
            subject: Some(explain::subject(client, self.user.as_ref()).await?),
            questions: vec![self.asked.question(client).await?],
            supposing: self.supposing.resolve(client).await?,
            freshness: None,
        };
        let mut answer = call!(client, client.lookups(), what_if, message);
        let answer = answer.answers.pop();
        let view = WhatIfView::from(answer.ok_or_else(|| Failure::incomplete("an answer"))?);
        let text = format!(
            "now   {}\nthen  {}\n\n{}",
            view.now.sentence(),
            view.then.sentence(),
            reasons(&view.grants, &view.missing)
        );
        Report::new(text, &view)
    }
}
