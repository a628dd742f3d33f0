//! Every policy of kept history can be rebuilt: as it was then, across restarts, and after pruning.

use std::time::Duration;

use authorization_core::{
    Authority, CheckError, Origin, Settings, Snapshot, Timestamp,
    change::{ChangeSet, HighWaterMarks, HistoryBase, PolicyChange},
    memory::MemoryPlatform,
    model::Account,
    past::At,
    ports::{Clock, PolicyStore},
    secret::NewPassword,
    sessions::Credentials,
};
use authorization_store::SqlStore;
use jmap_domain::{Caller, Epoch, Name, PolicyRevision, PolicyToken, SessionCaller, UserId};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};
use tokio::runtime::Runtime;

use crate::support::{Place, Step, on_both_engines, set};

/// Between two changes.
const TICK: Duration = Duration::from_mins(1);
const PASSWORD: &str = "correct horse";

/// An installation whose every policy is remembered as it was.
struct Remembered {
    place: Place,
    platform: MemoryPlatform,
    caller: Caller,
    policies: Vec<Then>,
}

/// A policy and when it began.
struct Then {
    policy: Snapshot,
    at: Timestamp,
}

async fn start(place: &Place, platform: &MemoryPlatform) -> Authority<SqlStore, MemoryPlatform> {
    let store = place.store().await;
    Authority::start(store, platform.clone(), Settings::default())
        .await
        .unwrap()
}

async fn sign_in(authority: &Authority<SqlStore, MemoryPlatform>) -> Caller {
    let password = NewPassword::parse(PASSWORD.to_owned().into()).unwrap();
    authority.set_first_password(&password).await.unwrap();
    let credentials = Credentials::Password {
        name: Name::parse("administrator").unwrap(),
        password: PASSWORD.to_owned().into(),
    };
    let session = authority
        .sign_in(&credentials, Origin::default())
        .await
        .unwrap()
        .session;
    let Account::User { user, kind } = session.account else {
        panic!("a user signed in")
    };
    Caller::Session(SessionCaller {
        session: session.id,
        user,
        kind,
    })
}

/// Whoever asks about the past has to be there.
fn spares_the_administrator(set: &ChangeSet) -> bool {
    let is_gone = |change: &PolicyChange| {
        let deleted = PolicyChange::UserDeleted(UserId::ADMINISTRATOR);
        let changed = matches!(change, PolicyChange::UserPut(user)
            if user.id == UserId::ADMINISTRATOR);
        *change == deleted || changed
    };
    !set.changes.iter().any(is_gone)
}

impl Remembered {
    async fn new(place: Place, steps: &[Step]) -> Self {
        let platform = MemoryPlatform::default();
        let authority = start(&place, &platform).await;
        let caller = sign_in(&authority).await;
        let mut policies = vec![Then {
            policy: (*authority.snapshot()).clone(),
            at: platform.now(),
        }];
        for step in steps {
            let before = &policies.last().unwrap().policy;
            let mut set = set(before, *step);
            if !spares_the_administrator(&set) {
                continue;
            }
            platform.advance(TICK);
            set.at = platform.now();
            authority.store().commit(&set).await.unwrap();
            policies.push(Then {
                policy: before.apply(&set),
                at: set.at,
            });
        }
        platform.advance(TICK);
        authority.store().close().await;
        Self {
            place,
            platform,
            caller,
            policies,
        }
    }

    /// The installation after a restart.
    async fn restarted(&self) -> Authority<SqlStore, MemoryPlatform> {
        start(&self.place, &self.platform).await
    }

    /// Asks for every policy, the newest first, by its token and by its time.
    async fn compare(
        &self,
        authority: &Authority<SqlStore, MemoryPlatform>,
        beginning: PolicyRevision,
    ) -> Result<(), TestCaseError> {
        for then in self.policies.iter().rev() {
            for at in [At::Exactly(then.policy.token()), At::Time(then.at)] {
                let past = authority.past(&self.caller, at).await;
                if then.policy.revision() < beginning {
                    let is_pruned = matches!(&past, Err(CheckError::HistoryPruned(oldest))
                        if oldest.token.revision == beginning);
                    prop_assert!(is_pruned, "{at:?}: {past:?}");
                } else {
                    let past = past.unwrap();
                    prop_assert_eq!(&**past.policy(), &then.policy);
                }
            }
        }
        Ok(())
    }

    async fn hold(&self, cut: prop::sample::Index) -> Result<(), TestCaseError> {
        let authority = self.restarted().await;
        self.compare(&authority, PolicyRevision(0)).await?;
        let edge = &self.policies[cut.index(self.policies.len())];
        let age = self.platform.now().as_millis() - edge.at.as_millis();
        // What was decided at the edge is the last that is too old.
        let age = Duration::from_millis(u64::try_from(age).unwrap());
        let life = age.saturating_sub(TICK / 2);
        authority.prune_history(life).await.unwrap();
        self.compare(&authority, edge.policy.revision()).await?;
        authority.store().close().await;
        drop(authority);

        let authority = self.restarted().await;
        self.compare(&authority, edge.policy.revision()).await?;
        authority.store().close().await;
        Ok(())
    }
}

