//! Evaluations as AuthZEN has them, parsed into questions. Properties and context that a program sends are not looked at.

use authorization_core::{Evaluation as Known, Person};
use jmap_domain::{
    GlobalPermission, LayerAct, LayerId, Name, Permission, ProjectAct, ProjectId, Question,
    SessionId, Subject, UserId,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::fault::Fault;

/// Most evaluations in one request.
const MOST: usize = 100;

#[derive(Clone, Debug, Deserialize)]
struct Entity {
    r#type: String,
    id: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Action {
    name: String,
}

/// One evaluation, or the defaults of several.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Evaluation {
    subject: Option<Entity>,
    action: Option<Action>,
    resource: Option<Entity>,
}

/// Which of several are evaluated.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    #[serde(default)]
    evaluations_semantic: Semantic,
}

#[derive(Debug, Deserialize)]
struct Several {
    #[serde(flatten)]
    defaults: Evaluation,
    #[serde(default)]
    evaluations: Vec<Evaluation>,
    #[serde(default)]
    options: Options,
}

/// Several evaluations.
pub(super) struct Evaluations {
    pub(super) defaults: Evaluation,
    pub(super) items: Vec<Evaluation>,
    pub(super) semantic: Semantic,
}

/// What one evaluation asks.
pub(super) enum Asked {
    /// Something that the rules decide.
    Known(Known),
    /// Something about what cannot exist: the answer is no, as about all that does not exist.
    Nothing,
    /// Nothing that is understood, and why.
    Wrong(String),
}

impl Asked {
    pub(super) const fn evaluation(&self) -> Option<&Known> {
        match self {
            Self::Known(evaluation) => Some(evaluation),
            Self::Nothing | Self::Wrong(_) => None,
        }
    }
}

pub(super) fn evaluation(body: &[u8]) -> Result<Evaluation, Fault> {
    json(body)
}

pub(super) fn evaluations(body: &[u8]) -> Result<Evaluations, Fault> {
    let Several {
        defaults,
        evaluations: items,
        options: Options {
            evaluations_semantic: semantic,
        },
    } = json(body)?;
    if items.len() > MOST {
        return Err(Fault::Bad(format!(
            "at most {MOST} evaluations in one request"
        )));
    }
    Ok(Evaluations {
        defaults,
        items,
        semantic,
    })
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| Fault::Bad(error.to_string()))
}

impl Evaluation {
    /// This one, with what it leaves out taken from the defaults.
    pub(super) fn or(self, defaults: &Self) -> Self {
        let Self {
            subject,
            action,
            resource,
        } = self;
        Self {
            subject: subject.or_else(|| defaults.subject.clone()),
            action: action.or_else(|| defaults.action.clone()),
            resource: resource.or_else(|| defaults.resource.clone()),
        }
    }

    /// The question in it.
    pub(super) fn ask(&self) -> Asked {
        let parsed = self.parse().map(|(person, question)| {
            let both = person.zip(question);
            both.map(|(person, question)| Known { person, question })
        });
        match parsed {
            Ok(Some(known)) => Asked::Known(known),
            Ok(None) => Asked::Nothing,
            Err(sentence) => Asked::Wrong(sentence),
        }
    }

    fn parse(&self) -> Result<(Option<Person>, Option<Question>), String> {
        let Self {
            subject,
            action,
            resource,
        } = self;
        let subject = subject.as_ref().ok_or("`subject` is missing")?;
        let action = action.as_ref().ok_or("`action` is missing")?;
        let resource = resource.as_ref().ok_or("`resource` is missing")?;
        Ok((person(subject)?, question(resource, action)?))
    }
}

/// A user by name or by id (names may consist of digits, so which of them is meant is said), whoever holds a session, or
/// anonymous. None of an id that nothing can have.
fn person(Entity { r#type, id }: &Entity) -> Result<Option<Person>, String> {
    match r#type.as_str() {
        "user" => Ok(Name::parse(id).ok().map(Person::Named)),
        "user_id" => Ok(number(id, UserId::new).map(|id| Person::Known(Subject::User(id)))),
        "session" => Ok(number(id, SessionId::new).map(|id| Person::Known(Subject::Session(id)))),
        "anonymous" => Ok(Some(Person::Known(Subject::Anonymous))),
        other => Err(format!(
            "subject type `{other}` is not one of `user`, `user_id`, `session`, `anonymous`"
        )),
    }
}

fn question(Entity { r#type, id }: &Entity, action: &Action) -> Result<Option<Question>, String> {
    let name = action.name.as_str();
    let unknown = || format!("action `{name}` is not known on a resource of type `{type}`");
    match r#type.as_str() {
        "layer" => {
            let act = layer_act(name).ok_or_else(unknown)?;
            Ok(number(id, LayerId::new).map(|id| Question::Layer(id, act)))
        }
        "project" => {
            let act = project_act(name).ok_or_else(unknown)?;
            Ok(number(id, ProjectId::new).map(|id| Question::Project(id, act)))
        }
        "installation" => Ok(Some(Question::Global(global(name).ok_or_else(unknown)?))),
        other => Err(format!(
            "resource type `{other}` is not one of `layer`, `project`, `installation`"
        )),
    }
}

fn layer_act(name: &str) -> Option<LayerAct> {
    Some(match name {
        "view" => LayerAct::Elements(Permission::View),
        "add_elements" => LayerAct::Elements(Permission::AddElements),
        "modify_elements" => LayerAct::Elements(Permission::ModifyElements),
        "delete_elements" => LayerAct::Elements(Permission::DeleteElements),
        "modify_attribute_values" => LayerAct::Elements(Permission::ModifyAttributes),
        "copy_export" => LayerAct::Elements(Permission::CopyExport),
        "remote_access" => LayerAct::Elements(Permission::RemoteAccess),
        "read_configuration" => LayerAct::ReadConfiguration,
        "change_structure" => LayerAct::ChangeStructure,
        "delete_layer" => LayerAct::Delete,
        _ => return None,
    })
}

fn project_act(name: &str) -> Option<ProjectAct> {
    Some(match name {
        "open" => ProjectAct::Open,
        "access" => ProjectAct::Access,
        "administrate" => ProjectAct::Administrate,
        "own" => ProjectAct::Own,
        _ => return None,
    })
}

fn global(name: &str) -> Option<GlobalPermission> {
    Some(match name {
        "super_administrator" => GlobalPermission::SuperAdministrator,
        "create_projects" => GlobalPermission::CreateProjects,
        "create_remote_connections" => GlobalPermission::CreateRemoteConnections,
        "create_personal_layers" => GlobalPermission::CreatePersonalLayers,
        "administer_personal_layers" => GlobalPermission::AdministerPersonalLayers,
        _ => return None,
    })
}

fn number<I, E>(text: &str, id: impl Fn(i64) -> Result<I, E>) -> Option<I> {
    let number = text.parse().ok()?;
    id(number).ok()
}
