//! The audit record on both engines: it is numbered as it is committed, read back whole, and never changed (R122).

use authorization_core::{
    Path, Resource, Snapshot, Timestamp,
    audit::{
        AuditEntry, AuditFilter, AuditKind, AuditRecord, ChangeNote, Concern, Order, Outcome,
        RecordsWanted, SHOWN_CONCERNS, Span, Who,
    },
    ports::{AuditStore, PolicyStore, StoreError},
};
use authorization_store::SqlStore;
use jmap_domain::{
    ConnectionId, GroupId, LayerId, Name, PolicyRevision, PrincipalId, ProjectId, ServiceId,
    SessionId, UserId,
};

use crate::support::{Place, Step, on_both_engines, set};

const NEW_USER: Step = Step {
    kind: 0,
    a: 1,
    b: 1,
};

fn entry(at: i64, who: Who) -> AuditEntry {
    AuditEntry::done(AuditKind::Refusal, Timestamp::from_millis(at), who)
}

fn concern(resource: Resource, project: Option<i64>) -> Concern {
    Concern {
        resource,
        project: project.map(|id| ProjectId::new(id).unwrap()),
        name: Name::parse("Straße É").ok(),
    }
}

/// One of everything that can stand in a record.
fn all_kinds() -> Vec<AuditEntry> {
    let (user, session) = (UserId::new(7).unwrap(), SessionId::new(8).unwrap());
    let service = ServiceId::new(9).unwrap();
    let via = Some(service);
    let who = [
        Who::System,
        Who::Unknown { via: None },
        Who::Unknown { via },
        Who::Anonymous { via: None },
        Who::Anonymous { via },
        Who::User { user, session, via },
        Who::Service { service, session },
    ];
    let paths = [
        Path::Direct,
        Path::Group(GroupId::new(5).unwrap()),
        Path::Authenticated,
        Path::Everyone,
        Path::Owner,
        Path::SuperAdministrator,
    ];
    let resources = [
        Resource::User(user),
        Resource::Group(GroupId::new(5).unwrap()),
        Resource::Principal(PrincipalId::new(6).unwrap()),
        Resource::Service(service),
        Resource::Session(session),
        Resource::Project(ProjectId::new(1).unwrap()),
        Resource::Layer(LayerId::new(2).unwrap()),
        Resource::Connection(ConnectionId::new(3).unwrap()),
        Resource::Installation,
    ];
    let outcomes = [Outcome::Done, Outcome::Own, Outcome::Refused];
    let numbered = (0_i64..).zip(who);
    numbered
        .map(|(n, who)| {
            let index = usize::try_from(n).unwrap();
            AuditEntry {
                kind: AuditKind::ALL[index],
                last_at: Timestamp::from_millis(n + 10),
                count: 3,
                name: Name::parse("ana").ok(),
                outcome: outcomes[index % 3],
                reason: Some("NOT_OWN_ELEMENT".to_owned()),
                act: Some("/a.B/C".into()),
                path: paths.get(index).copied(),
                request: Some("job-7".into()),
                revision: Some(PolicyRevision(4)),
                concerns: resources
                    .map(|one| concern(one, (n % 2 == 0).then_some(1)))
                    .to_vec(),
                ..entry(n, who)
            }
        })
        .collect()
}

async fn everything(store: &SqlStore) -> Vec<AuditRecord> {
    wanted(store, &AuditFilter::default(), None).await
}

async fn wanted(
    store: &SqlStore,
    filter: &AuditFilter,
    project: Option<ProjectId>,
) -> Vec<AuditRecord> {
    let wanted = RecordsWanted {
        filter,
        project,
        span: Span {
            after: 0,
            until: i64::MAX,
        },
        order: Order::OldestFirst,
        limit: 1_000,
    };
    store.records(&wanted).await.unwrap()
}

