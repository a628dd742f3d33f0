//! A made-up town for the rules and their rivals: the same principals, grants and questions for all of them.

use authorization_core::{
    Snapshot, Timestamp,
    audit::ChangeNote,
    change::{Author, ChangeSet, HighWaterMarks, PolicyChange, StoredPolicy},
    model::{
        AccountPolicy, AccountState, CreationRequest, Description, Editing, GrantRow, Group, Layer,
        LayerGrant, LayerState, Placement, Project, ProjectGrantRow, ProjectRights, RequestId,
        User,
    },
};
use jmap_domain::{
    Epoch, GroupId, LayerId, Name, Permission, PermissionSet, PolicyRevision, PrincipalId,
    ProjectAct, ProjectId, UserId,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

/// The same world in every run.
const SEED: u64 = 7;
const ROWS_PER_LAYER: usize = 10;
const LAYERS_PER_PROJECT: usize = 50;
const USERS_PER_GROUP: usize = 20;
const GROUPS_PER_USER: usize = 3;

/// What an ordinary session may do with elements; *remote access* gives it nothing.
pub(super) const PERMISSIONS: [Permission; 6] = [
    Permission::View,
    Permission::AddElements,
    Permission::ModifyElements,
    Permission::DeleteElements,
    Permission::ModifyAttributes,
    Permission::CopyExport,
];

/// A town of so many rows in its layers' permission tables.
pub(super) struct World {
    pub(super) users: Vec<Member>,
    pub(super) projects: Vec<Opened>,
    pub(super) layers: Vec<Granted>,
    random: StdRng,
    principals: i64,
}

/// A user with its groups.
pub(super) struct Member {
    pub(super) user: UserId,
    pub(super) groups: Vec<GroupId>,
}

/// A project with those who may open it.
pub(super) struct Opened {
    pub(super) project: ProjectId,
    pub(super) openers: Vec<PrincipalId>,
}

/// A layer with its permission table.
pub(super) struct Granted {
    pub(super) layer: LayerId,
    pub(super) project: ProjectId,
    pub(super) editing: Editing,
    pub(super) rows: Vec<GrantRow>,
}

/// A question: may that user do this to an element, which is its own or not?
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) user: UserId,
    pub(super) layer: LayerId,
    pub(super) permission: Permission,
    pub(super) own: bool,
}

impl World {
    /// A town of about so many grants.
    ///
    /// # Errors
    /// Never: the ids are small.
    pub(super) fn of(grants: usize) -> anyhow::Result<Self> {
        let layers = grants / ROWS_PER_LAYER;
        let mut world = Self {
            users: Vec::new(),
            projects: Vec::new(),
            layers: Vec::new(),
            random: StdRng::seed_from_u64(SEED),
            principals: HighWaterMarks::START.principal,
        };
        world.settle(layers.max(USERS_PER_GROUP * GROUPS_PER_USER))?;
        for place in 0..layers {
            if place.is_multiple_of(LAYERS_PER_PROJECT) {
                world.open()?;
            }
            world.grant()?;
        }
        Ok(world)
    }

    fn settle(&mut self, users: usize) -> anyhow::Result<()> {
        let mut groups = Vec::new();
        for _ in 0..users / USERS_PER_GROUP {
            groups.push(GroupId::new(self.next_principal())?);
        }
        for _ in 0..users {
            let user = UserId::new(self.next_principal())?;
            let chosen = groups.sample(&mut self.random, GROUPS_PER_USER);
            let groups = chosen.copied().collect();
            self.users.push(Member { user, groups });
        }
        Ok(())
    }

    const fn next_principal(&mut self) -> i64 {
        self.principals += 1;
        self.principals
    }

    /// A project that everyone may open, every authenticated account, or ten users and their groups.
    fn open(&mut self) -> anyhow::Result<()> {
        let project = ProjectId::new(i64::try_from(self.projects.len())? + 1)?;
        let openers = match self.random.random_range(0..4) {
            0 => vec![GroupId::EVERYONE.into()],
            1 => vec![GroupId::AUTHENTICATED.into()],
            _ => self.some_principals(ROWS_PER_LAYER),
        };
        self.projects.push(Opened { project, openers });
        Ok(())
    }

    fn grant(&mut self) -> anyhow::Result<()> {
        let layer = LayerId::new(i64::try_from(self.layers.len())? + 1)?;
        let project = ProjectId::new(i64::try_from(self.projects.len())?)?;
        let mut principals = self.some_principals(ROWS_PER_LAYER - 1);
        principals.push(GroupId::EVERYONE.into());
        let rows = principals.into_iter().map(|principal| self.row(principal));
        let rows = rows.collect();
        let editing = if self.random.random_bool(0.8) {
            Editing::Enabled
        } else {
            Editing::Disabled
        };
        self.layers.push(Granted {
            layer,
            project,
            editing,
            rows,
        });
        Ok(())
    }

    /// Different users, and one group of each.
    fn some_principals(&mut self, number: usize) -> Vec<PrincipalId> {
        let members = self.users.sample(&mut self.random, number);
        let mut principals: Vec<PrincipalId> = members
            .enumerate()
            .map(|(place, member)| match member.groups.first() {
                Some(group) if place.is_multiple_of(2) => (*group).into(),
                _ => member.user.into(),
            })
            .collect();
        principals.sort();
        principals.dedup();
        principals
    }

    fn row(&mut self, principal: PrincipalId) -> GrantRow {
        let mut permissions = PermissionSet::of(Permission::View);
        if principal == GroupId::EVERYONE.into() {
            permissions = PermissionSet::EMPTY;
        }
        for permission in PERMISSIONS {
            if self.random.random_bool(0.4) {
                permissions = permissions.with(permission);
            }
        }
        GrantRow {
            principal,
            grant: LayerGrant {
                permissions,
                own_only: self.random.random_bool(0.3),
            },
        }
    }

