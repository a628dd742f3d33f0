//! The commands, one area a file. Each takes its arguments and answers with a report.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod copy;
pub(crate) mod demo;
pub(crate) mod edit;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod grants;
pub(crate) mod groups;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod layers;
pub(crate) mod lookup;
pub(crate) mod moving;
pub(crate) mod permissions;
pub(crate) mod personal;
pub(crate) mod projects;
pub(crate) mod query;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod restored;
pub(crate) mod revert;
pub(crate) mod services;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod stats;
pub(crate) mod up;
pub(crate) mod users;
pub(crate) mod watch;
pub(crate) mod watch_changes;
pub(crate) mod what_if;

mod as_of;
mod definition;
mod element;
mod file;
mod grant_spec;
mod grantee;
mod order;
mod question;
mod selection;
mod supposition;

use crate::{client::Client, console::Console, output::Format, session::SessionFile};

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Context {
    /// The pair.
    pub(crate) client: Client,
    /// Where the session is remembered.
    pub(crate) session_file: SessionFile,
    /// Progress and secrets.
    pub(crate) console: Console,
    /// For whom what comes before the end is written.
    pub(crate) format: Format,
}

/// A UUID under which a retry of the same call does nothing twice.
fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Words with commas between them, or a dash.
fn listed(words: &[String]) -> String {
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(", ")
    }
}

/// Whether something is given or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    /// Given: granted, or added.
    Give,
    /// Taken: revoked, or removed.
    Take,
}

impl Direction {
    /// What is to be added and what is to be removed.
    fn split<T>(self, items: Vec<T>) -> (Vec<T>, Vec<T>) {
        match self {
            Self::Give => (items, Vec::new()),
            Self::Take => (Vec::new(), items),
        }
    }
}
