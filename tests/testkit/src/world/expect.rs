//! What is so in a world: answers, flags, lists, edits and reads.

use serde::Deserialize;

use super::{Answer, Element, Outcome, Right, Wanted};

/// What is so. Each list is looked at in its order, the lists in the order of these fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// Answers to questions.
    #[serde(default)]
    pub check: Vec<Check>,
    /// Effective permissions.
    #[serde(default)]
    pub flags: Vec<Flags>,
    /// Explanations.
    #[serde(default)]
    pub explain: Vec<Explained>,
    /// Lookups of layers.
    #[serde(default)]
    pub lookups: Vec<Lookup>,
    /// Lookups of accounts.
    #[serde(default, rename = "who-may")]
    pub who_may: Vec<WhoMay>,
    /// Which projects somebody sees.
    #[serde(default)]
    pub projects: Vec<ProjectsSeen>,
    /// Which layers of a project somebody sees.
    #[serde(default)]
    pub layers: Vec<LayersSeen>,
    /// What somebody finds in a layer, by display limits.
    #[serde(default)]
    pub reads: Vec<Found>,
    /// What somebody gets out of a layer as a whole.
    #[serde(default)]
    pub exports: Vec<Found>,
    /// What becomes of edits.
    #[serde(default)]
    pub edits: Vec<Edit>,
}

/// A question and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Who asks about itself.
    pub who: String,
    /// A layer or project; nothing for what belongs to none.
    #[serde(default)]
    pub on: String,
    /// What.
    pub may: Wanted,
    /// The answer.
    pub answer: Answer,
}

/// The effective permissions on a layer (R43).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flags {
    /// Whose.
    pub who: String,
    /// On which layer.
    pub on: String,
    /// Held for every element.
    #[serde(default)]
    pub all: Vec<Right>,
    /// Held for own elements.
    #[serde(default)]
    pub own: Vec<Right>,
}

/// An explanation (R45), asked for by the administrator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// About whom.
    pub who: String,
    /// A layer or project.
    pub on: String,
    /// What.
    pub may: Wanted,
    /// The answer.
    pub answer: Answer,
    /// By which paths: `direct`, `everyone`, `authenticated`, or the name of a group; sorted.
    #[serde(default)]
    pub by: Vec<String>,
    /// The values of `MissingLink`; sorted.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// The layers on which somebody may do something, asked for by oneself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Who.
    pub who: String,
    /// What, on layers.
    pub may: Wanted,
    /// Their names: project by project, each as it was made.
    pub finds: Vec<String>,
}

/// The accounts that may do something, asked for by the administrator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoMay {
    /// A layer or project; nothing for what belongs to none.
    #[serde(default)]
    pub on: String,
    /// What.
    pub may: Wanted,
    /// Their names, as they were made; `administrator` and `anonymous` come first.
    pub are: Vec<String>,
}

/// The projects that somebody can open (R23).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectsSeen {
    /// Who.
    pub who: String,
    /// Their names, in the administrator's order.
    pub sees: Vec<String>,
}

/// The layers of a project that somebody can view (R23).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayersSeen {
    /// Who.
    pub who: String,
    /// The project.
    pub of: String,
    /// Their names, in the administrator's order.
    pub sees: Names,
}

/// Names, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Names {
    /// These.
    Are(Vec<String>),
    /// The call was refused.
    Refused(Outcome),
}

/// What somebody finds in a layer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Who.
    pub who: String,
    /// The layer.
    pub layer: String,
    /// What.
    pub finds: Finds,
}

/// A number of elements, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Finds {
    /// So many.
    Elements(u64),
    /// The call was refused.
    Refused(Outcome),
}

/// An edit, tried for real.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Who.
    pub who: String,
    /// What.
    #[serde(with = "serde_yaml_ng::with::singleton_map")]
    pub does: Deed,
    /// What becomes of it.
    pub result: Outcome,
}

/// An edit of one element.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Create one.
    Add(Added),
    /// Change one.
    Update(Updated),
    /// Delete the one of that name.
    Delete(String),
}

/// An element that is created.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Added {
    /// The layer.
    #[serde(rename = "in")]
    pub layer: String,
    /// What the world calls it from now on.
    #[serde(rename = "as")]
    pub element: Option<String>,
    /// Its geometry as WKT.
    #[serde(default = "Element::somewhere")]
    pub at: String,
    /// The value of the attribute `name`.
    pub label: Option<String>,
}

/// A change of an element.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Updated {
    /// The element.
    pub element: String,
    /// Its new geometry as WKT.
    pub at: Option<String>,
    /// The new value of the attribute `name`.
    pub label: Option<String>,
}
