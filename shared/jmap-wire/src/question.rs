//! Questions, subjects and decisions, both ways.

use jmap_domain::{
    ActorId, ConnectionAct, Decision, DenyReason, LayerAct, Permission, ProjectAct, Question,
    Subject,
};
use jmap_proto::authorization as pb;

use crate::{
    FieldPath, FieldViolation, enumeration, global_permission_from_proto,
    global_permission_to_proto, id, required,
};

/// Parses a question.
///
/// # Errors
/// A violation at the field under `path` that is missing, no id or no act.
pub fn parse_question(
    path: &FieldPath,
    question: pb::Question,
) -> Result<Question, FieldViolation> {
    let pb::Question { question } = question;
    match required(path, question)? {
        pb::question::Question::Layer(pb::LayerQuestion { layer_id, act }) => {
            let act = enumeration((path, ["layer", "act"]), act, layer_act_from_proto)?;
            Ok(Question::Layer(
                id((path, ["layer", "layer_id"]), layer_id)?,
                act,
            ))
        }
        pb::question::Question::Project(pb::ProjectQuestion { project_id, act }) => {
            let act = enumeration((path, ["project", "act"]), act, project_act_from_proto)?;
            Ok(Question::Project(
                id((path, ["project", "project_id"]), project_id)?,
                act,
            ))
        }
        pb::question::Question::Connection(pb::ConnectionQuestion { connection_id, act }) => {
            let act = enumeration(
                (path, ["connection", "act"]),
                act,
                connection_act_from_proto,
            )?;
            Ok(Question::Connection(
                id((path, ["connection", "connection_id"]), connection_id)?,
                act,
            ))
        }
        pb::question::Question::Global(permission) => {
            enumeration((path, "global"), permission, global_permission_from_proto)
                .map(Question::Global)
        }
    }
}

/// A question of the contract.
#[must_use]
pub fn question_to_proto(question: Question) -> pb::Question {
    let question = match question {
        Question::Layer(layer, act) => pb::question::Question::Layer(pb::LayerQuestion {
            layer_id: layer.get(),
            act: layer_act_to_proto(act).into(),
        }),
        Question::Project(project, act) => pb::question::Question::Project(pb::ProjectQuestion {
            project_id: project.get(),
            act: project_act_to_proto(act).into(),
        }),
        Question::Connection(connection, act) => {
            pb::question::Question::Connection(pb::ConnectionQuestion {
                connection_id: connection.get(),
                act: connection_act_to_proto(act).into(),
            })
        }
        Question::Global(permission) => {
            pb::question::Question::Global(global_permission_to_proto(permission).into())
        }
    };
    pb::Question {
        question: Some(question),
    }
}

/// A subject of the contract.
#[must_use]
pub fn subject_to_proto(subject: Subject) -> pb::Subject {
    let subject = match subject {
        Subject::Session(session) => pb::subject::Subject::SessionId(session.get()),
        Subject::Anonymous => pb::subject::Subject::Anonymous(pb::AnonymousSubject {}),
        Subject::User(user) => pb::subject::Subject::UserId(user.get()),
    };
    pb::Subject {
        subject: Some(subject),
        end_user_assertion: String::new(),
    }
}

/// A decision of the contract.
#[must_use]
pub fn decision_to_proto(decision: Decision) -> pb::Decision {
    let decision = match decision {
        Decision::All => pb::decision::Decision::All(pb::AllElements {}),
        Decision::Own { creator } => pb::decision::Decision::Own(pb::OwnElements {
            creator_id: creator.get(),
        }),
        Decision::Denied(reason) => pb::decision::Decision::Denied(pb::Denied {
            reason: deny_reason_to_proto(reason).into(),
        }),
    };
    pb::Decision {
        decision: Some(decision),
    }
}

