//! A world's policy as the changes that make it, without use cases: whatever can be stored can be tried.

use std::collections::BTreeMap;

use authorization_core::{
    Home, Snapshot, Standing, Timestamp,
    audit::ChangeNote,
    change::{Author, ChangeSet, PolicyChange},
    model::{
        AccountPolicy, AccountState, CreationRequest, Description, Editing, GlobalSet, GrantRow,
        Group, Layer, LayerGrant, LayerState, Placement, Project, ProjectGrantRow, ProjectRights,
        RequestId, Tombstone, User,
    },
};
use jmap_domain::{
    ActorId, Epoch, GlobalPermission, GroupId, LayerId, Name, Permission, PermissionSet,
    PrincipalId, ProjectAct, ProjectId, UserId,
};

use super::account;
use crate::world::{
    Act, Global, Grant, Member, ProjectGrant, ProjectRight, Registration, Switch, ViewWord,
    Withdrawal, World,
};

/// A policy, and what the world calls the things in it.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) snapshot: Snapshot,
    users: BTreeMap<String, UserId>,
    groups: BTreeMap<String, GroupId>,
    projects: BTreeMap<String, ProjectId>,
    layers: BTreeMap<String, LayerId>,
}

impl Policy {
    /// Makes everything that a world says.
    pub(super) fn of(world: &World) -> Self {
        let mut policy = Self::installation();
        for name in &world.users {
            policy.create_user(name, AccountPolicy::Ordinary);
        }
        for name in &world.servers {
            policy.create_user(name, AccountPolicy::Server);
        }
        for group in &world.groups {
            policy.create_group(&group.group);
            for user in &group.members {
                let change =
                    PolicyChange::MemberAdded(policy.group(&group.group), policy.user(user));
                policy.commit(change);
            }
        }
        for global in &world.globals {
            policy.grant_global(global);
        }
        policy.projects_of(world);
        policy.layers_of(world);
        policy
    }

    fn projects_of(&mut self, world: &World) {
        for project in &world.projects {
            self.create_project(&project.project, UserId::ADMINISTRATOR);
            let lists = [
                (ProjectRight::Open, &project.open),
                (ProjectRight::Access, &project.access),
                (ProjectRight::Administrate, &project.administrate),
                (ProjectRight::Own, &project.own),
            ];
            for (right, principals) in lists {
                for principal in principals {
                    let project = project.project.clone();
                    let principal = principal.clone();
                    let grant = ProjectGrant {
                        project,
                        principal,
                        right,
                    };
                    self.set_project_right(&grant, ProjectRights::with);
                }
            }
        }
    }

    fn layers_of(&mut self, world: &World) {
        for layer in &world.layers {
            self.create_layer(&Registration {
                layer: layer.layer.clone(),
                project: world.project_of(layer).to_owned(),
                view: layer.view,
            });
            self.switch(&Switch {
                layer: layer.layer.clone(),
                enabled: layer.editing,
            });
        }
        for grant in &world.grants {
            self.grant(grant);
        }
    }

    /// The principals that always exist (R1).
    fn installation() -> Self {
        let mut policy = Self {
            snapshot: Snapshot::empty(Epoch(1)),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            projects: BTreeMap::new(),
            layers: BTreeMap::new(),
        };
        policy.put_user(
            "administrator",
            UserId::ADMINISTRATOR,
            AccountPolicy::Ordinary,
        );
        policy.put_user("anonymous", UserId::ANONYMOUS, AccountPolicy::Ordinary);
        policy.put_group("everyone", GroupId::EVERYONE);
        policy.put_group("authenticated", GroupId::AUTHENTICATED);
        let all = GlobalSet::of(GlobalPermission::SuperAdministrator);
        policy.commit(PolicyChange::GlobalsSet(UserId::ADMINISTRATOR.into(), all));
        policy
    }

    pub(super) fn user(&self, name: &str) -> UserId {
        *self
            .users
            .get(name)
            .unwrap_or_else(|| panic!("no user `{name}`"))
    }

    pub(super) fn group(&self, name: &str) -> GroupId {
        *self
            .groups
            .get(name)
            .unwrap_or_else(|| panic!("no group `{name}`"))
    }

    pub(super) fn project(&self, name: &str) -> ProjectId {
        *self
            .projects
            .get(name)
            .unwrap_or_else(|| panic!("no project `{name}`"))
    }

    pub(super) fn layer(&self, name: &str) -> LayerId {
        *self
            .layers
            .get(name)
            .unwrap_or_else(|| panic!("no layer `{name}`"))
    }

    fn principal(&self, name: &str) -> PrincipalId {
        let group = self.groups.get(name).copied().map(PrincipalId::from);
        group.unwrap_or_else(|| self.user(name).into())
    }

