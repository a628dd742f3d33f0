//! The command line: runs the pair, administers, imports, exports.
//!
//! Each command answers with a report or a failure; only [`run`] writes them out and decides the exit code. The demo
//! runs the very same commands.

mod attribute;
mod cli;
mod client;
mod command;
mod condition;
mod console;
mod error;
mod geometry;
mod output;
mod pair;
mod resolve;
mod session;
mod span;
mod value;
mod words;

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    cli::{Cli, Command},
    console::Console,
    error::Failure,
    output::{Format, Outcome, Report},
};

/// Does what the command line says, and tells how it went.
pub async fn run() -> ExitCode {
    let Cli { globals, command } = Cli::parse();
    let format = globals.format();
    let done = match command {
        Command::Call(call) => {
            Box::pin(cli::call(&globals, call, Console::from_environment())).await
        }
        Command::Up(up) => Box::pin(up.run()).await,
        Command::Move(moving) => Box::pin(moving.run()).await,
        Command::Restored(restored) => Box::pin(restored.run()).await,
        Command::Demo(demo) => Box::pin(demo.run()).await,
    };
    match done {
        Ok(report) => write_report(&report, format),
        Err(failure) => write_failure(&failure, format),
    }
}

/// A reader that has seen enough, such as `head`, is no failure.
fn write_report(report: &Report, format: Format) -> ExitCode {
    let _ = stdout().lock().write_all(report.render(format).as_bytes());
    match report.outcome {
        Outcome::Complete => ExitCode::SUCCESS,
        Outcome::Partial => ExitCode::FAILURE,
    }
}

fn write_failure(failure: &Failure, format: Format) -> ExitCode {
    let text = match format {
        Format::People => describe(failure),
        Format::Programs => {
            serde_json::to_string_pretty(failure).unwrap_or_else(|_| describe(failure))
        }
    };
    let _ = writeln!(stderr().lock(), "{text}");
    ExitCode::from(failure.kind.exit_code())
}

/// The failure for people: what, why, where, and what to do next.
fn describe(failure: &Failure) -> String {
    let mut lines = vec![format!("error: {}", failure.message)];
    if let Some(answer) = &failure.answer {
        let reason = answer.reason.iter();
        lines.extend(reason.map(|reason| format!("  reason: {reason} ({})", answer.code)));
        let field = answer.field.iter();
        lines.extend(field.map(|field| format!("  field:  {field}")));
    }
    let hint = failure.hint.iter();
    lines.extend(hint.map(|hint| format!("  hint:   {hint}")));
    lines.join("\n")
}
