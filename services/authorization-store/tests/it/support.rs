//! A store in a place of its own, and random histories of valid changes.

use authorization_core::{
    Snapshot, Timestamp,
    audit::ChangeNote,
    change::{Author, ChangeSet, HighWaterMarks, PolicyChange},
    model::{
        AccountPolicy, AccountState, CreationRequest, Description, Editing, FederatedId, GlobalSet,
        GrantRow, Group, Layer, LayerGrant, LayerState, Placement, Project, ProjectGrantRow,
        ProjectRights, RequestId, Service, Tombstone, User,
    },
};
use authorization_store::{PURPOSE, SqlStore};
use fresh_database::FreshDatabase;
use jmap_domain::{
    ConnectionId, GroupId, LayerId, Name, PermissionSet, PolicyRevision, PrincipalId, ProjectId,
    ScopeSet, ServiceId, SessionId, UserId,
};
use jmap_postgres::{Connector, DatabaseOptions, DatabaseUrl};
use sqlx::{Connection, SqliteConnection, raw_sql};
use tempfile::TempDir;

/// Where a test's database is: both engines do the same.
pub(crate) enum Place {
    Folder(TempDir),
    Server(FreshDatabase),
}

impl Place {
    pub(crate) fn folder() -> Self {
        Self::Folder(TempDir::new().unwrap())
    }

    /// `None` where there is no server.
    pub(crate) async fn server(name: &str) -> Option<Self> {
        FreshDatabase::create(name).await.map(Self::Server)
    }

    /// Opens the store, waiting for one before that has just been closed.
    pub(crate) async fn store(&self) -> SqlStore {
        self.open().await.unwrap()
    }

    /// The sentence when the store cannot be opened.
    pub(crate) async fn open(&self) -> Result<SqlStore, String> {
        match self {
            Self::Folder(folder) => SqlStore::open(&folder.path().join("policy.db"))
                .await
                .map_err(|error| error.to_string()),
            Self::Server(database) => SqlStore::connect(&connector(&database.url()))
                .await
                .map_err(|error| error.to_string()),
        }
    }

    /// Whether something behind the store's back is refused.
    pub(crate) async fn is_refused(&self, sql: &'static str) -> bool {
        match self {
            Self::Folder(folder) => {
                let file = folder.path().join("policy.db");
                let mut db = SqliteConnection::connect(file.to_str().unwrap())
                    .await
                    .unwrap();
                raw_sql(sql).execute(&mut db).await.is_err()
            }
            Self::Server(database) => {
                let mut db = connector(&database.url()).connect().await.unwrap();
                raw_sql(sql).execute(&mut db).await.is_err()
            }
        }
    }

    /// Does something behind the store's back.
    pub(crate) async fn execute(&self, sql: &'static str) {
        match self {
            Self::Folder(folder) => {
                let file = folder.path().join("policy.db");
                let mut db = SqliteConnection::connect(file.to_str().unwrap())
                    .await
                    .unwrap();
                raw_sql(sql).execute(&mut db).await.unwrap();
                db.close().await.unwrap();
            }
            Self::Server(database) => {
                let mut db = connector(&database.url()).connect().await.unwrap();
                raw_sql(sql).execute(&mut db).await.unwrap();
                db.close().await.unwrap();
            }
        }
    }
}

pub(crate) fn connector(url: &str) -> Connector {
    connector_with(url, &DatabaseOptions::default())
}

pub(crate) fn connector_with(url: &str, options: &DatabaseOptions) -> Connector {
    options.connector(&DatabaseUrl::new(url), PURPOSE).unwrap()
}

/// Each test twice: as `sqlite` and as `postgres` in a module of its name.
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* async fn $name:ident($place:ident: Place) $body:block)*) => {$(
        $(#[$attribute])*
        async fn $name($place: Place) $body

        mod $name {
            use crate::support::Place;

            #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn sqlite() {
                super::$name(Place::folder()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn postgres() {
                if let Some(place) = Place::server(stringify!($name)).await {
                    super::$name(place).await;
                }
            }
        }
    )*};
}
pub(crate) use on_both_engines;

/// One step of a history: what is done, and dice for how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) kind: u8,
    pub(crate) a: u8,
    pub(crate) b: u8,
}

/// The set that a step makes after a snapshot; empty when there is nothing to do it to.
pub(crate) fn set(snapshot: &Snapshot, step: Step) -> ChangeSet {
    let revision = snapshot.revision().next();
    let mut world = World {
        snapshot,
        step,
        revision,
        marks: snapshot.marks(),
    };
    let changes = world.changes().unwrap_or_default();
    ChangeSet {
        revision,
        at: Timestamp::from_millis(i64::from(step.a) * 1000),
        by: author(step),
        changes,
        marks: world.marks,
        secrets: Vec::new(),
        note: ChangeNote::default(),
    }
}

