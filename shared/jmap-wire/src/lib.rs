//! Where shared words meet protobuf: ids and field paths, statuses, questions and answers, page tokens.
//!
//! Parsing happens here once, into types that cannot be wrong; nothing behind it looks at a raw number again.

mod failure;
mod field;
mod heartbeat;
mod mask;
mod page;
mod policy_token;
mod question;
mod time;
mod words;

pub use failure::{Failure, fact_of, reason_of};
pub use field::{
    FieldPath, FieldViolation, Violation, enumeration, id, list, optional_id, request_id, required,
};
pub use heartbeat::heartbeat;
pub use mask::field_mask;
pub use page::{InvalidPageToken, PageTokenKey, page_size};
pub use policy_token::{InvalidPolicyToken, format_policy_token, parse_policy_token};
pub use question::{
    decision_from_proto, decision_to_proto, layer_act_from_proto, parse_question,
    question_to_proto, subject_to_proto,
};
pub use time::{duration_from_proto, duration_to_proto, millis, timestamp};
pub use words::{
    effective_from_proto, effective_to_proto, global_permission_from_proto,
    global_permission_to_proto, parse_permissions, permission_from_proto, permission_to_proto,
    permissions_to_proto, resource_kind_to_proto,
};