on_both_engines! {
    async fn records_come_back_as_they_were_written(place: Place) {
        let store = place.store().await;
        store.record(&all_kinds()).await.unwrap();
        let read = everything(&store).await;
        let entries: Vec<_> = read.iter().map(|one| one.entry.clone()).collect();
        assert_eq!(entries, all_kinds());
        let ids: Vec<_> = read.iter().map(|one| one.id).collect();
        assert_eq!(ids, (1..=7).collect::<Vec<_>>());
        assert_eq!(store.last_record().await.unwrap(), 7);
        assert!(read.iter().all(|one| one.concerns_in_all == 9));
    }

    async fn filters_select_what_the_core_would(place: Place) {
        let store = place.store().await;
        store.record(&all_kinds()).await.unwrap();
        let read = everything(&store).await;
        let layer = Resource::Layer(LayerId::new(2).unwrap());
        let none = AuditFilter::default;
        let filters = [
            AuditFilter { from: Some(Timestamp::from_millis(13)), ..none() },
            AuditFilter { until: Some(Timestamp::from_millis(3)), ..none() },
            AuditFilter { user: Some(UserId::ANONYMOUS), ..none() },
            AuditFilter { service: ServiceId::new(9).ok(), ..none() },
            AuditFilter { about: Some(layer), ..none() },
            AuditFilter { about: Some(Resource::Installation), ..none() },
            AuditFilter { about: LayerId::new(77).ok().map(Resource::Layer), ..none() },
            AuditFilter { kinds: [AuditKind::Change, AuditKind::Check].into_iter().collect(), ..none() },
            AuditFilter { outcome: Some(Outcome::Own), ..none() },
        ];
        for filter in filters {
            for project in [None, ProjectId::new(1).ok(), ProjectId::new(2).ok()] {
                for order in [Order::OldestFirst, Order::NewestFirst] {
                    let wanted = RecordsWanted {
                        filter: &filter,
                        project,
                        span: Span { after: 1, until: 6 },
                        order,
                        limit: 3,
                    };
                    let found = store.records(&wanted).await.unwrap();
                    let mut expected: Vec<_> = read.iter().filter(|one| wanted.wants(one)).collect();
                    if order == Order::NewestFirst {
                        expected.reverse();
                    }
                    let ids = |records: &mut dyn Iterator<Item = i64>| records.collect::<Vec<_>>();
                    let expected = ids(&mut expected.iter().take(3).map(|one| one.id));
                    assert_eq!(ids(&mut found.iter().map(|one| one.id)), expected, "{filter:?}");
                }
            }
        }
    }

    async fn of_one_project_only_what_concerns_it_is_read(place: Place) {
        let store = place.store().await;
        let layer = |id| Resource::Layer(LayerId::new(id).unwrap());
        let concerns = vec![concern(layer(1), Some(1)), concern(layer(2), Some(2))];
        let both = AuditEntry { concerns, ..entry(1, Who::System) };
        store.record(&[both]).await.unwrap();
        let seen = wanted(&store, &AuditFilter::default(), ProjectId::new(2).ok()).await;
        assert_eq!(seen[0].entry.concerns, [concern(layer(2), Some(2))]);
    }

    async fn of_many_concerns_some_are_read_and_all_are_counted(place: Place) {
        let store = place.store().await;
        let layers = (1..=250).map(|id| Resource::Layer(LayerId::new(id).unwrap()));
        let concerns = layers.map(|layer| concern(layer, Some(1))).collect();
        let deleted = AuditEntry { concerns, ..entry(1, Who::System) };
        store.record(&[deleted]).await.unwrap();
        let read = everything(&store).await;
        assert_eq!(read[0].entry.concerns.len(), SHOWN_CONCERNS);
        assert_eq!(read[0].concerns_in_all, 250);
        let last = LayerId::new(250).ok().map(Resource::Layer);
        let filter = AuditFilter { about: last, ..AuditFilter::default() };
        assert_eq!(wanted(&store, &filter, None).await.len(), 1);
    }

    async fn a_change_and_a_session_are_recorded_with_themselves_or_not_at_all(place: Place) {
        // R122.
        let store = place.store().await;
        let before = Snapshot::rebuild(&store.load().await.unwrap());
        let mut change = set(&before, NEW_USER);
        change.note = ChangeNote {
            concerns: vec![concern(Resource::Installation, None)],
            ..ChangeNote::default()
        };
        store.commit(&change).await.unwrap();
        assert_eq!(store.commit(&change).await, Err(StoreError::Conflict));
        let read = everything(&store).await;
        let entries: Vec<_> = read.iter().map(|one| one.entry.clone()).collect();
        assert_eq!(entries, [AuditEntry::of_change(&change)]);
        assert_eq!(store.last_record().await.unwrap(), 1);
    }

    async fn nobody_changes_a_record(place: Place) {
        // R122.
        let store = place.store().await;
        store.record(&all_kinds()).await.unwrap();
        let before = everything(&store).await;
        store.close().await;
        drop(store);
        for sql in [
            "update audit_record set count = 0",
            "update audit_concern set name = 'x'",
        ] {
            assert!(place.is_refused(sql).await, "{sql}");
        }
        assert_eq!(everything(&place.store().await).await, before);
    }

    async fn old_records_go_some_at_a_time_and_numbers_do_not_come_again(place: Place) {
        // R122.
        let store = place.store().await;
        store.record(&all_kinds()).await.unwrap();
        let before = Timestamp::from_millis(15);
        assert_eq!(store.prune_records(before, 3).await.unwrap(), 3);
        assert_eq!(store.prune_records(before, 3).await.unwrap(), 2);
        assert_eq!(store.prune_records(before, 3).await.unwrap(), 0);
        let ids: Vec<_> = everything(&store).await.iter().map(|one| one.id).collect();
        assert_eq!(ids, [6, 7]);
        store.prune_records(Timestamp::from_millis(1_000), 10).await.unwrap();
        store.record(&[entry(1, Who::System)]).await.unwrap();
        assert_eq!(everything(&store).await[0].id, 8);
    }

    async fn numbers_come_in_the_order_of_commits(place: Place) {
        // Whoever follows the record misses nothing.
        let store = place.store().await;
        let record = async |n: i64| store.record(&[entry(n, Who::System)]).await.unwrap();
        let writing = async {
            for n in 0..10 {
                tokio::join!(record(n), record(n + 100), record(n + 200));
            }
        };
        let reading = async {
            let mut known: Vec<i64> = Vec::new();
            while known.len() < 30 {
                let ids: Vec<_> = everything(&store).await.iter().map(|one| one.id).collect();
                assert!(ids.starts_with(&known), "{known:?} before {ids:?}");
                known = ids;
            }
            known
        };
        let ((), known) = tokio::join!(writing, reading);
        assert_eq!(known, (1..=30).collect::<Vec<_>>());
    }
}
