//! A furnished installation, and short words for what tests do in it.

use authorization_core::{
    Answer, Asking, Authority, CheckError, Origin, Settings,
    directory::{DirectoryError, MembersUpdate, NewUser, UserUpdate},
    globals::{GlobalsAmendment, GlobalsError},
    layer_permissions::{Amendment, LayerTable, RowEdits, TableEdit, TableError},
    memory::{MemoryPlatform, MemoryStore},
    model::{
        Account, AccountPolicy, AccountState, Description, Editing, GlobalSet, ProjectGrantRow,
        ProjectRights, RequestId,
    },
    projects::{NewProject, ProjectError, ProjectTableEdit},
    registry::{InitialView, LayerUpdate, OnBehalf, RegistryError, ReserveLayer, Site},
    secret::NewPassword,
    sessions::{Credentials, SignedIn},
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, GlobalPermission, GroupId, LayerAct, LayerId, Name, Permission,
    PermissionSet, PrincipalId, ProjectAct, ProjectId, Question, Scope, ScopeSet, ServiceCaller,
    SessionCaller, Subject, UserId,
};

pub(crate) const PASSWORD: &str = "correct horse";

/// An authority over an in-memory store, with an administrator and layer-data's account signed in.
pub(crate) struct House {
    pub(crate) authority: Authority<MemoryStore, MemoryPlatform>,
    pub(crate) store: MemoryStore,
    pub(crate) platform: MemoryPlatform,
    pub(crate) administrator: Caller,
    pub(crate) layer_data: Caller,
}

/// An account, signed in.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) caller: Caller,
}

