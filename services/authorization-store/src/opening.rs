//! What a database is opened for, and what it has to be like then.

use sqlx::FromRow;
use uuid::Uuid;

/// What a database is opened for.
#[derive(Clone, Copy, Debug)]
pub enum Opening<'a> {
    /// To be served. Where there is no installation yet, one begins.
    Serve,
    /// To be copied from.
    Leave,
    /// To be copied into, from the installation with this id.
    Arrive(&'a str),
}

/// Why a database is not what it has to be. Each names the database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StandingError {
    /// A move into it was begun and not finished.
    #[error("the move into the database `{0}` is not finished; run the same `jmapctl move` again")]
    Unfinished(String),
    /// There is nothing to copy.
    #[error("there is no installation in the database `{0}`; name the place that has one")]
    Nothing(String),
    /// There is an installation already.
    #[error("there is an installation in the database `{0}` already; move to an empty one")]
    Occupied(String),
    /// Another installation was on its way into it.
    #[error(
        "the database `{0}` has the unfinished move of another installation; finish that one, or move to an empty \
         database"
    )]
    OtherInstallation(String),
}

/// The row that says whose the database is.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Installation {
    pub(crate) installation_id: String,
    /// Whether a move into the database is not finished.
    pub(crate) arriving: bool,
}

impl Opening<'_> {
    /// The row that a database without one gets: the installation's id, and whether it is arriving.
    pub(crate) fn first_row(self) -> Option<(String, bool)> {
        match self {
            Self::Serve => Some((Uuid::new_v4().to_string(), false)),
            Self::Leave => None,
            Self::Arrive(installation) => Some((installation.to_owned(), true)),
        }
    }

    /// Refuses a database that is not fit for it.
    pub(crate) fn check(self, found: &Installation, label: &str) -> Result<(), StandingError> {
        let label = || label.to_owned();
        match (self, found.arriving) {
            (Self::Serve | Self::Leave, false) => Ok(()),
            (Self::Serve | Self::Leave, true) => Err(StandingError::Unfinished(label())),
            (Self::Arrive(_), false) => Err(StandingError::Occupied(label())),
            (Self::Arrive(id), true) if id == found.installation_id => Ok(()),
            (Self::Arrive(_), true) => Err(StandingError::OtherInstallation(label())),
        }
    }
}
