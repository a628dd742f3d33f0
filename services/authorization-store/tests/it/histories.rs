//! Random histories of an installation against a naive model of it: what is done, decided and listed, act by act, and
//! the same after restarts; in memory, in a file and on a server.
//!
//! `PROPTEST_CASES=2000 cargo nextest run -p authorization-store -E 'test(histories)'` looks longer than CI does.

mod act;
mod compare;
mod decide;
mod house;
mod judge;
mod judge_layers;
mod judge_personal;
mod judge_projects;
mod model;
mod stored;
mod words;

use std::{env, sync::Arc};

use authorization_core::{
    Authority,
    memory::MemoryStore,
    ports::{Clock as _, PolicyStore},
};
use jmap_domain::{GlobalPermission, Permission, PolicyRevision, ProjectAct};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::support::Place;
use act::{
    Act, Actor, Die, LayerRow, NewLayer, OnAccounts, OnGroups, OnLayers, OnPersonal, OnProjects,
    Read, Rows, Step, TableChange, histories,
};
use compare::Comparison;
use house::{House, settings};
use model::{ADMINISTRATOR, EVERYONE, Model};
use stored::stored;

/// A place whose store can be opened again after a restart.
trait Reopens {
    type Store: PolicyStore;

    fn open(&self) -> impl Future<Output = Self::Store>;
}

/// Everything in memory: what a restart leaves is the store itself.
struct Memory(MemoryStore);

impl Reopens for Memory {
    type Store = MemoryStore;

    async fn open(&self) -> MemoryStore {
        self.0.clone()
    }
}

impl Reopens for Place {
    type Store = authorization_store::SqlStore;

    async fn open(&self) -> Self::Store {
        self.store().await
    }
}

/// An installation and the model of it, side by side.
struct Pair<'p, R: Reopens> {
    place: &'p R,
    house: House<R::Store>,
    model: Model,
}

impl<'p, R: Reopens> Pair<'p, R> {
    async fn found(place: &'p R) -> Self {
        Self {
            place,
            house: House::found(place.open().await).await,
            model: Model::new(),
        }
    }

    /// Lives through a history, and compares after every step.
    async fn live(mut self, steps: &[Step]) {
        for step in furnishing().iter().chain(steps) {
            let session = self.session(step.actor).await;
            self.act(session, &step.act).await;
            if step.restart {
                self = self.restarted().await;
            }
            self.comparison().spot_checks(step.probe);
        }
        self.restarted().await.comparison().everything();
    }

    /// The session that acts. The administrator signs in again when it has none.
    async fn session(&mut self, actor: Actor) -> Option<i64> {
        match actor {
            Actor::Anonymous => None,
            Actor::Session(die) => Some(self.model.session(die)),
            Actor::Administrator => {
                let open = |model: &Model| {
                    let mut own = model.sessions.iter().rev();
                    let own = own.find(|(_, s)| s.user == ADMINISTRATOR && s.open);
                    own.map(|(id, _)| *id)
                };
                if open(&self.model).is_none() {
                    // The first of the dice that name users.
                    self.act(None, &Act::SignIn { user: 0 }).await;
                }
                open(&self.model).or(Some(1))
            }
        }
    }

    /// An act ends as the model says; a refused one changes nothing, and a done one is one revision at most.
    async fn act(&mut self, session: Option<i64>, act: &Act) {
        let before = self.house.authority.snapshot();
        let mut next = self.model.clone();
        let expected = next.perform(session, act);
        let done = self.house.perform(&self.model, session, act).await;
        let by = session.map(|id| &self.model.sessions[&id]);
        assert_eq!(done, expected, "{act:?} by {by:?}");
        let after = self.house.authority.snapshot();
        if expected.is_err() {
            assert!(
                Arc::ptr_eq(&before, &after),
                "refused, and changed: {act:?}"
            );
            return;
        }
        let changed = next.stored != self.model.stored;
        self.model = next;
        let revisions = after.revision().0 - before.revision().0;
        let stands_still = matches!(act, Act::RunOut { swept: false });
        assert!(revisions <= 1, "{act:?}");
        assert!(revisions == 1 || !changed || stands_still, "{act:?}");
        let now = self.house.platform.now();
        assert_eq!(stored(&after, now), self.model.stored, "{act:?}");
    }

