//! Who is calling, and about whom a question is asked.

use crate::{ServiceId, SessionId, UserId};

/// Who makes a call, established from its token by the chassis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No token: the anonymous account (R118).
    Anonymous,
    /// A user's token.
    Session(SessionCaller),
    /// A service's own key.
    Service(ServiceCaller),
}

/// A caller with a user's token. Whether the session is still open, authorization alone knows (R117).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCaller {
    /// The session that the token belongs to.
    pub session: SessionId,
    /// Its account.
    pub user: UserId,
    /// What the session may be used for (R100).
    pub kind: SessionKind,
}

/// A caller with a service's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceCaller {
    /// The session that the service's key opened.
    pub session: SessionId,
    /// The service.
    pub service: ServiceId,
    /// What it may ask for.
    pub scopes: ScopeSet,
}

/// What a user's session may be used for (R88, R100). The kinds never act as one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// A person or a program at a map application.
    Ordinary,
    /// Another instance, over a server-to-server connection.
    Server,
}

/// What a service may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Ask what others may do, naming their session.
    Check,
    /// Reserve, activate and unregister layers, together with the user's own token.
    Register,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 2] = [Self::Check, Self::Register];
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// This set and one more.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u8)
    }

    /// Whether the scope is in the set.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }

    /// The set as bits, for storage and tokens: bit n is the n-th of [`Scope::ALL`].
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set from stored bits; `None` when a bit stands for no scope.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits < 1 << Scope::ALL.len() {
            Some(Self(bits))
        } else {
            None
        }
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(iter: I) -> Self {
        iter.into_iter().fold(Self::default(), Self::with)
    }
}

/// About whom a question is asked. Only a session lets authorization see closed, expired and server sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Whoever holds this session.
    Session(SessionId),
    /// Nobody signed in (R118).
    Anonymous,
    /// This account, hypothetically: for administrators and for explanations.
    User(UserId),
}
