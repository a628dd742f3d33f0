//! Grants: small sets of rights, per principal.

use jmap_domain::{GlobalPermission, Permission, PermissionSet, PrincipalId, ProjectAct};

/// What one principal is granted on one layer. One row, one option (R56).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LayerGrant {
    /// The permissions, implied ones not included.
    pub permissions: PermissionSet,
    /// The option *edit only own elements* (R51); alone it grants nothing (R53).
    pub own_only: bool,
}

impl LayerGrant {
    /// Whether the row says nothing, so that it is not kept.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.permissions.is_empty() && !self.own_only
    }

    /// Whether the row gives the permission, by itself or by what implies it (R34).
    #[must_use]
    pub const fn gives(self, permission: Permission) -> bool {
        !self
            .permissions
            .intersection(permission.given_by())
            .is_empty()
    }
}

/// A row of a layer's permission table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantRow {
    /// Who is granted.
    pub principal: PrincipalId,
    /// What is granted; an empty grant removes the row.
    pub grant: LayerGrant,
}

/// A row of a project's permission table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProjectGrantRow {
    /// Who is granted.
    pub principal: PrincipalId,
    /// What is granted; an empty set removes the row.
    pub rights: ProjectRights,
}

macro_rules! bit_set {
    ($(#[$doc:meta])* $name:ident of $item:ident, $all:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(u8);

        impl $name {
            /// Nothing.
            pub const EMPTY: Self = Self(0);

            /// One right.
            #[must_use]
            pub const fn of(item: $item) -> Self {
                Self(1 << item as u8)
            }

            /// This set and one more.
            #[must_use]
            pub const fn with(self, item: $item) -> Self {
                Self(self.0 | 1 << item as u8)
            }

            /// Whether the right is in the set.
            #[must_use]
            pub const fn contains(self, item: $item) -> bool {
                self.0 & 1 << item as u8 != 0
            }

            /// What is in both.
            #[must_use]
            pub const fn intersection(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }

            /// What is in either.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// What is in this and not in the other.
            #[must_use]
            pub const fn difference(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// Whether nothing is in it.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The rights in it, in the order of their declaration.
            pub fn iter(self) -> impl Iterator<Item = $item> {
                $all.into_iter().filter(move |item| self.contains(*item))
            }

            /// The set as bits, for storage: bit n is the n-th of the declaration.
            #[must_use]
            pub const fn bits(self) -> u8 {
                self.0
            }

            /// The set from stored bits; `None` when a bit stands for nothing.
            #[must_use]
            pub const fn from_bits(bits: u8) -> Option<Self> {
                if bits < 1 << $all.len() { Some(Self(bits)) } else { None }
            }
        }

        impl FromIterator<$item> for $name {
            fn from_iter<I: IntoIterator<Item = $item>>(iter: I) -> Self {
                iter.into_iter().fold(Self::EMPTY, Self::with)
            }
        }
    };
}

bit_set! {
    /// What one principal is granted on one project (R17, R20), implied rights not included.
    ProjectRights of ProjectAct,
    [ProjectAct::Open, ProjectAct::Access, ProjectAct::Administrate, ProjectAct::Own]
}

bit_set! {
    /// The global permissions granted to one principal (R12, R14, R15).
    GlobalSet of GlobalPermission, GlobalPermission::ALL
}

impl ProjectRights {
    /// The rights that give this one: an owner administrates, an administrator has access; *open* stands alone (R17, R18).
    #[must_use]
    pub const fn giving(act: ProjectAct) -> Self {
        match act {
            ProjectAct::Open => Self::of(ProjectAct::Open),
            ProjectAct::Access => Self::giving(ProjectAct::Administrate).with(ProjectAct::Access),
            ProjectAct::Administrate => Self::of(ProjectAct::Own).with(ProjectAct::Administrate),
            ProjectAct::Own => Self::of(ProjectAct::Own),
        }
    }

    /// Whether the set gives the act, by itself or by what implies it.
    #[must_use]
    pub const fn gives(self, act: ProjectAct) -> bool {
        !self.intersection(Self::giving(act)).is_empty()
    }
}
