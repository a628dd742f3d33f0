//! Runs a world on a floor, and tells everything that is not as the world says.

use std::fmt::Debug;

use jmap_domain::{EffectivePermissions, Permission, PermissionSet};

use crate::world::{
    Answer, Change, Check, Edit, Expectations, Explained, Finds, Lookup, Names, Outcome, Right,
    WhoMay, World,
};

/// Something that can be asked whether a world is so: the rules alone, or services.
pub trait Floor {
    /// Does an act of the administration plane. `None` when this floor has no such call, so that what is
    /// refused there cannot be tried.
    fn change(&mut self, change: &Change) -> impl Future<Output = Option<Outcome>>;
    /// Answers a question that somebody asks about itself.
    fn check(&mut self, check: &Check) -> impl Future<Output = Answer>;
    /// The effective permissions of somebody on a layer.
    fn flags(&mut self, who: &str, layer: &str) -> impl Future<Output = EffectivePermissions>;
    /// Explains an answer: the answer, by which paths, and what is missing. `None` as above.
    fn explain(&mut self, about: &Explained) -> impl Future<Output = Option<Explanation>>;
    /// The layers on which somebody may do something.
    fn lookup(&mut self, lookup: &Lookup) -> impl Future<Output = Vec<String>>;
    /// The accounts that may do something.
    fn who_may(&mut self, asked: &WhoMay) -> impl Future<Output = Vec<String>>;
    /// The projects that somebody sees.
    fn projects(&mut self, who: &str) -> impl Future<Output = Vec<String>>;
    /// The layers of a project that somebody sees.
    fn layers(&mut self, who: &str, project: &str) -> impl Future<Output = Names>;
    /// What somebody finds in a layer.
    fn read(&mut self, who: &str, layer: &str) -> impl Future<Output = Finds>;
    /// What somebody gets out of a layer.
    fn export(&mut self, who: &str, layer: &str) -> impl Future<Output = Finds>;
    /// Tries an edit.
    fn edit(&mut self, edit: &Edit) -> impl Future<Output = Outcome>;
}

/// Why an answer is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The answer.
    pub answer: Answer,
    /// The paths of the grants that work, sorted, without repetition.
    pub by: Vec<String>,
    /// What is missing, sorted.
    pub missing: Vec<String>,
}

/// Runs a world.
///
/// # Panics
/// When something is not as the world says; the message lists everything.
pub async fn run(world: &World, floor: &mut impl Floor) {
    let mut differences = Differences::default();
    expect(&world.expect, floor, &mut differences).await;
    for step in &world.then {
        differences.step.clone_from(&step.say);
        for change in &step.changes {
            if let Some(outcome) = floor.change(change).await {
                differences.note(change, &change.result, &outcome);
            }
        }
        expect(&step.expect, floor, &mut differences).await;
    }
    let list = differences.found.join("\n");
    assert!(list.is_empty(), "world `{}`:\n{list}", world.world);
}

/// What was found to be otherwise.
#[derive(Default)]
struct Differences {
    step: String,
    found: Vec<String>,
}

impl Differences {
    fn note<T: PartialEq + Shown>(&mut self, about: &impl Debug, wanted: &T, got: &T) {
        if wanted != got {
            let (step, wanted, got) = (&self.step, wanted.shown(), got.shown());
            let line = format!("- [{step}] wanted {wanted}, got {got}: {about:?}");
            self.found.push(line);
        }
    }
}

/// How a result is printed.
trait Shown {
    fn shown(&self) -> String;
}

impl Shown for Outcome {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for Answer {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for Finds {
    fn shown(&self) -> String {
        match self {
            Self::Elements(count) => count.to_string(),
            Self::Refused(outcome) => outcome.to_string(),
        }
    }
}

impl Shown for Names {
    fn shown(&self) -> String {
        match self {
            Self::Are(names) => names.shown(),
            Self::Refused(outcome) => outcome.to_string(),
        }
    }
}

impl Shown for Vec<String> {
    fn shown(&self) -> String {
        format!("[{}]", self.join(", "))
    }
}

impl Shown for Explanation {
    fn shown(&self) -> String {
        let Self {
            answer,
            by,
            missing,
        } = self;
        format!("{answer} by {} missing {}", by.shown(), missing.shown())
    }
}

impl Shown for EffectivePermissions {
    fn shown(&self) -> String {
        format!("all {}, own {}", listed(self.all), listed(self.own))
    }
}

fn listed(set: PermissionSet) -> String {
    let titles: Vec<_> = set.iter().map(Permission::title).collect();
    format!("[{}]", titles.join(", "))
}

fn set_of(rights: &[Right]) -> PermissionSet {
    rights.iter().copied().map(Permission::from).collect()
}

async fn expect(wanted: &Expectations, floor: &mut impl Floor, differences: &mut Differences) {
    let Expectations {
        check,
        flags,
        explain,
        lookups,
        who_may,
        projects,
        layers,
        reads,
        exports,
        edits,
    } = wanted;
    for check in check {
        differences.note(check, &check.answer, &floor.check(check).await);
    }
    for flags in flags {
        let (all, own) = (set_of(&flags.all), set_of(&flags.own));
        let got = floor.flags(&flags.who, &flags.on).await;
        differences.note(flags, &EffectivePermissions { all, own }, &got);
    }
    for about in explain {
        if let Some(got) = floor.explain(about).await {
            differences.note(about, &explanation(about), &got);
        }
    }
    for lookup in lookups {
        differences.note(lookup, &lookup.finds, &floor.lookup(lookup).await);
    }
    for asked in who_may {
        differences.note(asked, &asked.are, &floor.who_may(asked).await);
    }
    for list in projects {
        differences.note(list, &list.sees, &floor.projects(&list.who).await);
    }
    for list in layers {
        let got = floor.layers(&list.who, &list.of).await;
        differences.note(list, &list.sees, &got);
    }
    for read in reads {
        let got = floor.read(&read.who, &read.layer).await;
        differences.note(read, &read.finds, &got);
    }
    for export in exports {
        let got = floor.export(&export.who, &export.layer).await;
        differences.note(export, &export.finds, &got);
    }
    for edit in edits {
        differences.note(edit, &edit.result, &floor.edit(edit).await);
    }
}

fn explanation(about: &Explained) -> Explanation {
    Explanation {
        answer: about.answer.clone(),
        by: about.by.clone(),
        missing: about.missing.clone(),
    }
}
