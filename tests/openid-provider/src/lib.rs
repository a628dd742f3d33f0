//! An OpenID provider in a process of its own, for tests: the library oidc-provider, with people who sign in as in a
//! browser. `provider.mjs` is the process, `package-lock.json` pins what it is made of; `tests/run` installs it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    cell::RefCell,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

/// A provider; it ends when this is dropped.
#[derive(Debug)]
pub struct OpenIdProvider {
    issuer: String,
    child: Child,
    talk: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

/// Whose key signs a token that the provider would not issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The provider's own, as it publishes it.
    Own,
    /// Another one, which the token passes off as the provider's.
    Foreign,
}

impl OpenIdProvider {
    /// Starts a provider; `None`, with a loud word, where it is not installed.
    ///
    /// # Panics
    /// When it does not start, and when it is not installed although `CI` says that nothing may be skipped.
    #[must_use]
    pub fn start() -> Option<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let installed = here.join("../../target/tools/openid-provider");
        if !installed.join("node_modules/oidc-provider").is_dir() {
            skipped();
            return None;
        }
        let mut child = Command::new("node")
            .arg(here.join("provider.mjs"))
            .arg(installed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start node");
        let (orders, answers) = (child.stdin.take(), child.stdout.take());
        let mut answers = BufReader::new(answers.expect("its answers"));
        let told = read(&mut answers);
        Some(Self {
            issuer: told["issuer"].as_str().expect("an issuer").to_owned(),
            child,
            talk: RefCell::new((orders.expect("its orders"), answers)),
        })
    }

    /// What its tokens name as `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The ID token that a person gets for signing in at the application `jmap`.
    #[must_use]
    pub fn sign_in(&self, subject: &str, claims: &Value) -> String {
        self.sign_in_at("jmap", subject, claims)
    }

    /// The ID token that a person gets for signing in at an application: `jmap` and `another`, for which the provider
    /// signs with RS256, or `elliptic`, with ES256.
    ///
    /// # Panics
    /// When the provider refuses.
    #[must_use]
    pub fn sign_in_at(&self, application: &str, subject: &str, claims: &Value) -> String {
        token(&self.order(&json!({ "signIn": subject, "claims": claims, "client": application })))
    }

    /// A token with these claims (the issuer is there unless they name another) and these fields of the header in place
    /// of the usual ones.
    ///
    /// # Panics
    /// When it cannot be signed.
    #[must_use]
    pub fn signed(&self, key: Key, header: &Value, claims: &Value) -> String {
        let key = match key {
            Key::Own => "own",
            Key::Foreign => "foreign",
        };
        token(&self.order(&json!({ "sign": claims, "header": header, "key": key })))
    }

    /// Puts other keys in the place of its keys.
    pub fn rotate(&self) {
        self.order(&json!({ "rotate": true }));
    }

    /// Takes the provider off the network, or lets it come back.
    pub fn set_up(&self, up: &Value) {
        self.order(&json!({ "up": up }));
    }

    /// How often somebody asked for its keys.
    ///
    /// # Panics
    /// When it does not tell.
    #[must_use]
    pub fn fetches(&self) -> u64 {
        let answer = self.order(&json!({ "fetches": true }));
        answer["fetches"].as_u64().expect("a number")
    }

    fn order(&self, order: &Value) -> Value {
        let (orders, answers) = &mut *self.talk.borrow_mut();
        writeln!(orders, "{order}").expect("the provider listens");
        let answer = read(answers);
        assert!(answer.get("error").is_none(), "{order}: {answer}");
        answer
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn token(answer: &Value) -> String {
    answer["token"].as_str().expect("a token").to_owned()
}

fn read(answers: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    answers.read_line(&mut line).expect("the provider answers");
    serde_json::from_str(&line).expect("the provider answers in JSON")
}

#[expect(
    clippy::print_stderr,
    reason = "a skipped test is not a passed one, and somebody should see it"
)]
fn skipped() {
    let wanted = "the OpenID provider is not installed (tests/run installs it, with npm)";
    assert_ne!(env::var("CI").as_deref(), Ok("true"), "{wanted}");
    eprintln!("SKIPPED: {wanted}");
}
