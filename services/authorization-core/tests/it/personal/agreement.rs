//! The two lists of administrators over random histories: by layers and by users they tell the same (R71).

use std::collections::BTreeSet;

use authorization_core::{
    directory::UserUpdate,
    model::AccountState,
    personal::{Access, PersonalWanted, Through},
};
use futures::executor::block_on;
use jmap_domain::{Decision, GroupId, LayerId, Permission, PermissionSet, PrincipalId, ProjectId};
use proptest::prelude::*;

use super::{amend, into, maker, publish, try_personal};
use crate::house::{House, Person, set};

/// What happens to some people, groups and layers; numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Create(usize),
    Share(usize, usize, bool),
    Unshare(usize, usize),
    Join(usize, usize),
    Leave(usize, usize),
    LeaveLayer(usize, usize),
    Reassign(usize, usize),
    Publish(usize),
    /// Offers a layer to somebody, or with nobody takes the offer back.
    Offer(usize, Option<usize>),
    /// Accepts a layer, or declines it.
    Answer(usize, usize, bool),
    Delete(usize),
    /// Disables an account, or enables it again.
    Toggle(usize),
}

pub(super) fn deed() -> impl Strategy<Value = Deed> {
    let which = || 0..16_usize;
    prop_oneof![
        4 => which().prop_map(Deed::Create),
        6 => (which(), which(), any::<bool>()).prop_map(|(a, b, c)| Deed::Share(a, b, c)),
        2 => (which(), which()).prop_map(|(a, b)| Deed::Unshare(a, b)),
        3 => (which(), which()).prop_map(|(a, b)| Deed::Join(a, b)),
        2 => (which(), which()).prop_map(|(a, b)| Deed::Leave(a, b)),
        1 => (which(), which()).prop_map(|(a, b)| Deed::LeaveLayer(a, b)),
        2 => (which(), which()).prop_map(|(a, b)| Deed::Reassign(a, b)),
        1 => which().prop_map(Deed::Publish),
        3 => (which(), prop::option::weighted(0.9, which())).prop_map(|(a, b)| Deed::Offer(a, b)),
        4 => (which(), which(), prop::bool::weighted(0.8))
            .prop_map(|(a, b, c)| Deed::Answer(a, b, c)),
        1 => which().prop_map(Deed::Delete),
        1 => which().prop_map(Deed::Toggle),
    ]
}

pub(super) struct Life {
    pub(super) house: House,
    pub(super) people: Vec<Person>,
    groups: Vec<GroupId>,
    layers: Vec<LayerId>,
    project: ProjectId,
    made: u32,
}

impl Life {
    pub(super) fn begin() -> Self {
        let house = House::new();
        let people: Vec<Person> = (0..4)
            .map(|n| maker(&house, &format!("user {n}")))
            .collect();
        let groups = (0..2)
            .map(|n| house.group(&format!("group {n}"), &[]))
            .collect();
        let project = house.project("town");
        Self {
            house,
            people,
            groups,
            layers: Vec::new(),
            project,
            made: 0,
        }
    }

    /// The owner of a layer, by the administrator's list.
    fn owner(&self, layer: LayerId) -> Option<&Person> {
        let administrator = &self.house.administrator;
        let listed = self
            .house
            .authority
            .personal_layers(administrator, &PersonalWanted::default());
        let listed = listed.unwrap();
        let found = listed.iter().find(|one| one.layer.id == layer)?;
        let owner = found.owner.as_ref()?.id;
        self.people.iter().find(|person| person.id == owner)
    }

    fn principal(&self, which: usize) -> PrincipalId {
        let people = self.people.iter().map(|person| PrincipalId::from(*person));
        let groups = self.groups.iter().map(|group| PrincipalId::from(*group));
        let all: Vec<PrincipalId> = people.chain(groups).collect();
        all[which % all.len()]
    }