    /// Questions, half of them about somebody who has a row of its own.
    pub(super) fn questions(&mut self, number: usize) -> Vec<Asked> {
        (0..number)
            .filter_map(|place| self.question(place))
            .collect()
    }

    fn question(&mut self, place: usize) -> Option<Asked> {
        let granted = self.layers.choose(&mut self.random)?;
        let known = granted.rows.choose(&mut self.random)?.principal;
        let anybody = self.users.choose(&mut self.random)?.user;
        let holder = UserId::new(known.get()).ok();
        let holder = holder
            .and_then(|user| self.member(user))
            .map(|member| member.user);
        let permission = *PERMISSIONS.choose(&mut self.random)?;
        Some(Asked {
            user: holder
                .filter(|_| place.is_multiple_of(2))
                .unwrap_or(anybody),
            layer: granted.layer,
            permission,
            own: self.random.random_bool(0.5),
        })
    }

    /// A user by id.
    pub(super) fn member(&self, user: UserId) -> Option<&Member> {
        let found = self.users.binary_search_by_key(&user, |member| member.user);
        self.users.get(found.ok()?)
    }

    /// A layer by id.
    pub(super) fn granted(&self, layer: LayerId) -> Option<&Granted> {
        let found = self
            .layers
            .binary_search_by_key(&layer, |granted| granted.layer);
        self.layers.get(found.ok()?)
    }

    /// A project by id.
    pub(super) fn opened(&self, project: ProjectId) -> Option<&Opened> {
        let found = self
            .projects
            .binary_search_by_key(&project, |opened| opened.project);
        self.projects.get(found.ok()?)
    }

    /// How many rows the layers' permission tables have.
    pub(super) fn grants(&self) -> usize {
        self.layers.iter().map(|layer| layer.rows.len()).sum()
    }

    /// The town as our own policy.
    pub(super) fn snapshot(&self) -> anyhow::Result<Snapshot> {
        Ok(Snapshot::rebuild(&StoredPolicy {
            epoch: Epoch(1),
            revision: PolicyRevision::default().next(),
            marks: self.marks()?,
            records: self.records(PolicyRevision::default().next())?,
            sessions: Vec::new(),
            last_session: 0,
        }))
    }

    /// The town as a change that makes it in an installation where there is nothing yet.
    pub(super) fn change_set(&self, revision: PolicyRevision) -> anyhow::Result<ChangeSet> {
        Ok(ChangeSet {
            revision,
            at: Timestamp::from_millis(0),
            by: Author::System,
            changes: self.records(revision)?,
            marks: self.marks()?,
            secrets: Vec::new(),
            note: ChangeNote::default(),
        })
    }

    fn marks(&self) -> anyhow::Result<HighWaterMarks> {
        Ok(HighWaterMarks {
            principal: self.principals,
            project: i64::try_from(self.projects.len())?,
            layer: i64::try_from(self.layers.len())?,
            service: HighWaterMarks::START.service,
        })
    }

    fn records(&self, revision: PolicyRevision) -> anyhow::Result<Vec<PolicyChange>> {
        let mut records = self.people(revision)?;
        for (place, opened) in self.projects.iter().enumerate() {
            let project = Project {
                id: opened.project,
                name: name("Project", opened.project.get())?,
                description: Description::default(),
                position: u32::try_from(place)?,
                revision,
            };
            records.push(PolicyChange::ProjectPut(project));
            let rights = ProjectRights::of(ProjectAct::Open);
            let row = |&principal: &PrincipalId| ProjectGrantRow { principal, rights };
            records.push(PolicyChange::ProjectGrantsSet {
                project: opened.project,
                revision,
                rows: opened.openers.iter().map(row).collect(),
            });
        }
        for granted in &self.layers {
            records.push(PolicyChange::LayerPut(granted.registration(revision)?));
            records.push(PolicyChange::LayerGrantsSet {
                layer: granted.layer,
                revision,
                rows: granted.rows.clone(),
            });
        }
        Ok(records)
    }

    fn people(&self, revision: PolicyRevision) -> anyhow::Result<Vec<PolicyChange>> {
        let mut groups: Vec<GroupId> = self.users.iter().flat_map(|m| m.groups.clone()).collect();
        groups.sort();
        groups.dedup();
        let mut records = Vec::new();
        for id in groups {
            let name = name("Group", id.get())?;
            let description = Description::default();
            records.push(PolicyChange::GroupPut(Group {
                id,
                name,
                description,
                revision,
            }));
        }
        for member in &self.users {
            records.push(PolicyChange::UserPut(User {
                id: member.user,
                name: name("User", member.user.get())?,
                display_name: None,
                policy: AccountPolicy::Ordinary,
                state: AccountState::Enabled,
                identity: None,
                revision,
            }));
            let joined = member.groups.iter();
            records.extend(joined.map(|group| PolicyChange::MemberAdded(*group, member.user)));
        }
        Ok(records)
    }
}

impl Granted {
    fn registration(&self, revision: PolicyRevision) -> anyhow::Result<Layer> {
        let id = self.layer.get();
        Ok(Layer {
            id: self.layer,
            name: name("Layer", id)?,
            placement: Placement::Project {
                project: self.project,
                position: u32::try_from(id)?,
            },
            editing: self.editing,
            reference: None,
            state: LayerState::Active,
            request: CreationRequest {
                by: UserId::ADMINISTRATOR,
                id: RequestId(u128::try_from(id)?.to_be_bytes()),
                fingerprint: [0; 32],
            },
            revision,
        })
    }
}

fn name(kind: &str, id: i64) -> anyhow::Result<Name> {
    Ok(Name::parse(&format!("{kind} {id}"))?)
}
