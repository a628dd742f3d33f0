//! The words of worlds, and what they stand for.

use std::fmt;

use jmap_domain::{
    Decision, GlobalPermission, LayerAct, LayerId, Permission, ProjectAct, ProjectId, Question,
};
use serde::{Deserialize, Deserializer, de::Error as _};

/// A permission on a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// *view*
    View,
    /// *add elements*
    Add,
    /// *modify elements*
    Modify,
    /// *delete elements*
    Delete,
    /// *modify attribute values*
    ModifyAttributes,
    /// *copy / export*
    Export,
    /// *remote access*
    Remote,
}

impl From<Right> for Permission {
    fn from(right: Right) -> Self {
        match right {
            Right::View => Self::View,
            Right::Add => Self::AddElements,
            Right::Modify => Self::ModifyElements,
            Right::Delete => Self::DeleteElements,
            Right::ModifyAttributes => Self::ModifyAttributes,
            Right::Export => Self::CopyExport,
            Right::Remote => Self::RemoteAccess,
        }
    }
}

/// An act on a layer as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerWord {
    /// Read its definition.
    ReadConfiguration,
    /// Change its definition or name.
    ChangeStructure,
    /// Delete it.
    DeleteLayer,
}

/// A right on a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectRight {
    /// Use its layers.
    Open,
    /// See its configuration.
    Access,
    /// Modify it.
    Administrate,
    /// Manage its administrators, and delete it.
    Own,
}

impl From<ProjectRight> for ProjectAct {
    fn from(right: ProjectRight) -> Self {
        match right {
            ProjectRight::Open => Self::Open,
            ProjectRight::Access => Self::Access,
            ProjectRight::Administrate => Self::Administrate,
            ProjectRight::Own => Self::Own,
        }
    }
}

/// A permission that belongs to no resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GlobalRight {
    /// Everything in the administration plane.
    SuperAdministrator,
    /// Create projects.
    CreateProjects,
    /// Create connections.
    CreateRemoteConnections,
    /// Create personal layers.
    CreatePersonalLayers,
    /// Administer everybody's personal layers.
    AdministerPersonalLayers,
}

impl From<GlobalRight> for GlobalPermission {
    fn from(right: GlobalRight) -> Self {
        match right {
            GlobalRight::SuperAdministrator => Self::SuperAdministrator,
            GlobalRight::CreateProjects => Self::CreateProjects,
            GlobalRight::CreateRemoteConnections => Self::CreateRemoteConnections,
            GlobalRight::CreatePersonalLayers => Self::CreatePersonalLayers,
            GlobalRight::AdministerPersonalLayers => Self::AdministerPersonalLayers,
        }
    }
}

/// What somebody may do; the word tells on what kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    /// On the elements of a layer.
    Elements(Right),
    /// On a layer.
    Layer(LayerWord),
    /// On a project.
    Project(ProjectRight),
    /// In the installation.
    Global(GlobalRight),
}

impl Wanted {
    /// The question, once the resource is known by id.
    pub fn question(
        self,
        layer: impl FnOnce() -> LayerId,
        project: impl FnOnce() -> ProjectId,
    ) -> Question {
        match self {
            Self::Elements(right) => Question::Layer(layer(), LayerAct::Elements(right.into())),
            Self::Layer(LayerWord::ReadConfiguration) => {
                Question::Layer(layer(), LayerAct::ReadConfiguration)
            }
            Self::Layer(LayerWord::ChangeStructure) => {
                Question::Layer(layer(), LayerAct::ChangeStructure)
            }
            Self::Layer(LayerWord::DeleteLayer) => Question::Layer(layer(), LayerAct::Delete),
            Self::Project(right) => Question::Project(project(), right.into()),
            Self::Global(right) => Question::Global(right.into()),
        }
    }
}

/// Who views a new layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewWord {
    /// Everyone who can open the project (R29).
    #[default]
    Everyone,
    /// Nobody yet.
    Nobody,
}

/// The geometries of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeometryWord {
    /// Points.
    #[default]
    Point,
    /// Lines.
    Line,
    /// Polygons.
    Polygon,
}

/// An answer to a question: `all`, `own`, or `denied` with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    All,
    /// Yes, for own elements.
    Own,
    /// No, because of this value of `DenyReason`.
    Denied(String),
}

impl From<Decision> for Answer {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::All => Self::All,
            Decision::Own { creator: _ } => Self::Own,
            Decision::Denied(reason) => Self::Denied(reason.word().to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(' ') {
            None if text == "all" => Ok(Self::All),
            None if text == "own" => Ok(Self::Own),
            Some(("denied", reason)) => Ok(Self::Denied(reason.to_owned())),
            None | Some(_) => Err(D::Error::custom(format!("`{text}` is not an answer"))),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Own => f.write_str("own"),
            Self::Denied(reason) => write!(f, "denied {reason}"),
        }
    }
}

/// What became of a call: `ok`, or a gRPC code with a reason, such as `PERMISSION_DENIED NOT_OWN_ELEMENT`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    #[default]
    Ok,
    /// It was refused.
    Refused {
        /// The code, as the gRPC specification writes it.
        code: String,
        /// The reason, a value of the service's `ErrorReason` without the prefix.
        reason: String,
    },
}

impl Outcome {
    /// A refusal.
    #[must_use]
    pub fn refused(code: &str, reason: &str) -> Self {
        let (code, reason) = (code.to_owned(), reason.to_owned());
        Self::Refused { code, reason }
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(' ') {
            None if text == "ok" => Ok(Self::Ok),
            Some((code, reason)) => Ok(Self::refused(code, reason)),
            None => Err(D::Error::custom(format!("`{text}` is not an outcome"))),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Refused { code, reason } => write!(f, "{code} {reason}"),
        }
    }
}
