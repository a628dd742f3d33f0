//! Ids: one newtype per kind of thing, all positive and below 2^53 (R26, R103).

use std::fmt;

/// The largest id. JSON numbers and JavaScript clients hold it exactly (R26).
pub const MAX_ID: i64 = (1 << 53) - 1;

/// Why a number is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: ids are between 1 and 9007199254740991")]
pub struct IdError(pub i64);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Takes a number between 1 and [`MAX_ID`].
            ///
            /// # Errors
            /// [`IdError`] when the number is outside that range.
            pub const fn new(value: i64) -> Result<Self, IdError> {
                if value >= 1 && value <= MAX_ID { Ok(Self(value)) } else { Err(IdError(value)) }
            }

            /// The number, for the wire and for storage.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl TryFrom<i64> for $name {
            type Error = IdError;
            fn try_from(value: i64) -> Result<Self, IdError> {
                Self::new(value)
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// A user account. Users and groups draw from one sequence (R26).
    UserId;
    /// A group of users.
    GroupId;
    /// A user or a group, where either may stand.
    PrincipalId;
    /// A project.
    ProjectId;
    /// A layer, in a project or personal.
    LayerId;
    /// A connection to another instance.
    ConnectionId;
    /// A signed-in session, of a user or of a service.
    SessionId;
    /// A service account, such as layer-data's own.
    ServiceId;
    /// Who did something, for ever (R59). A local user's actor id is its user id.
    ActorId;
    /// An element, unique in its layer and never reused (R103).
    ElementId;
    /// An attribute, unique in its layer and never reused (R114).
    AttributeId;
}

impl UserId {
    /// The user `administrator`, who always exists (R1).
    pub const ADMINISTRATOR: Self = Self(1);
    /// The user `anonymous`: whoever calls without a token (R1, R118).
    pub const ANONYMOUS: Self = Self(2);
}

impl GroupId {
    /// The group `everyone` (R1, R3, R4).
    pub const EVERYONE: Self = Self(3);
    /// The group `authenticated`: every signed-in account (R1, R2).
    pub const AUTHENTICATED: Self = Self(4);
}

impl From<UserId> for PrincipalId {
    fn from(id: UserId) -> Self {
        Self(id.0)
    }
}

impl From<GroupId> for PrincipalId {
    fn from(id: GroupId) -> Self {
        Self(id.0)
    }
}

impl From<UserId> for ActorId {
    fn from(id: UserId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_positive_and_below_two_to_the_53rd() {
        // R26, R103.
        assert_eq!(LayerId::new(0), Err(IdError(0)));
        assert_eq!(LayerId::new(-7), Err(IdError(-7)));
        assert_eq!(LayerId::new(1 << 53), Err(IdError(1 << 53)));
        assert_eq!(LayerId::new(MAX_ID).map(LayerId::get), Ok(MAX_ID));
    }

    #[test]
    fn special_principals_have_fixed_ids() {
        // R1.
        assert_eq!(UserId::ADMINISTRATOR.get(), 1);
        assert_eq!(UserId::ANONYMOUS.get(), 2);
        assert_eq!(GroupId::EVERYONE.get(), 3);
        assert_eq!(GroupId::AUTHENTICATED.get(), 4);
    }
}
