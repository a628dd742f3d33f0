//! The installation itself: an authority on some store, and each act as the call that an administrator would make.

use std::{collections::BTreeSet, time::Duration};

use authorization_core::{
    Authority, Origin, Settings,
    directory::{GroupUpdate, MembersUpdate, NewUser, UserUpdate},
    globals::GlobalsAmendment,
    layer_permissions::{Amendment, RowEdits, TableEdit},
    memory::MemoryPlatform,
    model::{AccountPolicy, AccountState, Description, GrantRow, ProjectGrantRow, RequestId},
    personal::Publication,
    ports::PolicyStore,
    projects::{NewProject, ProjectTableEdit, ProjectUpdate},
    registry::{LayerUpdate, OnBehalf},
    secret::NewPassword,
    sessions::Credentials,
};
use jmap_domain::{Caller, Scope, ServiceCaller, ServiceId, SessionCaller, SessionKind, UserId};

use super::{
    act::{Act, Die, OnAccounts, OnGroups, OnLayers, OnPersonal, OnProjects, Rows, TableChange},
    judge::Verdict,
    model::{Model, name_of},
    words::{
        expected, grant_row, group_id, layer_id, named, principal_id, project_id, reservation,
        session_id, switch, user_id, view,
    },
};

const PASSWORD: &str = "correct horse";
/// Few, so that histories come to the limit.
pub(super) const PERSONAL_LAYERS: u32 = 3;
const RESERVATION: Duration = Duration::from_hours(1);

/// Sessions outlive every history, however often reservations run out in it.
pub(crate) fn settings() -> Settings {
    let for_ever = Duration::from_hours(1_000_000);
    Settings {
        idle_session: for_ever,
        service_session: for_ever,
        reservation: RESERVATION,
        personal_layers: PERSONAL_LAYERS,
        ..Settings::default()
    }
}

pub(crate) struct House<S> {
    pub(crate) authority: Authority<S, MemoryPlatform>,
    pub(crate) platform: MemoryPlatform,
    pub(crate) layer_data: Caller,
    pub(crate) requests: u8,
}

fn password() -> NewPassword {
    NewPassword::parse(PASSWORD.to_owned().into()).unwrap()
}

fn credentials(user: &str) -> Credentials {
    Credentials::Password {
        name: named(user),
        password: PASSWORD.to_owned().into(),
    }
}

/// What the token of a session says, whatever has become of the session.
pub(super) fn caller(model: &Model, session: i64) -> Caller {
    let opened = &model.sessions[&session];
    Caller::Session(SessionCaller {
        session: session_id(session),
        user: user_id(opened.user),
        kind: if opened.server {
            SessionKind::Server
        } else {
            SessionKind::Ordinary
        },
    })
}

impl<S: PolicyStore> House<S> {
    /// A new installation; the administrator's session is the first, layer-data's the second.
    pub(crate) async fn found(store: S) -> Self {
        let platform = MemoryPlatform::default();
        let authority = Authority::start(store, platform.clone(), settings())
            .await
            .unwrap();
        authority.set_first_password(&password()).await.unwrap();
        let scopes = Scope::ALL.into_iter().collect();
        let layer_data = named("layer-data");
        let (_, key) = authority
            .provision_service(layer_data, scopes)
            .await
            .unwrap();
        authority
            .sign_in(&credentials("administrator"), Origin::default())
            .await
            .unwrap();
        let key = Credentials::ServiceKey(key);
        let session = authority
            .sign_in(&key, Origin::default())
            .await
            .unwrap()
            .session
            .id;
        let layer_data = Caller::Service(ServiceCaller {
            session,
            service: ServiceId::new(1).unwrap(),
            scopes,
        });
        Self {
            authority,
            platform,
            layer_data,
            requests: 0,
        }
    }

    /// Does an act in the name of a session, or of nobody.
    pub(crate) async fn perform(
        &mut self,
        model: &Model,
        session: Option<i64>,
        act: &Act,
    ) -> Verdict {
        let caller = session.map_or(Caller::Anonymous, |session| caller(model, session));
        let by = &caller;
        match act {
            Act::SignIn { user } => self.sign_in(model, model.user(*user)).await,
            Act::RunOut { swept } => self.run_out(*swept).await,
            Act::Accounts(act) => self.on_accounts(model, by, act).await,
            Act::Groups(act) => self.on_groups(model, by, act).await,
            Act::Projects(act) => self.on_projects(model, by, act).await,
            Act::Layers(act) => self.on_layers(model, by, act).await,
        }
    }

