//! Who leads the tour: runs a command as somebody, shows it, and compares what came of it with what was said.

use std::{
    collections::HashMap,
    io::{Write, stdout},
    path::{Path, PathBuf},
};

use clap::Parser;
use console::style;
use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    cli::{self, Cli, Command},
    client::{Client, Credential},
    console::Console,
    error::{Failure, Kind},
    output::Report,
    pair::Pair,
    session::SessionFile,
};

/// Leads the tour.
#[derive(Debug)]
pub(super) struct Guide {
    server: String,
    folder: PathBuf,
    password: SecretString,
    step: u32,
    /// What later steps need of earlier ones, such as the id of an element.
    notes: HashMap<&'static str, i64>,
}

/// How a refusal must look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    /// The code.
    pub(super) code: &'static str,
    /// The reason.
    pub(super) reason: &'static str,
}

/// A password that nobody else knows.
pub(super) fn password() -> SecretString {
    Alphanumeric.sample_string(&mut rand::rng(), 16).into()
}

impl Guide {
    /// A guide to a pair that nobody has used yet. All accounts of the tour get the administrator's password.
    pub(super) fn new(pair: &Pair, folder: &Path, password: SecretString) -> Self {
        Self {
            server: pair.authorization.clone(),
            folder: folder.to_owned(),
            password,
            step: 0,
            notes: HashMap::new(),
        }
    }

    /// A folder beside the data.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Begins a step.
    pub(super) fn headline(&mut self, text: &str) {
        self.step += 1;
        say(&format!(
            "\n{}",
            style(format!("{}. {text}", self.step)).bold()
        ));
    }

    /// Keeps a number of an answer for a later step.
    pub(super) fn note(&mut self, name: &'static str, report: &Report) -> Result<i64, Failure> {
        let field = name.rsplit_once(' ').map_or(name, |(_, field)| field);
        let number = report.value.get(field).and_then(serde_json::Value::as_i64);
        let number = number.ok_or_else(|| surprise(&format!("the answer has no {field}")))?;
        self.notes.insert(name, number);
        Ok(number)
    }

    /// A number that an earlier step has kept, as it is written on the command line.
    pub(super) fn noted(&self, name: &'static str) -> Result<String, Failure> {
        let number = self.notes.get(name).map(ToString::to_string);
        number.ok_or_else(|| surprise(&format!("no earlier step told the {name}")))
    }

    /// Runs a command as somebody; it must succeed.
    pub(super) async fn succeeds(&self, who: &str, arguments: &[&str]) -> Result<Report, Failure> {
        match self.run(who, arguments).await {
            Ok(report) => {
                tick(&report.text);
                Ok(report)
            }
            Err(failure) => Err(surprise(&format!("it should succeed, but: {failure}"))),
        }
    }

    /// Runs a command as somebody; it must be refused in this way.
    pub(super) async fn is_refused(
        &self,
        who: &str,
        arguments: &[&str],
        Refusal { code, reason }: Refusal,
    ) -> Result<Failure, Failure> {
        match self.run(who, arguments).await {
            Ok(report) => Err(surprise(&format!(
                "it should be refused, but: {}",
                report.text
            ))),
            Err(failure) if failure.is(code, reason) => {
                tick(&format!("refused, {code} {reason}: {failure}"));
                Ok(failure)
            }
            Err(failure) => Err(surprise(&format!(
                "it should be refused with {code} {reason}, but: {failure} ({:?})",
                failure.answer
            ))),
        }
    }

    async fn run(&self, who: &str, arguments: &[&str]) -> Result<Report, Failure> {
        let written = arguments.iter().map(|argument| quoted(argument));
        let line = format!(
            "   {who}$ jmapctl {}",
            written.collect::<Vec<_>>().join(" ")
        );
        say(&style(line).dim().to_string());
        let session_file = self.session_path(who).display().to_string();
        let globals = [
            "jmapctl",
            "--server",
            &self.server,
            "--session-file",
            &session_file,
        ];
        let parsed = Cli::try_parse_from(globals.iter().chain(arguments));
        let Cli { globals, command } = parsed.map_err(|error| surprise(&error.to_string()))?;
        let console = Console {
            password: Some(self.password.clone()),
            new_password: Some(self.password.clone()),
            token: None,
        };
        match command {
            Command::Call(call) => Box::pin(cli::call(&globals, call, console)).await,
            Command::Up(_) | Command::Move(_) | Command::Restored(_) | Command::Demo(_) => {
                Err(surprise("the tour does not tour itself"))
            }
        }
    }

