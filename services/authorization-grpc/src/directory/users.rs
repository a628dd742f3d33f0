//! Users.

use authorization_core::{
    Origin, Refusal, Resource,
    directory::{DirectoryError, NewUser, UserUpdate},
    model::AccountPolicy,
    ports::{Platform, PolicyStore},
    secret::NewPassword,
};
use jmap_domain::{Caller, UserId};
use jmap_proto::authorization as pb;
use jmap_wire::{
    FieldPath, FieldViolation, enumeration, field_mask, format_policy_token, id, required,
};
use secrecy::SecretString;

use crate::{
    context::Context,
    page::{Asked, Page, SHORT},
    parse, principals,
    retry::Attempt,
    status::{Rejection, no_such_name, stale},
};

impl<S: PolicyStore, P: Platform> Context<S, P> {
    pub(super) async fn create_user(
        &self,
        caller: &Caller,
        message: pb::CreateUserRequest,
    ) -> Result<pb::CreateUserResponse, Rejection> {
        let pb::CreateUserRequest {
            user,
            password,
            request_id,
        } = message;
        let new = parse_new_user(required("user", user)?, password)?;
        self.authority.own_session(caller)?;
        let content = format!("{:?} {:?} {:?}", new.name, new.display_name, new.policy);
        let attempt = Attempt {
            call: "create_user",
            request_id: &request_id,
            content: &content,
        };
        let create = async {
            let made = self.authority.create_user(caller, new).await?;
            let user = Some(principals::user(&made.value));
            Ok(pb::CreateUserResponse {
                user,
                policy_token: format_policy_token(made.token()),
            })
        };
        self.retries.once(caller, attempt, create).await
    }

    pub(super) fn get_user(
        &self,
        caller: &Caller,
        message: pb::GetUserRequest,
    ) -> Result<pb::GetUserResponse, Rejection> {
        let pb::GetUserRequest { user } = message;
        let user = match required("user", user)? {
            pb::get_user_request::User::UserId(user) => {
                self.authority.user(caller, id("user_id", user)?)?
            }
            pb::get_user_request::User::Name(text) => {
                let name = parse::name("name", &text)?;
                let found = self.authority.find_user(caller, &name)?;
                found.ok_or_else(|| no_such_name("user", &name))?
            }
        };
        Ok(pb::GetUserResponse {
            user: Some(principals::user(&user)),
        })
    }

    pub(super) fn list_users(
        &self,
        caller: &Caller,
        message: pb::ListUsersRequest,
    ) -> Result<pb::ListUsersResponse, Rejection> {
        let pb::ListUsersRequest {
            page_size,
            page_token,
        } = message;
        let asked = Asked {
            size: page_size,
            token: &page_token,
        };
        let page = Page::parse(&self.pages, "users".to_owned(), asked, SHORT)?;
        let users = self
            .authority
            .list_users(caller, &page.after_text(), page.size + 1)?;
        let (users, next_page_token) = page.cut(users, |user| user.name.key().into_bytes());
        let users = users.iter().map(|user| principals::user(user)).collect();
        Ok(pb::ListUsersResponse {
            users,
            next_page_token,
        })
    }

    pub(super) async fn update_user(
        &self,
        caller: &Caller,
        message: pb::UpdateUserRequest,
    ) -> Result<pb::UpdateUserResponse, Rejection> {
        let (user, update) = parse_update(message)?;
        let result = self.authority.update_user(caller, user, update).await;
        let made = result.map_err(|error| self.user_rejection(user, error))?;
        let user = Some(principals::user(&made.value));
        Ok(pb::UpdateUserResponse {
            user,
            policy_token: format_policy_token(made.token()),
        })
    }

    pub(super) async fn delete_user(
        &self,
        caller: &Caller,
        message: pb::DeleteUserRequest,
    ) -> Result<pb::DeleteUserResponse, Rejection> {
        let pb::DeleteUserRequest { user_id } = message;
        let made = self
            .authority
            .delete_user(caller, id("user_id", user_id)?)
            .await?;
        Ok(pb::DeleteUserResponse {
            policy_token: format_policy_token(made.token()),
        })
    }

