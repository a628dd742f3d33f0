//! Parsers of what several services take.

use authorization_core::{
    Timestamp,
    model::{AccountState, Description, Editing, GrantRow, LayerGrant},
    past::At,
    registry::InitialView,
};
use jmap_domain::{
    GroupId, IdError, Name, PolicyRevision, PolicyToken, PrincipalId, Subject, UserId,
};
use jmap_proto::{authorization as pb, types};
use jmap_wire::{
    FieldPath, FieldViolation, Violation, enumeration, id, millis, parse_permissions,
    parse_policy_token, required,
};

/// Longest password or key that is looked at, in bytes: hashing takes its time.
const MAX_SECRET: usize = 1024;

/// Longest token of an OpenID provider, in bytes: it may name many groups.
const MAX_FEDERATED_TOKEN: usize = 16 << 10;

/// A name; nothing is a missing one.
pub(crate) fn name(path: impl Into<FieldPath>, text: &str) -> Result<Name, FieldViolation> {
    if text.is_empty() {
        return Err(path.into().violates(Violation::Missing));
    }
    Name::parse(text).map_err(|error| path.into().invalid(error))
}

/// A name that may be left out.
pub(crate) fn optional_name(
    path: impl Into<FieldPath>,
    text: &str,
) -> Result<Option<Name>, FieldViolation> {
    if text.is_empty() {
        Ok(None)
    } else {
        name(path, text).map(Some)
    }
}

/// The editing switch of a layer.
pub(crate) const fn editing(enabled: bool) -> Editing {
    if enabled {
        Editing::Enabled
    } else {
        Editing::Disabled
    }
}

/// Who sees a new layer of a project, or one that was published into it.
pub(crate) fn initial_view(number: i32) -> Result<InitialView, FieldViolation> {
    enumeration("initial_view", number, |view| {
        Some(match view {
            types::InitialView::Unspecified | types::InitialView::Everyone => InitialView::Everyone,
            types::InitialView::Nobody => InitialView::Nobody,
        })
    })
}

/// Whether an account may be used.
pub(crate) const fn account_state(enabled: bool) -> AccountState {
    if enabled {
        AccountState::Enabled
    } else {
        AccountState::Disabled
    }
}

pub(crate) fn description(
    path: impl Into<FieldPath>,
    text: &str,
) -> Result<Description, FieldViolation> {
    Description::parse(text).map_err(|error| path.into().invalid(error))
}

/// A secret that somebody shows. Its text is in no violation.
pub(crate) fn secret(
    path: impl Into<FieldPath>,
    text: String,
) -> Result<secrecy::SecretString, FieldViolation> {
    bounded_secret(path.into(), text, MAX_SECRET)
}

/// A token of an OpenID provider.
pub(crate) fn federated_token(
    path: impl Into<FieldPath>,
    text: String,
) -> Result<secrecy::SecretString, FieldViolation> {
    bounded_secret(path.into(), text, MAX_FEDERATED_TOKEN)
}

fn bounded_secret(
    path: FieldPath,
    text: String,
    most: usize,
) -> Result<secrecy::SecretString, FieldViolation> {
    if text.is_empty() {
        return Err(path.violates(Violation::Missing));
    }
    if text.len() > most {
        return Err(path.invalid(format_args!("is longer than {most} bytes")));
    }
    Ok(text.into())
}

/// A revision that was read; 0 means any.
pub(crate) fn expected(
    path: impl Into<FieldPath>,
    revision: i64,
) -> Result<Option<PolicyRevision>, FieldViolation> {
    match u64::try_from(revision) {
        Ok(0) => Ok(None),
        Ok(revision) => Ok(Some(PolicyRevision(revision))),
        Err(_negative) => Err(path.into().invalid("is negative")),
    }
}

pub(crate) fn principal(
    path: &FieldPath,
    principal: Option<types::Principal>,
) -> Result<PrincipalId, FieldViolation> {
    let types::Principal { principal } = required(path.clone(), principal)?;
    match required(path.clone(), principal)? {
        types::principal::Principal::UserId(user) => {
            id::<UserId>(path.field("user_id"), user).map(Into::into)
        }
        types::principal::Principal::GroupId(group) => {
            id::<GroupId>(path.field("group_id"), group).map(Into::into)
        }
    }
}