fn step() -> impl Strategy<Value = Step> {
    any::<(u8, u8, u8)>().prop_map(|(kind, a, b)| Step { kind, a, b })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_rebuilt_policy_equals_the_one_of_then_in_a_file(
        steps in vec(step(), 1..40),
        cut in any::<prop::sample::Index>(),
    ) {
        Runtime::new().unwrap().block_on(async {
            Remembered::new(Place::folder(), &steps).await.hold(cut).await
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn a_rebuilt_policy_equals_the_one_of_then_on_a_server(
        steps in vec(step(), 1..25),
        cut in any::<prop::sample::Index>(),
    ) {
        Runtime::new().unwrap().block_on(async {
            match Place::server("past_policies").await {
                Some(place) => Remembered::new(place, &steps).await.hold(cut).await,
                None => Ok(()),
            }
        })?;
    }
}

fn base(revision: u64) -> HistoryBase {
    HistoryBase {
        revision: PolicyRevision(revision),
        at: Timestamp::from_millis(5),
        marks: HighWaterMarks::START,
    }
}

fn records(count: i64) -> Vec<PolicyChange> {
    let user = |id| PolicyChange::UserDeleted(UserId::new(id).unwrap());
    (1..=count).map(user).collect()
}

on_both_engines! {
    async fn history_begins_with_what_is_whole_and_only_with_that(place: Place) {
        let store = place.store().await;
        assert_eq!(store.history_base().await.unwrap(), None);
        // What a crash leaves of a base that was not finished.
        place.execute(
            "insert into history_base values (3, 5, 4, 0, 0, 0, false);
             insert into history_base_record values (3, 0, '{\"user_deleted\": 9}')",
        ).await;
        assert_eq!(store.history_base().await.unwrap(), None);
        store.set_history_base(&base(3), &records(1_201)).await.unwrap();
        assert_eq!(store.history_base().await.unwrap(), Some(base(3)));
        assert_eq!(store.base_records(PolicyRevision(3)).await.unwrap(), records(1_201));

        store.set_history_base(&base(7), &records(2)).await.unwrap();
        assert_eq!(store.history_base().await.unwrap(), Some(base(7)));
        // A crash came while the earlier one was removed.
        place.execute("delete from history_base_record where revision = 3 and ordinal < 500").await;
        store.prune_history().await.unwrap();
        assert_eq!(store.base_records(PolicyRevision(3)).await.unwrap(), []);
        assert_eq!(store.base_records(PolicyRevision(7)).await.unwrap(), records(2));
    }

    async fn pruning_goes_on_where_it_was_and_takes_only_what_came_before(place: Place) {
        let store = place.store().await;
        let mut policy = Snapshot::rebuild(&store.load().await.unwrap());
        for kind in 0..6 {
            let set = set(&policy, Step { kind: kind % 2 * 3, a: 1, b: kind });
            store.commit(&set).await.unwrap();
            policy = policy.apply(&set);
        }
        store.set_history_base(&base(4), &records(1)).await.unwrap();
        // A crash came between.
        place.execute("delete from change where revision < 3; delete from change_set where revision < 3").await;
        store.prune_history().await.unwrap();
        let left = store.history(PolicyRevision(0), 10).await.unwrap();
        let left: Vec<u64> = left.iter().map(|set| set.revision.0).collect();
        assert_eq!(left, [5, 6]);
    }

    async fn another_life_has_another_epoch_higher_marks_and_no_sessions(place: Place) {
        // R8, R116, R117.
        let platform = MemoryPlatform::default();
        let authority = start(&place, &platform).await;
        let caller = sign_in(&authority).await;
        let (token, marks) = (authority.token(), authority.snapshot().marks());
        authority.store().close().await;
        drop(authority);
        let store = place.store().await;
        let first = store.begin_epoch(platform.now()).await.unwrap();
        // The clock need not have moved on.
        let second = store.begin_epoch(platform.now()).await.unwrap();
        assert!(token.epoch.0 < first.0 && first.0 < second.0);
        let stored = store.load().await.unwrap();
        assert!(stored.sessions.is_empty());
        assert!(stored.last_session > 1_000_000);
        store.close().await;
        drop(store);

        let authority = start(&place, &platform).await;
        assert_eq!(authority.token(), PolicyToken { epoch: second, ..token });
        let raised = authority.snapshot().marks();
        assert!(raised.principal - marks.principal >= 1_000_000);
        assert!(raised.layer - marks.layer >= 1_000_000);
        let refused = authority.past(&caller, At::Exactly(token)).await;
        assert!(refused.is_err());
        let caller = sign_in(&authority).await;
        let foreign = authority.past(&caller, At::Exactly(token)).await.unwrap_err();
        assert_eq!(foreign, CheckError::ForeignToken);
        assert_eq!(authority.changes_after(token).await.unwrap_err(), CheckError::ForeignToken);
        let own = PolicyToken { epoch: Epoch(second.0), ..token };
        assert!(authority.past(&caller, At::Exactly(own)).await.is_ok());
    }
}
