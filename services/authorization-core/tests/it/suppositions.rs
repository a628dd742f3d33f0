//! What-if: proposed changes are judged as if they were made, change answers, and change nothing else.

use authorization_core::{
    Asking, Refusal, Resource,
    directory::{MembersUpdate, UserUpdate},
    globals::GlobalsAmendment,
    layer_permissions::{GrantError, RowEdits, TableEdit, TableError},
    lookup::{Inquiry, InquiryError, LayersWanted, On, Portion, WhatIf},
    model::{AccountState, Editing, GlobalSet, ProjectRights},
    projects::{ProjectAmendment, ProjectError},
    registry::LayerUpdate,
    suppose::{Proposal, ProposalError},
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, DenyReason, GlobalPermission, GroupId, LayerAct, LayerId, Permission,
    PrincipalId, ProjectAct, ProjectId, Question, Subject, UserId,
};

use crate::house::{House, Person, amendment};

fn grant(layer: LayerId, to: impl Into<PrincipalId>, permission: Permission) -> Proposal {
    Proposal::LayerTable(TableEdit {
        layer,
        expected: None,
        rows: RowEdits::Amend(vec![amendment(to, &[permission], &[])]),
    })
}

fn open(project: ProjectId, to: impl Into<PrincipalId>, act: ProjectAct) -> Proposal {
    let amendment = ProjectAmendment {
        principal: to.into(),
        add: ProjectRights::of(act),
        remove: ProjectRights::EMPTY,
    };
    Proposal::ProjectTable(project, vec![amendment])
}

fn disabled(user: UserId) -> Proposal {
    let update = UserUpdate {
        expected: None,
        display_name: None,
        state: Some(AccountState::Disabled),
    };
    Proposal::User(user, update)
}

const fn add(layer: LayerId) -> Question {
    Question::Layer(layer, LayerAct::Elements(Permission::AddElements))
}

/// A project that ben administers, with a layer; ana may not even open it.
struct Town {
    house: House,
    ana: Person,
    ben: Person,
    project: ProjectId,
    layer: LayerId,
}

fn town() -> Town {
    let house = House::new();
    let (ana, ben) = (house.user("ana"), house.user("ben"));
    let project = house.project("town");
    house.grant_project(project, ben, &[ProjectAct::Administrate]);
    let layer = house.layer(project, "roads");
    Town {
        house,
        ana,
        ben,
        project,
        layer,
    }
}

impl Town {
    fn about_ana<'c>(&self, caller: &'c Caller, supposing: &'c [Proposal]) -> Inquiry<'c> {
        let asking = Asking {
            caller,
            subject: Some(Subject::User(self.ana.id)),
            at_least: None,
        };
        Inquiry {
            asking,
            on: On::Supposing(supposing),
        }
    }

    fn what_if(
        &self,
        caller: &Caller,
        supposing: &[Proposal],
        question: Question,
    ) -> Result<WhatIf, InquiryError> {
        let inquiry = self.about_ana(caller, supposing);
        let mut answer = self.house.authority.what_if(inquiry, &[question])?;
        Ok(answer.value.remove(0))
    }
}

#[test]
fn an_answer_tells_what_is_and_what_would_be_and_nothing_is_changed() {
    // R22, R28, R31, R45.
    let town = town();
    let Town {
        ana,
        ben,
        project,
        layer,
        ..
    } = &town;
    let before = town.house.authority.token();
    // The grant is possible because of the one before it.
    let proposals = [
        open(*project, *ana, ProjectAct::Open),
        grant(*layer, *ana, Permission::AddElements),
    ];
    let answer = town.what_if(&ben.caller, &proposals, add(*layer)).unwrap();
    assert_eq!(answer.now, Decision::Denied(DenyReason::NotVisible));
    assert_eq!(answer.then.decision, Decision::All);
    let then = town.what_if(&ben.caller, &proposals[..1], add(*layer));
    let then = then.unwrap().then.decision;
    assert_eq!(then, Decision::Denied(DenyReason::NoGrant));
    let switch = LayerUpdate {
        editing: Some(Editing::Disabled),
        ..LayerUpdate::default()
    };
    let [first, second] = proposals;
    let frozen = [first, second, Proposal::Layer(*layer, switch)];
    let then = town.what_if(&ben.caller, &frozen, add(*layer));
    let then = then.unwrap().then.decision;
    assert_eq!(then, Decision::Denied(DenyReason::EditingDisabled));
    assert_eq!(town.house.authority.token(), before);
    let now = town.house.may(&ana.caller, add(*layer));
    assert_eq!(now, Decision::Denied(DenyReason::NotVisible));
}