/// A decision from the contract. Whatever is not understood is a denial: an unset answer, a creator that is no
/// id, a reason that a newer service gave.
#[must_use]
pub fn decision_from_proto(decision: pb::Decision) -> Decision {
    match decision.decision {
        None => Decision::Denied(DenyReason::NoGrant),
        Some(pb::decision::Decision::All(pb::AllElements {})) => Decision::All,
        Some(pb::decision::Decision::Own(pb::OwnElements { creator_id })) => {
            ActorId::new(creator_id).map_or(Decision::Denied(DenyReason::OwnsNothing), |creator| {
                Decision::Own { creator }
            })
        }
        Some(pb::decision::Decision::Denied(pb::Denied { reason })) => {
            let reason = pb::DenyReason::try_from(reason).unwrap_or_default();
            Decision::Denied(deny_reason_from_proto(reason))
        }
    }
}

/// An act on a layer from the contract; `None` for the unspecified one.
#[must_use]
pub const fn layer_act_from_proto(act: pb::LayerAct) -> Option<LayerAct> {
    match act {
        pb::LayerAct::Unspecified => None,
        pb::LayerAct::View => Some(LayerAct::Elements(Permission::View)),
        pb::LayerAct::AddElements => Some(LayerAct::Elements(Permission::AddElements)),
        pb::LayerAct::ModifyElements => Some(LayerAct::Elements(Permission::ModifyElements)),
        pb::LayerAct::DeleteElements => Some(LayerAct::Elements(Permission::DeleteElements)),
        pb::LayerAct::ModifyAttributes => Some(LayerAct::Elements(Permission::ModifyAttributes)),
        pb::LayerAct::CopyExport => Some(LayerAct::Elements(Permission::CopyExport)),
        pb::LayerAct::RemoteAccess => Some(LayerAct::Elements(Permission::RemoteAccess)),
        pb::LayerAct::ReadConfiguration => Some(LayerAct::ReadConfiguration),
        pb::LayerAct::ChangeStructure => Some(LayerAct::ChangeStructure),
        pb::LayerAct::DeleteLayer => Some(LayerAct::Delete),
    }
}

const fn layer_act_to_proto(act: LayerAct) -> pb::LayerAct {
    match act {
        LayerAct::Elements(Permission::View) => pb::LayerAct::View,
        LayerAct::Elements(Permission::AddElements) => pb::LayerAct::AddElements,
        LayerAct::Elements(Permission::ModifyElements) => pb::LayerAct::ModifyElements,
        LayerAct::Elements(Permission::DeleteElements) => pb::LayerAct::DeleteElements,
        LayerAct::Elements(Permission::ModifyAttributes) => pb::LayerAct::ModifyAttributes,
        LayerAct::Elements(Permission::CopyExport) => pb::LayerAct::CopyExport,
        LayerAct::Elements(Permission::RemoteAccess) => pb::LayerAct::RemoteAccess,
        LayerAct::ReadConfiguration => pb::LayerAct::ReadConfiguration,
        LayerAct::ChangeStructure => pb::LayerAct::ChangeStructure,
        LayerAct::Delete => pb::LayerAct::DeleteLayer,
    }
}

const fn project_act_from_proto(act: pb::ProjectAct) -> Option<ProjectAct> {
    match act {
        pb::ProjectAct::Unspecified => None,
        pb::ProjectAct::Open => Some(ProjectAct::Open),
        pb::ProjectAct::Access => Some(ProjectAct::Access),
        pb::ProjectAct::Administrate => Some(ProjectAct::Administrate),
        pb::ProjectAct::Own => Some(ProjectAct::Own),
    }
}

const fn project_act_to_proto(act: ProjectAct) -> pb::ProjectAct {
    match act {
        ProjectAct::Open => pb::ProjectAct::Open,
        ProjectAct::Access => pb::ProjectAct::Access,
        ProjectAct::Administrate => pb::ProjectAct::Administrate,
        ProjectAct::Own => pb::ProjectAct::Own,
    }
}

const fn connection_act_from_proto(act: pb::ConnectionAct) -> Option<ConnectionAct> {
    match act {
        pb::ConnectionAct::Unspecified => None,
        pb::ConnectionAct::Use => Some(ConnectionAct::Use),
        pb::ConnectionAct::Change => Some(ConnectionAct::Change),
        pb::ConnectionAct::Delete => Some(ConnectionAct::Delete),
    }
}

