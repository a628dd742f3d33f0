//! Questions as they are asked, and answers as they are shown.

use clap::Subcommand;
use jmap_proto::authorization::{
    Decision, Denied, LayerQuestion, OwnElements, ProjectQuestion, Question, decision,
    question::Question as Kind,
};
use serde::Serialize;

use crate::{
    client::Client,
    error::Failure,
    resolve::{self, LayerReference, Reference},
    words::{GlobalWord, LayerActWord, ProjectWord, plain_word},
};

/// A question about one resource.
#[derive(Debug, Subcommand)]
pub(crate) enum Asked {
    /// An act on a layer
    Layer {
        /// PROJECT/LAYER, @me/LAYER or id
        layer: LayerReference,
        /// The act
        #[arg(value_enum)]
        act: LayerActWord,
    },
    /// An act on a project
    Project {
        /// Name or id
        project: Reference,
        /// The act
        #[arg(value_enum)]
        act: ProjectWord,
    },
    /// A permission that belongs to no project
    Global {
        /// The permission
        #[arg(value_enum)]
        permission: GlobalWord,
    },
}

impl Asked {
    /// The question of the contract.
    pub(super) async fn question(&self, client: &Client) -> Result<Question, Failure> {
        let kind = match self {
            Self::Layer { layer, act } => Kind::Layer(LayerQuestion {
                layer_id: resolve::layer_id(client, layer).await?,
                act: act.act().into(),
            }),
            Self::Project { project, act } => Kind::Project(ProjectQuestion {
                project_id: resolve::project_id(client, project).await?,
                act: act.act().into(),
            }),
            Self::Global { permission } => Kind::Global(permission.permission().into()),
        };
        Ok(Question {
            question: Some(kind),
        })
    }
}

/// An answer as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct DecisionView {
    /// `all`, `own` or `denied`.
    decision: &'static str,
    /// Why it is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Option<Decision>> for DecisionView {
    /// An answer that is missing or too new to be understood is a no.
    fn from(decision: Option<Decision>) -> Self {
        let reason = match decision.and_then(|decision| decision.decision) {
            Some(decision::Decision::All(_)) => return Self::yes("all"),
            Some(decision::Decision::Own(OwnElements { creator_id: _ })) => {
                return Self::yes("own");
            }
            Some(decision::Decision::Denied(denied)) => reason_word(denied),
            None => "unknown".to_owned(),
        };
        Self {
            decision: "denied",
            reason: Some(reason),
        }
    }
}

fn reason_word(denied: Denied) -> String {
    plain_word(denied.reason().as_str_name(), "DENY_REASON_")
}

impl DecisionView {
    const fn yes(decision: &'static str) -> Self {
        Self {
            decision,
            reason: None,
        }
    }

    /// In words.
    pub(super) fn sentence(&self) -> String {
        match (self.decision, &self.reason) {
            ("all", _) => "yes".to_owned(),
            ("own", _) => "yes, for own elements only".to_owned(),
            (_, reason) => format!("no: {}", reason.as_deref().unwrap_or("unknown")),
        }
    }
}

#[cfg(test)]
mod tests {
    use jmap_proto::authorization::DenyReason;

    use super::*;

    #[test]
    fn an_unset_answer_is_a_no() {
        assert_eq!(DecisionView::from(None).decision, "denied");
        assert_eq!(
            DecisionView::from(Some(Decision::default())).decision,
            "denied"
        );
    }

    #[test]
    fn a_limited_yes_says_so() {
        let own = decision::Decision::Own(OwnElements { creator_id: 5 });
        let view = DecisionView::from(Some(Decision {
            decision: Some(own),
        }));
        assert_eq!(view.sentence(), "yes, for own elements only");
        let denied = decision::Decision::Denied(Denied {
            reason: DenyReason::EditingDisabled.into(),
        });
        let view = DecisionView::from(Some(Decision {
            decision: Some(denied),
        }));
        assert_eq!(view.sentence(), "no: editing-disabled");
    }
}
