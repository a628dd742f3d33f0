//! What can happen in an installation, good or bad, drawn at random. Dice stand for ids: the model knows which there are.

use jmap_domain::{GlobalPermission, Permission, ProjectAct};
use proptest::{collection::vec, prelude::*, sample::subsequence};

/// A throw that picks one of what was ever made, what is gone and what never was included.
pub(crate) type Die = u8;

/// Who acts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Actor {
    /// The administrator, signed in anew if need be.
    Administrator,
    /// Nobody signed in.
    Anonymous,
    /// Whoever opened that session, also when it is closed by now.
    Session(Die),
}

/// What the caller says it has read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    Nothing,
    Newest,
    Older,
}

/// A row of a layer's table.
#[derive(Clone, Debug)]
pub(crate) struct LayerRow {
    pub(crate) principal: Die,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) own_only: bool,
}

/// What is done to the table of one layer.
#[derive(Clone, Debug)]
pub(crate) struct TableChange {
    pub(crate) layer: Die,
    pub(crate) read: Read,
    pub(crate) rows: Rows,
}

#[derive(Clone, Debug)]
pub(crate) enum Rows {
    Replace(Vec<LayerRow>),
    /// Rows to add to, and what is taken out of each.
    Amend(Vec<(LayerRow, Vec<Permission>)>),
}

/// A layer to reserve.
#[derive(Clone, Debug)]
pub(crate) struct NewLayer {
    pub(crate) name: Die,
    /// `None` for a personal one.
    pub(crate) project: Option<Die>,
    pub(crate) editing: bool,
    pub(crate) everyone_views: bool,
    pub(crate) rows: Vec<LayerRow>,
}

/// One act.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    SignIn {
        user: Die,
    },
    /// Reservations run out; perhaps somebody sweeps them up as well.
    RunOut {
        swept: bool,
    },
    Accounts(OnAccounts),
    Groups(OnGroups),
    Projects(OnProjects),
    Layers(OnLayers),
}

#[derive(Clone, Debug)]
pub(crate) enum OnAccounts {
    CreateUser { name: Die, server: bool },
    SetEnabled { user: Die, enabled: bool },
    DeleteUser { user: Die },
    SignOut,
    CloseSession { session: Die },
}

/// Groups, and what is granted beside all resources.
#[derive(Clone, Debug)]
pub(crate) enum OnGroups {
    CreateGroup {
        name: Die,
    },
    RenameGroup {
        group: Die,
        name: Die,
    },
    DeleteGroup {
        group: Die,
    },
    Members {
        group: Die,
        add: Vec<Die>,
        remove: Vec<Die>,
    },
    Globals {
        principal: Die,
        add: Vec<GlobalPermission>,
        remove: Vec<GlobalPermission>,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum OnProjects {
    CreateProject {
        name: Die,
    },
    RenameProject {
        project: Die,
        name: Die,
        read: Read,
    },
    DeleteProject {
        project: Die,
        by_its_name: bool,
    },
    OrderProjects {
        first: Vec<Die>,
    },
    GrantProject {
        project: Die,
        read: Read,
        rows: Vec<(Die, Vec<ProjectAct>)>,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum OnLayers {
    Reserve(NewLayer),
    Activate {
        layer: Die,
    },
    Abandon {
        layer: Die,
    },
    Unregister {
        layer: Die,
    },
    UpdateLayer {
        layer: Die,
        read: Read,
        name: Option<Die>,
        editing: Option<bool>,
    },
    OrderLayers {
        project: Die,
        first: Vec<Die>,
    },
    EditTables(Vec<TableChange>),
    Personal(OnPersonal),
}

#[derive(Clone, Debug)]
pub(crate) enum OnPersonal {
    Publish {
        layer: Die,
        project: Die,
        name: Option<Die>,
        everyone_views: bool,
    },
    Reassign {
        layer: Die,
        owner: Die,
        name: Option<Die>,
    },
    Leave {
        layer: Die,
    },
    Offer {
        layer: Die,
        to: Die,
    },
    Withdraw {
        layer: Die,
    },
    Accept {
        layer: Die,
        name: Option<Die>,
    },
    Decline {
        layer: Die,
    },
}

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) actor: Actor,
    pub(crate) act: Act,
    /// Whether the process is started anew afterwards.
    pub(crate) restart: bool,
    /// What is asked afterwards.
    pub(crate) probe: u64,
}

pub(crate) fn histories(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), longest / 2..longest)
}

fn step() -> impl Strategy<Value = Step> {
    let restart = prop::bool::weighted(0.05);
    (actor(), act(), restart, any::<u64>()).prop_map(|(actor, act, restart, probe)| Step {
        actor,
        act,
        restart,
        probe,
    })
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        12 => Just(Actor::Administrator),
        1 => Just(Actor::Anonymous),
        7 => any::<Die>().prop_map(Actor::Session),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        20 => accounts().prop_map(Act::Accounts),
        25 => groups().prop_map(Act::Groups),
        35 => projects().prop_map(Act::Projects),
        60 => layers().prop_map(Act::Layers),
        8 => die().prop_map(|user| Act::SignIn { user }),
        2 => any::<bool>().prop_map(|swept| Act::RunOut { swept }),
    ]
}