impl From<Person> for PrincipalId {
    fn from(person: Person) -> Self {
        person.id.into()
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(crate) fn set(permissions: &[Permission]) -> PermissionSet {
    permissions.iter().copied().collect()
}

pub(crate) fn rights(acts: &[ProjectAct]) -> ProjectRights {
    acts.iter().copied().collect()
}

pub(crate) fn password() -> NewPassword {
    NewPassword::parse(PASSWORD.to_owned().into()).unwrap()
}

/// The caller that a signed-in account's token makes.
pub(crate) fn caller(signed_in: &SignedIn) -> Caller {
    let session = signed_in.session.id;
    match signed_in.session.account {
        Account::User { user, kind } => Caller::Session(SessionCaller {
            session,
            user,
            kind,
        }),
        Account::Service { service } => {
            let scopes = Scope::ALL.into_iter().collect();
            Caller::Service(ServiceCaller {
                session,
                service,
                scopes,
            })
        }
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let (store, platform) = (MemoryStore::default(), MemoryPlatform::default());
        let start = Authority::start(store.clone(), platform.clone(), settings);
        let authority = block_on(start).unwrap();
        block_on(authority.set_first_password(&password())).unwrap();
        let scopes: ScopeSet = Scope::ALL.into_iter().collect();
        let (_, key) = block_on(authority.provision_service(name("layer-data"), scopes)).unwrap();
        let credentials = Credentials::Password {
            name: name("administrator"),
            password: PASSWORD.to_owned().into(),
        };
        let administrator =
            caller(&block_on(authority.sign_in(&credentials, Origin::default())).unwrap());
        let service =
            block_on(authority.sign_in(&Credentials::ServiceKey(key), Origin::default())).unwrap();
        let layer_data = caller(&service);
        Self {
            authority,
            store,
            platform,
            administrator,
            layer_data,
        }
    }

    /// The same installation after a restart.
    pub(crate) fn restarted(&self) -> Authority<MemoryStore, MemoryPlatform> {
        self.restarted_with(Settings::default())
    }

    /// The same with other limits.
    pub(crate) fn restarted_with(
        &self,
        settings: Settings,
    ) -> Authority<MemoryStore, MemoryPlatform> {
        let (store, platform) = (self.store.clone(), self.platform.clone());
        block_on(Authority::start(store, platform, settings)).unwrap()
    }

    pub(crate) fn sign_in(&self, who: &str) -> SignedIn {
        let credentials = Credentials::Password {
            name: name(who),
            password: PASSWORD.to_owned().into(),
        };
        block_on(self.authority.sign_in(&credentials, Origin::default())).unwrap()
    }

    pub(crate) fn user(&self, who: &str) -> Person {
        self.account(who, AccountPolicy::Ordinary)
    }

    pub(crate) fn server(&self, who: &str) -> Person {
        self.account(who, AccountPolicy::Server)
    }

    fn account(&self, who: &str, policy: AccountPolicy) -> Person {
        let new = NewUser {
            name: name(who),
            display_name: None,
            policy,
            password: Some(password()),
        };
        let made = block_on(self.authority.create_user(&self.administrator, new)).unwrap();
        Person {
            id: made.value.id,
            caller: caller(&self.sign_in(who)),
        }
    }

    pub(crate) fn group(&self, text: &str, members: &[Person]) -> GroupId {
        let create =
            self.authority
                .create_group(&self.administrator, name(text), Description::default());
        let group = block_on(create).unwrap().value.id;
        for member in members {
            self.join(group, member.id).unwrap();
        }
        group
    }

    pub(crate) fn join(&self, group: GroupId, user: UserId) -> Result<(), DirectoryError> {
        let update = MembersUpdate {
            add: [user].into(),
            remove: [].into(),
        };
        self.update_members(&self.administrator, group, update)
    }

    pub(crate) fn leave(
        &self,
        caller: &Caller,
        group: GroupId,
        user: UserId,
    ) -> Result<(), DirectoryError> {
        let update = MembersUpdate {
            add: [].into(),
            remove: [user].into(),
        };
        self.update_members(caller, group, update)
    }

    fn update_members(
        &self,
        caller: &Caller,
        group: GroupId,
        update: MembersUpdate,
    ) -> Result<(), DirectoryError> {
        let made = self.authority.update_members(caller, group, update);
        block_on(made).map(|made| made.value)
    }

    pub(crate) fn disable(&self, user: UserId) {
        let update = UserUpdate {
            expected: None,
            display_name: None,
            state: Some(AccountState::Disabled),
        };
        block_on(
            self.authority
                .update_user(&self.administrator, user, update),
        )
        .unwrap();
    }

    /// Gives a principal exactly these global permissions.
    pub(crate) fn set_globals(
        &self,
        principal: impl Into<PrincipalId>,
        permissions: &[GlobalPermission],
    ) -> Result<(), GlobalsError> {
        let all: GlobalSet = GlobalPermission::ALL.into_iter().collect();
        let add: GlobalSet = permissions.iter().copied().collect();
        let amendment = GlobalsAmendment {
            add,
            remove: all.difference(add),
        };
        let amend = self
            .authority
            .amend_globals(&self.administrator, principal.into(), amendment);
        block_on(amend).map(|made| made.value)
    }

    pub(crate) fn project(&self, text: &str) -> ProjectId {
        let new = NewProject {
            name: name(text),
            description: Description::default(),
        };
        block_on(self.authority.create_project(&self.administrator, new))
            .unwrap()
            .value
            .id
    }

    pub(crate) fn grant_project(
        &self,
        project: ProjectId,
        principal: impl Into<PrincipalId>,
        acts: &[ProjectAct],
    ) {
        self.try_grant_project(&self.administrator, project, principal, acts)
            .unwrap();
    }

    pub(crate) fn try_grant_project(
        &self,
        caller: &Caller,
        project: ProjectId,
        principal: impl Into<PrincipalId>,
        acts: &[ProjectAct],
    ) -> Result<(), ProjectError> {
        let row = ProjectGrantRow {
            principal: principal.into(),
            rights: rights(acts),
        };
        let edit = ProjectTableEdit {
            expected: None,
            rows: vec![row],
        };
        block_on(self.authority.edit_project_table(caller, project, edit)).map(|_| ())
    }

    /// A layer of the administrator's, with editing enabled and *view* to everyone.
    pub(crate) fn layer(&self, project: ProjectId, text: &str) -> LayerId {
        let layer = self.reserve(project, text, 1).unwrap();
        block_on(
            self.authority
                .activate_layer(self.on_behalf(&self.administrator), layer),
        )
        .unwrap();
        layer
    }

    pub(crate) fn reserve(
        &self,
        project: ProjectId,
        text: &str,
        salt: u8,
    ) -> Result<LayerId, RegistryError> {
        let request = request(project, text, salt);
        let administrator = self.administrator;
        let reserve = self
            .authority
            .reserve_layer(self.on_behalf(&administrator), request);
        block_on(reserve).map(|made| made.value.id)
    }

    pub(crate) fn on_behalf<'c>(&'c self, user: &'c Caller) -> OnBehalf<'c> {
        OnBehalf {
            service: &self.layer_data,
            user,
        }
    }

    pub(crate) fn set_editing(&self, layer: LayerId, editing: Editing) {
        let update = LayerUpdate {
            editing: Some(editing),
            ..LayerUpdate::default()
        };
        block_on(
            self.authority
                .update_layer(&self.administrator, layer, update),
        )
        .unwrap();
    }

    pub(crate) fn grant(
        &self,
        layer: LayerId,
        principal: impl Into<PrincipalId>,
        permissions: &[Permission],
    ) {
        self.try_grant(&self.administrator, layer, principal, permissions)
            .unwrap();
    }

    pub(crate) fn try_grant(
        &self,
        caller: &Caller,
        layer: LayerId,
        principal: impl Into<PrincipalId>,
        permissions: &[Permission],
    ) -> Result<Vec<LayerTable>, TableError> {
        self.amend(caller, layer, amendment(principal, permissions, &[]))
    }

    pub(crate) fn revoke(
        &self,
        layer: LayerId,
        principal: impl Into<PrincipalId>,
        permissions: &[Permission],
    ) {
        let amendment = amendment(principal, &[], permissions);
        self.amend(&self.administrator, layer, amendment).unwrap();
    }

    pub(crate) fn amend(
        &self,
        caller: &Caller,
        layer: LayerId,
        amendment: Amendment,
    ) -> Result<Vec<LayerTable>, TableError> {
        let edit = TableEdit {
            layer,
            expected: None,
            rows: RowEdits::Amend(vec![amendment]),
        };
        block_on(self.authority.edit_layer_tables(caller, vec![edit])).map(|made| made.value)
    }

    /// What a caller is answered about itself.
    pub(crate) fn may(&self, caller: &Caller, question: Question) -> Decision {
        let asking = Asking {
            caller,
            subject: None,
            at_least: None,
        };
        self.authority.check(asking, &[question]).unwrap().value[0]
    }

    pub(crate) fn may_on(
        &self,
        caller: &Caller,
        layer: LayerId,
        permission: Permission,
    ) -> Decision {
        self.may(
            caller,
            Question::Layer(layer, LayerAct::Elements(permission)),
        )
    }

    /// What layer-data is answered about a session.
    pub(crate) fn ask_about(
        &self,
        session: &Caller,
        question: Question,
    ) -> Result<Answer<Vec<Decision>>, CheckError> {
        let Caller::Session(session) = session else {
            panic!("only sessions can be asked about")
        };
        let subject = Some(Subject::Session(session.session));
        let asking = Asking {
            caller: &self.layer_data,
            subject,
            at_least: None,
        };
        self.authority.check(asking, &[question])
    }
}

pub(crate) fn amendment(
    principal: impl Into<PrincipalId>,
    add: &[Permission],
    remove: &[Permission],
) -> Amendment {
    let principal = principal.into();
    Amendment {
        principal,
        add: set(add),
        remove: set(remove),
        own_only: None,
    }
}

/// A request whose id follows from its name, so that the same request is a retry.
pub(crate) fn request(project: ProjectId, text: &str, salt: u8) -> ReserveLayer {
    let mut id = [salt; 16];
    for (byte, letter) in id.iter_mut().zip(text.bytes()) {
        *byte ^= letter;
    }
    ReserveLayer {
        name: name(text),
        site: Site::Project {
            project,
            editing: Editing::Enabled,
            view: InitialView::Everyone,
            grants: vec![],
        },
        reference: None,
        request: RequestId(id),
    }
}
