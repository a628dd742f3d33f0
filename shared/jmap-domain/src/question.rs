//! Questions: a resource and an act, one exhaustive enum per kind of resource.

use crate::{ConnectionId, LayerId, Permission, ProjectId};

/// Whether the subject may do an act on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// An act on a layer.
    Layer(LayerId, LayerAct),
    /// An act on a project.
    Project(ProjectId, ProjectAct),
    /// An act on a connection.
    Connection(ConnectionId, ConnectionAct),
    /// A permission that belongs to no resource.
    Global(GlobalPermission),
}

/// What can be done with a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayerAct {
    /// Act on elements under one of the seven permissions, with everything else that it needs folded in.
    Elements(Permission),
    /// Read the layer's definition, by *view* or from the administration plane (R46, R105).
    ReadConfiguration,
    /// Change the layer's definition or name.
    ChangeStructure,
    /// Delete the layer with all its data.
    Delete,
}

/// What can be done with a project (R17, R20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProjectAct {
    /// Use the project's layers (R20).
    Open,
    /// See its configuration.
    Access,
    /// Modify it, its layers and the permissions on both.
    Administrate,
    /// Manage its administrators and owners, and delete it.
    Own,
}

/// What can be done with a connection (R93).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionAct {
    /// Read and write remote layers through it.
    Use,
    /// Change its settings.
    Change,
    /// Delete it.
    Delete,
}

/// A permission that belongs to no resource (R12, R14, R15, R80).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GlobalPermission {
    /// Everything in the administration plane (R15).
    SuperAdministrator,
    /// Create projects (R14).
    CreateProjects,
    /// Create connections to other instances (R14).
    CreateRemoteConnections,
    /// Create personal layers (R12).
    CreatePersonalLayers,
    /// List, delete, publish and reassign everybody's personal layers (R80).
    AdministerPersonalLayers,
}

impl GlobalPermission {
    /// All of them, in the order of the permission screen.
    pub const ALL: [Self; 5] = [
        Self::SuperAdministrator,
        Self::CreateProjects,
        Self::CreateRemoteConnections,
        Self::CreatePersonalLayers,
        Self::AdministerPersonalLayers,
    ];
}
