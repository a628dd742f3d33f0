//! What a new installation needs before anybody can sign in: an administrator's password, and layer-data's key.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
};

use anyhow::Context;
use authorization_core::{
    Authority,
    ports::{Platform, PolicyStore},
    secret::NewPassword,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jmap_domain::{Name, Scope};
use secrecy::{ExposeSecret, SecretString};
use tracing::info;

use crate::config::read_secret;

/// The account of the data service.
const LAYER_DATA: &str = "layer-data";

/// Gives the first administrator the configured password, or a generated one that is printed once.
///
/// # Errors
/// When the configured one is too short or too long, or the store fails.
pub(crate) async fn administrator<S: PolicyStore, P: Platform>(
    authority: &Authority<S, P>,
    configured: Option<&SecretString>,
) -> anyhow::Result<()> {
    if !authority
        .needs_first_password()
        .await
        .context("look for the administrator's password")?
    {
        return Ok(());
    }
    let generated = || URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>()).into();
    let password = configured.cloned().unwrap_or_else(generated);
    let accepted = NewPassword::parse(password.clone()).context("the administrator's password")?;
    authority
        .set_first_password(&accepted)
        .await
        .context("set the administrator's password")?;
    if configured.is_none() {
        announce(&password);
    }
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "shown this once, to the person at the terminal, and never to the log"
)]
fn announce(password: &SecretString) {
    eprintln!(
        "The user `administrator` was given this password, shown only now: {}",
        password.expose_secret()
    );
}

/// Makes layer-data's account with the key in the file; without a file makes a key, and writes it there. An account that
/// is there keeps its key, unless the file is gone.
///
/// # Errors
/// When the key cannot be this account's, the file cannot be read or written, or the store fails.
pub(crate) async fn service_key<S: PolicyStore, P: Platform>(
    authority: &Authority<S, P>,
    file: &Path,
) -> anyhow::Result<()> {
    let name = Name::parse(LAYER_DATA).context("the name of the service")?;
    let scopes = Scope::ALL.into_iter().collect();
    let known = authority.snapshot().service_named(&name).is_some();
    let given = fs::exists(file).with_context(|| format!("look for {}", file.display()))?;
    match (known, given) {
        (true, true) => Ok(()),
        (false, true) => {
            let key = read_secret(file)?;
            let adopted = authority.adopt_service(name, scopes, &key).await;
            adopted.with_context(|| format!("take layer-data's key from {}", file.display()))
        }
        (_, false) => {
            let (_, key) = authority
                .provision_service(name, scopes)
                .await
                .context("make layer-data's key")?;
            write_private(file, &key).with_context(|| format!("write {}", file.display()))?;
            info!(file = %file.display(), "wrote layer-data's key");
            Ok(())
        }
    }
}

/// Readable by nobody else.
fn write_private(file: &Path, key: &SecretString) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    writeln!(file, "{}", key.expose_secret())?;
    file.sync_all()
}
