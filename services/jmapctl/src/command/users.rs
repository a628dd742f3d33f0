//! User accounts.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use jmap_proto::authorization::{
    AccountPolicy, CreateUserRequest, DeleteUserRequest, ListUsersRequest, SetPasswordRequest,
    UpdateUserRequest, User,
};
use prost_types::FieldMask;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;

use crate::{
    client::call,
    command::{Context, request_id},
    console::PasswordSource,
    error::Failure,
    output::{Report, View},
    resolve::{self, Reference},
    words::plain_word,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl users create ana --display-name 'Ana Maria'
  jmapctl users update ana --enabled false
  jmapctl users password ana
  jmapctl users delete ana

Passwords are asked for, or taken from JMAP_NEW_PASSWORD (and JMAP_PASSWORD for the present one) or from standard
input with --password-stdin.";

/// Manage user accounts
#[derive(Debug, Subcommand)]
pub(crate) enum Users {
    /// Create an account
    Create(Create),
    /// List the accounts
    List,
    /// Show an account
    Show {
        /// Name or id
        user: Reference,
    },
    /// Change an account; its name never changes
    Update(Update),
    /// Delete an account; its grants become ineffective at once, its id is never reused
    Delete {
        /// Name or id
        user: Reference,
    },
    /// Set a password: your own, or as a super administrator anybody's
    Password(Password),
}

/// Create an account
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// The name that signs in
    name: String,
    /// What people read instead of the name
    #[arg(long, default_value = "", hide_default_value = true)]
    display_name: String,
    /// Which sessions the account opens
    #[arg(long, value_enum, default_value_t = Policy::Ordinary)]
    policy: Policy,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

/// Which sessions an account opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Policy {
    /// Ordinary sessions only
    Ordinary,
    /// Server-to-server sessions only
    Server,
}

/// Change an account
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("change").args(["display_name", "enabled"]).required(true).multiple(true)))]
pub(crate) struct Update {
    /// Name or id
    user: Reference,
    /// What people read instead of the name
    #[arg(long)]
    display_name: Option<String>,
    /// Whether the account may sign in and hold rights
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,
}

/// Set a password
#[derive(Args, Debug)]
pub(crate) struct Password {
    /// Name or id; your own account when left out
    user: Option<Reference>,
    /// Read the new password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

/// A user as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct UserView {
    user_id: i64,
    name: String,
    display_name: String,
    enabled: bool,
    policy: String,
    /// The OpenID provider whose person it is; empty for local accounts.
    issuer: String,
    subject: String,
    revision: i64,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        let policy = plain_word(user.policy().as_str_name(), "ACCOUNT_POLICY_");
        let identity = user.federated_identity.unwrap_or_default();
        Self {
            user_id: user.user_id,
            name: user.name,
            display_name: user.display_name,
            enabled: user.enabled,
            policy,
            issuer: identity.issuer,
            subject: identity.subject,
            revision: user.revision,
        }
    }
}

impl View for UserView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "display name",
        "enabled",
        "sessions",
        "issuer",
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.user_id.to_string(),
            self.name.clone(),
            self.display_name.clone(),
            if self.enabled { "yes" } else { "no" }.to_owned(),
            self.policy.clone(),
            self.issuer.clone(),
        ]
    }
}

impl Users {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List => list(context).await,
            Self::Show { user } => Report::one(&UserView::from(
                resolve::user(&context.client, &user).await?,
            )),
            Self::Update(update) => update.run(context).await,
            Self::Delete { user } => delete(context, &user).await,
            Self::Password(password) => password.run(context).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<Report, Failure> {
        let password = context.console.new_password(source(self.password_stdin))?;
        let policy = match self.policy {
            Policy::Ordinary => AccountPolicy::Ordinary,
            Policy::Server => AccountPolicy::Server,
        };
        let user = User {
            name: self.name,
            display_name: self.display_name,
            policy: policy.into(),
            ..Default::default()
        };
        let message = CreateUserRequest {
            user: Some(user),
            password: password.expose_secret().to_owned(),
            request_id: request_id(),
        };
        let client = &context.client;
        shown(
            call!(client, client.directory(), create_user, message).user,
            "created",
        )
    }
}

const fn source(stdin: bool) -> PasswordSource {
    if stdin {
        PasswordSource::StandardInput
    } else {
        PasswordSource::Ask
    }
}

fn shown(user: Option<User>, done: &str) -> Result<Report, Failure> {
    let user = user.ok_or_else(|| Failure::incomplete("a user"))?;
    let text = format!("{done} user {} with id {}", user.name, user.user_id);
    Report::new(text, &UserView::from(user))
}

async fn list(context: &Context) -> Result<Report, Failure> {
    let client = &context.client;
    let (mut users, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListUsersRequest {
            page_size: 1000,
            page_token,
        };
        let page = call!(client, client.directory(), list_users, message);
        users.extend(page.users.into_iter().map(UserView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&users);
        }
    }
}

impl Update {
    async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let mut paths = Vec::new();
        let mut user = User {
            user_id: resolve::user_id(client, &self.user).await?,
            ..Default::default()
        };
        if let Some(display_name) = self.display_name {
            user.display_name = display_name;
            paths.push("display_name".to_owned());
        }
        if let Some(enabled) = self.enabled {
            user.enabled = enabled;
            paths.push("enabled".to_owned());
        }
        let message = UpdateUserRequest {
            user: Some(user),
            update_mask: Some(FieldMask { paths }),
        };
        shown(
            call!(client, client.directory(), update_user, message).user,
            "changed",
        )
    }
}

async fn delete(context: &Context, user: &Reference) -> Result<Report, Failure> {
    let client = &context.client;
    let user_id = resolve::user_id(client, user).await?;
    call!(
        client,
        client.directory(),
        delete_user,
        DeleteUserRequest { user_id }
    );
    Report::new(
        format!("deleted user {user_id}"),
        &json!({"user_id": user_id}),
    )
}

impl Password {
    async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let own_id = resolve::own_user_id(client).await?;
        let user_id = match &self.user {
            Some(user) => resolve::user_id(client, user).await?,
            None => own_id,
        };
        let present = if user_id == own_id {
            context.console.password(PasswordSource::Ask)?
        } else {
            SecretString::default()
        };
        let new = context.console.new_password(source(self.password_stdin))?;
        let message = SetPasswordRequest {
            user_id,
            present_password: present.expose_secret().to_owned(),
            new_password: new.expose_secret().to_owned(),
        };
        call!(client, client.directory(), set_password, message);
        Report::new(
            format!("set the password of user {user_id}"),
            &json!({"user_id": user_id}),
        )
    }
}
