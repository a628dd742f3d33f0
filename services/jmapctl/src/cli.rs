//! The command line as a whole.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    client::{Client, Credential},
    command::{
        Context, audit, check, compare, copy, demo, edit, explain, export, grants, groups, history,
        import, layers, lookup, moving, permissions, personal, projects, query, report, restore,
        restored, revert, services, sessions, sign_in, stats, up, users, watch, watch_changes,
        what_if,
    },
    console::Console,
    error::Failure,
    output::{Format, Report},
    session::SessionFile,
};

const EXAMPLES: &str = "\
First steps:
  jmapctl demo                                   a guided tour on real data
  jmapctl up --data ./jmap-data                  run both services on this machine
  jmapctl sign-in administrator                  then administer, import, query and edit

Names and ids: wherever a user, group, project or layer is wanted, give its name or its id; what consists of
digits is an id. A layer is PROJECT/LAYER, @me/LAYER for a personal layer of your own, or an id. A grantee is a user's
name, `group:NAME`, `everyone` or `authenticated`.

With --json answers are objects or arrays with the field names of the contract, ids as numbers; failures are an
object on standard error with kind, message, code, reason, field and hint.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not found, 5 conflict (stale or taken), 6 unavailable.";

/// The command line.
#[derive(Debug, Parser)]
#[command(about = "Runs a pair of JMap services, administers it, and brings data in and out")]
#[command(long_about = None)]
#[command(name = "jmapctl", version, after_help = EXAMPLES, propagate_version = true)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Globals {
    /// Address of the authorization service
    #[arg(
        long,
        global = true,
        env = "JMAP_SERVER",
        default_value = "http://127.0.0.1:50051",
        value_name = "URL"
    )]
    pub(crate) server: String,
    /// Where the session is remembered; by default a file per server in the configuration folder
    #[arg(long, global = true, env = "JMAP_SESSION_FILE", value_name = "FILE")]
    pub(crate) session_file: Option<PathBuf>,
    /// Answer with JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Globals {
    /// For whom answers are written.
    pub(crate) const fn format(&self) -> Format {
        if self.json {
            Format::Programs
        } else {
            Format::People
        }
    }

    fn session(&self) -> Result<SessionFile, Failure> {
        match &self.session_file {
            Some(path) => Ok(SessionFile::at(path.clone())),
            None => SessionFile::for_server(&self.server),
        }
    }
}

/// What jmapctl does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Call(Call),
    /// Run both services in one process, with their data in a folder
    #[command(after_help = up::EXAMPLES)]
    Up(up::Up),
    /// Copy everything that the services keep to another place: from files to PostgreSQL, or back
    #[command(after_help = moving::EXAMPLES)]
    Move(moving::Move),
    /// Begin another life of authorization's database, after it was restored from a backup
    #[command(after_help = restored::EXAMPLES)]
    Restored(restored::Restored),
    /// Show the pair at work on real data, step by step
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::Demo),
}