    /// The process ends and starts again: what was committed is there, at the same revision.
    async fn restarted(self) -> Self {
        let before = self.house.authority.snapshot();
        let House {
            authority,
            platform,
            layer_data,
            requests,
        } = self.house;
        drop(authority);
        let store = self.place.open().await;
        let authority = Authority::start(store, platform.clone(), settings())
            .await
            .unwrap();
        assert_eq!(*authority.snapshot(), *before);
        assert!(before.revision() > PolicyRevision(0));
        let house = House {
            authority,
            platform,
            layer_data,
            requests,
        };
        Self { house, ..self }
    }

    fn comparison(&self) -> Comparison<'_, R::Store> {
        Comparison {
            house: &self.house,
            model: &self.model,
        }
    }
}

/// Something to begin with: accounts and a server account, signed in, two groups, two projects and some layers.
fn furnishing() -> Vec<Step> {
    let account = |name, server| Act::Accounts(OnAccounts::CreateUser { name, server });
    // Of users: administrator, anonymous, then those made here, by the order of their making.
    let sign_ins = [2, 3, 4, 5].map(|user| Act::SignIn { user });
    let groups = [0, 2].map(|name| Act::Groups(OnGroups::CreateGroup { name }));
    let members = |group, add: &[Die]| {
        let (add, remove) = (add.to_vec(), vec![]);
        Act::Groups(OnGroups::Members { group, add, remove })
    };
    let global = |principal, permission| {
        let (add, remove) = (vec![permission], vec![]);
        Act::Groups(OnGroups::Globals {
            principal,
            add,
            remove,
        })
    };
    let projects = [0, 2].map(|name| Act::Projects(OnProjects::CreateProject { name }));
    let accounts = [(0, false), (2, false), (4, false), (6, true)];
    let accounts = accounts.map(|(name, server)| account(name, server));
    let grants = [
        global(2, GlobalPermission::CreatePersonalLayers),
        global(3, GlobalPermission::CreateProjects),
        global(4, GlobalPermission::SuperAdministrator),
        opened(
            0,
            vec![(2, ProjectAct::Administrate), (3, ProjectAct::Open)],
        ),
        opened(1, vec![(EVERYONE_DIE, ProjectAct::Open)]),
    ];
    let acts = accounts.into_iter().chain(sign_ins).chain(groups);
    let acts = acts.chain([members(2, &[2, 3]), members(3, &[4, 5])]);
    let acts = acts.chain(projects).chain(grants).chain(layers());
    let acts = acts.map(|act| (Actor::Administrator, act));
    // The first session after the administrator's.
    let owner = personal_layer().map(|act| (Actor::Session(1), act));
    // The second is the other one's from here on, who offers it back.
    let answers = [
        OnPersonal::Accept {
            layer: 5,
            name: None,
        },
        OnPersonal::Offer { layer: 5, to: 2 },
    ];
    let answers = answers.map(|act| (Actor::Session(2), Act::Layers(OnLayers::Personal(act))));
    let step = |(actor, act)| Step {
        actor,
        act,
        restart: false,
        probe: 7,
    };
    acts.chain(owner).chain(answers).map(step).collect()
}

/// Of principals: six users, then `everyone`.
const EVERYONE_DIE: Die = 6;

fn opened(project: Die, rows: Vec<(Die, ProjectAct)>) -> Act {
    let rows = rows
        .into_iter()
        .map(|(who, act)| (who, vec![act]))
        .collect();
    Act::Projects(OnProjects::GrantProject {
        project,
        read: Read::Nothing,
        rows,
    })
}

