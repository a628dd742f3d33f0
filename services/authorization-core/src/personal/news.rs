//! What changes for a user about personal layers: the difference between what reaches it in two policies.
//!
//! Whatever the cause (a share, a group, a deletion, a publication), it is told by its effect, and nobody is told of a layer
//! that did not exist for it before and does not after.

use std::{collections::BTreeMap, sync::Arc};

use jmap_domain::{
    Caller, Decision, EffectivePermissions, LayerId, Name, PolicyToken, ProjectAct, ProjectId,
    Question, UserId,
};

use super::access::of_user;
use crate::{
    Authority, CheckError, Facts, Refusal, Snapshot, Standing,
    past::At,
    ports::{Platform, PolicyStore},
    rules,
};

/// A personal layer as it reaches a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaching {
    /// The layer.
    pub layer: LayerId,
    /// Its name.
    pub name: Name,
    /// Whose it is.
    pub owner: UserId,
    /// The owner's name; `None` when the account was deleted (R79).
    pub owner_name: Option<Name>,
    /// What the user may do on it.
    pub permissions: EffectivePermissions,
}

/// The personal layers that reach a user, at one state of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    user: UserId,
    layers: BTreeMap<LayerId, Reaching>,
}

/// What happened to a personal layer, for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The layer as it is now, or where something has ended, as it was last.
    pub layer: Reaching,
    /// What happened.
    pub kind: NewsKind,
}

/// What can happen to a personal layer, for one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewsKind {
    /// The user owns it from now on: created, or given by an administrator or by its former owner.
    Received,
    /// It is the user's no more, but somebody else's. Where it is shared with the user then, that follows.
    GivenAway,
    /// It is shared with the user from now on.
    Shared,
    /// The user may do other things on it, or its name or owner is another one.
    Changed,
    /// It is shared with the user no more.
    Unshared,
    /// It is a layer of a project from now on: of which one is told to those who may know of that.
    Published(Option<ProjectId>),
    /// It is gone.
    Deleted,
}

impl Reach {
    /// The layers, by id.
    pub fn layers(&self) -> impl Iterator<Item = &Reaching> {
        self.layers.values()
    }

    /// What reaches the user of this account; nothing where there is no such account.
    #[must_use]
    pub fn of(snapshot: &Snapshot, user: UserId) -> Self {
        let account = snapshot.user(user);
        let reaching = account.into_iter().flat_map(|account| {
            let access = of_user(snapshot, account).into_iter();
            access.filter_map(|access| {
                let owner = access.layer.placement.owner()?;
                Some(Reaching {
                    layer: access.layer.id,
                    name: access.layer.name.clone(),
                    owner,
                    owner_name: snapshot.user(owner).map(|owner| owner.name.clone()),
                    permissions: access.permissions,
                })
            })
        });
        Self {
            user,
            layers: reaching.map(|one| (one.layer, one)).collect(),
        }
    }

    /// What is new since, by layer.
    #[must_use]
    pub fn news(&self, since: &Self, snapshot: &Snapshot) -> Vec<News> {
        let mut news = Vec::new();
        let mut tell = |layer: &Reaching, kind| {
            let layer = layer.clone();
            news.push(News { layer, kind });
        };
        let gone = |before: &&Reaching| !self.layers.contains_key(&before.layer);
        for before in since.layers.values().filter(gone) {
            tell(before, self.ending(before, snapshot));
        }
        let owns = |one: &Reaching| one.owner == self.user;
        for after in self.layers.values() {
            let before = since.layers.get(&after.layer);
            let owned = before.is_some_and(owns);
            if let Some(before) = before.filter(|before| owns(before) && !owns(after)) {
                tell(before, NewsKind::GivenAway);
            }
            let kind = match before {
                Some(before) if before == after => continue,
                Some(_) if owned == owns(after) => NewsKind::Changed,
                Some(_) | None if owns(after) => NewsKind::Received,
                Some(_) | None => NewsKind::Shared,
            };
            tell(after, kind);
        }
        // The sorting is stable: what ends comes before what begins.
        news.sort_by_key(|one| one.layer.layer);
        news
    }