    /// Who somebody is, in a session of the kind that the account opens.
    pub(super) fn standing(&self, who: &str) -> Standing {
        let user = self.user(who);
        let policy = self.snapshot.user(user).map(|user| user.policy);
        account(
            user,
            policy.unwrap_or(AccountPolicy::Ordinary).session_kind(),
        )
    }

    /// As whom somebody owns elements; nobody as anonymous (R55).
    pub(super) fn actor(&self, who: &str) -> Option<ActorId> {
        match self.user(who) {
            UserId::ANONYMOUS => None,
            user => Some(user.into()),
        }
    }

    /// Does an act that succeeds.
    pub(super) fn change(&mut self, act: &Act) {
        match act {
            Act::Grant(grant) => self.grant(grant),
            Act::Revoke(grant) => self.revoke(grant),
            Act::GrantProject(grant) => self.set_project_right(grant, ProjectRights::with),
            Act::RevokeProject(grant) => {
                self.set_project_right(grant, |all, act| all.difference(ProjectRights::of(act)));
            }
            Act::GrantGlobal(global) => self.grant_global(global),
            Act::Editing(switch) => self.switch(switch),
            Act::Join(Member { user, group }) => {
                self.commit(PolicyChange::MemberAdded(
                    self.group(group),
                    self.user(user),
                ));
            }
            Act::Leave(Member { user, group }) => {
                self.commit(PolicyChange::MemberRemoved(
                    self.group(group),
                    self.user(user),
                ));
            }
            Act::Enable(user) => self.set_state(user, AccountState::Enabled),
            Act::Disable(user) => self.set_state(user, AccountState::Disabled),
            Act::CreateUser(name) => self.create_user(name, AccountPolicy::Ordinary),
            Act::DeleteUser(name) => self.commit(PolicyChange::UserDeleted(self.user(name))),
            Act::CreateGroup(name) => self.create_group(name),
            Act::DeleteGroup(name) => self.commit(PolicyChange::GroupDeleted(self.group(name))),
            Act::CreateProject(name) => self.create_project(name, UserId::ADMINISTRATOR),
            Act::DeleteProject(name) => self.delete_project(name),
            Act::CreateLayer(registration) => self.create_layer(registration),
            Act::DeleteLayer(removal) => self.bury(self.layer(&removal.layer)),
        }
    }

    fn commit(&mut self, change: PolicyChange) {
        self.snapshot = self.snapshot.apply(&ChangeSet {
            revision: self.snapshot.revision().next(),
            at: Timestamp::from_millis(0),
            by: Author::System,
            changes: vec![change],
            marks: self.snapshot.marks(),
            note: ChangeNote::default(),
            secrets: Vec::new(),
        });
    }

    /// Ids are never reused (R8), so the revision serves as a sequence here.
    fn next_id(&self) -> i64 {
        100 + i64::try_from(self.snapshot.revision().0).expect("a small revision")
    }

    fn create_user(&mut self, text: &str, policy: AccountPolicy) {
        let id = UserId::new(self.next_id()).expect("an id");
        self.put_user(text, id, policy);
    }

    fn put_user(&mut self, text: &str, id: UserId, policy: AccountPolicy) {
        self.users.insert(text.to_owned(), id);
        self.commit(PolicyChange::UserPut(User {
            id,
            name: name(text),
            display_name: None,
            policy,
            state: AccountState::Enabled,
            identity: None,
            revision: self.snapshot.revision(),
        }));
    }

    fn set_state(&mut self, user: &str, state: AccountState) {
        let user = self.snapshot.user(self.user(user)).expect("a user");
        let changed = User {
            state,
            ..(**user).clone()
        };
        self.commit(PolicyChange::UserPut(changed));
    }

    fn create_group(&mut self, text: &str) {
        let id = GroupId::new(self.next_id()).expect("an id");
        self.put_group(text, id);
    }

    fn put_group(&mut self, text: &str, id: GroupId) {
        self.groups.insert(text.to_owned(), id);
        let revision = self.snapshot.revision();
        self.commit(PolicyChange::GroupPut(Group {
            id,
            name: name(text),
            description: Description::default(),
            revision,
        }));
    }

    fn grant_global(&mut self, global: &Global) {
        let principal = self.principal(&global.to);
        let given: GlobalSet = global
            .give
            .iter()
            .copied()
            .map(GlobalPermission::from)
            .collect();
        let all = self.snapshot.globals(principal).union(given);
        self.commit(PolicyChange::GlobalsSet(principal, all));
    }

