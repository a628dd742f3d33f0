//! Sessions: sign-in, refresh, sign-out, closing, lists (R117). They are no part of the policy and have no revision.

mod proof;

use std::sync::Arc;

use jmap_domain::{Caller, GlobalPermission, Question, ScopeSet, ServiceId, SessionId, UserId};
use secrecy::SecretString;

use crate::{
    Authority, Claims, Facts, Origin, Refusal, Resource, Timestamp,
    audit::{AuditEntry, Closing, Who},
    authority::{SessionWriter, Sessions},
    federation::GroupRemark,
    model::{Account, Session, SessionState},
    ports::{Platform, PolicyStore},
    rules,
    throttle::Attempt,
    tokens::RefreshToken,
};
pub use proof::{Credentials, SignInError};

/// Whose sessions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A user's, of either kind.
    User(UserId),
    /// A service's.
    Service(ServiceId),
}

impl Holder {
    const fn of(account: Account) -> Self {
        match account {
            Account::User { user, kind: _ } => Self::User(user),
            Account::Service { service } => Self::Service(service),
        }
    }
}

/// What somebody who signed in gets.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session, new or refreshed.
    pub session: Arc<Session>,
    /// A token to call with: a compact JWT.
    pub access_token: SecretString,
    /// When the access token expires.
    pub access_expires_at: Timestamp,
    /// Gives the next access token, once; `None` for services, which sign in again with their key.
    pub refresh_token: Option<SecretString>,
    /// What of a federated token's groups was not followed, to be logged.
    pub remarks: Vec<GroupRemark>,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Opens a session of the kind that the account is for (R100).
    ///
    /// # Errors
    /// [`SignInError::WrongCredentials`]; [`Refusal::AccountDisabled`] to whoever knows the password;
    /// [`Refusal::TooManyAttempts`] where too many have failed.
    pub async fn sign_in(
        &self,
        credentials: &Credentials,
        from: Origin,
    ) -> Result<SignedIn, SignInError> {
        let claimed = credentials.claimed();
        let attempt = Attempt { claimed, from };
        let signed_in = self
            .slowed(attempt, SignInError::is_wrong, self.open_by(credentials))
            .await;
        if let Err(error) = &signed_in {
            self.note_refused_sign_in(credentials, error);
        }
        signed_in
    }

    async fn open_by(&self, credentials: &Credentials) -> Result<SignedIn, SignInError> {
        let (account, verified) = match credentials {
            Credentials::Password { name, password } => self.check_password(name, password).await?,
            Credentials::ServiceKey(key) => (self.check_key(key).await?, None),
            Credentials::FederatedToken(token) => return self.open_federated(token).await,
        };
        let mut writer = self.session_writer.lock().await;
        // Verifying takes a while. Whoever sets a password does so as the session writer, and closes the user's sessions:
        // none may be opened afterwards by the password before.
        if let Account::User { user, kind: _ } = account
            && self.store.password(user).await.map_err(Refusal::from)? != verified
        {
            return Err(SignInError::WrongCredentials);
        }
        // Whoever gives a service another key does the same.
        if let Credentials::ServiceKey(key) = credentials {
            self.check_key(key).await?;
        }
        Ok(self.open(account, &mut writer).await?)
    }

    async fn open_federated(&self, token: &SecretString) -> Result<SignedIn, SignInError> {
        let identified = self.platform.identify(token).await?;
        let (account, remarks) = self.admit_identified(identified).await?;
        let mut writer = self.session_writer.lock().await;
        let signed_in = self.open(account, &mut writer).await?;
        Ok(SignedIn {
            remarks,
            ..signed_in
        })
    }

    /// Exchanges a refresh token for the next one and a new access token.
    ///
    /// # Errors
    /// [`SignInError::RefreshReused`] closes the session: a thief or the owner has used the token before.
    pub async fn refresh(&self, token: &SecretString) -> Result<SignedIn, SignInError> {
        let token = RefreshToken::decode(token).ok_or(SignInError::WrongCredentials)?;
        let mut writer = self.session_writer.lock().await;
        let session = self.session(token.session).ok_or(Refusal::SessionClosed)?;
        let known = session
            .refresh
            .filter(|kept| kept.family == token.hashes().family);
        let known = known.ok_or(SignInError::WrongCredentials)?;
        self.admit_session(&session)?;
        if known.current != token.hashes().current {
            let closing = Closing::because("REFRESH_TOKEN_REUSED", Who::Unknown { via: None });
            self.close_all(&mut writer, closing, |other| other.id == session.id)
                .await?;
            drop(writer);
            self.permits.run_out(&self.platform).await;
            return Err(SignInError::RefreshReused);
        }
        let (_, own) = halves(self.platform.random());
        let next = RefreshToken { own, ..token };
        let expires_at = self.platform.now().after(self.settings.idle_session);
        let session = Session {
            expires_at,
            refresh: Some(next.hashes()),
            ..(*session).clone()
        };
        Ok(self.store_and_sign(session, Some(next), None).await?)
    }

    /// The caller's own session; `None` for anonymous (R118).
    ///
    /// # Errors
    /// [`Refusal`] when the session is over, or its account may not be used (R117).
    pub fn own_session(&self, caller: &Caller) -> Result<Option<Arc<Session>>, Refusal> {
        self.admit(caller)?;
        Ok(session_of(caller).and_then(|id| self.session(id)))
    }

    /// Closes the caller's own session, at once (R117).
    ///
    /// # Errors
    /// [`Refusal::NotSignedIn`] for anonymous; [`Refusal::Store`] when it was closed but not stored as such.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), Refusal> {
        let id = session_of(caller).ok_or(Refusal::NotSignedIn)?;
        self.admit(caller)?;
        let closing = Closing::sign_out(Who::of(caller, None));
        self.close_where(closing, |session| session.id == id).await
    }

    /// Closes a session: one's own, or any as a super administrator (R117).
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when it does not exist or is somebody else's.
    pub async fn close_session(&self, caller: &Caller, id: SessionId) -> Result<(), Refusal> {
        let absent = Refusal::NotFound(Resource::Session(id));
        let session = self.session(id).ok_or(absent)?;
        if !self.may_manage(caller, Holder::of(session.account))? {
            return Err(absent);
        }
        let closing = Closing::because("CLOSED", Who::of(caller, None));
        self.close_where(closing, |session| session.id == id).await
    }

    /// The open sessions of a user or of a service: one's own, or anybody's as a super administrator.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when the holder is somebody else.
    pub fn sessions_of(
        &self,
        caller: &Caller,
        holder: Holder,
    ) -> Result<Vec<Arc<Session>>, Refusal> {
        if !self.may_manage(caller, holder)? {
            return Err(Refusal::NotFound(match holder {
                Holder::User(user) => Resource::User(user),
                Holder::Service(service) => Resource::Service(service),
            }));
        }
        let sessions = self.sessions.load();
        let own = sessions
            .values()
            .filter(|session| Holder::of(session.account) == holder);
        Ok(own
            .filter(|session| self.admit_session(session).is_ok())
            .cloned()
            .collect())
    }

    /// Forgets the sessions that ran out, and the spent tokens that would be refused anyway; to be called now and then.
    ///
    /// # Errors
    /// [`Refusal::Store`] when the store fails.
    pub async fn forget_expired_sessions(&self) -> Result<(), Refusal> {
        let _guard = self.session_writer.lock().await;
        let now = self.platform.now();
        self.store.forget_sessions(now).await?;
        let sessions = self.sessions.load();
        let kept = sessions
            .iter()
            .filter(|(_, session)| session.expires_at > now);
        let kept: Sessions = kept
            .map(|(id, session)| (*id, Arc::clone(session)))
            .collect();
        self.sessions.store(Arc::new(kept));
        Ok(self.store.forget_tokens(now).await?)
    }

    /// Closes every session of a user but one. Called by whoever holds the session writer, and lets the permits of the
    /// sessions run out afterwards (R123).
    pub(crate) async fn close_others(
        &self,
        writer: &mut SessionWriter,
        closing: Closing,
        user: UserId,
        kept: Option<SessionId>,
    ) -> Result<(), Refusal> {
        self.close_all(writer, closing, |session| {
            is_of(session, user) && Some(session.id) != kept
        })
        .await
    }

    /// Closes sessions, and answers once no permit given to them can be used any more (R123).
    async fn close_where(
        &self,
        closing: Closing,
        chosen: impl Fn(&Session) -> bool + Send,
    ) -> Result<(), Refusal> {
        let mut writer = self.session_writer.lock().await;
        self.close_all(&mut writer, closing, chosen).await?;
        drop(writer);
        self.permits.run_out(&self.platform).await;
        Ok(())
    }

    /// Closes sessions, first in memory: what fails to be stored must not stay open.
    pub(crate) async fn close_all(
        &self,
        writer: &mut SessionWriter,
        closing: Closing,
        chosen: impl Fn(&Session) -> bool + Send,
    ) -> Result<(), Refusal> {
        let state = SessionState::Closed {
            at: self.platform.now(),
        };
        let before = self.sessions.load_full();
        let open = before
            .values()
            .filter(|session| session.state == SessionState::Open);
        let closed: Vec<Arc<Session>> = open
            .filter(|session| chosen(session))
            .map(|session| {
                Arc::new(Session {
                    state,
                    ..(**session).clone()
                })
            })
            .collect();
        let mut sessions = (*before).clone();
        sessions.extend(
            closed
                .iter()
                .map(|session| (session.id, Arc::clone(session))),
        );
        self.sessions.store(Arc::new(sessions));
        writer.unstored.extend(
            closed
                .iter()
                .map(|session| (session.id, self.closed(session, closing))),
        );
        self.store_all(writer).await
    }

    /// Stores what could not be stored when it was closed, so that a restart opens nothing again.
    pub(crate) async fn store_closed_sessions(&self) -> Result<(), Refusal> {
        self.store_all(&mut *self.session_writer.lock().await).await
    }

    async fn store_all(&self, writer: &mut SessionWriter) -> Result<(), Refusal> {
        while let Some((id, act)) = writer.unstored.first_key_value() {
            let id = *id;
            // One that was forgotten meanwhile had run out.
            if let Some(session) = self.session(id) {
                self.store.put_session(&session, Some(act)).await?;
            }
            writer.unstored.remove(&id);
        }
        Ok(())
    }

    /// Opens a session. Called by whoever holds the session writer.
    async fn open(
        &self,
        account: Account,
        writer: &mut SessionWriter,
    ) -> Result<SignedIn, Refusal> {
        let next = writer.last.saturating_add(1);
        let id = SessionId::new(next).map_err(Refusal::NoIdsLeft)?;
        // The mark moves even if storing fails: an id is tried once.
        writer.last = next;
        let opened_at = self.platform.now();
        let (life, token) = match account {
            Account::Service { service: _ } => (self.settings.service_session, None),
            Account::User { user: _, kind: _ } => {
                let (family, own) = halves(self.platform.random());
                (
                    self.settings.idle_session,
                    Some(RefreshToken {
                        session: id,
                        family,
                        own,
                    }),
                )
            }
        };
        let session = Session {
            id,
            account,
            opened_at,
            expires_at: opened_at.after(life),
            state: SessionState::Open,
            refresh: token.map(|token| token.hashes()),
        };
        let act = self.opened(&session);
        self.store_and_sign(session, token, Some(act)).await
    }

    /// Keeps a session and signs its next access token. Called by whoever holds the session writer.
    async fn store_and_sign(
        &self,
        session: Session,
        refresh: Option<RefreshToken>,
        act: Option<AuditEntry>,
    ) -> Result<SignedIn, Refusal> {
        let claims = self.claims(&session)?;
        let access_token = self.platform.sign(&claims)?;
        self.store.put_session(&session, act.as_ref()).await?;
        let session = Arc::new(session);
        let sessions = self
            .sessions
            .load()
            .update(session.id, Arc::clone(&session));
        self.sessions.store(Arc::new(sessions));
        Ok(SignedIn {
            session,
            access_token,
            access_expires_at: claims.expires_at,
            refresh_token: refresh.map(|token| token.encode()),
            remarks: Vec::new(),
        })
    }

    /// What an access token of the session says. It never outlives the session.
    fn claims(&self, session: &Session) -> Result<Claims, Refusal> {
        let scopes = match session.account {
            Account::User { user: _, kind: _ } => ScopeSet::default(),
            Account::Service { service } => {
                let snapshot = self.snapshot();
                snapshot
                    .service(service)
                    .ok_or(Refusal::AccountDisabled)?
                    .scopes
            }
        };
        let issued_at = self.platform.now();
        let expires_at = issued_at
            .after(self.settings.access_token)
            .min(session.expires_at);
        let (session, account) = (session.id, session.account);
        Ok(Claims {
            session,
            account,
            scopes,
            issued_at,
            expires_at,
        })
    }

    /// A session that is known, open or not.
    fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        self.sessions.load().get(&id).cloned()
    }

    /// Refuses a session that is over, or whose account may not be used.
    fn admit_session(&self, session: &Session) -> Result<(), Refusal> {
        let standing = session.standing(self.platform.now());
        match Facts::of(&self.snapshot(), standing).barred() {
            Some(reason) => Err(Refusal::from_reason(reason, Resource::Session(session.id))),
            None => Ok(()),
        }
    }

    /// Whether a caller manages the sessions of a holder: its own, or all as a super administrator (R15).
    fn may_manage(&self, caller: &Caller, holder: Holder) -> Result<bool, Refusal> {
        let standing = self.admit(caller)?;
        if standing == crate::Standing::Anonymous {
            return Err(Refusal::NotSignedIn);
        }
        let snapshot = self.snapshot();
        let all = Question::Global(GlobalPermission::SuperAdministrator);
        let decision = rules::decide(&snapshot, &Facts::of(&snapshot, standing), all);
        let own = match caller {
            Caller::Session(own) => holder == Holder::User(own.user),
            Caller::Service(own) => holder == Holder::Service(own.service),
            Caller::Anonymous => false,
        };
        Ok(own || decision == jmap_domain::Decision::All)
    }
}

const fn session_of(caller: &Caller) -> Option<SessionId> {
    match caller {
        Caller::Anonymous => None,
        Caller::Session(session) => Some(session.session),
        Caller::Service(service) => Some(service.session),
    }
}

fn is_of(session: &Session, owner: UserId) -> bool {
    Holder::of(session.account) == Holder::User(owner)
}

/// 32 random bytes as the two parts of a refresh token.
fn halves(random: [u8; 32]) -> ([u8; 16], [u8; 16]) {
    let mut halves = ([0; 16], [0; 16]);
    let (family, own) = random.split_at(16);
    halves.0.copy_from_slice(family);
    halves.1.copy_from_slice(own);
    halves
}
