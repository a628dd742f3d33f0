//! Projects and the permissions on them.

use clap::{Args, Subcommand};
use jmap_proto::authorization::{
    CreateProjectRequest, DeleteProjectRequest, ListAdministeredProjectsRequest,
    ListProjectPermissionsRequest, ListProjectsRequest, Project, ProjectGrantChange,
    ReorderProjectsRequest, UpdateProjectPermissionsRequest, UpdateProjectRequest,
};
use prost_types::FieldMask;
use serde::Serialize;
use serde_json::json;

use crate::{
    client::call,
    command::{
        Context, Direction,
        grantee::{Grantee, Names},
        listed, request_id,
    },
    error::Failure,
    output::{Report, View},
    resolve::{self, PrincipalReference, Reference},
    words::{ProjectWord, project_words},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl projects create Atlas --description 'Cities, rivers and countries'
  jmapctl projects grant Atlas authenticated open
  jmapctl projects grant Atlas ana access,administrate
  jmapctl projects permissions Atlas
  jmapctl projects order Atlas Town
  jmapctl projects delete Atlas --confirm Atlas";

/// Manage projects and the permissions on them
#[derive(Debug, Subcommand)]
pub(crate) enum Projects {
    /// Create a project, which you then own
    Create {
        /// The name
        name: String,
        /// What the project is for
        #[arg(long, default_value = "", hide_default_value = true)]
        description: String,
    },
    /// List the projects that you can open
    List {
        /// List those whose configuration you may see instead
        #[arg(long)]
        administered: bool,
    },
    /// Show a project
    Show {
        /// Name or id
        project: Reference,
    },
    /// Give a project another name
    Rename {
        /// Name or id
        project: Reference,
        /// The new name
        name: String,
    },
    /// Put projects into an order; those that are not named follow as they were
    Order {
        /// Names or ids, in the new order
        #[arg(required = true)]
        projects: Vec<Reference>,
    },
    /// Delete a project with its layers and all their data, for good
    Delete {
        /// Name or id
        project: Reference,
        /// The project's name, repeated
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
    /// List who holds which permissions on a project
    Permissions {
        /// Name or id
        project: Reference,
    },
    /// Grant permissions to a user or group
    Grant(Change),
    /// Revoke permissions of a user or group
    Revoke(Change),
}

/// Permissions of a user or group on a project
#[derive(Args, Debug)]
pub(crate) struct Change {
    /// The project's name or id
    project: Reference,
    /// A user's name or id, group:NAME, everyone or authenticated
    principal: PrincipalReference,
    /// The permissions
    #[arg(required = true, value_enum, value_delimiter = ',')]
    permissions: Vec<ProjectWord>,
}

/// A project as it is shown.
#[derive(Debug, Serialize)]
struct ProjectView {
    project_id: i64,
    name: String,
    description: String,
    permissions: Vec<String>,
    revision: i64,
}

impl From<Project> for ProjectView {
    fn from(project: Project) -> Self {
        let Project {
            project_id,
            name,
            description,
            revision,
            permissions,
        } = project;
        Self {
            project_id,
            name,
            description,
            permissions: project_words(&permissions),
            revision,
        }
    }
}

impl View for ProjectView {
    const COLUMNS: &'static [&'static str] = &["id", "name", "your permissions", "description"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.project_id.to_string(),
            self.name.clone(),
            listed(&self.permissions),
            self.description.clone(),
        ]
    }
}

/// The permissions of one principal as they are shown.
#[derive(Debug, Serialize)]
struct ProjectGrantView {
    principal: Grantee,
    permissions: Vec<String>,
}

impl View for ProjectGrantView {
    const COLUMNS: &'static [&'static str] = &["who", "permissions"];
    fn cells(&self) -> Vec<String> {
        vec![self.principal.written(), listed(&self.permissions)]
    }
}

impl Projects {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::Create { name, description } => create(context, name, description).await,
            Self::List {
                administered: false,
            } => list(context).await,
            Self::List { administered: true } => list_administered(context).await,
            Self::Show { project } => {
                let project = resolve::project(&context.client, &project).await?;
                Report::one(&ProjectView::from(project))
            }
            Self::Rename { project, name } => rename(context, &project, name).await,
            Self::Order { projects } => order(context, &projects).await,
            Self::Delete { project, confirm } => delete(context, &project, confirm).await,
            Self::Permissions { project } => permissions(context, &project).await,
            Self::Grant(change) => change.send(context, Direction::Give).await,
            Self::Revoke(change) => change.send(context, Direction::Take).await,
        }
    }
}