/// What is done by calls to a running pair.
#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Sign in and remember the session
    #[command(after_help = sign_in::EXAMPLES)]
    SignIn(sign_in::SignIn),
    /// Close the session and forget it
    SignOut,
    /// Tell as whom calls are made
    Whoami,
    /// Manage open sessions
    #[command(subcommand, after_help = sessions::EXAMPLES)]
    Sessions(sessions::Sessions),
    /// Manage accounts of programs
    #[command(subcommand, after_help = services::EXAMPLES)]
    Services(services::Services),
    /// Manage user accounts
    #[command(subcommand, after_help = users::EXAMPLES)]
    Users(users::Users),
    /// Manage groups and their members
    #[command(subcommand, after_help = groups::EXAMPLES)]
    Groups(groups::Groups),
    /// Manage permissions that belong to no project
    #[command(subcommand, after_help = permissions::EXAMPLES)]
    Permissions(permissions::Permissions),
    /// Manage projects and the permissions on them
    #[command(subcommand, after_help = projects::EXAMPLES)]
    Projects(projects::Projects),
    /// Manage layers
    #[command(subcommand, after_help = layers::EXAMPLES)]
    Layers(layers::Layers),
    /// Manage personal layers, which belong to a user and to no project
    #[command(subcommand, after_help = personal::EXAMPLES)]
    Personal(personal::Personal),
    /// Manage the permissions on layers
    #[command(subcommand, after_help = grants::EXAMPLES)]
    Grants(grants::Grants),
    /// Ask what you may do
    #[command(subcommand, after_help = check::EXAMPLES)]
    Check(check::Check),
    /// Explain why somebody may or may not do something
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::Explain),
    /// Find the layers that somebody may use, or the users who may do something
    #[command(subcommand, after_help = lookup::EXAMPLES)]
    Lookup(lookup::Lookup),
    /// Tell what an answer would be after changes that are not made
    #[command(after_help = what_if::EXAMPLES)]
    WhatIf(what_if::WhatIf),
    /// Report all that a user or group holds
    #[command(after_help = report::EXAMPLES)]
    Report(report::Reporting),
    /// Follow the changes of accounts, projects, layers and permissions
    #[command(after_help = watch::EXAMPLES)]
    Watch(watch::Watch),
    /// Show who did what, and what was refused
    #[command(after_help = audit::EXAMPLES)]
    Audit(audit::Audit),
    /// Read elements
    #[command(after_help = query::EXAMPLES)]
    Query(query::Query),
    /// Compute statistics of attributes, as a whole or by groups
    #[command(after_help = stats::EXAMPLES)]
    Stats(stats::Stats),
    /// Tell what happened to an element
    #[command(after_help = history::EXAMPLES)]
    History(history::History),
    /// Tell what was added, changed and removed between two states of a layer
    #[command(after_help = compare::EXAMPLES)]
    Compare(compare::Compare),
    /// Follow the changes of a layer's elements
    #[command(after_help = watch_changes::EXAMPLES)]
    WatchChanges(watch_changes::WatchChanges),
    /// Bring back elements that were deleted
    #[command(after_help = restore::EXAMPLES)]
    Restore(restore::Restore),
    /// Undo edits
    #[command(after_help = revert::EXAMPLES)]
    Revert(revert::Revert),
    /// Create, change and delete elements
    #[command(subcommand, after_help = edit::EXAMPLES)]
    Edit(edit::Edit),
    /// Bring the elements of a file into a layer
    #[command(after_help = import::EXAMPLES)]
    Import(import::Import),
    /// Write the elements of a layer to a file
    #[command(after_help = export::EXAMPLES)]
    Export(export::Export),
    /// Copy elements from layer to layer
    #[command(after_help = copy::EXAMPLES)]
    Copy(copy::Copy),
}

/// Does what is done by calls.
pub(crate) async fn call(
    globals: &Globals,
    call: Call,
    console: Console,
) -> Result<Report, Failure> {
    let session_file = globals.session()?;
    let credential = match (&console.token, session_file.load()?) {
        (Some(token), _) => Credential::Token(token.clone()),
        (None, Some(session)) => Credential::Session(Box::new(session), session_file.clone()),
        (None, None) => Credential::Anonymous,
    };
    let context = Context {
        client: Client::new(&globals.server, credential)?,
        session_file,
        console,
        format: globals.format(),
    };
    let done = Box::pin(dispatch(call, &context)).await;
    done.map_err(|failure| failure.reaching(&globals.server))
}

async fn dispatch(call: Call, context: &Context) -> Result<Report, Failure> {
    match call {
        Call::SignIn(command) => command.run(context).await,
        Call::SignOut => sign_in::sign_out(context).await,
        Call::Whoami => sign_in::whoami(context).await,
        Call::Sessions(command) => command.run(context).await,
        Call::Services(command) => command.run(context).await,
        Call::Users(command) => command.run(context).await,
        Call::Groups(command) => command.run(context).await,
        Call::Permissions(command) => command.run(context).await,
        Call::Projects(command) => command.run(context).await,
        Call::Layers(command) => command.run(context).await,
        Call::Personal(command) => command.run(context).await,
        Call::Grants(command) => command.run(context).await,
        Call::Check(command) => command.run(context).await,
        Call::Explain(command) => command.run(context).await,
        Call::Lookup(command) => command.run(context).await,
        Call::WhatIf(command) => command.run(context).await,
        Call::Report(command) => command.run(context).await,
        Call::Watch(command) => command.run(context).await,
        Call::Audit(command) => command.run(context).await,
        Call::Query(command) => command.run(context).await,
        Call::Stats(command) => command.run(context).await,
        Call::History(command) => command.run(context).await,
        Call::Compare(command) => command.run(context).await,
        Call::WatchChanges(command) => command.run(context).await,
        Call::Restore(command) => command.run(context).await,
        Call::Revert(command) => command.run(context).await,
        Call::Edit(command) => command.run(context).await,
        Call::Import(command) => command.run(context).await,
        Call::Export(command) => command.run(context).await,
        Call::Copy(command) => command.run(context).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        fn visit(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            command.get_subcommands().for_each(visit);
        }
        visit(&Cli::command());
    }
}