/// A row of a permission table; one without permissions says nothing and is refused.
pub(crate) fn grant(
    path: &FieldPath,
    grant: types::LayerGrant,
) -> Result<GrantRow, FieldViolation> {
    let types::LayerGrant {
        principal: who,
        permissions,
        only_own,
    } = grant;
    let principal = principal(&path.field("principal"), who)?;
    let path = path.field("permissions");
    if permissions.is_empty() {
        return Err(path.violates(Violation::Missing));
    }
    let permissions = parse_permissions(&path, &permissions)?;
    Ok(GrantRow {
        principal,
        grant: LayerGrant {
            permissions,
            own_only: only_own,
        },
    })
}

/// Rows of a permission table.
pub(crate) fn grants(
    path: &FieldPath,
    grants: Vec<types::LayerGrant>,
) -> Result<Vec<GrantRow>, FieldViolation> {
    let parse = |(index, row)| grant(&path.item(index), row);
    grants.into_iter().enumerate().map(parse).collect()
}

/// About whom is asked; `None` is the caller itself.
pub(crate) fn subject(subject: Option<pb::Subject>) -> Result<Option<Subject>, FieldViolation> {
    let pb::Subject {
        subject,
        end_user_assertion,
    } = required("subject", subject)?;
    if !end_user_assertion.is_empty() {
        let path = FieldPath::from(["subject", "end_user_assertion"]);
        return Err(path.violates(Violation::NotBuilt));
    }
    match required("subject", subject)? {
        pb::subject::Subject::SessionId(session) => {
            id(["subject", "session_id"], session).map(|id| Some(Subject::Session(id)))
        }
        pb::subject::Subject::UserId(user) => {
            id(["subject", "user_id"], user).map(|id| Some(Subject::User(id)))
        }
        pb::subject::Subject::Anonymous(pb::AnonymousSubject {}) => Ok(Some(Subject::Anonymous)),
        pb::subject::Subject::Self_(pb::SelfSubject {}) => Ok(None),
    }
}

/// On which policy a question is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// On the policy as it is.
    Now {
        /// It must not be older than this.
        at_least: Option<PolicyToken>,
    },
    /// On the policy as it was.
    Then(At),
}

impl When {
    /// How new the policy must be.
    pub(crate) const fn at_least(self) -> Option<PolicyToken> {
        match self {
            Self::Now { at_least } => at_least,
            Self::Then(_) => None,
        }
    }
}

/// On which policy a question is asked.
pub(crate) fn freshness(freshness: Option<types::Freshness>) -> Result<When, FieldViolation> {
    let token = |field: &'static str, text: &str| {
        parse_policy_token(text)
            .map_err(|error| FieldPath::from(["freshness", field]).invalid(error))
    };
    let at = freshness.and_then(|types::Freshness { at }| at);
    Ok(match at {
        None => When::Now { at_least: None },
        Some(types::freshness::At::AtLeast(text)) => When::Now {
            at_least: Some(token("at_least", &text)?),
        },
        Some(types::freshness::At::Exactly(text)) => {
            When::Then(At::Exactly(token("exactly", &text)?))
        }
        Some(types::freshness::At::AsOfTime(time)) => {
            When::Then(At::Time(self::time(["freshness", "as_of_time"], time)?))
        }
    })
}

/// A time.
pub(crate) fn time(
    path: impl Into<FieldPath>,
    time: prost_types::Timestamp,
) -> Result<Timestamp, FieldViolation> {
    millis(time)
        .map(Timestamp::from_millis)
        .ok_or_else(|| path.into().invalid("is no time"))
}

/// Ids in a list.
pub(crate) fn ids<T: TryFrom<i64, Error = IdError>>(
    path: &FieldPath,
    values: &[i64],
    maximum: usize,
) -> Result<Vec<T>, FieldViolation> {
    if values.len() > maximum {
        return Err(path.clone().violates(Violation::TooMany { maximum }));
    }
    let parse = |(index, value): (usize, &i64)| id(path.item(index), *value);
    values.iter().enumerate().map(parse).collect()
}