    /// Why a layer reaches the user no more.
    fn ending(&self, before: &Reaching, snapshot: &Snapshot) -> NewsKind {
        match snapshot.layer(before.layer) {
            None => NewsKind::Deleted,
            Some(entry) => match entry.project() {
                Some(project) => NewsKind::Published(self.known(project, snapshot)),
                None if before.owner == self.user => NewsKind::GivenAway,
                None => NewsKind::Unshared,
            },
        }
    }

    /// The project, if it exists for the user (R21).
    fn known(&self, project: ProjectId, snapshot: &Snapshot) -> Option<ProjectId> {
        let account = snapshot.user(self.user)?;
        let facts = Facts::if_enabled(snapshot, Standing::of_account(account));
        let holds = |act| {
            let question = Question::Project(project, act);
            rules::decide(snapshot, &facts, question) == Decision::All
        };
        (holds(ProjectAct::Open) || holds(ProjectAct::Access)).then_some(project)
    }
}

/// A user's place in the policy's history, up to which it knows what reaches it.
#[derive(Clone, Debug)]
pub struct Follower {
    snapshot: Arc<Snapshot>,
    reach: Reach,
}

impl Follower {
    /// The state of the policy up to which everything was told.
    #[must_use]
    pub fn token(&self) -> PolicyToken {
        self.snapshot.token()
    }

    /// Goes on to a later state; answers what it brings.
    fn step(&mut self, snapshot: Arc<Snapshot>) -> Vec<News> {
        let reach = Reach::of(&snapshot, self.reach.user);
        let news = reach.news(&self.reach, &snapshot);
        *self = Self { snapshot, reach };
        news
    }
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Lets in those whom personal layers can reach. To be asked again while they follow: a session may end (R119).
    ///
    /// # Errors
    /// [`Refusal`] for whoever owns nothing: anonymous, services and server sessions.
    pub fn admit_follower(&self, caller: &Caller) -> Result<UserId, Refusal> {
        self.person(&self.snapshot(), caller)
    }

    /// Begins to follow what changes for the caller about personal layers, after a state of the policy or from now on.
    ///
    /// # Errors
    /// As [`Self::admit_follower`], and as [`Self::past`] for a state that is not the present one.
    pub async fn follow_personal(
        &self,
        caller: &Caller,
        after: Option<PolicyToken>,
    ) -> Result<Follower, CheckError> {
        let user = self.admit_follower(caller)?;
        let snapshot = match after {
            None => self.snapshot(),
            Some(token) => Arc::clone(self.past(caller, At::Exactly(token)).await?.policy()),
        };
        Ok(Follower {
            reach: Reach::of(&snapshot, user),
            snapshot,
        })
    }

    /// What has changed since for a follower, change by change, as many changes as are read at once; it has come further
    /// then. A state that brings it nothing is passed over.
    ///
    /// # Errors
    /// [`CheckError::HistoryPruned`] when it has come too late.
    pub async fn personal_news(
        &self,
        follower: &mut Follower,
    ) -> Result<Vec<(PolicyToken, Vec<News>)>, CheckError> {
        let now = self.snapshot();
        let told = follower.token();
        let mut all = Vec::new();
        let mut take = |follower: &mut Follower, snapshot: Arc<Snapshot>| {
            let news = follower.step(snapshot);
            if !news.is_empty() {
                all.push((follower.token(), news));
            }
        };
        if told.revision.next() == now.revision() {
            take(follower, now);
        } else {
            // Each change is told by itself: what was taken away is not what was deleted later.
            for set in self.changes_after(told).await? {
                let next = (*follower.snapshot).clone().apply(&set);
                take(follower, Arc::new(next));
            }
        }
        Ok(all)
    }
}
