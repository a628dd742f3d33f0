//! The words of the command line for what the contract has numbers for; `--json` answers with the same words.

use clap::ValueEnum;
use jmap_domain::{EffectivePermissions, Permission, PermissionSet};
use jmap_proto::{authorization as auth, types as pb};

/// A permission on a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayerWord {
    /// See the layer and its elements
    View,
    /// Add elements
    Add,
    /// Modify geometry and attribute values
    Modify,
    /// Delete elements
    Delete,
    /// Modify attribute values alone
    ModifyAttributes,
    /// Copy or export data
    Export,
    /// Use the layer over a server-to-server connection
    RemoteAccess,
}

impl LayerWord {
    /// The permission of the contract.
    pub(crate) const fn permission(self) -> pb::Permission {
        match self {
            Self::View => pb::Permission::View,
            Self::Add => pb::Permission::AddElements,
            Self::Modify => pb::Permission::ModifyElements,
            Self::Delete => pb::Permission::DeleteElements,
            Self::ModifyAttributes => pb::Permission::ModifyAttributes,
            Self::Export => pb::Permission::CopyExport,
            Self::RemoteAccess => pb::Permission::RemoteAccess,
        }
    }

    const fn of(permission: Permission) -> Self {
        match permission {
            Permission::View => Self::View,
            Permission::AddElements => Self::Add,
            Permission::ModifyElements => Self::Modify,
            Permission::DeleteElements => Self::Delete,
            Permission::ModifyAttributes => Self::ModifyAttributes,
            Permission::CopyExport => Self::Export,
            Permission::RemoteAccess => Self::RemoteAccess,
        }
    }
}

/// What can be asked about a layer: the permissions, and the acts of administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayerActWord {
    /// See the layer and its elements
    View,
    /// Add elements
    Add,
    /// Modify geometry and attribute values
    Modify,
    /// Delete elements
    Delete,
    /// Modify attribute values alone
    ModifyAttributes,
    /// Copy or export data
    Export,
    /// Use the layer over a server-to-server connection
    RemoteAccess,
    /// Read the definition
    ReadConfiguration,
    /// Change the definition or the name
    ChangeStructure,
    /// Delete the layer
    DeleteLayer,
}

impl LayerActWord {
    /// The act of the contract.
    pub(crate) const fn act(self) -> auth::LayerAct {
        match self {
            Self::View => auth::LayerAct::View,
            Self::Add => auth::LayerAct::AddElements,
            Self::Modify => auth::LayerAct::ModifyElements,
            Self::Delete => auth::LayerAct::DeleteElements,
            Self::ModifyAttributes => auth::LayerAct::ModifyAttributes,
            Self::Export => auth::LayerAct::CopyExport,
            Self::RemoteAccess => auth::LayerAct::RemoteAccess,
            Self::ReadConfiguration => auth::LayerAct::ReadConfiguration,
            Self::ChangeStructure => auth::LayerAct::ChangeStructure,
            Self::DeleteLayer => auth::LayerAct::DeleteLayer,
        }
    }
}

/// A permission on a project, and what can be asked about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProjectWord {
    /// Open the project: needed for any use of its layers
    Open,
    /// See its configuration
    Access,
    /// Modify it, its layers and the permissions on both
    Administrate,
    /// Manage its administrators and owners, and delete it
    Own,
}

impl ProjectWord {
    /// The permission of the contract.
    pub(crate) const fn permission(self) -> pb::ProjectPermission {
        match self {
            Self::Open => pb::ProjectPermission::Open,
            Self::Access => pb::ProjectPermission::Access,
            Self::Administrate => pb::ProjectPermission::Administrate,
            Self::Own => pb::ProjectPermission::Own,
        }
    }

    /// The act of the contract.
    pub(crate) const fn act(self) -> auth::ProjectAct {
        match self {
            Self::Open => auth::ProjectAct::Open,
            Self::Access => auth::ProjectAct::Access,
            Self::Administrate => auth::ProjectAct::Administrate,
            Self::Own => auth::ProjectAct::Own,
        }
    }
}

/// A permission that belongs to no resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GlobalWord {
    /// Everything in the administration plane
    SuperAdministrator,
    /// Create projects
    CreateProjects,
    /// Create connections to other instances
    CreateRemoteConnections,
    /// Create personal layers
    CreatePersonalLayers,
    /// Administer everybody's personal layers
    AdministerPersonalLayers,
}

impl GlobalWord {
    /// The permission of the contract.
    pub(crate) const fn permission(self) -> pb::GlobalPermission {
        match self {
            Self::SuperAdministrator => pb::GlobalPermission::SuperAdministrator,
            Self::CreateProjects => pb::GlobalPermission::CreateProjects,
            Self::CreateRemoteConnections => pb::GlobalPermission::CreateRemoteConnections,
            Self::CreatePersonalLayers => pb::GlobalPermission::CreatePersonalLayers,
            Self::AdministerPersonalLayers => pb::GlobalPermission::AdministerPersonalLayers,
        }
    }
}