    fn layer(&self, which: usize) -> Option<LayerId> {
        let place = which.checked_rem(self.layers.len())?;
        self.layers.get(place).copied()
    }

    fn person(&self, which: usize) -> Person {
        self.people[which % self.people.len()]
    }

    /// Whatever is refused is: only that the lists agree is looked at.
    pub(super) fn live(&mut self, deed: Deed) {
        match deed {
            Deed::Create(who) => {
                self.made += 1;
                let (named, salt) = (format!("layer {}", self.made), self.made.to_le_bytes()[0]);
                let made = try_personal(&self.house, &self.person(who), &named, salt);
                self.layers.extend(made);
            }
            Deed::Share(which, with, more) => {
                let give = [Permission::View, Permission::ModifyElements];
                let give = set(&give[usize::from(!more)..]);
                self.amend(which, with, (give, PermissionSet::EMPTY));
            }
            Deed::Unshare(which, with) => {
                self.amend(which, with, (PermissionSet::EMPTY, PermissionSet::ALL));
            }
            Deed::Join(who, group) => {
                let group = self.groups[group % self.groups.len()];
                drop(self.house.join(group, self.person(who).id));
            }
            Deed::Leave(who, group) => {
                let group = self.groups[group % self.groups.len()];
                let administrator = &self.house.administrator;
                drop(self.house.leave(administrator, group, self.person(who).id));
            }
            Deed::Toggle(who) => self.toggle(who),
            Deed::Offer(which, to) => self.offer(which, to),
            Deed::Answer(who, which, accepts) => self.answer(who, which, accepts),
            Deed::LeaveLayer(..) | Deed::Reassign(..) | Deed::Publish(_) | Deed::Delete(_) => {
                self.move_layer(deed);
            }
        }
    }

    /// Does to a layer's table what its owner may.
    fn amend(&self, which: usize, with: usize, change: (PermissionSet, PermissionSet)) {
        let Some(layer) = self.layer(which) else {
            return;
        };
        if let Some(owner) = self.owner(layer) {
            let row = (layer, self.principal(with));
            drop(amend(&self.house, owner, row, change));
        }
    }

    /// Does something after which a layer is somebody else's, or nobody's.
    fn move_layer(&self, deed: Deed) {
        let administrator = &self.house.administrator;
        let authority = &self.house.authority;
        match deed {
            Deed::LeaveLayer(who, which) => {
                if let Some(layer) = self.layer(which) {
                    drop(block_on(
                        authority.leave_layer(&self.person(who).caller, layer),
                    ));
                }
            }
            Deed::Reassign(which, to) => {
                if let Some(layer) = self.layer(which) {
                    let (former, to) = (self.owner(layer).copied(), self.person(to).id);
                    let given =
                        block_on(authority.reassign_layer(administrator, layer, (to, None)));
                    if let Some(former) = former.filter(|one| given.is_ok() && one.id != to) {
                        self.keeps_nothing(&former, layer);
                    }
                }
            }
            Deed::Publish(which) => {
                if let Some(layer) = self.layer(which) {
                    drop(publish(
                        &self.house,
                        administrator,
                        layer,
                        into(self.project),
                    ));
                }
            }
            Deed::Delete(which) => {
                if let Some(layer) = self.layer(which) {
                    let callers = self.house.on_behalf(administrator);
                    drop(block_on(authority.unregister_layer(callers, layer, None)));
                }
            }
            Deed::Create(_)
            | Deed::Share(..)
            | Deed::Unshare(..)
            | Deed::Join(..)
            | Deed::Leave(..)
            | Deed::Offer(..)
            | Deed::Answer(..)
            | Deed::Toggle(_) => {}
        }
    }

    fn offer(&self, which: usize, to: Option<usize>) {
        let Some(layer) = self.layer(which) else {
            return;
        };
        let Some(owner) = self.owner(layer) else {
            return;
        };
        let authority = &self.house.authority;
        match to.map(|to| self.person(to).id) {
            Some(to) => drop(block_on(authority.offer_layer(&owner.caller, layer, to))),
            None => drop(block_on(authority.withdraw_offer(&owner.caller, layer))),
        }
    }