#[test]
fn lists_are_answered_on_what_is_supposed() {
    // R19, R45.
    let town = town();
    let Town {
        house,
        ana,
        ben,
        project,
        layer,
    } = &town;
    let proposals = [open(*project, *ana, ProjectAct::Open)];
    let wanted = LayersWanted {
        act: LayerAct::Elements(Permission::View),
        project: None,
    };
    let all = Portion {
        after: None,
        limit: 9,
    };
    let found = |supposing: &[Proposal]| {
        let inquiry = town.about_ana(&ben.caller, supposing);
        let found = house.authority.lookup_layers(inquiry, wanted, all);
        found.unwrap().value.len()
    };
    assert_eq!((found(&[]), found(&proposals)), (0, 1));
    let view = Question::Layer(*layer, LayerAct::Elements(Permission::View));
    let viewers = |supposing: &[Proposal]| {
        let inquiry = town.about_ana(&ben.caller, supposing);
        let inquiry = Inquiry {
            asking: Asking {
                subject: None,
                ..inquiry.asking
            },
            ..inquiry
        };
        let all = Portion {
            after: None,
            limit: 9,
        };
        let found = house.authority.lookup_subjects(inquiry, view, all);
        let found = found.unwrap().value.into_iter();
        found.map(|one| one.user.id).collect::<Vec<_>>()
    };
    assert_eq!(viewers(&[]), [UserId::ADMINISTRATOR]);
    assert_eq!(viewers(&proposals), [UserId::ADMINISTRATOR, ana.id]);
}

#[test]
fn a_proposal_is_refused_as_the_change_itself_would_be() {
    // R15, R16, R17, R28, R31, R41.
    let town = town();
    let Town {
        house,
        ana,
        ben,
        project,
        layer,
    } = &town;
    let refused = |caller, proposal: Proposal| {
        let error = town.what_if(caller, &[proposal], add(*layer)).unwrap_err();
        match error {
            InquiryError::Proposal { index: 0, error } => error,
            other @ (InquiryError::Check(_) | InquiryError::Proposal { .. }) => panic!("{other}"),
        }
    };
    let closed = TableError::Grant {
        layer: *layer,
        principal: ana.id.into(),
        error: GrantError::CannotOpen,
    };
    let view = grant(*layer, *ana, Permission::View);
    assert_eq!(refused(&ben.caller, view), closed.into());
    // Nobody raises itself, not even in thought.
    let forbidden = Refusal::Forbidden(Resource::Project(*project));
    let own = open(*project, *ben, ProjectAct::Own);
    assert_eq!(
        refused(&ben.caller, own),
        ProjectError::Refused(forbidden).into()
    );
    let office: GlobalSet = [GlobalPermission::SuperAdministrator].into_iter().collect();
    let raise = GlobalsAmendment {
        add: office,
        remove: GlobalSet::EMPTY,
    };
    let globals = Proposal::Globals(ben.id.into(), raise);
    let by_ben = refused(&ben.caller, globals);
    let expected = Refusal::Forbidden(Resource::Installation);
    assert_eq!(by_ben.to_string(), expected.to_string());
    let join = MembersUpdate {
        add: [ben.id].into(),
        remove: [].into(),
    };
    let team = house.group("team", &[]);
    let by_ben = refused(&ben.caller, Proposal::Members(team, join));
    assert_eq!(by_ben.to_string(), expected.to_string());
    // The last ones stay, here as well.
    let last = refused(&house.administrator, disabled(UserId::ADMINISTRATOR));
    let guard = ProposalError::Refused(Refusal::LastSuperAdministrator);
    assert_eq!(last, guard);
}

#[test]
fn the_right_to_ask_is_judged_as_things_are() {
    // R41, R46.
    let town = town();
    let Town {
        house, ana, layer, ..
    } = &town;
    let office: GlobalSet = [GlobalPermission::SuperAdministrator].into_iter().collect();
    let resigned = GlobalsAmendment {
        add: GlobalSet::EMPTY,
        remove: office,
    };
    // Even who would lose the office asks as its holder.
    house
        .set_globals(*ana, &[GlobalPermission::SuperAdministrator])
        .unwrap();
    let proposal = [Proposal::Globals(ana.id.into(), resigned)];
    let answer = town.what_if(&ana.caller, &proposal, add(*layer)).unwrap();
    assert_eq!(
        answer.then.decision,
        Decision::Denied(DenyReason::NotVisible)
    );
    let stranger = house.user("cid");
    let refused = town.what_if(&stranger.caller, &[], add(*layer));
    let forbidden = Refusal::Forbidden(Resource::Installation);
    assert_eq!(refused.unwrap_err(), forbidden.into());
}