/// The geometries that a layer accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GeometryWord {
    /// Points
    Point,
    /// Lines
    Line,
    /// Polygons
    Polygon,
    /// Sets of points
    MultiPoint,
    /// Sets of lines
    MultiLine,
    /// Sets of polygons
    MultiPolygon,
    /// Any of these
    Any,
}

impl GeometryWord {
    /// The type of the contract.
    pub(crate) const fn geometry_type(self) -> pb::GeometryType {
        match self {
            Self::Point => pb::GeometryType::Point,
            Self::Line => pb::GeometryType::LineString,
            Self::Polygon => pb::GeometryType::Polygon,
            Self::MultiPoint => pb::GeometryType::MultiPoint,
            Self::MultiLine => pb::GeometryType::MultiLineString,
            Self::MultiPolygon => pb::GeometryType::MultiPolygon,
            Self::Any => pb::GeometryType::Any,
        }
    }
}

/// What becomes of polygons that are not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyWord {
    /// Refuse them
    Reject,
    /// Repair them, and say so
    Repair,
    /// Take them as they are
    Accept,
}

impl PolicyWord {
    /// The policy of the contract.
    pub(crate) const fn policy(self) -> pb::InvalidPolygonPolicy {
        match self {
            Self::Reject => pb::InvalidPolygonPolicy::Reject,
            Self::Repair => pb::InvalidPolygonPolicy::Repair,
            Self::Accept => pb::InvalidPolygonPolicy::Accept,
        }
    }
}

/// The word of a policy on polygons.
pub(crate) fn policy_word(number: i32) -> String {
    let find = |word: &&PolicyWord| word.policy() as i32 == number;
    word_of(PolicyWord::value_variants().iter().find(find))
}

/// The word of a geometry type; `None` for one that this program is too old for.
pub(crate) fn geometry_word(number: i32) -> String {
    let find = |word: &&GeometryWord| word.geometry_type() as i32 == number;
    word_of(GeometryWord::value_variants().iter().find(find))
}

/// The words of permissions on a layer.
pub(crate) fn layer_words(numbers: &[i32]) -> Vec<String> {
    let word = |number: &i32| layer_word(*number);
    numbers.iter().map(word).collect()
}

/// The word of a permission on a layer.
pub(crate) fn layer_word(number: i32) -> String {
    let find = |word: &&LayerWord| word.permission() as i32 == number;
    word_of(LayerWord::value_variants().iter().find(find))
}

/// The words of permissions on a project.
pub(crate) fn project_words(numbers: &[i32]) -> Vec<String> {
    let find = |number: i32| move |word: &&ProjectWord| word.permission() as i32 == number;
    let word = |number: &i32| word_of(ProjectWord::value_variants().iter().find(find(*number)));
    numbers.iter().map(word).collect()
}

/// The words of global permissions.
pub(crate) fn global_words(numbers: &[i32]) -> Vec<String> {
    let find = |number: i32| move |word: &&GlobalWord| word.permission() as i32 == number;
    let word = |number: &i32| word_of(GlobalWord::value_variants().iter().find(find(*number)));
    numbers.iter().map(word).collect()
}

/// The words of a caller's flags: those held for all elements, and those for own elements only.
pub(crate) fn effective_words(
    flags: Option<pb::EffectivePermissions>,
) -> (Vec<String>, Vec<String>) {
    let EffectivePermissions { all, own } = jmap_wire::effective_from_proto(flags);
    let words = |set: PermissionSet| {
        let word = |permission| word_of(Some(&LayerWord::of(permission)));
        set.iter().map(word).collect()
    };
    (words(all), words(own))
}

/// The word that a value has on the command line.
pub(crate) fn word_of<T: ValueEnum>(value: Option<&T>) -> String {
    let named = value.and_then(ValueEnum::to_possible_value);
    named.map_or_else(|| "unknown".to_owned(), |value| value.get_name().to_owned())
}

/// A value of an enum of the contract that no command takes, as a word: `GRANT_PATH_DIRECT` is `direct`.
pub(crate) fn plain_word(name: &str, prefix: &str) -> String {
    let bare = name.strip_prefix(prefix).unwrap_or(name);
    bare.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_the_word_that_grants_it() {
        // R43.
        for word in LayerWord::value_variants() {
            let number = word.permission() as i32;
            assert_eq!(layer_words(&[number]), [word_of(Some(word))]);
        }
        for permission in Permission::ALL {
            let proto = jmap_wire::permission_to_proto(permission);
            assert_eq!(LayerWord::of(permission).permission(), proto);
        }
        assert_eq!(layer_words(&[99]), ["unknown"]);
    }

    #[test]
    fn flags_are_told_in_words() {
        let flags = pb::EffectivePermissions { all: 2, own: 8 };
        let (all, own) = effective_words(Some(flags));
        assert_eq!(
            (all, own),
            (vec!["view".to_owned()], vec!["modify".to_owned()])
        );
    }

    #[test]
    fn other_values_lose_their_prefix() {
        assert_eq!(plain_word("GRANT_PATH_DIRECT", "GRANT_PATH_"), "direct");
        assert_eq!(
            plain_word("DENY_REASON_NO_GRANT", "DENY_REASON_"),
            "no-grant"
        );
    }
}