    fn answer(&self, who: usize, which: usize, accepts: bool) {
        let Some(layer) = self.layer(which) else {
            return;
        };
        let (authority, caller) = (&self.house.authority, self.person(who).caller);
        if accepts {
            drop(block_on(authority.accept_layer(&caller, layer, None)));
        } else {
            drop(block_on(authority.decline_layer(&caller, layer)));
        }
    }

    /// R81: what reaches a former owner still, reaches it through groups.
    fn keeps_nothing(&self, former: &Person, layer: LayerId) {
        let authority = &self.house.authority;
        let access = authority.personal_access_of(&self.house.administrator, former.id);
        let access = access.unwrap();
        let through = access.iter().filter(|one| one.layer.id == layer);
        let itself = [Through::Ownership, Through::Share(former.id.into())];
        for one in through.flat_map(|one| &one.through) {
            assert!(!itself.contains(one), "{one:?}");
        }
    }

    fn toggle(&self, who: usize) {
        let authority = &self.house.authority;
        let user = self.person(who).id;
        let was = authority.snapshot().user(user).unwrap().state;
        let state = match was {
            AccountState::Enabled => AccountState::Disabled,
            AccountState::Disabled => AccountState::Enabled,
        };
        let update = UserUpdate {
            expected: None,
            display_name: None,
            state: Some(state),
        };
        let administrator = &self.house.administrator;
        block_on(authority.update_user(administrator, user, update)).unwrap();
    }

    /// Every pair of a layer and an account is in both lists alike, or in neither, and no layer is both published and
    /// personal.
    fn agrees(&self) {
        let authority = &self.house.authority;
        let administrator = &self.house.administrator;
        let listed = authority.personal_layers(administrator, &PersonalWanted::default());
        let pair = |access: &Access| (access.layer.id, access.user.id);
        let listed: Vec<LayerId> = listed.unwrap().iter().map(|one| one.layer.id).collect();
        let by_layer: Vec<Access> = listed
            .iter()
            .flat_map(|layer| {
                authority
                    .personal_layer_access(administrator, *layer)
                    .unwrap()
            })
            .collect();
        let mut by_user: Vec<Access> = self
            .people
            .iter()
            .flat_map(|one| authority.personal_access_of(administrator, one.id).unwrap())
            .collect();
        by_user.sort_by_key(pair);
        assert_eq!(by_layer, by_user);
        let users = authority.personal_layer_users(administrator, None).unwrap();
        for user in users {
            let its = by_user
                .iter()
                .filter(|access| access.user.id == user.user.id);
            assert_eq!(user.owned + user.shared, its.count());
        }
        for access in &by_layer {
            assert!(!access.through.is_empty());
            if !access.user.is_enabled() {
                continue;
            }
            let person = self
                .people
                .iter()
                .find(|person| person.id == access.user.id);
            for permission in [Permission::View, Permission::ModifyElements] {
                let decided =
                    self.house
                        .may_on(&person.unwrap().caller, access.layer.id, permission);
                let told = access.permissions.all.contains(permission);
                assert_eq!(told, decided == Decision::All);
            }
        }
        let published = authority.list_administered_layers(administrator, self.project);
        let published: BTreeSet<LayerId> = published.unwrap().iter().map(|one| one.id).collect();
        assert!(listed.iter().all(|layer| !published.contains(layer)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// R71: over random histories of all that can happen to personal layers.
    #[test]
    fn the_two_lists_of_administrators_agree(deeds in prop::collection::vec(deed(), 500..520)) {
        let mut life = Life::begin();
        for (done, deed) in deeds.into_iter().enumerate() {
            life.live(deed);
            if done % 10 == 0 {
                life.agrees();
            }
        }
        life.agrees();
    }
}