const fn connection_act_to_proto(act: ConnectionAct) -> pb::ConnectionAct {
    match act {
        ConnectionAct::Use => pb::ConnectionAct::Use,
        ConnectionAct::Change => pb::ConnectionAct::Change,
        ConnectionAct::Delete => pb::ConnectionAct::Delete,
    }
}

const fn deny_reason_to_proto(reason: DenyReason) -> pb::DenyReason {
    match reason {
        DenyReason::NotVisible => pb::DenyReason::NotVisible,
        DenyReason::NoGrant => pb::DenyReason::NoGrant,
        DenyReason::EditingDisabled => pb::DenyReason::EditingDisabled,
        DenyReason::OwnsNothing => pb::DenyReason::OwnsNothing,
        DenyReason::SessionClosed => pb::DenyReason::SessionClosed,
        DenyReason::SessionExpired => pb::DenyReason::SessionExpired,
        DenyReason::AccountDisabled => pb::DenyReason::AccountDisabled,
    }
}

const fn deny_reason_from_proto(reason: pb::DenyReason) -> DenyReason {
    match reason {
        pb::DenyReason::NotVisible => DenyReason::NotVisible,
        pb::DenyReason::Unspecified | pb::DenyReason::NoGrant => DenyReason::NoGrant,
        pb::DenyReason::EditingDisabled => DenyReason::EditingDisabled,
        pb::DenyReason::OwnsNothing => DenyReason::OwnsNothing,
        pb::DenyReason::SessionClosed => DenyReason::SessionClosed,
        pb::DenyReason::SessionExpired => DenyReason::SessionExpired,
        pb::DenyReason::AccountDisabled => DenyReason::AccountDisabled,
    }
}

#[cfg(test)]
mod tests {
    use jmap_domain::{GlobalPermission, LayerId};

    use super::*;

    #[test]
    fn every_layer_question_survives_the_wire() {
        let layer = LayerId::new(7).unwrap();
        let acts = [
            LayerAct::ReadConfiguration,
            LayerAct::ChangeStructure,
            LayerAct::Delete,
        ];
        for act in acts
            .into_iter()
            .chain(Permission::ALL.map(LayerAct::Elements))
        {
            let question = Question::Layer(layer, act);
            assert_eq!(
                parse_question(&"q".into(), question_to_proto(question)),
                Ok(question)
            );
        }
    }

    #[test]
    fn every_global_question_survives_the_wire() {
        for permission in GlobalPermission::ALL {
            let question = Question::Global(permission);
            assert_eq!(
                parse_question(&"q".into(), question_to_proto(question)),
                Ok(question)
            );
        }
    }

    #[test]
    fn a_wrong_question_is_refused_by_its_path() {
        // R120.
        let question = pb::question::Question::Layer(pb::LayerQuestion {
            layer_id: 7,
            act: 99,
        });
        let error = parse_question(
            &"questions[0]".into(),
            pb::Question {
                question: Some(question),
            },
        );
        assert_eq!(
            error.unwrap_err().path.to_string(),
            "questions[0].layer.act"
        );
    }

    #[test]
    fn an_unset_answer_and_an_unknown_reason_are_denials() {
        // R121: fail closed.
        let denied = Decision::Denied(DenyReason::NoGrant);
        assert_eq!(decision_from_proto(pb::Decision { decision: None }), denied);
        let newer = pb::decision::Decision::Denied(pb::Denied { reason: 99 });
        assert_eq!(
            decision_from_proto(pb::Decision {
                decision: Some(newer)
            }),
            denied
        );
        let nobody = pb::decision::Decision::Own(pb::OwnElements { creator_id: 0 });
        assert!(matches!(
            decision_from_proto(pb::Decision {
                decision: Some(nobody)
            }),
            Decision::Denied(_)
        ));
    }
}
