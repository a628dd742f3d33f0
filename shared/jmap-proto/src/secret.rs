//! Messages with passwords, keys or tokens of sessions are printed by name alone (R120).

use std::fmt;

use crate::authorization::{
    CreateServiceAccountResponse, CreateUserRequest, PasswordCredential, RefreshSessionRequest,
    RotateServiceKeyResponse, SetPasswordRequest, SignInRequest, Tokens,
    sign_in_request::Credential,
};

macro_rules! print_by_name {
    ($($message:ident),+) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message)).finish_non_exhaustive()
            }
        }
    )+};
}

print_by_name!(
    CreateServiceAccountResponse,
    CreateUserRequest,
    Credential,
    PasswordCredential,
    RefreshSessionRequest,
    RotateServiceKeyResponse,
    SetPasswordRequest,
    SignInRequest,
    Tokens
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let hush = || "hush".to_owned();
        let password = PasswordCredential {
            user_name: "ana".to_owned(),
            password: hush(),
        };
        let sign_in = |credential| SignInRequest {
            credential: Some(credential),
            server: None,
        };
        let printed = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            sign_in(Credential::Password(password)),
            sign_in(Credential::ServiceKey(hush())),
            RefreshSessionRequest {
                refresh_token: hush()
            },
            Tokens {
                access_token: hush(),
                refresh_token: hush(),
                ..Tokens::default()
            },
            CreateUserRequest {
                password: hush(),
                ..CreateUserRequest::default()
            },
            SetPasswordRequest {
                present_password: hush(),
                new_password: hush(),
                ..SetPasswordRequest::default()
            },
            CreateServiceAccountResponse {
                key: hush(),
                ..CreateServiceAccountResponse::default()
            },
            RotateServiceKeyResponse {
                key: hush(),
                ..RotateServiceKeyResponse::default()
            },
        );
        assert!(!printed.contains("hush"), "{printed}");
    }
}
