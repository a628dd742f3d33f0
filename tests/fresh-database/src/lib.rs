//! A PostgreSQL database of its own for each test, on the server that `DATABASE_URL` names.
//!
//! The role in `DATABASE_URL` must be allowed to make databases, and for some tests roles. A [`CuttingProxy`] stands
//! between a test and its database, and a [`Cluster`] is a server that a test may kill.

mod cluster;
mod proxy;

pub use cluster::Cluster;
pub use proxy::{Cut, CuttingProxy};

use std::{env, thread};

use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use tokio::runtime::{self, RuntimeFlavor};
use url::Url;
use uuid::Uuid;

/// A database that nobody else uses, dropped with this value.
#[derive(Debug)]
pub struct FreshDatabase {
    server: Url,
    name: String,
    roles: Vec<String>,
}

impl FreshDatabase {
    /// Makes an empty database. `name` says in lists of databases whose it is: lower-case letters, digits and `_`;
    /// what is beyond 28 of them is left out.
    ///
    /// `None`, said loudly, where there is no server: the test has to be skipped.
    ///
    /// # Panics
    /// When the server refuses, when there is none although `CI` says that nothing may be skipped, and in a test on one
    /// thread: dropping waits for the server, which waits for whoever of the test's is just connecting.
    pub async fn create(name: &str) -> Option<Self> {
        if runtime::Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
            refuse("a test with a database of its own needs a runtime of several threads");
        }
        let Ok(server) = env::var("DATABASE_URL") else {
            skip(name);
            return None;
        };
        let database = Self {
            server: Url::parse(&server).unwrap_or_else(|_| refuse("DATABASE_URL is not a URL")),
            name: format!("t_{name:.28}_{}", Uuid::new_v4().simple()),
            roles: Vec::new(),
        };
        let statement = format!("create database {}", database.name);
        if let Err(error) = execute(&server, statement).await {
            refuse(&format!("could not make a database for a test: {error}"));
        }
        Some(database)
    }

    /// The URL of the database, with the rights of whoever `DATABASE_URL` names.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// Makes a role that may sign in and nothing else, and answers its name; it goes with the database.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn create_role(&mut self) -> String {
        let role = format!("r_{}", Uuid::new_v4().simple());
        let statement = format!("create role {role} login password '{role}'");
        if let Err(error) = execute(self.server.as_str(), statement).await {
            refuse(&format!("could not make a role for a test: {error}"));
        }
        self.roles.push(role.clone());
        role
    }

    /// The URL of the database, with the rights of a role made by [`Self::create_role`].
    ///
    /// # Panics
    /// When `DATABASE_URL` has no host.
    #[must_use]
    pub fn url_as(&self, role: &str) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        if url
            .set_username(role)
            .and_then(|()| url.set_password(Some(role)))
            .is_err()
        {
            refuse("DATABASE_URL has no host");
        }
        url.into()
    }

    /// The database's name on its server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        let server = self.server.to_string();
        let database = format!("drop database if exists {} with (force)", self.name);
        let roles = self.roles.iter().map(|role| format!("drop role {role}"));
        let statements: Vec<String> = std::iter::once(database).chain(roles).collect();
        // A test's own runtime may be ending, and cannot be waited on from here.
        let dropping = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            statements
                .into_iter()
                .try_for_each(|statement| runtime.block_on(execute(&server, statement)))
        });
        match dropping.join() {
            Ok(Ok(())) => (),
            trouble => say(&format!("could not drop {}: {trouble:?}", self.name)),
        }
    }
}

async fn execute(server: &str, statement: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server).await?;
    // The name is made of what the test's author wrote, and of hexadecimal digits.
    raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

fn skip(name: &str) {
    let sentence = format!("SKIPPED `{name}`: DATABASE_URL names no PostgreSQL server");
    if env::var_os("CI").is_some() {
        refuse(&sentence);
    }
    say(&sentence);
}

#[expect(clippy::print_stderr, reason = "for the person who runs the tests")]
fn say(sentence: &str) {
    eprintln!("{sentence}");
}

#[expect(clippy::panic, reason = "fails the test")]
pub(crate) fn refuse(sentence: &str) -> ! {
    panic!("{sentence}")
}
