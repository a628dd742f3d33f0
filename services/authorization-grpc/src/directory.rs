//! `DirectoryService`: users, groups, global permissions and accounts of programs (R1, R5, R7, R12, R14–R16, R26, R27).

pub(crate) mod globals;
pub(crate) mod groups;
pub(crate) mod services;
mod users;

use std::sync::Arc;

use authorization_core::ports::{Platform, PolicyStore};
use jmap_proto::authorization::{self as pb, directory_service_server::DirectoryService};
use tonic::{Request, Response, Status};

use crate::context::{Context, answer, receive};

#[derive(Debug)]
pub(crate) struct DirectoryApi<S, P>(pub(crate) Arc<Context<S, P>>);

/// Each call stands in the file of what it is about; this only tells the calls from each other.
macro_rules! calls {
    (
        changes { $($change:ident: $to_change:ident => $changed:ident;)+ }
        proofs { $($proof:ident: $to_prove:ident => $proved:ident;)+ }
        reads { $($read:ident: $to_read:ident => $found:ident;)+ }
    ) => {
        #[tonic::async_trait]
        impl<S: PolicyStore, P: Platform> DirectoryService for DirectoryApi<S, P> {
            $(
                async fn $change(
                    &self,
                    request: Request<pb::$to_change>,
                ) -> Result<Response<pb::$changed>, Status> {
                    answer(async {
                        let (caller, message) = receive(request)?;
                        self.0.$change(&caller, message).await
                    })
                    .await
                }
            )+
            $(
                async fn $proof(
                    &self,
                    request: Request<pb::$to_prove>,
                ) -> Result<Response<pb::$proved>, Status> {
                    answer(async {
                        let from = self.0.origin(&request);
                        let (caller, message) = receive(request)?;
                        self.0.$proof(&caller, message, from).await
                    })
                    .await
                }
            )+
            $(
                async fn $read(
                    &self,
                    request: Request<pb::$to_read>,
                ) -> Result<Response<pb::$found>, Status> {
                    answer(async {
                        let (caller, message) = receive(request)?;
                        self.0.$read(&caller, message)
                    })
                    .await
                }
            )+
        }
    };
}

calls! {
    changes {
        create_user: CreateUserRequest => CreateUserResponse;
        update_user: UpdateUserRequest => UpdateUserResponse;
        delete_user: DeleteUserRequest => DeleteUserResponse;
        create_group: CreateGroupRequest => CreateGroupResponse;
        update_group: UpdateGroupRequest => UpdateGroupResponse;
        delete_group: DeleteGroupRequest => DeleteGroupResponse;
        update_group_members: UpdateGroupMembersRequest => UpdateGroupMembersResponse;
        update_global_permissions: UpdateGlobalPermissionsRequest => UpdateGlobalPermissionsResponse;
        create_service_account: CreateServiceAccountRequest => CreateServiceAccountResponse;
        rotate_service_key: RotateServiceKeyRequest => RotateServiceKeyResponse;
        delete_service_account: DeleteServiceAccountRequest => DeleteServiceAccountResponse;
    }
    proofs {
        set_password: SetPasswordRequest => SetPasswordResponse;
    }
    reads {
        get_user: GetUserRequest => GetUserResponse;
        list_users: ListUsersRequest => ListUsersResponse;
        get_group: GetGroupRequest => GetGroupResponse;
        list_groups: ListGroupsRequest => ListGroupsResponse;
        list_group_members: ListGroupMembersRequest => ListGroupMembersResponse;
        list_global_permissions: ListGlobalPermissionsRequest => ListGlobalPermissionsResponse;
        list_service_accounts: ListServiceAccountsRequest => ListServiceAccountsResponse;
    }
}
