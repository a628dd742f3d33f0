//! Who may be granted permissions on a layer (R28): searched by name, page by page.

use std::collections::BTreeMap;

use jmap_domain::{
    Caller, LayerAct, LayerId, Name, PermissionSet, PrincipalId, ProjectAct, Question, fold,
    normalize,
};

use super::check::{Granting, grantable};
use crate::{
    Authority, Facts, LayerEntry, Refusal, Resource, Snapshot,
    crowd::Crowd,
    model::{LayerGrant, User},
    ports::{Platform, PolicyStore},
};

/// A text that names are searched for, whatever its case (R26). The empty one finds everybody.
#[derive(Clone, Debug, Default)]
pub struct Search(String);

impl Search {
    /// The text to search for.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(normalize(&fold(&normalize(text.trim()))))
    }

    /// Whether a name's key, or another name of the same thing, holds it.
    pub(crate) fn finds(&self, key: &str, display_name: Option<&Name>) -> bool {
        key.contains(&self.0) || display_name.is_some_and(|name| name.key().contains(&self.0))
    }
}

/// Which candidates are wanted.
#[derive(Clone, Debug)]
pub struct CandidatesWanted {
    /// For grants on this layer.
    pub layer: LayerId,
    /// Whose name, or display name, holds this.
    pub search: Search,
    /// Those that follow this place; `None` for the first ones.
    pub after: Option<CandidatePlace>,
    /// At most so many.
    pub limit: usize,
}

/// A candidate's place in the list: groups before users, by the keys of their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidatePlace {
    /// A group, by its name's key.
    Group(String),
    /// A user, by its name's key.
    User(String),
}

/// Somebody who may be granted something on a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its place in the list.
    pub place: CandidatePlace,
    /// Who.
    pub principal: PrincipalId,
    /// What the caller could grant to it now (R28, R31, R41, R100).
    pub grantable: PermissionSet,
    /// What its own row says already.
    pub held: LayerGrant,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Those who may be granted permissions on a layer, groups before users, each by name.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Forbidden`] unless the caller manages the layer's permissions (R41) and
    /// may list users.
    pub fn grant_candidates(
        &self,
        caller: &Caller,
        wanted: &CandidatesWanted,
    ) -> Result<Vec<Candidate>, Refusal> {
        let snapshot = self.snapshot();
        let manage = Question::Layer(wanted.layer, LayerAct::ChangeStructure);
        self.require(&snapshot, caller, manage)?;
        // Owners of personal layers share with those whose names they know: the directory is not theirs to read.
        self.admit_reader(caller)?;
        let entry = snapshot
            .layer(wanted.layer)
            .ok_or(Refusal::NotFound(Resource::Layer(wanted.layer)))?;
        let granting = Granting {
            snapshot: &snapshot,
            giver: &Facts::of(&snapshot, self.admit(caller)?),
            layer: &entry.layer,
        };
        Ok(candidates(granting, entry, wanted))
    }
}

fn candidates(
    granting: Granting<'_>,
    entry: &LayerEntry,
    wanted: &CandidatesWanted,
) -> Vec<Candidate> {
    let candidate = |(place, principal): (CandidatePlace, PrincipalId)| {
        let held = entry.grants.get(&principal).copied().unwrap_or_default();
        let grantable = grantable(granting, principal);
        (!grantable.is_empty()).then_some(Candidate {
            place,
            principal,
            grantable,
            held,
        })
    };
    let (snapshot, search) = (granting.snapshot, &wanted.search);
    let after = wanted.after.as_ref();
    let found = groups(snapshot, search, after).chain(users(snapshot, entry, search, after));
    found.filter_map(candidate).take(wanted.limit).collect()
}

fn groups(
    snapshot: &Snapshot,
    search: &Search,
    after: Option<&CandidatePlace>,
) -> impl Iterator<Item = (CandidatePlace, PrincipalId)> {
    let after = match after {
        None => Some(""),
        Some(CandidatePlace::Group(key)) => Some(key.as_str()),
        Some(CandidatePlace::User(_)) => None,
    };
    let groups = after
        .into_iter()
        .flat_map(|key| snapshot.named_groups_after(key));
    let found = groups.filter(|(key, _)| search.finds(key, None));
    found.map(|(key, group)| (CandidatePlace::Group(key.clone()), group.id.into()))
}

/// Only who may open the project can be granted anything, so that nobody else is looked at.
fn users<'s>(
    snapshot: &'s Snapshot,
    entry: &'s LayerEntry,
    search: &'s Search,
    after: Option<&'s CandidatePlace>,
) -> Box<dyn Iterator<Item = (CandidatePlace, PrincipalId)> + 's> {
    let after = match after {
        None | Some(CandidatePlace::Group(_)) => "",
        Some(CandidatePlace::User(key)) => key.as_str(),
    };
    let found = |key: &str, user: &User| search.finds(key, user.display_name.as_ref());
    match openers(snapshot, entry) {
        Crowd::Anybody => Box::new(
            snapshot
                .named_users_after(after)
                .filter(move |(key, user)| found(key, user))
                .map(|(key, user)| (CandidatePlace::User(key.clone()), user.id.into())),
        ),
        Crowd::These(these) => {
            let users = these.iter().filter_map(|id| snapshot.user(*id));
            let named: BTreeMap<String, PrincipalId> = users
                .map(|user| (user.name.key(), user))
                .filter(|(key, user)| key.as_str() > after && found(key, user))
                .map(|(key, user)| (key, user.id.into()))
                .collect();
            Box::new(
                named
                    .into_iter()
                    .map(|(key, id)| (CandidatePlace::User(key), id)),
            )
        }
    }
}

fn openers(snapshot: &Snapshot, entry: &LayerEntry) -> Crowd {
    let Some(project) = entry.project() else {
        return Crowd::Anybody;
    };
    let rows = snapshot.project(project).into_iter();
    let rows = rows.flat_map(|project| &project.grants);
    let open = rows.filter(|(_, rights)| rights.gives(ProjectAct::Open));
    Crowd::behind(snapshot, open.map(|(principal, _)| *principal))
}