async fn create(context: &Context, name: String, description: String) -> Result<Report, Failure> {
    let client = &context.client;
    let project = Project {
        name,
        description,
        ..Default::default()
    };
    let message = CreateProjectRequest {
        project: Some(project),
        request_id: request_id(),
    };
    shown(
        call!(client, client.projects(), create_project, message).project,
        "created",
    )
}

fn shown(project: Option<Project>, done: &str) -> Result<Report, Failure> {
    let project = project.ok_or_else(|| Failure::incomplete("a project"))?;
    let text = format!(
        "{done} project {} with id {}",
        project.name, project.project_id
    );
    Report::new(text, &ProjectView::from(project))
}

async fn list(context: &Context) -> Result<Report, Failure> {
    let client = &context.client;
    let (mut projects, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListProjectsRequest {
            page_size: 1000,
            page_token,
        };
        let page = call!(client, client.projects(), list_projects, message);
        projects.extend(page.projects.into_iter().map(ProjectView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&projects);
        }
    }
}

async fn list_administered(context: &Context) -> Result<Report, Failure> {
    let client = &context.client;
    let (mut projects, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListAdministeredProjectsRequest {
            page_size: 1000,
            page_token,
        };
        let page = call!(
            client,
            client.projects(),
            list_administered_projects,
            message
        );
        projects.extend(page.projects.into_iter().map(ProjectView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&projects);
        }
    }
}

async fn rename(context: &Context, project: &Reference, name: String) -> Result<Report, Failure> {
    let client = &context.client;
    let project = Project {
        project_id: resolve::project_id(client, project).await?,
        name,
        ..Default::default()
    };
    let message = UpdateProjectRequest {
        project: Some(project),
        update_mask: Some(FieldMask {
            paths: vec!["name".to_owned()],
        }),
    };
    shown(
        call!(client, client.projects(), update_project, message).project,
        "renamed",
    )
}

async fn order(context: &Context, projects: &[Reference]) -> Result<Report, Failure> {
    let client = &context.client;
    let mut project_ids = Vec::new();
    for project in projects {
        project_ids.push(resolve::project_id(client, project).await?);
    }
    let value = json!({"project_ids": project_ids});
    let message = ReorderProjectsRequest { project_ids };
    call!(client, client.projects(), reorder_projects, message);
    Report::new("put the projects into the new order", &value)
}

async fn delete(
    context: &Context,
    project: &Reference,
    confirm_name: String,
) -> Result<Report, Failure> {
    let client = &context.client;
    let project_id = resolve::project_id(client, project).await?;
    let message = DeleteProjectRequest {
        project_id,
        confirm_name,
    };
    call!(client, client.projects(), delete_project, message);
    let text = format!("deleted project {project_id} with its layers and all their data");
    Report::new(text, &json!({"project_id": project_id}))
}

async fn permissions(context: &Context, project: &Reference) -> Result<Report, Failure> {
    let client = &context.client;
    let message = ListProjectPermissionsRequest {
        project_id: resolve::project_id(client, project).await?,
    };
    let answer = call!(client, client.projects(), list_project_permissions, message);
    let (mut names, mut views) = (Names::default(), Vec::new());
    for grant in answer.grants {
        views.push(ProjectGrantView {
            principal: names.of(client, grant.principal).await,
            permissions: project_words(&grant.permissions),
        });
    }
    Report::list(&views)
}

impl Change {
    async fn send(self, context: &Context, direction: Direction) -> Result<Report, Failure> {
        let client = &context.client;
        let project_id = resolve::project_id(client, &self.project).await?;
        let permissions = self.permissions.iter().map(|word| word.permission().into());
        let (add, remove) = direction.split(permissions.collect());
        let change = ProjectGrantChange {
            principal: Some(resolve::principal(client, &self.principal).await?),
            add,
            remove,
        };
        let message = UpdateProjectPermissionsRequest {
            project_id,
            changes: vec![change],
        };
        call!(
            client,
            client.projects(),
            update_project_permissions,
            message
        );
        permissions_after(context, project_id).await
    }
}

/// Whoever grants may see the table; whoever has just revoked the own *access* may not any more.
async fn permissions_after(context: &Context, project_id: i64) -> Result<Report, Failure> {
    match permissions(context, &Reference::Id(project_id)).await {
        Ok(report) => Ok(report),
        Err(_) => Report::new(
            format!("changed the permissions on project {project_id}"),
            &json!({"project_id": project_id}),
        ),
    }
}
