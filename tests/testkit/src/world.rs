//! Worlds: who exists, what is granted, and what follows from it, as YAML that runs on every floor.

mod change;
mod expect;
mod words;

use std::{fs, path::Path};

use serde::Deserialize;

pub use change::{Act, Change, Member, ProjectGrant, Registration, Removal, Switch, Withdrawal};
pub use expect::{
    Added, Check, Deed, Edit, Expectations, Explained, Finds, Flags, Found, LayersSeen, Lookup,
    Names, ProjectsSeen, Updated, WhoMay,
};
pub use words::{
    Answer, GeometryWord, GlobalRight, LayerWord, Outcome, ProjectRight, Right, ViewWord, Wanted,
};

/// A world: a situation, what is expected of it, and what happens then.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct World {
    /// What it shows, with the rules.
    pub world: String,
    /// Ordinary accounts. `administrator` and `anonymous` are always there.
    #[serde(default)]
    pub users: Vec<String>,
    /// Accounts for server sessions only.
    #[serde(default)]
    pub servers: Vec<String>,
    /// Groups. `everyone` and `authenticated` are always there.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Global permissions.
    #[serde(default)]
    pub globals: Vec<Global>,
    /// Projects, in the administrator's order.
    #[serde(default)]
    pub projects: Vec<Project>,
    /// Layers, in the administrator's order.
    #[serde(default)]
    pub layers: Vec<Layer>,
    /// Rows of the layers' permission tables, beside the one that a new layer has. They may be such as could not
    /// be granted now, because the project was closed or editing disabled afterwards.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Elements.
    #[serde(default)]
    pub elements: Vec<Element>,
    /// What is so.
    #[serde(default)]
    pub expect: Expectations,
    /// What happens then, and what is so afterwards.
    #[serde(default)]
    pub then: Vec<Step>,
}

/// A group and its members.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    pub group: String,
    /// Accounts.
    #[serde(default)]
    pub members: Vec<String>,
}

/// The global permissions of one principal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Global {
    /// A user or group.
    pub to: String,
    /// What it holds.
    pub give: Vec<GlobalRight>,
}

/// A project, with who holds what on it. Its maker, the administrator, owns it and can open it as well.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Its name.
    pub project: String,
    /// Who may open it.
    #[serde(default)]
    pub open: Vec<String>,
    /// Who sees its configuration.
    #[serde(default)]
    pub access: Vec<String>,
    /// Who administers it.
    #[serde(default)]
    pub administrate: Vec<String>,
    /// Who owns it beside its maker.
    #[serde(default)]
    pub own: Vec<String>,
}

/// A layer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Its name.
    pub layer: String,
    /// Its project; the only one when there is only one.
    #[serde(rename = "in")]
    pub project: Option<String>,
    /// Whether editing is enabled; not on a new layer (R83).
    #[serde(default)]
    pub editing: bool,
    /// Who views it from the start.
    #[serde(default)]
    pub view: ViewWord,
    /// The geometries that it takes.
    #[serde(default)]
    pub geometry: GeometryWord,
}

/// A row of a layer's permission table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grant {
    /// The layer.
    pub layer: String,
    /// A user or group.
    pub to: String,
    /// The permissions.
    #[serde(default)]
    pub give: Vec<Right>,
    /// The option *edit only own elements*.
    #[serde(default)]
    pub only_own: bool,
}

/// An element that is there from the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// What the world calls it.
    pub element: String,
    /// Its layer.
    #[serde(rename = "in")]
    pub layer: String,
    /// Who created it.
    pub by: String,
    /// Its geometry as WKT.
    #[serde(default = "Element::somewhere")]
    pub at: String,
}

impl Element {
    /// A place, where it does not matter.
    pub(crate) fn somewhere() -> String {
        "POINT(1 2)".to_owned()
    }
}

/// Something happens, and something is so afterwards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is about.
    pub say: String,
    /// What happens, in this order.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// What is so afterwards.
    #[serde(default)]
    pub expect: Expectations,
}

impl World {
    /// Reads a world.
    ///
    /// # Panics
    /// When the text is none; the message tells where.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        serde_yaml_ng::from_str(text).expect("a world")
    }

    /// The world of that name, out of `tests/worlds`.
    ///
    /// # Panics
    /// When there is none, or it cannot be read.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../worlds/{name}.yaml"));
        let text = fs::read_to_string(&path).expect("read a world");
        serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("world `{name}`: {error}"))
    }

    /// The names of all worlds, sorted.
    ///
    /// # Panics
    /// When the folder cannot be read.
    #[must_use]
    pub fn names() -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../worlds");
        let files = fs::read_dir(folder).expect("list the worlds");
        let stem = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
        let mut names: Vec<_> = files
            .filter_map(|file| stem(&file.expect("list the worlds").path()))
            .collect();
        names.sort();
        names
    }

    /// The project of a layer.
    ///
    /// # Panics
    /// When the world has several projects and the layer names none.
    #[must_use]
    pub fn project_of<'w>(&'w self, layer: &'w Layer) -> &'w str {
        match (&layer.project, self.projects.as_slice()) {
            (Some(project), _) => project,
            (None, [only]) => &only.project,
            (None, _) => panic!("layer `{}` names no project", layer.layer),
        }
    }
}