    async fn sign_in(&self, model: &Model, user: i64) -> Verdict {
        let account = model.stored.users.get(&user);
        let account = account.map_or("nobody", |account| &account.name);
        self.authority
            .sign_in(&credentials(account), Origin::default())
            .await?;
        Ok(())
    }

    async fn run_out(&self, swept: bool) -> Verdict {
        self.platform.advance(RESERVATION);
        if swept {
            self.authority.expire_reservations().await?;
        }
        Ok(())
    }

    async fn on_accounts(&self, model: &Model, by: &Caller, act: &OnAccounts) -> Verdict {
        let authority = &self.authority;
        match act {
            OnAccounts::CreateUser { name, server } => {
                let policy = if *server {
                    AccountPolicy::Server
                } else {
                    AccountPolicy::Ordinary
                };
                let new = NewUser {
                    name: named(&name_of("user", *name)),
                    display_name: None,
                    policy,
                    password: Some(password()),
                };
                authority.create_user(by, new).await?;
            }
            OnAccounts::SetEnabled { user, enabled } => {
                let state = if *enabled {
                    AccountState::Enabled
                } else {
                    AccountState::Disabled
                };
                let update = UserUpdate {
                    expected: None,
                    display_name: None,
                    state: Some(state),
                };
                authority
                    .update_user(by, user_id(model.user(*user)), update)
                    .await?;
            }
            OnAccounts::DeleteUser { user } => {
                authority
                    .delete_user(by, user_id(model.user(*user)))
                    .await?;
            }
            OnAccounts::SignOut => authority.sign_out(by).await?,
            OnAccounts::CloseSession { session } => {
                authority
                    .close_session(by, session_id(model.session(*session)))
                    .await?;
            }
        }
        Ok(())
    }

    async fn on_groups(&self, model: &Model, by: &Caller, act: &OnGroups) -> Verdict {
        let authority = &self.authority;
        match act {
            OnGroups::CreateGroup { name } => {
                authority
                    .create_group(by, named(&name_of("group", *name)), Description::default())
                    .await?;
            }
            OnGroups::RenameGroup { group, name } => {
                let update = GroupUpdate {
                    name: Some(named(&name_of("group", *name))),
                    expected: None,
                    description: None,
                };
                let group = group_id(model.group(*group));
                authority.update_group(by, group, update).await?;
            }
            OnGroups::DeleteGroup { group } => {
                authority
                    .delete_group(by, group_id(model.group(*group)))
                    .await?;
            }
            OnGroups::Members { group, add, remove } => {
                let users = |dice: &[Die]| -> BTreeSet<UserId> {
                    dice.iter().map(|die| user_id(model.user(*die))).collect()
                };
                let update = MembersUpdate {
                    add: users(add),
                    remove: users(remove),
                };
                authority
                    .update_members(by, group_id(model.group(*group)), update)
                    .await?;
            }
            OnGroups::Globals {
                principal,
                add,
                remove,
            } => {
                let amendment = GlobalsAmendment {
                    add: add.iter().copied().collect(),
                    remove: remove.iter().copied().collect(),
                };
                let principal = principal_id(model.principal(*principal));
                authority.amend_globals(by, principal, amendment).await?;
            }
        }
        Ok(())
    }

    async fn on_projects(&self, model: &Model, by: &Caller, act: &OnProjects) -> Verdict {
        let (authority, snapshot) = (&self.authority, self.authority.snapshot());
        let id = |die: &Die| project_id(model.project(*die));
        match act {
            OnProjects::CreateProject { name } => {
                let new = NewProject {
                    name: named(&name_of("project", *name)),
                    description: Description::default(),
                };
                authority.create_project(by, new).await?;
            }
            OnProjects::RenameProject {
                project,
                name,
                read,
            } => {
                let newest = snapshot
                    .project(id(project))
                    .map(|entry| entry.project.revision);
                let update = ProjectUpdate {
                    expected: expected(*read, newest),
                    name: Some(named(&name_of("project", *name))),
                    description: None,
                };
                authority.update_project(by, id(project), update).await?;
            }
            OnProjects::DeleteProject {
                project,
                by_its_name,
            } => {
                let entry = snapshot.project(id(project)).filter(|_| *by_its_name);
                let repeated = entry.map_or(named("another"), |entry| entry.project.name.clone());
                authority.delete_project(by, id(project), &repeated).await?;
            }
            OnProjects::OrderProjects { first } => {
                let first: Vec<_> = first.iter().map(id).collect();
                authority.order_projects(by, &first).await?;
            }
            OnProjects::GrantProject {
                project,
                read,
                rows,
            } => {
                let rows = rows.iter().map(|(die, acts)| ProjectGrantRow {
                    principal: principal_id(model.principal(*die)),
                    rights: acts.iter().copied().collect(),
                });
                let newest = snapshot
                    .project(id(project))
                    .map(|entry| entry.grants_revision);
                let edit = ProjectTableEdit {
                    expected: expected(*read, newest),
                    rows: rows.collect(),
                };
                authority.edit_project_table(by, id(project), edit).await?;
            }
        }
        Ok(())
    }

