//! All effective permissions of one caller on the layers of a project in one call, beside an empty unary call that gives
//! the same answer.

use std::path::Path;

use anyhow::{Context, ensure};
use authorization_core::{
    Timestamp,
    audit::ChangeNote,
    change::{Author, ChangeSet, HighWaterMarks, PolicyChange},
    model::{
        CreationRequest, Editing, GrantRow, Layer, LayerGrant, LayerState, Placement, RequestId,
    },
    ports::PolicyStore as _,
};
use authorization_store::SqlStore;
use jmap_domain::{
    LayerId, Name, Permission, PermissionSet, PolicyRevision, PrincipalId, ProjectId, UserId,
};
use jmap_proto::authorization::{
    ListEffectivePermissionsRequest, SelfSubject, Subject,
    list_effective_permissions_request::Layers, subject::Subject as Who,
};
use tempfile::TempDir;
use testkit::{Caller, Home, PASSWORD, Pair, Places, Tuning};

use crate::{
    empty::Empty,
    figure::{Figure, Target, median},
    load::{Load, load, millis},
    options::Rounds,
    town,
};

/// The largest number of layers in one answer.
const MOST: usize = 10_000;

/// What a call over 1,000 layers may cost beside an empty one.
const RATIO: f64 = 3.0;

/// What a call over 10,000 layers may take, in milliseconds.
const LONGEST: f64 = 20.0;

/// Measures effective permissions on 1,000 and on 10,000 layers.
///
/// # Errors
/// When the pair or the floor does not answer, or an answer is incomplete.
pub(crate) async fn run(rounds: Rounds) -> anyhow::Result<Vec<Figure>> {
    let folder = TempDir::new().context("make a folder")?;
    let projects = [1000, MOST];
    let furnished = furnish(folder.path(), projects).await?;
    let pair = Pair::start_in(home(folder.path()), Tuning::default()).await;
    let token = pair.sign_in("viewer", PASSWORD).await?.access_token;
    let viewer = pair.with_token(Some(&token));
    let mut figures = Vec::new();
    for (project, layers) in furnished.into_iter().zip(projects) {
        figures.push(beside(&viewer, project, layers, rounds).await?);
    }
    pair.stop().await;
    Ok(figures)
}

