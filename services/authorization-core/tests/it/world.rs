//! Small worlds of one project and one layer, for the rules to be tried on.

use authorization_core::{
    Facts, Snapshot, Standing, Timestamp,
    audit::ChangeNote,
    change::{Author, ChangeSet, HighWaterMarks, PolicyChange},
    model::{
        AccountPolicy, AccountState, CreationRequest, Description, Editing, GlobalSet, GrantRow,
        Group, Layer, LayerGrant, LayerState, Placement, Project, ProjectGrantRow, ProjectRights,
        RequestId, User,
    },
};
use jmap_domain::{
    Decision, Epoch, GlobalPermission, GroupId, LayerAct, LayerId, Name, Permission, PermissionSet,
    PolicyRevision, PrincipalId, ProjectAct, ProjectId, Question, SessionKind, UserId,
};
use proptest::prelude::*;

pub(crate) const ANA: i64 = 10;
pub(crate) const BEN: i64 = 11;
pub(crate) const TEAM: i64 = 20;
pub(crate) const CREW: i64 = 21;
pub(crate) const ANONYMOUS: i64 = 2;
pub(crate) const EVERYONE: i64 = 3;
pub(crate) const AUTHENTICATED: i64 = 4;
const PRINCIPALS: [i64; 7] = [ANONYMOUS, EVERYONE, AUTHENTICATED, ANA, BEN, TEAM, CREW];

/// A world of one project and one layer.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) members: Vec<(i64, i64)>,
    pub(crate) globals: Vec<(i64, GlobalSet)>,
    pub(crate) project: Vec<(i64, ProjectRights)>,
    pub(crate) layer: Vec<(i64, LayerGrant)>,
    pub(crate) editing: bool,
    pub(crate) personal_of: Option<i64>,
    pub(crate) pending: bool,
    pub(crate) ana_enabled: bool,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Who {
    Nobody,
    Ordinary(i64),
    Server(i64),
    Service,
}

pub(crate) const SUBJECTS: [Who; 6] = [
    Who::Nobody,
    Who::Ordinary(ANA),
    Who::Ordinary(BEN),
    Who::Server(ANA),
    Who::Server(BEN),
    Who::Service,
];

pub(crate) fn layer_id() -> LayerId {
    LayerId::new(7).unwrap()
}

pub(crate) fn project_id() -> ProjectId {
    ProjectId::new(5).unwrap()
}

/// Every question that a world can be asked.
pub(crate) fn questions() -> Vec<Question> {
    let elements = Permission::ALL.map(LayerAct::Elements);
    let acts = elements.into_iter().chain([
        LayerAct::ReadConfiguration,
        LayerAct::ChangeStructure,
        LayerAct::Delete,
    ]);
    let project = [
        ProjectAct::Open,
        ProjectAct::Access,
        ProjectAct::Administrate,
        ProjectAct::Own,
    ];
    acts.map(|act| Question::Layer(layer_id(), act))
        .chain(project.map(|act| Question::Project(project_id(), act)))
        .chain(GlobalPermission::ALL.map(Question::Global))
        .collect()
}

impl World {
    /// The world as changes that make it from nothing.
    fn changes(&self) -> Vec<PolicyChange> {
        let mut changes = self.principals();
        let revision = PolicyRevision(1);
        let rows = self.project.iter();
        let rows = rows.map(|(p, rights)| ProjectGrantRow {
            principal: id(*p),
            rights: *rights,
        });
        let rows = rows.collect();
        changes.push(PolicyChange::ProjectPut(project()));
        changes.push(PolicyChange::ProjectGrantsSet {
            project: project_id(),
            revision,
            rows,
        });
        let rows = self.layer.iter();
        let rows = rows.map(|(p, grant)| GrantRow {
            principal: id(*p),
            grant: *grant,
        });
        let rows = rows.collect();
        changes.push(PolicyChange::LayerPut(self.layer()));
        changes.push(PolicyChange::LayerGrantsSet {
            layer: layer_id(),
            revision,
            rows,
        });
        changes
    }

    fn principals(&self) -> Vec<PolicyChange> {
        let ana = if self.ana_enabled {
            AccountState::Enabled
        } else {
            AccountState::Disabled
        };
        let users = [
            (ANONYMOUS, AccountState::Enabled),
            (ANA, ana),
            (BEN, AccountState::Enabled),
        ];
        let users = users.map(|(id, state)| PolicyChange::UserPut(user(id, state)));
        let groups = [EVERYONE, AUTHENTICATED, TEAM, CREW].map(group);
        let members = self.members.iter().map(|(group, user)| {
            PolicyChange::MemberAdded(GroupId::new(*group).unwrap(), UserId::new(*user).unwrap())
        });
        let globals = self
            .globals
            .iter()
            .map(|(p, set)| PolicyChange::GlobalsSet(id(*p), *set));
        users
            .into_iter()
            .chain(groups)
            .chain(members)
            .chain(globals)
            .collect()
    }