    async fn on_layers(&mut self, model: &Model, by: &Caller, act: &OnLayers) -> Verdict {
        self.requests = self.requests.wrapping_add(1);
        let authority = &self.authority;
        let callers = OnBehalf {
            service: &self.layer_data,
            user: by,
        };
        let id = |die: &Die| layer_id(model.layer(*die));
        match act {
            OnLayers::Reserve(new) => {
                let request = RequestId([self.requests; 16]);
                authority
                    .reserve_layer(callers, reservation(model, new, request))
                    .await?;
            }
            OnLayers::Activate { layer } => {
                authority.activate_layer(callers, id(layer)).await?;
            }
            OnLayers::Abandon { layer } => {
                authority.abandon_layer(callers, id(layer)).await?;
            }
            OnLayers::Unregister { layer } => {
                authority.unregister_layer(callers, id(layer), None).await?;
            }
            OnLayers::UpdateLayer {
                layer,
                read,
                name,
                editing,
            } => {
                let snapshot = authority.snapshot();
                let newest = snapshot.layer(id(layer)).map(|entry| entry.layer.revision);
                let update = LayerUpdate {
                    expected: expected(*read, newest),
                    name: name.map(|die| named(&name_of("layer", die))),
                    editing: editing.map(switch),
                };
                authority.update_layer(by, id(layer), update).await?;
            }
            OnLayers::OrderLayers { project, first } => {
                let first: Vec<_> = first.iter().map(id).collect();
                authority
                    .order_layers(by, project_id(model.project(*project)), &first)
                    .await?;
            }
            OnLayers::EditTables(changes) => {
                let edits = changes.iter().map(|change| self.table_edit(model, change));
                authority.edit_layer_tables(by, edits.collect()).await?;
            }
            OnLayers::Personal(act) => self.on_personal(model, by, act).await?,
        }
        Ok(())
    }

    async fn on_personal(&self, model: &Model, by: &Caller, act: &OnPersonal) -> Verdict {
        let authority = &self.authority;
        let id = |die: &Die| layer_id(model.layer(*die));
        let named = |name: &Option<Die>| name.map(|die| named(&name_of("layer", die)));
        match act {
            OnPersonal::Publish {
                layer,
                project,
                name,
                everyone_views,
            } => {
                let publication = Publication {
                    project: project_id(model.project(*project)),
                    name: named(name),
                    view: view(*everyone_views),
                };
                authority.publish_layer(by, id(layer), publication).await?;
            }
            OnPersonal::Reassign { layer, owner, name } => {
                let to = (user_id(model.user(*owner)), named(name));
                authority.reassign_layer(by, id(layer), to).await?;
            }
            OnPersonal::Leave { layer } => {
                authority.leave_layer(by, id(layer)).await?;
            }
            OnPersonal::Offer { layer, to } => {
                let to = user_id(model.user(*to));
                authority.offer_layer(by, id(layer), to).await?;
            }
            OnPersonal::Withdraw { layer } => {
                authority.withdraw_offer(by, id(layer)).await?;
            }
            OnPersonal::Accept { layer, name } => {
                authority.accept_layer(by, id(layer), named(name)).await?;
            }
            OnPersonal::Decline { layer } => {
                authority.decline_layer(by, id(layer)).await?;
            }
        }
        Ok(())
    }

    fn table_edit(&self, model: &Model, change: &TableChange) -> TableEdit {
        let TableChange { layer, read, rows } = change;
        let layer = layer_id(model.layer(*layer));
        let newest = self
            .authority
            .snapshot()
            .layer(layer)
            .map(|entry| entry.grants_revision);
        let rows = match rows {
            Rows::Replace(rows) => {
                RowEdits::Replace(rows.iter().map(|row| grant_row(model, row)).collect())
            }
            Rows::Amend(rows) => {
                let amendments = rows.iter().map(|(row, taken)| {
                    let GrantRow { principal, grant } = grant_row(model, row);
                    Amendment {
                        principal,
                        add: grant.permissions,
                        remove: taken.iter().copied().collect(),
                        own_only: Some(grant.own_only),
                    }
                });
                RowEdits::Amend(amendments.collect())
            }
        };
        TableEdit {
            layer,
            expected: expected(*read, newest),
            rows,
        }
    }
}
