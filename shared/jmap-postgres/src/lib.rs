//! What both services need of PostgreSQL: options, connections, migrations, the lease, kinds of failure.
//!
//! A [`DatabasePlace`] says where a database is; [`DatabaseOptions`] make a [`Connector`] of its URL. The connector
//! opens a [`Database`] (a bounded pool) and single connections; a [`Schema`] is brought up to date through it, and
//! a [`Lease`] keeps every other process out.

mod connector;
mod database;
mod failure;
mod identifier;
mod lease;
mod options;
mod place;
mod role;
mod schema;

pub use connector::{ConfigError, Connector, Purpose, within};
pub use database::{Database, Session, Transaction};
pub use failure::{Failure, classify, is_outcome_unknown};
pub use identifier::quoted;
pub use lease::{Lease, LeaseError, Terms, VALIDITY};
pub use options::{DatabaseOptions, MigrateMode};
pub use place::{DatabasePlace, DatabaseUrl};
pub use role::{Access, RoleError, let_role_use};
pub use schema::{Schema, SchemaError};
