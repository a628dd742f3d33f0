//! A token against a key: signature, times, issuer and audience first, and then what the claims say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authorization_core::{
    Timestamp,
    federation::{FederationError, Identified},
    model::FederatedId,
    secret::SecretHash,
};
use jmap_domain::Name;
use jsonwebtoken::{DecodingKey, Header, Validation, decode, errors::ErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Issuer;

/// Tolerance for clocks that differ.
const LEEWAY: Duration = Duration::from_secs(30);
/// OpenID Connect Core 1.0, section 2.
const MAX_SUBJECT_BYTES: usize = 255;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Value,
    azp: Option<String>,
    exp: u64,
    iat: u64,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// What a token says, if the issuer has signed it with that key for this installation.
pub(super) fn identify(
    issuer: &Issuer,
    header: &Header,
    key: &DecodingKey,
    token: &str,
) -> Result<Identified, FederationError> {
    let verified = decode::<Claims>(token, key, &validation(issuer, header));
    let claims = verified.map_err(|error| cause(error.kind()))?.claims;
    // A token for several is this installation's only if it was issued at its request.
    let is_ours = claims.azp.as_ref() == Some(&issuer.audience)
        || (claims.azp.is_none() && is_alone(&claims.aud));
    if !is_ours {
        return Err(FederationError::Untrusted);
    }
    let accepted_until = accepted_until(issuer, &claims)?;
    let Claims {
        sub, mut others, ..
    } = claims;
    if sub.is_empty() || sub.len() > MAX_SUBJECT_BYTES || sub.chars().any(char::is_control) {
        return Err(FederationError::Nameless);
    }
    // A provider without names may be configured to name people by it.
    others.insert("sub".to_owned(), Value::String(sub.clone()));
    let name = text(&others, &issuer.claims.name).and_then(|text| Name::parse(text).ok());
    let display_name = text(&others, &issuer.claims.display_name);
    Ok(Identified {
        identity: FederatedId {
            issuer: issuer.issuer.as_str().to_owned(),
            subject: sub,
        },
        name: name.ok_or(FederationError::Nameless)?,
        display_name: display_name.and_then(|text| Name::parse(text).ok()),
        groups: groups(&others, issuer.claims.groups.as_deref())?,
        rules: issuer.groups.clone(),
        token: SecretHash::of(signed_part(token).as_bytes()),
        accepted_until,
    })
}

/// The library has looked whether this installation is in the audience; here, whether anybody else is.
fn is_alone(audience: &Value) -> bool {
    audience.as_array().is_none_or(|all| all.len() == 1)
}

fn validation(issuer: &Issuer, header: &Header) -> Validation {
    let mut validation = Validation::new(header.alg);
    validation.leeway = LEEWAY.as_secs();
    validation.validate_nbf = true;
    validation.set_issuer(&[issuer.issuer.as_str()]);
    validation.set_audience(&[&issuer.audience]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    validation
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enum is not exhaustive"
)]
const fn cause(kind: &ErrorKind) -> FederationError {
    match kind {
        ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature => FederationError::Expired,
        _ => FederationError::Untrusted,
    }
}

/// Until when the token could be exchanged; refuses one that was issued too long ago, or is yet to be.
fn accepted_until(issuer: &Issuer, claims: &Claims) -> Result<Timestamp, FederationError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    let begin = Duration::from_secs(claims.iat);
    let stale = begin.saturating_add(issuer.max_token_age);
    let last = stale.min(Duration::from_secs(claims.exp));
    let last = last.saturating_add(LEEWAY);
    if begin > now.saturating_add(LEEWAY) || last < now {
        return Err(FederationError::Expired);
    }
    // The library counts whole seconds.
    let last = last.saturating_add(Duration::from_secs(1));
    let millis = i64::try_from(last.as_millis()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_millis(millis))
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

/// The names of groups; a single one may stand alone. A token without the claim has none.
fn groups(claims: &Map<String, Value>, name: Option<&str>) -> Result<Vec<String>, FederationError> {
    let claimed = name.and_then(|name| claims.get(name));
    let Some(claimed) = claimed else {
        return Ok(Vec::new());
    };
    let one = claimed.as_str().map(|one| vec![one.to_owned()]);
    let all = || serde_json::from_value(claimed.clone()).ok();
    one.or_else(all).ok_or(FederationError::Nameless)
}

/// Everything but the signature: some signatures can be written in two ways, what they sign cannot.
fn signed_part(token: &str) -> &str {
    token.rsplit_once('.').map_or(token, |(signed, _)| signed)
}
