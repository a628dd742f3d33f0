//! Things that calls name: what a refusal is about, and what a change concerns.

use std::fmt;

use crate::{
    ConnectionId, GroupId, IdError, LayerId, PrincipalId, ProjectId, Question, ServiceId,
    SessionId, UserId,
};

/// A thing that a call names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
    /// A user or a group.
    Principal(PrincipalId),
    /// A service account.
    Service(ServiceId),
    /// A session.
    Session(SessionId),
    /// A project.
    Project(ProjectId),
    /// A layer.
    Layer(LayerId),
    /// A connection.
    Connection(ConnectionId),
    /// The installation as a whole.
    Installation,
}

impl Resource {
    /// The words of the kinds that have ids. A layer comes first: it says more than what stands beside it.
    pub const WORDS: [&'static str; 8] = [
        "layer",
        "project",
        "user",
        "group",
        "principal",
        "service",
        "session",
        "connection",
    ];

    /// What a question is about.
    #[must_use]
    pub const fn of(question: Question) -> Self {
        match question {
            Question::Layer(id, _) => Self::Layer(id),
            Question::Project(id, _) => Self::Project(id),
            Question::Connection(id, _) => Self::Connection(id),
            Question::Global(_) => Self::Installation,
        }
    }

    /// The kind, in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
            Self::Principal(_) => "principal",
            Self::Service(_) => "service",
            Self::Session(_) => "session",
            Self::Project(_) => "project",
            Self::Layer(_) => "layer",
            Self::Connection(_) => "connection",
            Self::Installation => "installation",
        }
    }

    /// The id; `None` for the installation.
    #[must_use]
    pub const fn id(self) -> Option<i64> {
        match self {
            Self::User(id) => Some(id.get()),
            Self::Group(id) => Some(id.get()),
            Self::Principal(id) => Some(id.get()),
            Self::Service(id) => Some(id.get()),
            Self::Session(id) => Some(id.get()),
            Self::Project(id) => Some(id.get()),
            Self::Layer(id) => Some(id.get()),
            Self::Connection(id) => Some(id.get()),
            Self::Installation => None,
        }
    }

    /// The resource of that kind with that id; `None` for a word that is not one of [`Self::WORDS`].
    ///
    /// # Errors
    /// [`IdError`] when the number is no id.
    pub fn named(word: &str, id: i64) -> Result<Option<Self>, IdError> {
        Ok(Some(match word {
            "user" => Self::User(UserId::new(id)?),
            "group" => Self::Group(GroupId::new(id)?),
            "principal" => Self::Principal(PrincipalId::new(id)?),
            "service" => Self::Service(ServiceId::new(id)?),
            "session" => Self::Session(SessionId::new(id)?),
            "project" => Self::Project(ProjectId::new(id)?),
            "layer" => Self::Layer(LayerId::new(id)?),
            "connection" => Self::Connection(ConnectionId::new(id)?),
            _ => return Ok(None),
        }))
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            Some(id) => write!(f, "{} `{id}`", self.word()),
            None => f.write_str("the installation"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_with_an_id_is_named_by_its_word() {
        for word in Resource::WORDS {
            let resource = Resource::named(word, 7).unwrap().unwrap();
            assert_eq!((resource.word(), resource.id()), (word, Some(7)));
            assert_eq!(resource.to_string(), format!("{word} `7`"));
        }
        assert_eq!(Resource::named("installation", 7), Ok(None));
        assert_eq!(Resource::named("layer", 0), Err(IdError(0)));
    }
}