    fn session_path(&self, who: &str) -> PathBuf {
        self.folder.join("sessions").join(format!("{who}.json"))
    }

    /// A token that sample calls can be made with.
    async fn token(&self, who: &str) -> Result<String, Failure> {
        let file = SessionFile::at(self.session_path(who));
        let session = file
            .load()?
            .ok_or_else(|| surprise("nobody is signed in"))?;
        let credential = Credential::Session(Box::new(session), file);
        let token = Client::new(&self.server, credential)?.token().await?;
        Ok(token
            .map(|token| token.expose_secret().to_owned())
            .unwrap_or_default())
    }

    /// What can be done now that the tour is over.
    pub(super) async fn farewell(&self, pair: &Pair) -> Result<(), Failure> {
        let headline = "\nThe pair stays up until Ctrl-C. Try it from another terminal:";
        say(&style(headline).bold().to_string());
        say(&self.addresses(pair));
        let layer = self.noted("cities layer_id")?;
        say(&generic_calls(pair, &layer, &self.token("ana").await?));
        Ok(())
    }

    fn addresses(&self, pair: &Pair) -> String {
        let Pair {
            authorization,
            layer_data,
            ..
        } = pair;
        let program = std::env::current_exe().unwrap_or_else(|_| "jmapctl".into());
        format!(
            "
   authorization  {authorization}
   layer-data     {layer_data}
   data           {data}
   accounts       administrator, ana, ben, cleo; password {password}

   alias jmapctl={program}
   export JMAP_SERVER={authorization}
   jmapctl sign-in ana
   jmapctl layers list Atlas
   jmapctl query Atlas/cities --bbox 2,48,3,49
   jmapctl explain layer Atlas/cities modify
   ogrinfo -ro {data}/layers.gpkg",
            data = self.folder.display(),
            password = self.password.expose_secret(),
            program = quoted(&program.to_string_lossy()),
        )
    }
}

/// Calls with a client that knows nothing but reflection.
fn generic_calls(pair: &Pair, layer: &str, token: &str) -> String {
    let host = pair.layer_data.trim_start_matches("http://");
    let selection = r#"{"box": {"min_x": 2, "min_y": 48, "max_x": 3, "max_y": 49}}"#;
    format!(
        "
   TOKEN={token}
   grpcurl -plaintext {host} list
   grpcurl -plaintext -H \"authorization: Bearer $TOKEN\" \\
     -d '{{\"layer_id\": {layer}, \"selection\": {selection}}}' \\
     {host} jmap.layerdata.v1.ElementService/ListElements"
    )
}

/// Compares an answer with what was said about it.
pub(super) fn holds(fact: bool, text: &str) -> Result<(), Failure> {
    if fact {
        tick(text);
        Ok(())
    } else {
        Err(surprise(&format!("this does not hold: {text}")))
    }
}

fn surprise(text: &str) -> Failure {
    Failure::new(Kind::Failed, format!("the tour did not go as said: {text}"))
}

/// The first lines of an answer, with a tick.
fn tick(text: &str) {
    const SHOWN: usize = 12;
    let mut lines = text.trim_end().lines();
    for (index, line) in lines.by_ref().take(SHOWN).enumerate() {
        if index == 0 {
            say(&format!("   {} {line}", style("✓").green()));
        } else {
            say(format!("     {line}").trim_end());
        }
    }
    if lines.next().is_some() {
        say("     …");
    }
}

/// A reader who has gone away does not stop the tour.
pub(super) fn say(text: &str) {
    let _ = writeln!(stdout().lock(), "{text}");
}

/// An argument as a shell takes it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_shown_as_a_shell_takes_them() {
        assert_eq!(quoted("Atlas/cities"), "Atlas/cities");
        assert_eq!(quoted("POINT(2 48)"), "'POINT(2 48)'");
        assert_eq!(quoted("Côte d'Or"), r"'Côte d'\''Or'");
        assert_eq!(quoted(""), "''");
    }
}