    fn layer(&self) -> Layer {
        let in_project = Placement::Project {
            project: project_id(),
            position: 0,
        };
        let personal = |owner| Placement::Personal {
            owner: UserId::new(owner).unwrap(),
        };
        let pending = LayerState::Pending {
            expires_at: Timestamp::from_millis(1),
        };
        Layer {
            id: layer_id(),
            name: Name::parse("roads").unwrap(),
            placement: self.personal_of.map_or(in_project, personal),
            editing: if self.editing {
                Editing::Enabled
            } else {
                Editing::Disabled
            },
            offered_to: None,
            reference: None,
            state: if self.pending {
                pending
            } else {
                LayerState::Active
            },
            request: CreationRequest {
                by: UserId::new(ANA).unwrap(),
                id: RequestId([0; 16]),
                fingerprint: [0; 32],
            },
            revision: PolicyRevision(1),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::empty(Epoch(1)).apply(&change_set(1, self.changes()))
    }
}

/// What the rules decide.
pub(crate) fn decide(snapshot: &Snapshot, who: Who, question: Question) -> Decision {
    authorization_core::rules::decide(snapshot, &facts(snapshot, who), question)
}

pub(crate) fn facts(snapshot: &Snapshot, who: Who) -> Facts<'_> {
    Facts::of(snapshot, standing(who))
}

pub(crate) fn standing(who: Who) -> Standing {
    let user = |user, kind| Standing::User {
        user: UserId::new(user).unwrap(),
        kind,
    };
    match who {
        Who::Nobody => Standing::Anonymous,
        Who::Service => Standing::Service,
        Who::Ordinary(id) => user(id, SessionKind::Ordinary),
        Who::Server(id) => user(id, SessionKind::Server),
    }
}

pub(crate) fn change_set(revision: u64, changes: Vec<PolicyChange>) -> ChangeSet {
    ChangeSet {
        revision: PolicyRevision(revision),
        at: Timestamp::from_millis(0),
        by: Author::System,
        changes,
        marks: HighWaterMarks::START,
        note: ChangeNote::default(),
        secrets: Vec::new(),
    }
}

pub(crate) fn id(id: i64) -> PrincipalId {
    PrincipalId::new(id).unwrap()
}

fn user(id: i64, state: AccountState) -> User {
    User {
        id: UserId::new(id).unwrap(),
        name: Name::parse(&format!("user {id}")).unwrap(),
        display_name: None,
        policy: AccountPolicy::Ordinary,
        state,
        identity: None,
        revision: PolicyRevision(1),
    }
}

fn group(id: i64) -> PolicyChange {
    let name = Name::parse(&format!("group {id}")).unwrap();
    let id = GroupId::new(id).unwrap();
    PolicyChange::GroupPut(Group {
        id,
        name,
        description: Description::default(),
        revision: PolicyRevision(1),
    })
}

fn project() -> Project {
    Project {
        id: project_id(),
        name: Name::parse("town").unwrap(),
        description: Description::default(),
        position: 0,
        revision: PolicyRevision(1),
    }
}

/// How much a decision gives.
pub(crate) fn rank(decision: Decision) -> u8 {
    match decision {
        Decision::Denied(_) => 0,
        Decision::Own { creator: _ } => 1,
        Decision::All => 2,
    }
}

/// Random small worlds; *open* and *view* are frequent, for otherwise most answers are the same.
pub(crate) fn worlds() -> impl Strategy<Value = World> {
    let personal = prop_oneof![4 => Just(None), 1 => Just(Some(ANA)), 1 => Just(Some(BEN))];
    let switches = (
        prop::bool::weighted(0.8),
        personal,
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.9),
    );
    (members(), globals(), project_rows(), layer_rows(), switches).prop_map(
        |(members, globals, project, layer, (editing, personal_of, pending, ana_enabled))| World {
            members,
            globals,
            project,
            layer,
            editing,
            personal_of,
            pending,
            ana_enabled,
        },
    )
}

fn members() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::sample::subsequence(
        vec![(TEAM, ANA), (TEAM, BEN), (CREW, ANA), (CREW, BEN)],
        0..=4,
    )
}

fn principals() -> impl Strategy<Value = Vec<i64>> {
    prop::sample::subsequence(PRINCIPALS.to_vec(), 0..=4)
}

fn globals() -> impl Strategy<Value = Vec<(i64, GlobalSet)>> {
    // R27 holds even if such a row were stored.
    let who = prop_oneof![3 => Just(vec![]), 1 => principals()];
    rows(
        who,
        (1..32_u8).prop_map(|bits| GlobalSet::from_bits(bits).unwrap()),
    )
}

fn project_rows() -> impl Strategy<Value = Vec<(i64, ProjectRights)>> {
    let bits = prop_oneof![3 => Just(1_u8), 2 => 1..16_u8];
    rows(
        principals(),
        bits.prop_map(|bits| ProjectRights::from_bits(bits).unwrap()),
    )
}

fn layer_rows() -> impl Strategy<Value = Vec<(i64, LayerGrant)>> {
    rows(principals(), grants())
}

pub(crate) fn grants() -> impl Strategy<Value = LayerGrant> {
    (0..128_u8, prop::bool::weighted(0.7), any::<bool>()).prop_map(|(bits, view, own_only)| {
        let view = if view {
            PermissionSet::of(Permission::View)
        } else {
            PermissionSet::EMPTY
        };
        LayerGrant {
            permissions: PermissionSet::from_bits(bits).unwrap().union(view),
            own_only,
        }
    })
}

fn rows<T: Clone + std::fmt::Debug + 'static>(
    principals: impl Strategy<Value = Vec<i64>> + 'static,
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Vec<(i64, T)>> {
    let value = value.boxed();
    principals.prop_flat_map(move |principals| {
        let count = principals.len();
        (
            Just(principals),
            prop::collection::vec(value.clone(), count),
        )
            .prop_map(|(principals, values)| principals.into_iter().zip(values).collect())
    })
}
