//! Permissions, both ways, and kinds of things.

use jmap_domain::{EffectivePermissions, GlobalPermission, Permission, PermissionSet, Resource};
use jmap_proto::{authorization::AuditedResourceKind, types as pb};

use crate::{FieldPath, FieldViolation, enumeration};

/// A permission from the contract; `None` for the unspecified one.
#[must_use]
pub const fn permission_from_proto(permission: pb::Permission) -> Option<Permission> {
    match permission {
        pb::Permission::Unspecified => None,
        pb::Permission::View => Some(Permission::View),
        pb::Permission::AddElements => Some(Permission::AddElements),
        pb::Permission::ModifyElements => Some(Permission::ModifyElements),
        pb::Permission::DeleteElements => Some(Permission::DeleteElements),
        pb::Permission::ModifyAttributes => Some(Permission::ModifyAttributes),
        pb::Permission::CopyExport => Some(Permission::CopyExport),
        pb::Permission::RemoteAccess => Some(Permission::RemoteAccess),
    }
}

/// A permission of the contract.
#[must_use]
pub const fn permission_to_proto(permission: Permission) -> pb::Permission {
    match permission {
        Permission::View => pb::Permission::View,
        Permission::AddElements => pb::Permission::AddElements,
        Permission::ModifyElements => pb::Permission::ModifyElements,
        Permission::DeleteElements => pb::Permission::DeleteElements,
        Permission::ModifyAttributes => pb::Permission::ModifyAttributes,
        Permission::CopyExport => pb::Permission::CopyExport,
        Permission::RemoteAccess => pb::Permission::RemoteAccess,
    }
}

/// Parses a list of permissions into a set.
///
/// # Errors
/// A violation at the item that is no permission.
pub fn parse_permissions(
    path: &FieldPath,
    numbers: &[i32],
) -> Result<PermissionSet, FieldViolation> {
    let parse = |(index, number): (usize, &i32)| {
        enumeration(path.item(index), *number, permission_from_proto)
    };
    numbers.iter().enumerate().map(parse).collect()
}

/// A set of permissions as a list of the contract.
#[must_use]
pub fn permissions_to_proto(set: PermissionSet) -> Vec<i32> {
    set.iter()
        .map(|permission| permission_to_proto(permission).into())
        .collect()
}

/// A global permission from the contract; `None` for the unspecified one.
#[must_use]
pub const fn global_permission_from_proto(
    permission: pb::GlobalPermission,
) -> Option<GlobalPermission> {
    match permission {
        pb::GlobalPermission::Unspecified => None,
        pb::GlobalPermission::SuperAdministrator => Some(GlobalPermission::SuperAdministrator),
        pb::GlobalPermission::CreateProjects => Some(GlobalPermission::CreateProjects),
        pb::GlobalPermission::CreateRemoteConnections => {
            Some(GlobalPermission::CreateRemoteConnections)
        }
        pb::GlobalPermission::CreatePersonalLayers => Some(GlobalPermission::CreatePersonalLayers),
        pb::GlobalPermission::AdministerPersonalLayers => {
            Some(GlobalPermission::AdministerPersonalLayers)
        }
    }
}

/// A global permission of the contract.
#[must_use]
pub const fn global_permission_to_proto(permission: GlobalPermission) -> pb::GlobalPermission {
    match permission {
        GlobalPermission::SuperAdministrator => pb::GlobalPermission::SuperAdministrator,
        GlobalPermission::CreateProjects => pb::GlobalPermission::CreateProjects,
        GlobalPermission::CreateRemoteConnections => pb::GlobalPermission::CreateRemoteConnections,
        GlobalPermission::CreatePersonalLayers => pb::GlobalPermission::CreatePersonalLayers,
        GlobalPermission::AdministerPersonalLayers => {
            pb::GlobalPermission::AdministerPersonalLayers
        }
    }
}

/// The flags of the contract: the bit `1 << p` for the permission with the number `p`.
#[must_use]
pub fn effective_to_proto(effective: EffectivePermissions) -> pb::EffectivePermissions {
    let bits = |set: PermissionSet| {
        set.iter().fold(0, |bits, permission| {
            bits | 1 << permission_to_proto(permission) as u32
        })
    };
    pb::EffectivePermissions {
        all: bits(effective.all),
        own: bits(effective.own),
    }
}

/// What kind of thing an audit record names.
#[must_use]
pub const fn resource_kind_to_proto(resource: Resource) -> AuditedResourceKind {
    match resource {
        Resource::User(_) => AuditedResourceKind::User,
        Resource::Group(_) => AuditedResourceKind::Group,
        Resource::Principal(_) => AuditedResourceKind::Principal,
        Resource::Service(_) => AuditedResourceKind::Service,
        Resource::Session(_) => AuditedResourceKind::Session,
        Resource::Project(_) => AuditedResourceKind::Project,
        Resource::Layer(_) => AuditedResourceKind::Layer,
        Resource::Connection(_) => AuditedResourceKind::Connection,
        Resource::Installation => AuditedResourceKind::Installation,
    }
}

/// The flags from the contract; an absent message and unknown bits mean no permission.
#[must_use]
pub fn effective_from_proto(effective: Option<pb::EffectivePermissions>) -> EffectivePermissions {
    let pb::EffectivePermissions { all, own } = effective.unwrap_or_default();
    let set = |bits: u32| {
        let held =
            |permission: &Permission| bits & 1 << permission_to_proto(*permission) as u32 != 0;
        Permission::ALL.into_iter().filter(held).collect()
    };
    EffectivePermissions {
        all: set(all),
        own: set(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_flags_survives_the_wire() {
        // R43.
        for bits in 0..=0x7f {
            let all = PermissionSet::from_bits(bits).unwrap();
            let own = PermissionSet::from_bits(0x7f & !bits).unwrap();
            let effective = EffectivePermissions { all, own };
            assert_eq!(
                effective_from_proto(Some(effective_to_proto(effective))),
                effective
            );
        }
        assert_eq!(
            effective_to_proto(EffectivePermissions {
                all: PermissionSet::of(Permission::View),
                ..Default::default()
            })
            .all,
            2
        );
    }

    #[test]
    fn an_unknown_permission_is_refused_by_its_path() {
        // R120.
        let error = parse_permissions(&FieldPath::of("permissions"), &[1, 99]).unwrap_err();
        assert_eq!(error.path.to_string(), "permissions[1]");
        assert!(parse_permissions(&FieldPath::of("permissions"), &[0]).is_err());
    }
}