/// Two layers in each project, some with grants: to a person with and without the option, and to the server account.
fn layers() -> impl Iterator<Item = Act> {
    let reserve = |name, project| reserved(name, Some(project));
    let reserved = [(0, 0), (2, 0), (0, 1), (2, 1)].map(|(name, project)| reserve(name, project));
    let active = [0, 1, 2, 3].map(activated);
    let edits = [Permission::ModifyElements, Permission::DeleteElements];
    let comes_in = [Permission::View, Permission::RemoteAccess];
    let rows = [
        granted(0, (3, true), &edits),
        granted(2, (3, false), &edits),
        granted(3, (5, true), &[comes_in, edits].concat()),
    ];
    let tables = Act::Layers(OnLayers::EditTables(rows.to_vec()));
    reserved.into_iter().chain(active).chain([tables])
}

/// Two personal layers: one shared with a group, one offered to somebody.
fn personal_layer() -> impl Iterator<Item = Act> {
    let permissions = [Permission::View, Permission::ModifyElements];
    let shared = vec![granted(4, (8, false), &permissions)];
    [
        reserved(4, None),
        activated(4),
        Act::Layers(OnLayers::EditTables(shared)),
        reserved(6, None),
        activated(5),
        Act::Layers(OnLayers::Personal(OnPersonal::Offer { layer: 5, to: 3 })),
    ]
    .into_iter()
}

fn reserved(name: Die, project: Option<Die>) -> Act {
    Act::Layers(OnLayers::Reserve(NewLayer {
        name,
        project,
        editing: true,
        everyone_views: true,
        rows: vec![],
    }))
}

fn activated(layer: Die) -> Act {
    Act::Layers(OnLayers::Activate { layer })
}

fn granted(layer: Die, to: (Die, bool), permissions: &[Permission]) -> TableChange {
    let (principal, own_only) = to;
    let row = LayerRow {
        principal,
        permissions: permissions.to_vec(),
        own_only,
    };
    TableChange {
        layer,
        read: Read::Newest,
        rows: Rows::Amend(vec![(row, vec![])]),
    }
}

#[test]
fn the_furnishing_says_what_it_means() {
    let mut model = Model::new();
    for step in furnishing() {
        let session = match step.actor {
            Actor::Session(die) => model.session(die),
            Actor::Administrator | Actor::Anonymous => 1,
        };
        assert_eq!(model.perform(Some(session), &step.act), Ok(()), "{step:?}");
    }
    assert_eq!(model.principal(EVERYONE_DIE), EVERYONE);
}

/// As many as CI has time for, or as many as somebody asks for.
fn cases(in_ci: u32) -> ProptestConfig {
    let asked = env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(in_ci),
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    }
}

/// Lives through a history at a place, if there is one; a failed assertion is a failed case, and is shrunk.
fn run<R: Reopens>(place: impl Future<Output = Option<R>>, steps: &[Step]) {
    Runtime::new().unwrap().block_on(async {
        if let Some(place) = &place.await {
            Box::pin(Pair::found(place).await.live(steps)).await;
        }
    });
}

proptest! {
    #![proptest_config(cases(12))]

    /// R5-R9, R12-R18, R20-R24, R26-R32, R34, R37, R40-R44, R51-R56, R59, R67-R70, R83, R86-R88, R100, R117, R118.
    #[test]
    fn a_history_in_memory_is_what_the_model_says(steps in histories(120)) {
        run(async { Some(Memory(MemoryStore::default())) }, &steps);
    }
}

proptest! {
    #![proptest_config(cases(2))]

    #[test]
    fn a_history_in_a_file_is_what_the_model_says(steps in histories(100)) {
        run(async { Some(Place::folder()) }, &steps);
    }

    #[test]
    fn a_history_on_a_server_is_what_the_model_says(steps in histories(60)) {
        run(Place::server("model"), &steps);
    }
}