    /// Its maker owns it and can open it.
    fn create_project(&mut self, text: &str, maker: UserId) {
        let id = ProjectId::new(self.next_id()).expect("an id");
        self.projects.insert(text.to_owned(), id);
        self.commit(PolicyChange::ProjectPut(Project {
            id,
            name: name(text),
            description: Description::default(),
            position: u32::try_from(self.projects.len()).expect("few projects"),
            revision: self.snapshot.revision(),
        }));
        let rights = ProjectRights::of(ProjectAct::Own).with(ProjectAct::Open);
        self.set_project_row(id, maker.into(), rights);
    }

    fn set_project_row(
        &mut self,
        project: ProjectId,
        principal: PrincipalId,
        rights: ProjectRights,
    ) {
        self.commit(PolicyChange::ProjectGrantsSet {
            project,
            revision: self.snapshot.revision(),
            rows: vec![ProjectGrantRow { principal, rights }],
        });
    }

    fn set_project_right(
        &mut self,
        grant: &ProjectGrant,
        change: impl Fn(ProjectRights, ProjectAct) -> ProjectRights,
    ) {
        let (id, principal) = (
            self.project(&grant.project),
            self.principal(&grant.principal),
        );
        let entry = self.snapshot.project(id).expect("a project");
        let held = entry.grants.get(&principal).copied().unwrap_or_default();
        self.set_project_row(id, principal, change(held, grant.right.into()));
    }

    fn delete_project(&mut self, name: &str) {
        let project = self.project(name);
        let layers: Vec<_> = self
            .snapshot
            .layers_in(Home::Project(project))
            .map(|entry| entry.layer.id)
            .collect();
        for layer in layers {
            self.bury(layer);
        }
        self.commit(PolicyChange::ProjectDeleted(project));
    }

    fn bury(&mut self, layer: LayerId) {
        self.commit(PolicyChange::TombstonePut(Tombstone {
            layer,
            at: Timestamp::from_millis(0),
            by: Some(UserId::ADMINISTRATOR),
            revision: self.snapshot.revision(),
            confirmed: false,
        }));
    }

    /// A new layer: editing disabled (R83), *view* for everyone unless asked otherwise (R29).
    fn create_layer(&mut self, registration: &Registration) {
        let id = LayerId::new(self.next_id()).expect("an id");
        self.layers.insert(registration.layer.clone(), id);
        let project = self.project(&registration.project);
        let request = RequestId(u128::from(self.snapshot.revision().0).to_be_bytes());
        self.commit(PolicyChange::LayerPut(Layer {
            id,
            name: name(&registration.layer),
            placement: Placement::Project {
                project,
                position: u32::try_from(self.layers.len()).expect("few layers"),
            },
            editing: Editing::Disabled,
            offered_to: None,
            reference: None,
            state: LayerState::Active,
            request: CreationRequest {
                by: UserId::ADMINISTRATOR,
                id: request,
                fingerprint: [0; 32],
            },
            revision: self.snapshot.revision(),
        }));
        if registration.view == ViewWord::Everyone {
            let view = LayerGrant {
                permissions: PermissionSet::of(Permission::View),
                own_only: false,
            };
            self.set_row(id, GroupId::EVERYONE.into(), view);
        }
    }

    fn switch(&mut self, switch: &Switch) {
        let entry = self
            .snapshot
            .layer(self.layer(&switch.layer))
            .expect("a layer");
        let editing = if switch.enabled {
            Editing::Enabled
        } else {
            Editing::Disabled
        };
        let changed = Layer {
            editing,
            ..(*entry.layer).clone()
        };
        self.commit(PolicyChange::LayerPut(changed));
    }

    fn set_row(&mut self, layer: LayerId, principal: PrincipalId, grant: LayerGrant) {
        self.commit(PolicyChange::LayerGrantsSet {
            layer,
            revision: self.snapshot.revision(),
            rows: vec![GrantRow { principal, grant }],
        });
    }

    fn row(&self, layer: LayerId, principal: PrincipalId) -> LayerGrant {
        let entry = self.snapshot.layer(layer).expect("a layer");
        entry.grants.get(&principal).copied().unwrap_or_default()
    }

    fn grant(&mut self, grant: &Grant) {
        let (layer, principal) = (self.layer(&grant.layer), self.principal(&grant.to));
        let given = grant.give.iter().copied().map(Permission::from).collect();
        let permissions = self.row(layer, principal).permissions.union(given);
        self.set_row(
            layer,
            principal,
            LayerGrant {
                permissions,
                own_only: grant.only_own,
            },
        );
    }

    fn revoke(&mut self, grant: &Withdrawal) {
        let (layer, principal) = (self.layer(&grant.layer), self.principal(&grant.from));
        let held = self.row(layer, principal);
        let taken = grant.take.iter().copied().map(Permission::from).collect();
        let permissions = held.permissions.difference(taken);
        self.set_row(
            layer,
            principal,
            LayerGrant {
                permissions,
                ..held
            },
        );
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}
