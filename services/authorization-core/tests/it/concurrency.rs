//! Writers and checkers at once: no answer comes from a half-applied change, and nobody is led back in time.

use std::{
    collections::BTreeMap,
    env,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use authorization_core::{
    Answer, Asking,
    layer_permissions::{RowEdits, TableEdit},
    model::Description,
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, DenyReason, LayerAct, LayerId, Permission, PolicyRevision, ProjectAct,
    Question, Subject,
};

use crate::house::{House, Person, amendment, name};

/// How often the right moves; `JMAP_TEST_MOVES` for more.
fn moves() -> usize {
    let wanted = env::var("JMAP_TEST_MOVES").ok();
    wanted.and_then(|moves| moves.parse().ok()).unwrap_or(1_000)
}

/// A right that is on one of two layers, and moves from one to the other in one call (R42).
struct Site {
    house: House,
    ana: Person,
    layers: [LayerId; 2],
}

const HELD: Decision = Decision::All;
const GONE: Decision = Decision::Denied(DenyReason::NoGrant);

impl Site {
    fn new() -> Self {
        let house = House::new();
        let project = house.project("town");
        let layers = ["roads", "trees"].map(|text| house.layer(project, text));
        let ana = house.user("ana");
        house.grant_project(project, ana, &[ProjectAct::Open]);
        house.grant(layers[0], ana, &[Permission::AddElements]);
        Self { house, ana, layers }
    }

    fn carry(&self, from: LayerId, to: LayerId) {
        let add = [Permission::AddElements];
        let amendments = [
            (from, amendment(self.ana, &[], &add)),
            (to, amendment(self.ana, &add, &[])),
        ];
        let edits = amendments.map(|(layer, amendment)| TableEdit {
            layer,
            expected: None,
            rows: RowEdits::Amend(vec![amendment]),
        });
        let authority = &self.house.authority;
        let edited = authority.edit_layer_tables(&self.house.administrator, edits.into());
        block_on(edited).unwrap();
    }

    fn ask(&self) -> Answer<Vec<Decision>> {
        let add = LayerAct::Elements(Permission::AddElements);
        let Caller::Session(ana) = self.ana.caller else {
            panic!("ana has a session")
        };
        let asking = Asking {
            caller: &self.house.layer_data,
            subject: Some(Subject::Session(ana.session)),
            at_least: None,
        };
        let questions = self.layers.map(|layer| Question::Layer(layer, add));
        self.house.authority.check(asking, &questions).unwrap()
    }

    /// Moves the right to and fro; each move shows in the next answer (R10, R123).
    fn write(&self) {
        for turn in 0..moves() {
            let [first, second] = self.layers;
            if turn.is_multiple_of(2) {
                self.carry(first, second);
                assert_eq!(self.ask().value, [GONE, HELD]);
            } else {
                self.carry(second, first);
                assert_eq!(self.ask().value, [HELD, GONE]);
            }
        }
    }

    /// Asks until the writers are done, and remembers what was answered at which revision.
    fn check(&self, done: &AtomicBool) -> BTreeMap<PolicyRevision, Vec<Decision>> {
        let (mut answers, mut last) = (BTreeMap::new(), PolicyRevision(0));
        while !done.load(Ordering::Acquire) {
            let Answer { value, token, .. } = self.ask();
            assert!(value == [HELD, GONE] || value == [GONE, HELD], "{value:?}");
            assert!(token.revision >= last, "{token:?} after {last:?}");
            last = token.revision;
            let before = answers.entry(last).or_insert_with(|| value.clone());
            assert_eq!(*before, value, "two answers at {last:?}");
        }
        answers
    }
}

/// R10, R42, R123.
#[test]
fn a_right_that_moves_is_held_on_exactly_one_layer_whoever_asks_and_when() {
    let (site, done) = (Site::new(), AtomicBool::new(false));
    let answers = thread::scope(|scope| {
        let checkers = [(); 2].map(|()| scope.spawn(|| site.check(&done)));
        let others = scope.spawn(|| {
            for turn in 0..moves() {
                let create = site.house.authority.create_group(
                    &site.house.administrator,
                    name(&format!("group {turn}")),
                    Description::default(),
                );
                block_on(create).unwrap();
            }
        });
        let writer = scope.spawn(|| site.write());
        let ended = (writer.join(), others.join());
        // Checkers must end, whatever became of the writers.
        done.store(true, Ordering::Release);
        ended.0.and(ended.1).unwrap();
        checkers.map(|checker| checker.join().unwrap())
    });
    let [first, second] = answers;
    assert!(
        first.len() > 10 && second.len() > 10,
        "the checkers saw too little"
    );
    for (revision, answer) in &first {
        let other = second.get(revision).unwrap_or(answer);
        assert_eq!(other, answer, "two checkers at {revision:?}");
    }
}

/// Each of several writers at once is told the number that its own change took, and none is given twice.
#[test]
fn a_change_answers_with_its_own_number_whoever_else_writes() {
    let house = House::new();
    let first = house.authority.token().revision.0;
    let write = |writer: usize| {
        let made = (0..50).map(|turn| {
            let new = name(&format!("group {writer} {turn}"));
            let create = house.authority.create_group(
                &house.administrator,
                new.clone(),
                Description::default(),
            );
            let made = block_on(create).unwrap();
            assert!(made.policy.group_named(&new).is_some());
            assert_eq!(made.value.revision, made.token().revision);
            made.token().revision.0
        });
        made.collect::<Vec<_>>()
    };
    let mut told: Vec<u64> = thread::scope(|scope| {
        let writers = [0, 1, 2].map(|writer| scope.spawn(move || write(writer)));
        let told = writers.map(|writer| writer.join().unwrap());
        told.into_iter().flatten().collect()
    });
    told.sort_unstable();
    assert_eq!(told, (first + 1..=first + 150).collect::<Vec<_>>());
}
