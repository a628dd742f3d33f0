//! Whether the installation is what the model says: what is stored, what is decided, and what is listed.

use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use authorization_core::{
    Answer, Asking, CheckError, Facts, Home, Refusal, Resource, Standing,
    lookup::{Inquiry, LayerPlace, LayersWanted, On, Portion, allowed_subjects},
    model::{self as core, GlobalSet},
    personal::MadeBy,
    ports::PolicyStore,
};
use jmap_domain::{
    Caller, Decision, EffectivePermissions, GlobalPermission, LayerAct, Permission, ProjectAct,
    Question, Subject,
};

use super::{
    house::{House, caller},
    judge::Why,
    model::{ANONYMOUS, Admitted, Model, Site, User, Who},
    stored::grant,
    words::{layer_id, project_id, session_id, user_id},
};

const PROJECT_ACTS: [ProjectAct; 4] = [
    ProjectAct::Open,
    ProjectAct::Access,
    ProjectAct::Administrate,
    ProjectAct::Own,
];

/// Somebody about whom is asked.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Anonymous,
    Session(i64),
}

impl Asked {
    fn admitted(self, model: &Model) -> Admitted {
        match self {
            Self::Anonymous => Ok(Who::Anonymous),
            Self::Session(id) => model.admitted(id),
        }
    }

    fn caller(self, model: &Model) -> Caller {
        match self {
            Self::Anonymous => Caller::Anonymous,
            Self::Session(id) => caller(model, id),
        }
    }

    fn subject(self) -> Subject {
        match self {
            Self::Anonymous => Subject::Anonymous,
            Self::Session(id) => Subject::Session(session_id(id)),
        }
    }
}

/// Everybody that can be asked about, those that are over included.
fn everybody(model: &Model) -> Vec<Asked> {
    let sessions = model.sessions.keys().map(|id| Asked::Session(*id));
    sessions.chain([Asked::Anonymous]).collect()
}

/// Every question that can be asked, about what is gone or never was included.
fn questions(model: &Model) -> Vec<Question> {
    let acts = Permission::ALL.into_iter().map(LayerAct::Elements);
    let acts: Vec<LayerAct> = acts
        .chain([
            LayerAct::ReadConfiguration,
            LayerAct::ChangeStructure,
            LayerAct::Delete,
        ])
        .collect();
    let layers = (1..=model.last_layer + 1).map(layer_id);
    let layers = layers.flat_map(|id| acts.iter().map(move |act| Question::Layer(id, *act)));
    let projects = (1..=model.last_project + 1).map(project_id);
    let projects = projects.flat_map(|id| PROJECT_ACTS.map(|act| Question::Project(id, act)));
    let globals = GlobalPermission::ALL.map(Question::Global);
    layers.chain(projects).chain(globals).collect()
}

/// The comparison of one installation with its model.
pub(crate) struct Comparison<'c, S> {
    pub(crate) house: &'c House<S>,
    pub(crate) model: &'c Model,
}

