//! The lease: one process per database and service.
//!
//! A connection of its own holds an advisory lock for as long as the process lives, and asks every half second whether
//! the tenure is still this process's. When that connection is lost, the lock is taken again in the background. Another
//! process can have come in between only by raising the tenure, and then this one is over.

use std::{io, time::Duration};

use sqlx::{PgConnection, query, query_as, query_scalar};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info, warn};

use crate::{Connector, connector::within};

/// For how long a process may go by the database's last word that it holds the lease.
pub const VALIDITY: Duration = Duration::from_secs(2);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the answer may take before the connection is given up. The lease is unconfirmed long before.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a new process waits before it works, so that the one before has stopped going by an old word, and what it
/// answered last has run out (R123).
const HOLD_OFF: Duration = Duration::from_secs(3);
/// How long a new process waits for one that is just ending.
const PATIENCE: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(100);
const SLOWEST_RETRY: Duration = Duration::from_secs(2);

/// What the lease of a service is made of.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The number of the advisory lock; another one for each service, because both may share a database.
    pub lock: i64,
    /// The statement that raises the tenure and answers the new one, a `bigint` above 0.
    pub raise: &'static str,
    /// The statement that answers the tenure.
    pub read: &'static str,
}

/// Why the lease was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another process has it.
    #[error("the database `{0}` is in use by another process; stop that one first")]
    InUse(String),
    /// The database cannot be reached or read.
    #[error("the database `{0}` cannot be used")]
    Database(String, #[source] sqlx::Error),
}

/// Held until dropped.
#[derive(Debug)]
pub struct Lease {
    tenure: i64,
    state: watch::Receiver<State>,
    _keeper: AbortOnDropHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The database said so to a question asked at that moment.
    Confirmed(Instant),
    /// The connection is lost; the lock is being taken again.
    Lost,
    /// Another process has the database.
    Over,
}

impl Lease {
    /// Takes the lease and keeps it in the background. The schema must be there.
    ///
    /// Where another process held it before, this waits until that one cannot go by its own lease any more.
    ///
    /// # Errors
    /// [`LeaseError`] when another process holds it, or the database cannot be used.
    pub async fn take(connector: &Connector, terms: Terms) -> Result<Self, LeaseError> {
        let database = |error| LeaseError::Database(connector.to_string(), error);
        let mut held = Held::open(connector).await.map_err(database)?;
        let begun = Instant::now();
        while !held.lock(terms).await.map_err(database)? {
            if begun.elapsed() > PATIENCE {
                return Err(LeaseError::InUse(connector.to_string()));
            }
            sleep(RETRY).await;
        }
        let tenure = held.tenure(terms.raise).await.map_err(database)?;
        if tenure > 1 {
            sleep(HOLD_OFF).await;
        }
        let asked = Instant::now();
        held.tenure(terms.read).await.map_err(database)?;
        let (report, state) = watch::channel(State::Confirmed(asked));
        let keeper = Keeper {
            connector: connector.clone(),
            terms,
            tenure,
            report,
        };
        Ok(Self {
            tenure,
            state,
            _keeper: AbortOnDropHandle::new(tokio::spawn(keeper.run(held))),
        })
    }

    /// The number of this process's tenure. Every transaction that writes must check that it is still the stored one.
    #[must_use]
    pub const fn tenure(&self) -> i64 {
        self.tenure
    }

    /// Whether the database has said lately that this process holds the lease. If not, nothing may be answered.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        match *self.state.borrow() {
            State::Confirmed(asked) => asked.elapsed() < VALIDITY,
            State::Lost | State::Over => false,
        }
    }

    /// Completes when another process has taken the database: this one cannot come back.
    pub async fn over(&self) {
        let mut state = self.state.clone();
        // The keeper ends only after it has reported that.
        let _ended = state.wait_for(|state| *state == State::Over).await;
    }
}

/// The connection that holds the lock, or tries to.
#[derive(Debug)]
struct Held {
    connection: PgConnection,
    session: (i32, String),
}

impl Held {
    async fn open(connector: &Connector) -> sqlx::Result<Self> {
        let mut connection = connector.connect().await?;
        let session = query_as(include_str!("../sql/lease_session.sql")).fetch_one(&mut connection);
        let session = within(ANSWER, session).await?;
        Ok(Self {
            connection,
            session,
        })
    }

    async fn lock(&mut self, terms: Terms) -> sqlx::Result<bool> {
        let statement = query_scalar(include_str!("../sql/lease_lock.sql")).bind(terms.lock);
        within(ANSWER, statement.fetch_one(&mut self.connection)).await
    }

    async fn tenure(&mut self, statement: &'static str) -> sqlx::Result<i64> {
        let statement = query_scalar(statement);
        within(ANSWER, statement.fetch_one(&mut self.connection)).await
    }

    async fn end_session(&mut self, (process, begun): &(i32, String)) -> sqlx::Result<()> {
        let statement = query(include_str!("../sql/lease_end_session.sql"))
            .bind(*process)
            .bind(begun.clone());
        within(ANSWER, statement.execute(&mut self.connection)).await?;
        Ok(())
    }
}

/// Another process has the database.
struct Over;

struct Keeper {
    connector: Connector,
    terms: Terms,
    tenure: i64,
    report: watch::Sender<State>,
}

impl Keeper {
    async fn run(self, mut held: Held) {
        loop {
            let Err(why) = self.hold(&mut held).await else {
                break;
            };
            let database = &self.connector;
            warn!(%database, error = &why as &dyn std::error::Error, "lost the lease; taking it again");
            self.report.send_replace(State::Lost);
            match self.regain(&held.session).await {
                Ok(again) => held = again,
                Err(Over) => break,
            }
            info!(database = %self.connector, "hold the lease again");
        }
        error!(database = %self.connector, "another process has taken the database");
        self.report.send_replace(State::Over);
    }

    /// Asks until the connection fails, or (the good end) another process has the database.
    async fn hold(&self, held: &mut Held) -> sqlx::Result<Over> {
        loop {
            let asked = Instant::now();
            if held.tenure(self.terms.read).await? != self.tenure {
                return Ok(Over);
            }
            self.report.send_replace(State::Confirmed(asked));
            sleep(PAUSE).await;
        }
    }

    async fn regain(&self, lost: &(i32, String)) -> Result<Held, Over> {
        let mut pause = RETRY;
        loop {
            match self.try_regain(lost).await {
                Ok(Attempt::Held(held)) => return Ok(held),
                Ok(Attempt::Over) => return Err(Over),
                Err(error) => {
                    let database = &self.connector;
                    info!(%database, error = &error as &dyn std::error::Error, "cannot take the lease again yet");
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(SLOWEST_RETRY);
        }
    }

    async fn try_regain(&self, lost: &(i32, String)) -> sqlx::Result<Attempt> {
        let mut held = Held::open(&self.connector).await?;
        let is_locked = held.lock(self.terms).await?;
        if held.tenure(self.terms.read).await? != self.tenure {
            return Ok(Attempt::Over);
        }
        if is_locked {
            return Ok(Attempt::Held(held));
        }
        held.end_session(lost).await?;
        Err(io::Error::from(io::ErrorKind::WouldBlock).into())
    }
}

/// How an attempt to take the lease again ended.
enum Attempt {
    Held(Held),
    Over,
}
