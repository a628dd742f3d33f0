//! Global permissions.

use authorization_core::{
    globals::GlobalsAmendment,
    model::GlobalSet,
    ports::{Platform, PolicyStore},
};
use jmap_domain::Caller;
use jmap_proto::authorization as pb;
use jmap_wire::{
    FieldPath, FieldViolation, enumeration, format_policy_token, global_permission_from_proto,
    global_permission_to_proto,
};

use crate::{context::Context, parse, principals, status::Rejection};

impl<S: PolicyStore, P: Platform> Context<S, P> {
    pub(super) fn list_global_permissions(
        &self,
        caller: &Caller,
        message: pb::ListGlobalPermissionsRequest,
    ) -> Result<pb::ListGlobalPermissionsResponse, Rejection> {
        let pb::ListGlobalPermissionsRequest {} = message;
        let table = self.authority.list_globals(caller)?;
        let snapshot = self.authority.snapshot();
        let grants = table.into_iter().map(|(principal, set)| pb::GlobalGrant {
            principal: Some(principals::principal(&snapshot, principal).0),
            permissions: set
                .iter()
                .map(|one| global_permission_to_proto(one).into())
                .collect(),
        });
        Ok(pb::ListGlobalPermissionsResponse {
            grants: grants.collect(),
        })
    }

    pub(super) async fn update_global_permissions(
        &self,
        caller: &Caller,
        message: pb::UpdateGlobalPermissionsRequest,
    ) -> Result<pb::UpdateGlobalPermissionsResponse, Rejection> {
        let pb::UpdateGlobalPermissionsRequest {
            principal,
            add,
            remove,
        } = message;
        let principal = parse::principal(&"principal".into(), principal)?;
        let amendment = parse_amendment(&FieldPath::default(), &add, &remove)?;
        let made = self
            .authority
            .amend_globals(caller, principal, amendment)
            .await?;
        Ok(pb::UpdateGlobalPermissionsResponse {
            policy_token: format_policy_token(made.token()),
        })
    }
}

/// What is added and removed, in fields under a path.
pub(crate) fn parse_amendment(
    path: &FieldPath,
    add: &[i32],
    remove: &[i32],
) -> Result<GlobalsAmendment, FieldViolation> {
    let add = parse_set(&path.field("add"), add)?;
    let path = path.field("remove");
    let remove = parse_set(&path, remove)?;
    if add.intersection(remove).is_empty() {
        Ok(GlobalsAmendment { add, remove })
    } else {
        Err(path.invalid("names a permission that is in `add` as well"))
    }
}

fn parse_set(path: &FieldPath, numbers: &[i32]) -> Result<GlobalSet, FieldViolation> {
    let parse = |(index, number): (usize, &i32)| {
        enumeration(path.item(index), *number, global_permission_from_proto)
    };
    numbers.iter().enumerate().map(parse).collect()
}
