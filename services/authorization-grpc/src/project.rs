//! `ProjectService`: projects and the permissions on them (R16, R17, R20–R24).

pub(crate) mod request;

use std::sync::Arc;

use authorization_core::{
    Asking, Refusal, Resource,
    model::Project,
    ports::{Platform, PolicyStore},
    projects::ProjectError,
};
use jmap_domain::{Caller, Decision, Name, ProjectAct, ProjectId, Question};
use jmap_proto::authorization::{self as pb, project_service_server::ProjectService};
use jmap_wire::{FieldPath, format_policy_token, id, list, required};
use tonic::{Request, Response, Status};

use crate::{
    context::{Context, answer, receive},
    page::{Asked, Page, SHORT},
    parse, principals,
    retry::Attempt,
    status::{Rejection, no_such_name, stale},
};
use request::{parse_amendments, parse_new, parse_update, permission_to_proto};

/// Most projects in one order.
const MAX_ORDER: usize = 10_000;
const ACTS: [ProjectAct; 4] = [
    ProjectAct::Open,
    ProjectAct::Access,
    ProjectAct::Administrate,
    ProjectAct::Own,
];

#[derive(Debug)]
pub(crate) struct ProjectApi<S, P>(pub(crate) Arc<Context<S, P>>);

#[tonic::async_trait]
impl<S: PolicyStore, P: Platform> ProjectService for ProjectApi<S, P> {
    async fn create_project(
        &self,
        request: Request<pb::CreateProjectRequest>,
    ) -> Result<Response<pb::CreateProjectResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::CreateProjectRequest {
                project,
                request_id,
            } = message;
            let new = parse_new(required("project", project)?)?;
            self.0.authority.own_session(&caller)?;
            let content = format!("{:?} {:?}", new.name, new.description);
            let attempt = Attempt {
                call: "create_project",
                request_id: &request_id,
                content: &content,
            };
            let create = async {
                let made = self.0.authority.create_project(&caller, new).await?;
                let project = Some(self.show(&caller, &made.value)?);
                Ok(pb::CreateProjectResponse {
                    project,
                    policy_token: format_policy_token(made.token()),
                })
            };
            self.0.retries.once(&caller, attempt, create).await
        })
        .await
    }

    async fn get_project(
        &self,
        request: Request<pb::GetProjectRequest>,
    ) -> Result<Response<pb::GetProjectResponse>, Status> {
        answer(async {
            let (caller, pb::GetProjectRequest { project }) = receive(request)?;
            let project = match required("project", project)? {
                pb::get_project_request::Project::ProjectId(project) => self
                    .0
                    .authority
                    .project(&caller, id("project_id", project)?)?,
                pb::get_project_request::Project::Name(text) => {
                    self.find(&caller, &parse::name("name", &text)?)?
                }
            };
            Ok(pb::GetProjectResponse {
                project: Some(self.show(&caller, &project)?),
            })
        })
        .await
    }

    async fn list_projects(
        &self,
        request: Request<pb::ListProjectsRequest>,
    ) -> Result<Response<pb::ListProjectsResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListProjectsRequest {
                page_size,
                page_token,
            } = message;
            let asked = Asked {
                size: page_size,
                token: &page_token,
            };
            let page = Page::parse(&self.0.pages, "projects".to_owned(), asked, SHORT)?;
            let projects = self.0.authority.list_projects(about_itself(&caller))?.value;
            let (projects, next_page_token) = self.show_page(&caller, &page, projects)?;
            Ok(pb::ListProjectsResponse {
                projects,
                next_page_token,
            })
        })
        .await
    }

    async fn list_administered_projects(
        &self,
        request: Request<pb::ListAdministeredProjectsRequest>,
    ) -> Result<Response<pb::ListAdministeredProjectsResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListAdministeredProjectsRequest {
                page_size,
                page_token,
            } = message;
            let asked = Asked {
                size: page_size,
                token: &page_token,
            };
            let page = Page::parse(
                &self.0.pages,
                "administered projects".to_owned(),
                asked,
                SHORT,
            )?;
            let projects = self
                .0
                .authority
                .list_administered_projects(about_itself(&caller))?
                .value;
            let (projects, next_page_token) = self.show_page(&caller, &page, projects)?;
            Ok(pb::ListAdministeredProjectsResponse {
                projects,
                next_page_token,
            })
        })
        .await
    }

    async fn update_project(
        &self,
        request: Request<pb::UpdateProjectRequest>,
    ) -> Result<Response<pb::UpdateProjectResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let (project, update) = parse_update(message)?;
            let result = self
                .0
                .authority
                .update_project(&caller, project, update)
                .await;
            let made = result.map_err(|error| self.rejection(project, error))?;
            let project = Some(self.show(&caller, &made.value)?);
            Ok(pb::UpdateProjectResponse {
                project,
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn reorder_projects(
        &self,
        request: Request<pb::ReorderProjectsRequest>,
    ) -> Result<Response<pb::ReorderProjectsResponse>, Status> {
        answer(async {
            let (caller, pb::ReorderProjectsRequest { project_ids }) = receive(request)?;
            let path = FieldPath::of("project_ids");
            let parse = |path: &FieldPath, project| id(path.clone(), project);
            let order: Vec<ProjectId> = list(&path, project_ids, MAX_ORDER, parse)?;
            let made = self.0.authority.order_projects(&caller, &order).await?;
            Ok(pb::ReorderProjectsResponse {
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn delete_project(
        &self,
        request: Request<pb::DeleteProjectRequest>,
    ) -> Result<Response<pb::DeleteProjectResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::DeleteProjectRequest {
                project_id,
                confirm_name,
            } = message;
            let project = id("project_id", project_id)?;
            let name = parse::name("confirm_name", &confirm_name)?;
            let made = self
                .0
                .authority
                .delete_project(&caller, project, &name)
                .await?;
            Ok(pb::DeleteProjectResponse {
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn list_project_permissions(
        &self,
        request: Request<pb::ListProjectPermissionsRequest>,
    ) -> Result<Response<pb::ListProjectPermissionsResponse>, Status> {
        answer(async {
            let (caller, pb::ListProjectPermissionsRequest { project_id }) = receive(request)?;
            let table = self
                .0
                .authority
                .project_table(&caller, id("project_id", project_id)?)?;
            let snapshot = self.0.authority.snapshot();
            let grants = table
                .grants
                .iter()
                .map(|(principal, rights)| pb::ProjectGrant {
                    principal: Some(principals::principal(&snapshot, *principal).0),
                    permissions: rights
                        .iter()
                        .map(|act| permission_to_proto(act).into())
                        .collect(),
                });
            Ok(pb::ListProjectPermissionsResponse {
                grants: grants.collect(),
            })
        })
        .await
    }

    async fn update_project_permissions(
        &self,
        request: Request<pb::UpdateProjectPermissionsRequest>,
    ) -> Result<Response<pb::UpdateProjectPermissionsResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::UpdateProjectPermissionsRequest {
                project_id,
                changes,
            } = message;
            let project = id("project_id", project_id)?;
            let amendments = parse_amendments(&"changes".into(), changes)?;
            let made = self
                .0
                .authority
                .amend_project_table(&caller, project, &amendments)
                .await?;
            Ok(pb::UpdateProjectPermissionsResponse {
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }
}

impl<S: PolicyStore, P: Platform> ProjectApi<S, P> {
    /// A project by its name; an unknown name and one that the caller may not know are answered alike (R40).
    fn find(&self, caller: &Caller, name: &Name) -> Result<Arc<Project>, Rejection> {
        self.0.authority.own_session(caller)?;
        let named = self.0.authority.snapshot().project_named(name);
        match named.map(|project| self.0.authority.project(caller, project)) {
            Some(Ok(project)) => Ok(project),
            None | Some(Err(Refusal::NotFound(_))) => Err(no_such_name("project", name).into()),
            Some(Err(refusal)) => Err(refusal.into()),
        }
    }

    /// A project with the caller's own permissions on it.
    fn show(&self, caller: &Caller, project: &Project) -> Result<pb::Project, Rejection> {
        let questions = ACTS.map(|act| Question::Project(project.id, act));
        let decisions = self
            .0
            .authority
            .check(about_itself(caller), &questions)?
            .value;
        let held = ACTS
            .into_iter()
            .zip(decisions)
            .filter(|(_, decision)| *decision == Decision::All);
        Ok(pb::Project {
            project_id: project.id.get(),
            name: project.name.to_string(),
            description: project.description.as_str().to_owned(),
            revision: principals::revision(project.revision),
            permissions: held
                .map(|(act, _)| permission_to_proto(act).into())
                .collect(),
        })
    }

    fn show_page(
        &self,
        caller: &Caller,
        page: &Page<'_>,
        projects: Vec<Arc<Project>>,
    ) -> Result<(Vec<pb::Project>, String), Rejection> {
        let (projects, next) = page.take(projects, |project| place(project));
        let shown = projects.iter().map(|project| self.show(caller, project));
        Ok((shown.collect::<Result<_, _>>()?, next))
    }

    fn rejection(&self, project: ProjectId, error: ProjectError) -> Rejection {
        let snapshot = self.0.authority.snapshot();
        match (&error, snapshot.project(project)) {
            (ProjectError::Refused(Refusal::Stale(Resource::Project(_))), Some(entry)) => {
                stale(error.to_string(), entry.project.revision).into()
            }
            _ => error.into(),
        }
    }
}

const fn about_itself(caller: &Caller) -> Asking<'_> {
    Asking {
        caller,
        subject: None,
        at_least: None,
    }
}

/// A project's place in the administrator's order.
fn place(project: &Project) -> Vec<u8> {
    [
        &project.position.to_be_bytes()[..],
        &project.id.get().to_be_bytes(),
    ]
    .concat()
}