    pub(super) async fn set_password(
        &self,
        caller: &Caller,
        message: pb::SetPasswordRequest,
        from: Origin,
    ) -> Result<pb::SetPasswordResponse, Rejection> {
        let pb::SetPasswordRequest {
            user_id,
            present_password,
            new_password,
        } = message;
        let user = id("user_id", user_id)?;
        let new = parse_new_password("new_password", new_password)?;
        let made = if is_own(caller, user) {
            let present = parse::secret("present_password", present_password)?;
            self.authority
                .change_own_password(caller, &present, &new, from)
                .await?
        } else {
            // What somebody else's password is proves nothing here, so it is not looked at.
            drop(SecretString::from(present_password));
            self.authority.set_password(caller, user, &new).await?
        };
        Ok(pb::SetPasswordResponse {
            policy_token: format_policy_token(made.token()),
        })
    }

    fn user_rejection(&self, user: UserId, error: DirectoryError) -> Rejection {
        let snapshot = self.authority.snapshot();
        match (&error, snapshot.user(user)) {
            (DirectoryError::Refused(Refusal::Stale(Resource::User(_))), Some(user)) => {
                stale(error.to_string(), user.revision).into()
            }
            _ => error.into(),
        }
    }
}

fn is_own(caller: &Caller, user: UserId) -> bool {
    matches!(caller, Caller::Session(session) if session.user == user)
}

fn parse_new_user(user: pb::User, password: String) -> Result<NewUser, FieldViolation> {
    let path = FieldPath::of("user");
    let pb::User {
        name,
        display_name,
        policy,
        user_id: _output_only,
        enabled: _new_accounts_are_enabled,
        revision: _of_nothing_yet,
        federated_identity: _output_only_as_well,
    } = user;
    Ok(NewUser {
        name: parse::name(path.field("name"), &name)?,
        display_name: parse::optional_name(path.field("display_name"), &display_name)?,
        policy: enumeration(path.field("policy"), policy, |policy| {
            Some(match policy {
                pb::AccountPolicy::Unspecified | pb::AccountPolicy::Ordinary => {
                    AccountPolicy::Ordinary
                }
                pb::AccountPolicy::Server => AccountPolicy::Server,
            })
        })?,
        password: Some(parse_new_password("password", password)?),
    })
}

fn parse_new_password(path: &'static str, password: String) -> Result<NewPassword, FieldViolation> {
    let password = parse::secret(path, password)?;
    NewPassword::parse(password).map_err(|error| FieldPath::of(path).invalid(error))
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    DisplayName,
    Enabled,
}

const FIELDS: [(&str, Field); 2] = [
    ("display_name", Field::DisplayName),
    ("enabled", Field::Enabled),
];

fn parse_update(message: pb::UpdateUserRequest) -> Result<(UserId, UserUpdate), FieldViolation> {
    let pb::UpdateUserRequest { user, update_mask } = message;
    let path = FieldPath::of("user");
    let pb::User {
        user_id,
        display_name,
        enabled,
        revision,
        name: _never_changes,
        policy: _never_changes_either,
        federated_identity: _nor_does_this,
    } = required(path.clone(), user)?;
    let mut update = UserUpdate {
        expected: parse::expected(path.field("revision"), revision)?,
        display_name: None,
        state: None,
    };
    for field in field_mask(update_mask, &FIELDS)? {
        match field {
            Field::DisplayName => {
                let name = parse::optional_name(path.field("display_name"), &display_name)?;
                update.display_name = Some(name);
            }
            Field::Enabled => {
                let state = parse::account_state(enabled);
                update.state = Some(state);
            }
        }
    }
    Ok((id(path.field("user_id"), user_id)?, update))
}
