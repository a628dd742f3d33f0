//! What is not an answer: progress on standard error, and secrets from the terminal or the environment.

use std::{
    env, fs,
    io::{self, BufRead, IsTerminal, stdin},
    path::Path,
};

use dialoguer::Password;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use secrecy::SecretString;

use crate::error::{Failure, Kind};

/// How a command meets its surroundings.
#[derive(Debug, Default)]
pub(crate) struct Console {
    /// The password of a sign-in, and the present one when it is changed.
    pub(crate) password: Option<SecretString>,
    /// The password of a new account, and the new one when it is changed.
    pub(crate) new_password: Option<SecretString>,
    /// An access token to use in place of the remembered session.
    pub(crate) token: Option<SecretString>,
}

/// Where a password comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordSource {
    /// The environment, otherwise a prompt.
    Ask,
    /// The first line of standard input.
    StandardInput,
}

impl Console {
    /// What the environment says.
    pub(crate) fn from_environment() -> Self {
        let secret = |key| {
            env::var(key)
                .ok()
                .filter(|text| !text.is_empty())
                .map(Into::into)
        };
        Self {
            password: secret("JMAP_PASSWORD"),
            new_password: secret("JMAP_NEW_PASSWORD"),
            token: secret("JMAP_TOKEN"),
        }
    }

    /// The password that proves who is calling.
    pub(crate) fn password(&self, source: PasswordSource) -> Result<SecretString, Failure> {
        match (source, &self.password) {
            (PasswordSource::StandardInput, _) => first_line(),
            (PasswordSource::Ask, Some(password)) => Ok(password.clone()),
            (PasswordSource::Ask, None) => prompt("Password", Repeat::No, "JMAP_PASSWORD"),
        }
    }

    /// The token in a file, or on standard input (`-`).
    pub(crate) fn token_in(file: &Path) -> Result<SecretString, Failure> {
        let text = if file == Path::new("-") {
            io::read_to_string(stdin())
        } else {
            fs::read_to_string(file)
        };
        let unreadable = |error| {
            let message = format!("cannot read a token from {}: {error}", file.display());
            Failure::new(Kind::Failed, message)
        };
        match text.map_err(unreadable)?.trim() {
            "" => Err(Failure::usage(format!("{} holds no token", file.display()))),
            token => Ok(token.into()),
        }
    }

    /// A password to be set.
    pub(crate) fn new_password(&self, source: PasswordSource) -> Result<SecretString, Failure> {
        match (source, &self.new_password) {
            (PasswordSource::StandardInput, _) => first_line(),
            (PasswordSource::Ask, Some(password)) => Ok(password.clone()),
            (PasswordSource::Ask, None) => prompt("New password", Repeat::Yes, "JMAP_NEW_PASSWORD"),
        }
    }

    /// A bar on standard error that counts bytes up to a total, where a terminal shows it.
    pub(crate) fn bar(total: u64, title: &'static str) -> ProgressBar {
        let template = if total == 0 {
            "{prefix:>9} {spinner} {bytes} {wide_msg}"
        } else {
            "{prefix:>9} [{bar:32}] {bytes}/{total_bytes} {wide_msg}"
        };
        styled(total, template).with_prefix(title)
    }

    /// A bar on standard error that counts things up to a total, where a terminal shows it.
    pub(crate) fn counting(total: u64, title: String) -> ProgressBar {
        styled(total, "{prefix} [{bar:32}] {pos}/{len} {wide_msg}").with_prefix(title)
    }
}

fn styled(total: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).map(|style| style.progress_chars("=> "));
    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Whether a prompt asks twice.
#[derive(Clone, Copy)]
enum Repeat {
    Yes,
    No,
}

fn prompt(text: &str, repeat: Repeat, variable: &str) -> Result<SecretString, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::usage(
            "no password was given, and there is no terminal to ask for one",
        )
        .hint(format!(
            "set {variable}, or pipe it in with --password-stdin"
        )));
    }
    let prompt = Password::new().with_prompt(text);
    let prompt = match repeat {
        Repeat::Yes => prompt.with_confirmation("Once more", "The two are not the same."),
        Repeat::No => prompt,
    };
    let typed = prompt.interact();
    typed
        .map(SecretString::from)
        .map_err(|error| Failure::new(Kind::Failed, format!("cannot read a password: {error}")))
}

fn first_line() -> Result<SecretString, Failure> {
    let mut line = String::new();
    let read = stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::new(Kind::Failed, format!("cannot read a password: {error}")))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::usage(
            "standard input begins with an empty line, not with a password",
        ));
    }
    Ok(password.to_owned().into())
}
