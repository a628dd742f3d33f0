//! Decisions as AuthZEN has them: yes or no, with what goes with it as context.

use jmap_domain::Decision;
use serde::Serialize;

/// The answer to one evaluation. A no gives no reason: absent, hidden and forbidden are one (R40).
#[derive(Debug, Serialize)]
pub(super) struct Evaluated {
    pub(super) decision: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
}

/// The answers to several, in their order.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    pub(super) evaluations: Vec<Evaluated>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Context {
    /// What the program must see to for the yes to hold.
    Obligations([Obligation; 1]),
    /// Why one of several could not be evaluated.
    Error { status: u16, message: String },
}

/// The act is allowed on elements that this actor created, and on no others (R51, R59).
#[derive(Debug, Serialize)]
struct Obligation {
    id: &'static str,
    creator_id: i64,
}

impl Evaluated {
    pub(super) const NO: Self = Self {
        decision: false,
        context: None,
    };

    /// One of several that is no evaluation.
    pub(super) const fn wrong(message: String) -> Self {
        Self {
            decision: false,
            context: Some(Context::Error {
                status: 400,
                message,
            }),
        }
    }
}

impl From<Decision> for Evaluated {
    fn from(decision: Decision) -> Self {
        let context = match decision {
            Decision::Denied(_) => return Self::NO,
            Decision::All => None,
            Decision::Own { creator } => Some(Context::Obligations([Obligation {
                id: "only_own_elements",
                creator_id: creator.get(),
            }])),
        };
        Self {
            decision: true,
            context,
        }
    }
}
