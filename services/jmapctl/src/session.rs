//! The remembered session: one file per server, readable by its owner alone.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jmap_proto::authorization::{Session as SessionMessage, SignInResponse, Tokens};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Failure, Kind};

/// What is kept of a sign-in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The account's name.
    pub(crate) account_name: String,
    /// The account's user id.
    pub(crate) user_id: i64,
    /// The session's id.
    #[serde(rename = "session_id")]
    pub(crate) id: i64,
    /// When the access token runs out, in seconds since 1970.
    access_token_expires: i64,
    #[serde(serialize_with = "expose")]
    access_token: SecretString,
    #[serde(serialize_with = "expose")]
    refresh_token: SecretString,
}

/// The file is the one place that the tokens are written to.
fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

impl Session {
    /// Keeps an answered sign-in.
    pub(crate) fn from_sign_in(response: SignInResponse) -> Result<Self, Failure> {
        let SignInResponse { session, tokens } = response;
        let session: SessionMessage = session.ok_or_else(|| Failure::incomplete("a session"))?;
        let tokens = tokens.ok_or_else(|| Failure::incomplete("tokens"))?;
        let mut kept = Self {
            account_name: session.account_name,
            user_id: session.user_id,
            id: session.session_id,
            access_token_expires: 0,
            access_token: SecretString::default(),
            refresh_token: SecretString::default(),
        };
        kept.renew(tokens);
        Ok(kept)
    }

    /// Takes fresh tokens in place of the old ones.
    pub(crate) fn renew(&mut self, tokens: Tokens) {
        let Tokens {
            access_token,
            access_token_expire_time,
            refresh_token,
        } = tokens;
        self.access_token = access_token.into();
        self.refresh_token = refresh_token.into();
        self.access_token_expires = access_token_expire_time.map_or(0, |time| time.seconds);
    }

    /// What goes into calls.
    pub(crate) const fn access_token(&self) -> &SecretString {
        &self.access_token
    }

    /// What buys the next tokens, once.
    pub(crate) const fn refresh_token(&self) -> &SecretString {
        &self.refresh_token
    }

    /// Whether the access token has less than this many seconds left.
    pub(crate) fn expires_within(&self, seconds: i64) -> bool {
        self.access_token_expires - jiff::Timestamp::now().as_second() < seconds
    }
}

/// Where a session is kept.
#[derive(Clone, Debug)]
pub(crate) struct SessionFile(PathBuf);

impl SessionFile {
    /// The file at this path.
    pub(crate) const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The file for a server, in the user's configuration folder.
    pub(crate) fn for_server(server: &str) -> Result<Self, Failure> {
        let folder = configuration_folder().ok_or_else(|| {
            Failure::usage("neither HOME nor XDG_CONFIG_HOME tells where sessions are kept")
                .hint("name a file with --session-file")
        })?;
        let name: String = server
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '.' {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        Ok(Self(folder.join("jmapctl/sessions").join(name + ".json")))
    }

    /// The session that is kept; `None` when nobody is signed in.
    pub(crate) fn load(&self) -> Result<Option<Session>, Failure> {
        let text = match fs::read(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file("read", &self.0)(error)),
        };
        match serde_json::from_slice(&text) {
            Ok(session) => Ok(Some(session)),
            // The cause would quote the file, and the file holds tokens.
            Err(_) => Err(Failure::new(
                Kind::Failed,
                format!("{} is not a session of jmapctl", self.0.display()),
            )
            .hint("remove it and sign in again")),
        }
    }

    /// Keeps a session in place of the former one; readers see either the old or the new one.
    pub(crate) fn save(&self, session: &Session) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(session).map_err(|error| {
            Failure::new(Kind::Failed, format!("cannot write a session: {error}"))
        })?;
        self.make_folder()?;
        let draft = self.0.with_extension(format!("{}.new", std::process::id()));
        let written = write_private(&draft, &text).and_then(|()| fs::rename(&draft, &self.0));
        written.map_err(Failure::file("write", &self.0))
    }

    /// Forgets the session.
    pub(crate) fn remove(&self) -> Result<(), Failure> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::file("remove", &self.0)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Waits until no other process is changing the session. A refresh token can be used once, and a second use
    /// closes the session, so two processes must not refresh at the same time.
    pub(crate) fn lock(&self) -> Result<File, Failure> {
        self.make_folder()?;
        let path = self.0.with_extension("lock");
        let opened = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path);
        let locked = opened.and_then(|file| file.lock().map(|()| file));
        locked.map_err(Failure::file("lock", &path))
    }

    fn make_folder(&self) -> Result<(), Failure> {
        let Some(folder) = self
            .0
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        else {
            return Ok(());
        };
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder);
        made.map_err(Failure::file("create", folder))
    }
}

fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text)
}

fn configuration_folder() -> Option<PathBuf> {
    let named = |key| {
        env::var_os(key)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    named("XDG_CONFIG_HOME").or_else(|| named("HOME").map(|home| home.join(".config")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn session() -> Session {
        Session::from_sign_in(SignInResponse {
            session: Some(SessionMessage {
                session_id: 9,
                user_id: 5,
                account_name: "ana".into(),
                ..Default::default()
            }),
            tokens: Some(Tokens {
                access_token: "access-secret".into(),
                refresh_token: "refresh-secret".into(),
                access_token_expire_time: None,
            }),
        })
        .unwrap()
    }

    #[test]
    fn a_kept_session_is_readable_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions/one.json");
        let file = SessionFile::at(path.clone());
        file.save(&session()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        let loaded = file.load().unwrap().unwrap();
        assert_eq!(loaded.access_token().expose_secret(), "access-secret");
        assert!(loaded.expires_within(30));
        file.remove().unwrap();
        assert!(file.load().unwrap().is_none());
    }

    #[test]
    fn tokens_are_in_no_debug_text_and_in_no_error() {
        assert!(!format!("{:?}", session()).contains("secret"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.json");
        fs::write(&path, r#"{"access_token": "access-secret""#).unwrap();
        let failure = SessionFile::at(path).load().unwrap_err();
        assert!(!failure.message.contains("secret"));
    }
}