fn author(Step { kind, a, b }: Step) -> Author {
    let (user, session) = (
        UserId::new(i64::from(a) + 1).unwrap(),
        SessionId::new(i64::from(b) + 1).unwrap(),
    );
    let service = ServiceId::new(1).unwrap();
    match kind % 4 {
        0 => Author::System,
        1 => Author::Service { service, session },
        2 => Author::User {
            user,
            session,
            via: None,
        },
        _ => Author::User {
            user,
            session,
            via: Some(service),
        },
    }
}

struct World<'s> {
    snapshot: &'s Snapshot,
    step: Step,
    revision: PolicyRevision,
    marks: HighWaterMarks,
}

impl World<'_> {
    fn changes(&mut self) -> Option<Vec<PolicyChange>> {
        Some(match self.step.kind % 16 {
            0 => vec![PolicyChange::UserPut(self.new_user())],
            1 => vec![PolicyChange::UserPut(self.changed_user()?)],
            2 => vec![PolicyChange::UserDeleted(self.user()?)],
            3 => vec![PolicyChange::GroupPut(self.new_group())],
            4 => vec![PolicyChange::GroupDeleted(self.group()?)],
            5 if self.step.b.is_multiple_of(2) => {
                vec![PolicyChange::FederatedMemberAdded(
                    self.group()?,
                    self.user()?,
                )]
            }
            5 => vec![PolicyChange::MemberAdded(self.group()?, self.user()?)],
            6 => vec![PolicyChange::MemberRemoved(self.group()?, self.user()?)],
            7 => vec![PolicyChange::GlobalsSet(
                self.principal()?,
                GlobalSet::from_bits(self.step.b % 4).unwrap(),
            )],
            8 => vec![PolicyChange::ServicePut(self.new_service())],
            9 => vec![PolicyChange::ProjectPut(self.new_project())],
            10 => self.delete_project()?,
            11 => vec![PolicyChange::ProjectGrantsSet {
                project: self.project()?,
                revision: self.revision,
                rows: vec![ProjectGrantRow {
                    principal: self.principal()?,
                    rights: ProjectRights::from_bits(self.step.b % 16).unwrap(),
                }],
            }],
            12 => vec![PolicyChange::LayerPut(self.new_layer()?)],
            13 => vec![PolicyChange::LayerPut(self.changed_layer()?)],
            14 => vec![PolicyChange::LayerGrantsSet {
                layer: self.layer()?,
                revision: self.revision,
                rows: vec![GrantRow {
                    principal: self.principal()?,
                    grant: self.layer_grant(),
                }],
            }],
            _ => vec![PolicyChange::TombstonePut(self.tombstone(self.layer()?))],
        })
    }

    fn name(&self, of: &str, id: i64) -> Name {
        Name::parse(&format!("{of} {id} É{}", self.step.b % 3)).unwrap()
    }

    fn new_user(&mut self) -> User {
        self.marks.principal += 1;
        let id = UserId::new(self.marks.principal).unwrap();
        User {
            id,
            name: self.name("user", id.get()),
            display_name: self.step.a.is_multiple_of(2).then(|| self.name("shown", 1)),
            policy: if self.step.a.is_multiple_of(3) {
                AccountPolicy::Server
            } else {
                AccountPolicy::Ordinary
            },
            state: AccountState::Enabled,
            identity: self.step.b.is_multiple_of(2).then(|| FederatedId {
                issuer: "https://login.example".to_owned(),
                subject: id.to_string(),
            }),
            revision: self.revision,
        }
    }

    fn changed_user(&self) -> Option<User> {
        let user = self.snapshot.user(self.user()?)?;
        Some(User {
            state: AccountState::Disabled,
            revision: self.revision,
            ..(**user).clone()
        })
    }

    fn new_group(&mut self) -> Group {
        self.marks.principal += 1;
        let id = GroupId::new(self.marks.principal).unwrap();
        Group {
            id,
            name: self.name("group", id.get()),
            description: Description::parse(&"é".repeat(self.step.b.into())).unwrap(),
            revision: self.revision,
        }
    }

    fn new_service(&mut self) -> Service {
        self.marks.service += 1;
        let id = ServiceId::new(self.marks.service).unwrap();
        let scopes = ScopeSet::from_bits(self.step.b % 4).unwrap();
        Service {
            id,
            name: self.name("service", id.get()),
            scopes,
            revision: self.revision,
        }
    }

    fn new_project(&mut self) -> Project {
        self.marks.project += 1;
        let id = ProjectId::new(self.marks.project).unwrap();
        Project {
            id,
            name: self.name("project", id.get()),
            description: Description::parse("a\nb").unwrap(),
            position: self.step.b.into(),
            revision: self.revision,
        }
    }

    /// The project goes before its layers, as the order of the tables' keys would forbid.
    fn delete_project(&self) -> Option<Vec<PolicyChange>> {
        let project = self.project()?;
        let layers = self
            .snapshot
            .layers_in(authorization_core::Home::Project(project));
        let tombstones =
            layers.map(|entry| PolicyChange::TombstonePut(self.tombstone(entry.layer.id)));
        Some(
            std::iter::once(PolicyChange::ProjectDeleted(project))
                .chain(tombstones)
                .collect(),
        )
    }

    fn new_layer(&mut self) -> Option<Layer> {
        let placement = if self.step.a.is_multiple_of(4) {
            Placement::Personal {
                owner: self.user()?,
            }
        } else {
            Placement::Project {
                project: self.project()?,
                position: self.step.b.into(),
            }
        };
        self.marks.layer += 1;
        let id = LayerId::new(self.marks.layer).unwrap();
        let mut request = [0; 16];
        request[..8].copy_from_slice(&id.get().to_be_bytes());
        Some(Layer {
            id,
            name: self.name("layer", id.get()),
            placement,
            editing: if self.step.b.is_multiple_of(2) {
                Editing::Enabled
            } else {
                Editing::Disabled
            },
            offered_to: (self.step.a.is_multiple_of(3))
                .then_some(placement)
                .and_then(Placement::owner)
                .map(|_| UserId::ANONYMOUS),
            reference: self
                .step
                .b
                .is_multiple_of(5)
                .then(|| ConnectionId::new(9).unwrap()),
            state: LayerState::Pending {
                expires_at: Timestamp::from_millis(-5),
            },
            request: CreationRequest {
                by: UserId::new(self.step.a.into()).unwrap_or(UserId::ADMINISTRATOR),
                id: RequestId(request),
                fingerprint: [self.step.b; 32],
            },
            revision: self.revision,
        })
    }

    fn changed_layer(&self) -> Option<Layer> {
        let entry = self.snapshot.registered_layer(self.layer()?)?;
        let state = LayerState::Active;
        Some(Layer {
            name: self.name("other", entry.layer.id.get()),
            state,
            ..(*entry.layer).clone()
        })
    }

    fn layer_grant(&self) -> LayerGrant {
        let permissions = PermissionSet::from_bits(self.step.b & 0x7f).unwrap();
        LayerGrant {
            permissions,
            own_only: self.step.a.is_multiple_of(2) && !permissions.is_empty(),
        }
    }

    fn tombstone(&self, layer: LayerId) -> Tombstone {
        Tombstone {
            layer,
            at: Timestamp::from_millis(7),
            by: self
                .step
                .b
                .is_multiple_of(2)
                .then_some(UserId::ADMINISTRATOR),
            revision: self.revision,
            confirmed: self.step.b.is_multiple_of(3),
        }
    }

    fn user(&self) -> Option<UserId> {
        let users: Vec<_> = self.snapshot.users_after("").map(|user| user.id).collect();
        self.pick(&users)
    }

    fn group(&self) -> Option<GroupId> {
        let groups: Vec<_> = self
            .snapshot
            .groups_after("")
            .map(|group| group.id)
            .collect();
        self.pick(&groups)
    }

    fn principal(&self) -> Option<PrincipalId> {
        let users = self
            .snapshot
            .users_after("")
            .map(|user| PrincipalId::from(user.id));
        let groups = self
            .snapshot
            .groups_after("")
            .map(|group| PrincipalId::from(group.id));
        self.pick(&users.chain(groups).collect::<Vec<_>>())
    }

    fn project(&self) -> Option<ProjectId> {
        let projects: Vec<_> = self
            .snapshot
            .projects()
            .map(|entry| entry.project.id)
            .collect();
        self.pick(&projects)
    }

    fn layer(&self) -> Option<LayerId> {
        let ids = (1..=self.snapshot.marks().layer).map(|id| LayerId::new(id).unwrap());
        let layers: Vec<_> = ids
            .filter(|id| self.snapshot.registered_layer(*id).is_some())
            .collect();
        self.pick(&layers)
    }

    fn pick<T: Copy>(&self, items: &[T]) -> Option<T> {
        (!items.is_empty()).then(|| items[usize::from(self.step.a) % items.len()])
    }
}