fn accounts() -> impl Strategy<Value = OnAccounts> {
    prop_oneof![
        4 => (die(), any::<bool>())
            .prop_map(|(name, server)| OnAccounts::CreateUser { name, server }),
        4 => (die(), any::<bool>())
            .prop_map(|(user, enabled)| OnAccounts::SetEnabled { user, enabled }),
        1 => die().prop_map(|user| OnAccounts::DeleteUser { user }),
        1 => Just(OnAccounts::SignOut),
        1 => die().prop_map(|session| OnAccounts::CloseSession { session }),
    ]
}

fn groups() -> impl Strategy<Value = OnGroups> {
    let globals = || subsequence(GlobalPermission::ALL.to_vec(), 0..=2);
    prop_oneof![
        2 => die().prop_map(|name| OnGroups::CreateGroup { name }),
        1 => (die(), die()).prop_map(|(group, name)| OnGroups::RenameGroup { group, name }),
        1 => die().prop_map(|group| OnGroups::DeleteGroup { group }),
        7 => (die(), dice(), dice())
            .prop_map(|(group, add, remove)| OnGroups::Members { group, add, remove }),
        5 => (die(), globals(), globals())
            .prop_map(|(principal, add, remove)| OnGroups::Globals { principal, add, remove }),
    ]
}

fn projects() -> impl Strategy<Value = OnProjects> {
    let acts = [
        ProjectAct::Open,
        ProjectAct::Access,
        ProjectAct::Administrate,
        ProjectAct::Own,
    ];
    let row = (die(), subsequence(acts.to_vec(), 0..=2));
    prop_oneof![
        2 => die().prop_map(|name| OnProjects::CreateProject { name }),
        2 => (die(), die(), read())
            .prop_map(|(project, name, read)| OnProjects::RenameProject { project, name, read }),
        1 => (die(), prop::bool::weighted(0.2))
            .prop_map(|(project, by_its_name)| OnProjects::DeleteProject { project, by_its_name }),
        2 => dice().prop_map(|first| OnProjects::OrderProjects { first }),
        16 => (die(), read(), vec(row, 0..3))
            .prop_map(|(project, read, rows)| OnProjects::GrantProject { project, read, rows }),
    ]
}

fn layers() -> impl Strategy<Value = OnLayers> {
    prop_oneof![
        8 => new_layer().prop_map(OnLayers::Reserve),
        8 => die().prop_map(|layer| OnLayers::Activate { layer }),
        1 => die().prop_map(|layer| OnLayers::Abandon { layer }),
        1 => die().prop_map(|layer| OnLayers::Unregister { layer }),
        8 => update_layer(),
        2 => (die(), dice()).prop_map(|(project, first)| OnLayers::OrderLayers { project, first }),
        20 => vec(table_change(), 1..4).prop_map(OnLayers::EditTables),
        14 => personal().prop_map(OnLayers::Personal),
    ]
}

fn personal() -> impl Strategy<Value = OnPersonal> {
    let name = || prop::option::weighted(0.3, die());
    prop_oneof![
        2 => (die(), die(), name(), any::<bool>()).prop_map(
            |(layer, project, name, everyone_views)| OnPersonal::Publish {
                layer,
                project,
                name,
                everyone_views,
            }
        ),
        3 => (die(), die(), name())
            .prop_map(|(layer, owner, name)| OnPersonal::Reassign { layer, owner, name }),
        2 => die().prop_map(|layer| OnPersonal::Leave { layer }),
        6 => (die(), die()).prop_map(|(layer, to)| OnPersonal::Offer { layer, to }),
        1 => die().prop_map(|layer| OnPersonal::Withdraw { layer }),
        4 => (die(), name()).prop_map(|(layer, name)| OnPersonal::Accept { layer, name }),
        2 => die().prop_map(|layer| OnPersonal::Decline { layer }),
    ]
}

fn update_layer() -> impl Strategy<Value = OnLayers> {
    let name = prop::option::weighted(0.3, die());
    (die(), read(), name, any::<Option<bool>>()).prop_map(|(layer, read, name, editing)| {
        OnLayers::UpdateLayer {
            layer,
            read,
            name,
            editing,
        }
    })
}

fn new_layer() -> impl Strategy<Value = NewLayer> {
    let project = prop::option::weighted(0.8, die());
    (
        die(),
        project,
        any::<bool>(),
        any::<bool>(),
        vec(layer_row(), 0..3),
    )
        .prop_map(|(name, project, editing, everyone_views, rows)| NewLayer {
            name,
            project,
            editing,
            everyone_views,
            rows,
        })
}

fn table_change() -> impl Strategy<Value = TableChange> {
    let taken = subsequence(Permission::ALL.to_vec(), 0..=3);
    let rows = prop_oneof![
        1 => vec(layer_row(), 0..4).prop_map(Rows::Replace),
        3 => vec((layer_row(), taken), 1..3).prop_map(Rows::Amend),
    ];
    (die(), read(), rows).prop_map(|(layer, read, rows)| TableChange { layer, read, rows })
}

fn layer_row() -> impl Strategy<Value = LayerRow> {
    let permissions = subsequence(Permission::ALL.to_vec(), 0..=3);
    (die(), permissions, prop::bool::weighted(0.3)).prop_map(
        |(principal, permissions, own_only)| LayerRow {
            principal,
            permissions,
            own_only,
        },
    )
}

fn read() -> impl Strategy<Value = Read> {
    prop_oneof![
        6 => Just(Read::Nothing),
        3 => Just(Read::Newest),
        1 => Just(Read::Older),
    ]
}

fn die() -> impl Strategy<Value = Die> {
    any::<Die>()
}

fn dice() -> impl Strategy<Value = Vec<Die>> {
    vec(die(), 0..3)
}