impl<S: PolicyStore> Comparison<'_, S> {
    /// A few questions, chosen by a die with many sides, each asked by layer-data and by the subject itself.
    pub(crate) fn spot_checks(&self, probe: u64) {
        let (everybody, questions) = (everybody(self.model), questions(self.model));
        let mut dice = Dice(probe);
        for _ in 0..12 {
            let (asked, question) = (dice.pick(&everybody), dice.pick(&questions));
            self.decision(asked, question);
        }
        // Lists are long: they are looked at now and then.
        if probe.is_multiple_of(4) {
            self.lists(dice.pick(&everybody));
            self.subjects(dice.pick(&questions));
        }
    }

    /// Every question about everybody, and every list.
    pub(crate) fn everything(&self) {
        let questions = questions(self.model);
        for asked in everybody(self.model) {
            for question in &questions {
                self.decision(asked, *question);
            }
            self.lists(asked);
        }
        for question in questions {
            self.subjects(question);
        }
    }

    fn decision(&self, asked: Asked, question: Question) {
        let admitted = asked.admitted(self.model);
        let expected = self.model.stored.decide(admitted, question);
        let by_service = Asking {
            caller: &self.house.layer_data,
            subject: Some(asked.subject()),
            at_least: None,
        };
        let authority = &self.house.authority;
        let answer = authority.check(by_service, &[question]).unwrap();
        assert_eq!(answer.value, [expected], "{asked:?} {question:?}");
        let caller = asked.caller(self.model);
        let by_itself = authority.check(asking(&caller), &[question]);
        match admitted {
            Ok(_) => assert_eq!(
                by_itself.unwrap().value,
                [expected],
                "{asked:?} {question:?}"
            ),
            Err(_) => over(by_itself),
        }
    }

    /// What somebody is shown of projects and layers, and what it may use (R23, R43, R46).
    fn lists(&self, asked: Asked) {
        let caller = asked.caller(self.model);
        let (authority, stored) = (&self.house.authority, &self.model.stored);
        let Ok(who) = asked.admitted(self.model) else {
            over(authority.list_projects(asking(&caller)));
            over(authority.lookup_layers(inquiry(&caller), usable(Permission::View), first(9)));
            return;
        };
        let ids = |answer: Answer<Vec<Arc<core::Project>>>| {
            answer
                .value
                .iter()
                .map(|project| project.id.get())
                .collect::<Vec<_>>()
        };
        if let Who::Person(person) = who {
            self.offers(&caller, person);
        }
        let opened = ids(authority.list_projects(asking(&caller)).unwrap());
        assert_eq!(
            opened,
            self.projects(|id| stored.opens(who, id)),
            "{asked:?}"
        );
        let administered = ids(authority
            .list_administered_projects(asking(&caller))
            .unwrap());
        let accessed = self.projects(|id| stored.governs(who, id, ProjectAct::Access));
        assert_eq!(administered, accessed, "{asked:?}");
        for project in 1..=self.model.last_project + 1 {
            self.layer_list(&caller, who, project);
        }
        for wanted in Permission::ALL {
            self.usable_layers(&caller, who, wanted);
        }
        let held = authority.own_globals(&caller).unwrap();
        let globals = GlobalPermission::ALL.into_iter();
        let globals: GlobalSet = globals.filter(|one| stored.holds(who, *one)).collect();
        assert_eq!(held, globals, "{asked:?}");
        self.tables(&caller, who);
    }

    /// The projects of a kind in the administrator's order.
    fn projects(&self, chosen: impl Fn(i64) -> bool) -> Vec<i64> {
        let all = self.model.stored.projects.iter();
        let all = all.map(|(id, project)| (project.position, *id));
        let mut all: Vec<_> = all.filter(|(_, id)| chosen(*id)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }

    fn layer_list(&self, caller: &Caller, who: Who, project: i64) {
        let (authority, stored) = (&self.house.authority, &self.model.stored);
        let shown = authority.list_layers(asking(caller), project_id(project));
        if stored.opens(who, project) {
            let shown = shown.unwrap().value;
            let ids: Vec<i64> = shown.iter().map(|shown| shown.layer.id.get()).collect();
            let mut visible = stored.layers_of(project);
            visible.retain(|id| stored.sees(who, *id));
            assert_eq!(ids, visible, "{who:?}");
            for shown in shown {
                assert_eq!(
                    shown.permissions,
                    self.flags(who, shown.layer.id.get()),
                    "{who:?}"
                );
            }
        } else {
            let absent = Refusal::NotFound(Resource::Project(project_id(project)));
            assert_eq!(shown.unwrap_err(), CheckError::Refused(absent), "{who:?}");
        }
        let all = authority.list_administered_layers(caller, project_id(project));
        let all = all.map(|layers| layers.iter().map(|layer| layer.id.get()).collect());
        let all: Result<Vec<i64>, Why> = all.map_err(Why::from);
        let question = Question::Project(project_id(project), ProjectAct::Access);
        let allowed = self.model.require(who, question);
        assert_eq!(all, allowed.map(|()| stored.layers_of(project)), "{who:?}");
    }

    /// What is offered to somebody, and by it (R81).
    fn offers(&self, caller: &Caller, person: i64) {
        let layers = &self.model.stored.layers;
        let to = layers
            .iter()
            .filter(|(_, layer)| layer.offered_to == Some(person));
        let own = Site::Personal { owner: person };
        let by = layers
            .iter()
            .filter(|(_, layer)| layer.site == own && layer.offered_to.is_some());
        let expected: [Vec<i64>; 2] = [
            to.map(|(id, _)| *id).collect(),
            by.map(|(id, _)| *id).collect(),
        ];
        let told = [MadeBy::Others, MadeBy::Caller].map(|made_by| {
            let offers = self.house.authority.offered_layers(caller, made_by);
            let offers = offers.unwrap().into_iter();
            offers.map(|one| one.layer.id.get()).collect::<Vec<_>>()
        });
        assert_eq!(told, expected, "{person}");
    }

    fn flags(&self, who: Who, layer: i64) -> EffectivePermissions {
        let flags = EffectivePermissions::default();
        Permission::ALL
            .into_iter()
            .fold(flags, |flags, permission| {
                let question = Question::Layer(layer_id(layer), LayerAct::Elements(permission));
                flags.with(permission, self.model.stored.decide(Ok(who), question))
            })
    }

    /// The lookup, page by page: personal layers first, then project by project.
    fn usable_layers(&self, caller: &Caller, who: Who, wanted: Permission) {
        let stored = &self.model.stored;
        let mut expected: Vec<(Option<i64>, i64, Decision)> = Vec::new();
        for (id, layer) in &stored.layers {
            let question = Question::Layer(layer_id(*id), LayerAct::Elements(wanted));
            let home = match layer.site {
                Site::Project {
                    project,
                    position: _,
                } => Some(project),
                Site::Personal { owner: _ } => None,
            };
            match stored.decide(Ok(who), question) {
                Decision::Denied(_) => {}
                held @ (Decision::All | Decision::Own { creator: _ }) => {
                    expected.push((home, *id, held));
                }
            }
        }
        expected.sort_unstable_by_key(|(home, id, _)| (*home, *id));
        let mut found = Vec::new();
        let mut portion = first(2);
        loop {
            let page = self
                .house
                .authority
                .lookup_layers(inquiry(caller), usable(wanted), portion);
            let page = page.unwrap().value;
            let Some(last) = page.last() else { break };
            portion.after = Some(LayerPlace::of(&last.layer));
            found.extend(page.iter().map(|found| {
                let home = match Home::from(found.layer.placement) {
                    Home::Project(id) => Some(id.get()),
                    Home::Personal(_) => None,
                };
                (home, found.layer.id.get(), found.decision)
            }));
        }
        assert_eq!(found, expected, "{who:?} {wanted:?}");
    }

    /// The permission tables that somebody sees from the administration plane.
    fn tables(&self, caller: &Caller, who: Who) {
        let stored = &self.model.stored;
        for id in 1..=self.model.last_layer {
            let table = self.house.authority.layer_table(caller, layer_id(id));
            let rows = table.map(|table| {
                let rows = table
                    .rows
                    .iter()
                    .map(|row| (row.row.principal.get(), grant(row.row.grant)));
                rows.collect::<Vec<_>>()
            });
            let here = stored.grants.iter().filter(|((layer, _), _)| *layer == id);
            let here = here.map(|((_, principal), grant)| (*principal, grant.clone()));
            let expected = if stored.inspects(who, id) {
                Ok(here.collect())
            } else if stored.sees(who, id) {
                Err(Why::Forbidden)
            } else {
                Err(Why::Hidden)
            };
            assert_eq!(rows.map_err(Why::from), expected, "{who:?} layer {id}");
        }
    }

    /// Who may do something, each as if it had just signed in.
    fn subjects(&self, question: Question) {
        let stored = &self.model.stored;
        let may = |id: i64, user: &User| {
            let who = match (id, user.server) {
                (ANONYMOUS, _) => Who::Anonymous,
                (_, true) => Who::Server(id),
                (_, false) => Who::Person(id),
            };
            let allowed = !matches!(stored.decide(Ok(who), question), Decision::Denied(_));
            (user.enabled || id == ANONYMOUS) && allowed
        };
        let users = stored.users.iter().filter(|(id, user)| may(**id, user));
        let expected: BTreeSet<i64> = users.map(|(id, _)| *id).collect();
        let snapshot = self.house.authority.snapshot();
        let portion = Portion {
            after: None,
            limit: usize::MAX,
        };
        let found = allowed_subjects(&snapshot, question, portion);
        let found: BTreeSet<i64> = found.iter().map(|found| found.user.id.get()).collect();
        assert_eq!(found, expected, "{question:?}");
        for id in found {
            let user = snapshot.user(user_id(id)).unwrap();
            let standing = Standing::of_account(user);
            assert!(Facts::of(&snapshot, standing).barred().is_none());
        }
    }
}

const fn asking(caller: &Caller) -> Asking<'_> {
    Asking {
        caller,
        subject: None,
        at_least: None,
    }
}

const fn inquiry(caller: &Caller) -> Inquiry<'_> {
    Inquiry {
        asking: asking(caller),
        on: On::Supposing(&[]),
    }
}

const fn usable(permission: Permission) -> LayersWanted {
    LayersWanted {
        act: LayerAct::Elements(permission),
        project: None,
    }
}

const fn first(limit: usize) -> Portion<LayerPlace> {
    Portion { after: None, limit }
}

/// A caller whose session or account is over is told so, whatever it asks (R117).
fn over<T: Debug, E: Debug + ToString>(answer: Result<T, E>) {
    let told = answer.unwrap_err().to_string();
    assert!(
        told == Refusal::SessionClosed.to_string() || told == Refusal::AccountDisabled.to_string(),
        "{told}"
    );
}

/// Many throws out of one number.
struct Dice(u64);

impl Dice {
    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        // Knuth's constants; anything that spreads will do.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let side = usize::try_from(self.0 >> 40).unwrap();
        items[side % items.len()]
    }
}