/// Floor and pair take turns, so that a drift of the machine meets both.
async fn beside(
    viewer: &Caller,
    project: i64,
    layers: usize,
    rounds: Rounds,
) -> anyhow::Result<Figure> {
    let request = request(project);
    let answer = viewer
        .checks()
        .list_effective_permissions(request.clone())
        .await;
    let answer = answer.context("list the permissions")?.into_inner();
    ensure!(
        answer.layers.len() == layers,
        "{} layers came instead of {layers}",
        answer.layers.len()
    );
    let floor = Empty::listing(answer).serve()?.with_token(None);
    let (mut floors, mut times, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.count {
        floors.push(millis(&list(&floor, &request, rounds).await?.latency, 0.5));
        let measured = list(viewer, &request, rounds).await?;
        times.push(millis(&measured.latency, 0.5));
        p99.push(millis(&measured.latency, 0.99));
    }
    let floor = median(floors);
    let measured = median(times);
    let is_largest = layers == MOST;
    Ok(Figure {
        name: format!("permissions on {layers} layers in one call"),
        unit: "ms",
        floor: (!is_largest).then_some(floor),
        measured,
        target: Target::AtMost(if is_largest { LONGEST } else { RATIO }),
        p99_millis: Some(median(p99)),
        note: if is_largest {
            format!("empty call: {floor:.2} ms")
        } else {
            String::new()
        },
    })
}

async fn list(
    caller: &Caller,
    request: &ListEffectivePermissionsRequest,
    rounds: Rounds,
) -> anyhow::Result<Load> {
    let (client, request) = (caller.checks(), request.clone());
    let call = move || {
        let (mut client, request) = (client.clone(), request.clone());
        async move { client.list_effective_permissions(request).await.map(drop) }
    };
    load(1, rounds.length, call).await
}

fn request(project: i64) -> ListEffectivePermissionsRequest {
    ListEffectivePermissionsRequest {
        subject: Some(Subject {
            subject: Some(Who::Self_(SelfSubject {})),
            end_user_assertion: String::new(),
        }),
        layers: Some(Layers::ProjectId(project)),
        page_size: i32::try_from(MOST).unwrap_or(i32::MAX),
        page_token: String::new(),
        freshness: None,
    }
}

/// A pair's data in files of a folder that stays.
pub(crate) fn home(folder: &Path) -> Home {
    let file = |name| folder.join(name).to_string_lossy().into_owned();
    Home::at(Places {
        authorization: file("authorization.sqlite"),
        layers: file("layers.gpkg"),
    })
}

/// Makes a project for each number of layers. The layers go into the stopped registry in one change: to make them one by
/// one would measure something else, for minutes.
async fn furnish(folder: &Path, numbers: [usize; 2]) -> anyhow::Result<Vec<i64>> {
    let pair = Pair::start_in(home(folder), Tuning::default()).await;
    let administrator = pair.as_administrator().await;
    let viewer = pair.create_user("viewer").await;
    let mut projects = Vec::new();
    for number in numbers {
        projects
            .push(town::create_project(&administrator, &format!("{number} layers"), viewer).await?);
    }
    pair.stop().await;
    let store = SqlStore::open(&folder.join("authorization.sqlite")).await?;
    let before = store.load().await?;
    let mut registry = Registry {
        revision: before.revision.next(),
        marks: before.marks,
        viewer: UserId::new(viewer)?,
        changes: Vec::new(),
    };
    for (project, number) in projects.iter().zip(numbers) {
        registry.fill(ProjectId::new(*project)?, number)?;
    }
    store.commit(&registry.set()).await?;
    store.close().await;
    Ok(projects)
}

/// A registry that is being filled.
struct Registry {
    revision: PolicyRevision,
    marks: HighWaterMarks,
    viewer: UserId,
    changes: Vec<PolicyChange>,
}

impl Registry {
    /// Adds layers that the viewer may view, one in three by a grant of its own and the others as everyone may.
    fn fill(&mut self, project: ProjectId, number: usize) -> anyhow::Result<()> {
        for place in 0..number {
            self.marks.layer += 1;
            let layer = LayerId::new(self.marks.layer)?;
            let placement = Placement::Project {
                project,
                position: u32::try_from(place)?,
            };
            self.changes.push(PolicyChange::LayerPut(Layer {
                id: layer,
                name: Name::parse(&format!("Layer {place} of the town"))?,
                placement,
                editing: Editing::Enabled,
                offered_to: None,
                reference: None,
                state: LayerState::Active,
                request: CreationRequest {
                    by: UserId::ADMINISTRATOR,
                    id: RequestId(u128::try_from(self.marks.layer)?.to_be_bytes()),
                    fingerprint: [0; 32],
                },
                revision: self.revision,
            }));
            self.changes.push(PolicyChange::LayerGrantsSet {
                layer,
                revision: self.revision,
                rows: vec![self.row(place)],
            });
        }
        Ok(())
    }

    fn row(&self, place: usize) -> GrantRow {
        let view = PermissionSet::of(Permission::View);
        let (principal, permissions): (PrincipalId, _) = if place.is_multiple_of(3) {
            (self.viewer.into(), view.with(Permission::ModifyElements))
        } else {
            (jmap_domain::GroupId::EVERYONE.into(), view)
        };
        GrantRow {
            principal,
            grant: LayerGrant {
                permissions,
                own_only: place.is_multiple_of(2),
            },
        }
    }

    fn set(self) -> ChangeSet {
        ChangeSet {
            revision: self.revision,
            at: Timestamp::from_millis(0),
            by: Author::System,
            changes: self.changes,
            marks: self.marks,
            secrets: Vec::new(),
            note: ChangeNote::default(),
        }
    }
}
