//! The seven layer permissions, and small sets of them.

use std::fmt;

/// A permission on a layer (rules.md, section D). Matched exhaustively everywhere: an eighth must be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See the layer and its elements; needed for everything else (R40).
    View,
    /// Add elements, with their attribute values (R33).
    AddElements,
    /// Modify geometry and attribute values (R34).
    ModifyElements,
    /// Delete elements; implied by nothing (R37).
    DeleteElements,
    /// Modify attribute values alone (R35).
    ModifyAttributes,
    /// Copy to another layer, and export (R38).
    CopyExport,
    /// Use the layer over a server-to-server connection (R86).
    RemoteAccess,
}

impl Permission {
    /// All seven, in the order of the permission screen.
    pub const ALL: [Self; 7] = [
        Self::View,
        Self::AddElements,
        Self::ModifyElements,
        Self::DeleteElements,
        Self::ModifyAttributes,
        Self::CopyExport,
        Self::RemoteAccess,
    ];

    /// Whether the permission is available only while editing is enabled on the layer (R31, R32).
    #[must_use]
    pub const fn needs_editing(self) -> bool {
        match self {
            Self::AddElements
            | Self::ModifyElements
            | Self::DeleteElements
            | Self::ModifyAttributes => true,
            Self::View | Self::CopyExport | Self::RemoteAccess => false,
        }
    }

    /// Whether *edit only own elements* narrows the permission (R51, R52).
    #[must_use]
    pub const fn narrows_to_own(self) -> bool {
        match self {
            Self::ModifyElements | Self::DeleteElements | Self::ModifyAttributes => true,
            // What a user adds is its own from the start, so there is nothing to narrow.
            Self::AddElements => false,
            Self::View | Self::CopyExport | Self::RemoteAccess => false,
        }
    }

    /// The permissions whose grant gives this one: itself, and *modify elements* for attribute values (R34, R37).
    #[must_use]
    pub const fn given_by(self) -> PermissionSet {
        let own = PermissionSet::of(self);
        match self {
            Self::ModifyAttributes => own.with(Self::ModifyElements),
            Self::View
            | Self::AddElements
            | Self::ModifyElements
            | Self::DeleteElements
            | Self::CopyExport
            | Self::RemoteAccess => own,
        }
    }

    /// The words of the permission screen.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::AddElements => "add elements",
            Self::ModifyElements => "modify elements",
            Self::DeleteElements => "delete elements",
            Self::ModifyAttributes => "modify attribute values",
            Self::CopyExport => "copy / export",
            Self::RemoteAccess => "remote access",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// A set of permissions in one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PermissionSet(u8);

impl PermissionSet {
    /// No permission.
    pub const EMPTY: Self = Self(0);

    /// All seven.
    pub const ALL: Self = Self((1 << Permission::ALL.len()) - 1);

    /// Those that *edit only own elements* narrows (R51).
    pub const NARROWED_TO_OWN: Self = {
        let mut narrowed = Self::EMPTY;
        let mut rest = Permission::ALL.as_slice();
        while let [first, others @ ..] = rest {
            if first.narrows_to_own() {
                narrowed = narrowed.with(*first);
            }
            rest = others;
        }
        narrowed
    };

    /// One permission.
    #[must_use]
    pub const fn of(permission: Permission) -> Self {
        Self(permission.bit())
    }

    /// This set and one more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | permission.bit())
    }

    /// Whether the permission is in the set.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this and not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// This set without one.
    #[must_use]
    pub const fn without(self, permission: Permission) -> Self {
        self.difference(Self::of(permission))
    }

    /// What a grant of this set gives: itself, and what it implies (R34).
    #[must_use]
    pub fn with_implied(self) -> Self {
        let is_given = |permission: &Permission| {
            let giving = self.intersection(permission.given_by());
            !giving.is_empty()
        };
        Permission::ALL.into_iter().filter(is_given).collect()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The permissions in it, in the order of the permission screen.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |p| self.contains(*p))
    }

    /// The set as bits, for storage: bit n is the n-th of [`Permission::ALL`].
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set from stored bits; `None` when a bit stands for no permission.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits < 1 << Permission::ALL.len() {
            Some(Self(bits))
        } else {
            None
        }
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(iter: I) -> Self {
        iter.into_iter().fold(Self::EMPTY, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: PermissionSet = [Permission::View, Permission::CopyExport]
            .into_iter()
            .collect();
        assert!(set.contains(Permission::View) && !set.contains(Permission::AddElements));
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [Permission::View, Permission::CopyExport]
        );
        assert_eq!(PermissionSet::from_bits(set.bits()), Some(set));
        assert_eq!(PermissionSet::from_bits(0x80), None);
    }

    #[test]
    fn modify_elements_gives_attribute_values_and_delete_is_given_by_nothing_else() {
        // R34, R37.
        assert!(
            Permission::ModifyAttributes
                .given_by()
                .contains(Permission::ModifyElements)
        );
        assert_eq!(
            Permission::DeleteElements.given_by(),
            PermissionSet::of(Permission::DeleteElements)
        );
        assert_eq!(
            Permission::ModifyElements.given_by(),
            PermissionSet::of(Permission::ModifyElements)
        );
    }
}
