//! What-if: proposed changes are judged as if they were made, change answers, and change nothing else.

use authorization_core::{
    Asking, Refusal, Resource,
    directory::{MembersUpdate, UserUpdate},
    globals::GlobalsAmendment,
    layer_permissions::{GrantError, RowEdits, TableEdit, TableError},
    lookup::{Inquiry, InquiryError, LayersWanted, Portion, WhatIf},
    model::{AccountState, Editing, GlobalSet, ProjectRights},
    projects::{ProjectAmendment, ProjectError},
    registry::LayerUpdate,
    suppose::{Proposal, ProposalError},
};
use jmap_domain::{
    Caller, Decision, DenyReason, GlobalPermission, LayerAct, LayerId, Permission, PrincipalId,
    ProjectAct, ProjectId, Question, Subject, UserId,
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
        Inquiry { asking, supposing }
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
