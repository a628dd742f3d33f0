//! Policy tokens as opaque texts.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jmap_domain::{Epoch, PolicyRevision, PolicyToken};

/// The text is not a policy token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a policy token")]
pub struct InvalidPolicyToken;

/// The token as an opaque text.
#[must_use]
pub fn format_policy_token(token: PolicyToken) -> String {
    let PolicyToken {
        epoch: Epoch(epoch),
        revision: PolicyRevision(revision),
    } = token;
    let mut bytes = [0; 12];
    let (head, tail) = bytes.split_at_mut(4);
    head.copy_from_slice(&epoch.to_be_bytes());
    tail.copy_from_slice(&revision.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The token in a text.
///
/// # Errors
/// [`InvalidPolicyToken`] when the text is none.
pub fn parse_policy_token(text: &str) -> Result<PolicyToken, InvalidPolicyToken> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_damaged| InvalidPolicyToken)?;
    let (epoch, revision) = bytes.split_at_checked(4).ok_or(InvalidPolicyToken)?;
    let epoch = epoch.try_into().map_err(|_length| InvalidPolicyToken)?;
    let revision = revision.try_into().map_err(|_length| InvalidPolicyToken)?;
    Ok(PolicyToken {
        epoch: Epoch(u32::from_be_bytes(epoch)),
        revision: PolicyRevision(u64::from_be_bytes(revision)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_wire() {
        let token = PolicyToken {
            epoch: Epoch(3),
            revision: PolicyRevision(1 << 40),
        };
        assert_eq!(parse_policy_token(&format_policy_token(token)), Ok(token));
        assert_eq!(parse_policy_token("nonsense"), Err(InvalidPolicyToken));
    }
}
