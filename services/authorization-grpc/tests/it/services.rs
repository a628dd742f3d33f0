//! Accounts of programs: made, listed, given other keys and deleted by super administrators (R15, R117, R120).

use jmap_proto::authorization as pb;
use tonic::{Code, Status};

use crate::fixture::{Caller, Running, refused, start, wrong};

fn account(name: &str, scopes: &[i32]) -> pb::CreateServiceAccountRequest {
    pb::CreateServiceAccountRequest {
        service_account: Some(pb::ServiceAccount {
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            ..Default::default()
        }),
    }
}

async fn create(
    running: &Running,
    caller: &Caller,
    request: pb::CreateServiceAccountRequest,
) -> Result<pb::CreateServiceAccountResponse, Status> {
    let mut directory = running.directory();
    let created = directory.create_service_account(caller.says(request));
    Ok(created.await?.into_inner())
}

fn key(key: &str) -> pb::SignInRequest {
    pb::SignInRequest {
        credential: Some(pb::sign_in_request::Credential::ServiceKey(key.to_owned())),
        server: None,
    }
}

#[tokio::test]
async fn a_new_key_ends_the_sessions_of_the_old_one_which_opens_none_any_more() {
    // R117.
    let running = start().await;
    let (administrator, _, _) = running.with_user("ana").await;
    let check = [pb::ServiceScope::Check.into()];
    let created = create(&running, &administrator, account("monitor", &check)).await;
    let created = created.unwrap();
    let service_id = created.service_account.unwrap().service_id;
    let before = running.service(&created.key).await;
    let who = |caller: &Caller| caller.says(pb::GetCallerRequest {});
    let known = running.sessions().get_caller(who(&before)).await.unwrap();
    let session = known.into_inner().session.unwrap();
    assert_eq!(session.account_name, "monitor");

    let rotate = administrator.says(pb::RotateServiceKeyRequest { service_id });
    let rotated = running.directory().rotate_service_key(rotate).await;
    let rotated = rotated.unwrap().into_inner();
    assert_ne!(rotated.key, created.key);
    let closed = running.sessions().get_caller(who(&before)).await;
    refused(closed, Code::Unauthenticated, "SESSION_CLOSED");
    let old = running.try_sign_in(key(&created.key)).await;
    refused(old, Code::Unauthenticated, "CREDENTIAL_REFUSED");
    let after = running.service(&rotated.key).await;
    running.sessions().get_caller(who(&after)).await.unwrap();

    let delete = administrator.says(pb::DeleteServiceAccountRequest { service_id });
    let mut directory = running.directory();
    directory.delete_service_account(delete).await.unwrap();
    let gone = running.try_sign_in(key(&rotated.key)).await;
    refused(gone, Code::Unauthenticated, "CREDENTIAL_REFUSED");
}

#[tokio::test]
async fn accounts_of_programs_are_super_administrators_alone() {
    // R15, R26.
    let running = start().await;
    let (administrator, ana, _) = running.with_user("ana").await;
    let by_ana = create(&running, &ana, account("spy", &[1])).await;
    refused(by_ana, Code::PermissionDenied, "NOT_PERMITTED");
    let service = running.service(&running.service_key).await;
    let itself = create(&running, &service, account("spy", &[1])).await;
    refused(itself, Code::PermissionDenied, "NOT_PERMITTED");
    let taken = create(&running, &administrator, account("LAYER-DATA", &[])).await;
    refused(taken, Code::AlreadyExists, "NAME_TAKEN");
    let mut directory = running.directory();
    let list = |caller: &Caller| caller.says(pb::ListServiceAccountsRequest::default());
    let all = directory.list_service_accounts(list(&administrator)).await;
    let all = all.unwrap().into_inner().service_accounts;
    let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["layer-data", "idle"]);
    assert_eq!(all[0].scopes.len(), 2);
    let by_ana = directory.list_service_accounts(list(&ana)).await;
    refused(by_ana, Code::PermissionDenied, "NOT_PERMITTED");
    let rotate = ana.says(pb::RotateServiceKeyRequest { service_id: 1 });
    let by_ana = directory.rotate_service_key(rotate).await;
    refused(by_ana, Code::PermissionDenied, "NOT_PERMITTED");
    // Nothing was changed: the key still opens sessions.
    running.service(&running.service_key).await;
    let absent = administrator.says(pb::RotateServiceKeyRequest { service_id: 9 });
    let absent = directory.rotate_service_key(absent).await;
    refused(absent, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn fields_of_accounts_of_programs() {
    // R120.
    let running = start().await;
    let caller = running.sign_in("administrator").await;
    let made = async |request| create(&running, &caller, request).await;
    let nothing = pb::CreateServiceAccountRequest::default();
    wrong(made(nothing).await, "service_account");
    wrong(made(account("", &[])).await, "service_account.name");
    let unknown = account("monitor", &[1, 9]);
    wrong(made(unknown).await, "service_account.scopes[1]");
    let mut directory = running.directory();
    let rotate = caller.says(pb::RotateServiceKeyRequest { service_id: 0 });
    wrong(directory.rotate_service_key(rotate).await, "service_id");
    let delete = caller.says(pb::DeleteServiceAccountRequest { service_id: -1 });
    let deleted = directory.delete_service_account(delete).await;
    wrong(deleted, "service_id");
}

#[tokio::test]
async fn sessions_of_a_program_are_listed_and_closed_by_super_administrators_and_itself() {
    // R15, R117.
    let running = start().await;
    let (administrator, ana, _) = running.with_user("ana").await;
    let (service, other) = (
        running.service(&running.service_key).await,
        running.service(&running.idle_key).await,
    );
    let who = service.says(pb::GetCallerRequest {});
    let own = running.sessions().get_caller(who).await.unwrap();
    let own = own.into_inner().session.unwrap();
    let list = async |caller: &Caller, service_id| {
        let request = caller.says(pb::ListSessionsRequest {
            service_id,
            ..Default::default()
        });
        let answer = running.sessions().list_sessions(request).await;
        answer.map(|answer| answer.into_inner().sessions)
    };
    for (caller, named) in [
        (&administrator, own.service_id),
        (&service, own.service_id),
        (&service, 0),
    ] {
        assert_eq!(
            list(caller, named).await.unwrap(),
            std::slice::from_ref(&own)
        );
    }
    for stranger in [&ana, &other] {
        refused(
            list(stranger, own.service_id).await,
            Code::NotFound,
            "NOT_FOUND",
        );
    }
    let close = |caller: &Caller| {
        caller.says(pb::CloseSessionRequest {
            session_id: own.session_id,
        })
    };
    let refusal = running.sessions().close_session(close(&ana)).await;
    refused(refusal, Code::NotFound, "NOT_FOUND");
    let closed = running
        .sessions()
        .close_session(close(&administrator))
        .await;
    closed.unwrap();
    let after = running
        .sessions()
        .get_caller(service.says(pb::GetCallerRequest {}))
        .await;
    refused(after, Code::Unauthenticated, "SESSION_CLOSED");
    assert_eq!(list(&administrator, own.service_id).await.unwrap(), []);
}
