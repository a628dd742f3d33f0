//! The registry: what goes along, and what its refusals mean.

use std::{collections::HashMap, time::Duration};

use jmap_domain::LayerId;
use layer_data_core::ports::{Registry, RegistryError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::fixture::{House, call};

const MINUTE: Duration = Duration::from_mins(1);

fn refusal(code: Code, reason: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, "authorization.jmap", HashMap::new());
    Status::with_error_details(code, "a sentence", details)
}

#[tokio::test]
async fn acts_on_a_users_behalf_carry_the_users_own_token() {
    let (house, authorization) = House::start().await;
    let layer = LayerId::new(7).unwrap();
    authorization
        .unregister(&call(MINUTE), layer, "hydrants")
        .await
        .unwrap();
    assert_eq!(house.heard("jmap-user-token"), ["user-token"]);
    // What the service does by itself is done for nobody.
    authorization.confirm_removals(&[layer]).await.unwrap();
    assert_eq!(house.heard("jmap-user-token").len(), 1);
    assert_eq!(house.heard("authorization"), ["Bearer t1"; 2]);
}

#[tokio::test]
async fn refusals_keep_their_meaning() {
    // R120.
    let (house, authorization) = House::start().await;
    let sentence = "a sentence";
    for (code, reason, expected) in [
        (Code::NotFound, "NOT_FOUND", RegistryError::NotFound),
        (Code::AlreadyExists, "NAME_TAKEN", RegistryError::NameTaken),
        (
            Code::PermissionDenied,
            "NOT_PERMITTED",
            RegistryError::NotPermitted,
        ),
        (
            Code::PermissionDenied,
            "SCOPE_MISSING",
            RegistryError::Unavailable,
        ),
        (
            Code::InvalidArgument,
            "INVALID_FIELD",
            RegistryError::Invalid(sentence.to_owned()),
        ),
        (
            Code::FailedPrecondition,
            "RESERVATION_EXPIRED",
            RegistryError::ReservationExpired,
        ),
        (
            Code::FailedPrecondition,
            "CONFIRMATION_MISMATCH",
            RegistryError::ConfirmationMismatch,
        ),
        (
            Code::FailedPrecondition,
            "REQUEST_ID_REUSED",
            RegistryError::RequestReused,
        ),
        (
            Code::FailedPrecondition,
            "CANNOT_OPEN_PROJECT",
            RegistryError::Precondition(sentence.to_owned()),
        ),
        (Code::Unavailable, "UNAVAILABLE", RegistryError::Unavailable),
        (Code::Internal, "INTERNAL", RegistryError::Unavailable),
    ] {
        house.next_refusal(refusal(code, reason));
        let error = authorization
            .activate(&call(MINUTE), LayerId::new(7).unwrap())
            .await
            .unwrap_err();
        assert_eq!(format!("{error:?}"), format!("{expected:?}"), "{reason}");
    }
}

#[tokio::test]
async fn a_quota_is_told_with_its_numbers_and_an_overload_is_none() {
    // R120.
    let (house, authorization) = House::start().await;
    let numbers = [("limit", "2"), ("used", "3")];
    let numbers = numbers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let facts = [
        ("QUOTA_EXCEEDED", HashMap::from(numbers)),
        ("QUOTA_EXCEEDED", HashMap::new()),
        ("OVERLOADED", HashMap::new()),
    ];
    let mut told = Vec::new();
    for (reason, facts) in facts {
        let details = ErrorDetails::with_error_info(reason, "authorization.jmap", facts);
        let code = Code::ResourceExhausted;
        house.next_refusal(Status::with_error_details(code, "a sentence", details));
        let refused = authorization
            .activate(&call(MINUTE), LayerId::new(7).unwrap())
            .await;
        told.push(refused.unwrap_err());
    }
    assert!(
        matches!(
            told[..],
            [
                RegistryError::QuotaExceeded { limit: 2, used: 3 },
                RegistryError::Unavailable,
                RegistryError::Unavailable,
            ]
        ),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_user_who_is_not_signed_in_stays_so_with_a_fresh_service_token() {
    // R117.
    let (house, authorization) = House::start().await;
    for _ in 0..2 {
        house.next_refusal(refusal(Code::Unauthenticated, "SESSION_CLOSED"));
    }
    let error = authorization
        .activate(&call(MINUTE), LayerId::new(7).unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, RegistryError::SignInRequired), "{error:?}");
    assert_eq!(house.sign_ins(), 2);
}