#[test]
fn deletions_are_supposed_like_every_other_change() {
    // R9.
    let town = town();
    let Town {
        house,
        ana,
        project,
        layer,
        ..
    } = &town;
    let team = house.group("team", &[*ana]);
    house.grant_project(*project, team, &[ProjectAct::Open]);
    house.grant(*layer, team, &[Permission::AddElements]);
    let then = |proposal| {
        let answer = town.what_if(&house.administrator, &[proposal], add(*layer));
        let answer = answer.unwrap();
        assert_eq!(answer.now, Decision::All);
        answer.then.decision
    };
    let hidden = Decision::Denied(DenyReason::NotVisible);
    assert_eq!(then(Proposal::GroupDeleted(team)), hidden);
    let leave = MembersUpdate {
        add: [].into(),
        remove: [ana.id].into(),
    };
    assert_eq!(then(Proposal::Members(team, leave)), hidden);
    let gone = Decision::Denied(DenyReason::AccountDisabled);
    assert_eq!(then(Proposal::UserDeleted(ana.id)), gone);
    assert_eq!(then(disabled(ana.id)), gone);
}

/// Makes a proposed change for real.
fn make(house: &House, proposal: Proposal) {
    let (authority, by) = (&house.authority, &house.administrator);
    match proposal {
        Proposal::LayerTable(edit) => {
            block_on(authority.edit_layer_tables(by, vec![edit])).unwrap();
        }
        Proposal::ProjectTable(project, rows) => {
            block_on(authority.amend_project_table(by, project, &rows)).unwrap();
        }
        Proposal::Members(group, update) => {
            block_on(authority.update_members(by, group, update)).unwrap();
        }
        Proposal::Globals(principal, amendment) => {
            block_on(authority.amend_globals(by, principal, amendment)).unwrap();
        }
        Proposal::User(user, update) => {
            block_on(authority.update_user(by, user, update)).unwrap();
        }
        Proposal::Layer(layer, update) => {
            block_on(authority.update_layer(by, layer, update)).unwrap();
        }
        Proposal::UserDeleted(user) => {
            block_on(authority.delete_user(by, user)).unwrap();
        }
        Proposal::GroupDeleted(group) => {
            block_on(authority.delete_group(by, group)).unwrap();
        }
    }
}

/// What happens to ana and ben in the town, each step possible after the one before.
fn story(town: &Town, team: GroupId) -> [Proposal; 11] {
    let (ana, ben, project, layer) = (town.ana, town.ben, town.project, town.layer);
    let switch = |editing| LayerUpdate {
        editing: Some(editing),
        ..LayerUpdate::default()
    };
    let leave = MembersUpdate {
        add: [].into(),
        remove: [ana.id].into(),
    };
    let office = GlobalsAmendment {
        add: [GlobalPermission::CreateProjects].into_iter().collect(),
        remove: GlobalSet::EMPTY,
    };
    [
        open(project, team, ProjectAct::Open),
        grant(layer, team, Permission::AddElements),
        grant(layer, ana, Permission::ModifyElements),
        Proposal::Layer(layer, switch(Editing::Disabled)),
        Proposal::Globals(team.into(), office),
        Proposal::Layer(layer, switch(Editing::Enabled)),
        Proposal::Members(team, leave),
        open(project, ana, ProjectAct::Access),
        Proposal::GroupDeleted(team),
        disabled(ben.id),
        Proposal::UserDeleted(ben.id),
    ]
}

fn every_question(town: &Town) -> Vec<Question> {
    let elements = Permission::ALL.map(LayerAct::Elements);
    let acts = elements.into_iter().chain([LayerAct::ChangeStructure]);
    let rest = [
        Question::Project(town.project, ProjectAct::Access),
        Question::Global(GlobalPermission::CreateProjects),
    ];
    let on_layer = acts.map(|act| Question::Layer(town.layer, act));
    on_layer.chain(rest).collect()
}

#[test]
fn what_is_supposed_is_what_comes_true() {
    // R9, R10, R22, R31, R45.
    let town = town();
    let team = town.house.group("team", &[town.ana]);
    let questions = every_question(&town);
    let asking = |user| Asking {
        caller: &town.house.administrator,
        subject: Some(Subject::User(user)),
        at_least: None,
    };
    let users = [town.ana.id, town.ben.id];
    for proposal in story(&town, team) {
        let supposing = [proposal];
        let supposed = users.map(|user| {
            let inquiry = Inquiry {
                asking: asking(user),
                on: On::Supposing(&supposing),
            };
            let answer = town.house.authority.what_if(inquiry, &questions);
            let answers = answer.unwrap().value.into_iter();
            answers.map(|one| one.then.decision).collect::<Vec<_>>()
        });
        let [proposal] = supposing;
        let told = format!("{proposal:?}");
        make(&town.house, proposal);
        let came_true = users.map(|user| {
            let answer = town.house.authority.check(asking(user), &questions);
            answer.unwrap().value
        });
        assert_eq!(supposed, came_true, "{told}");
    }
}
