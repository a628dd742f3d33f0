//! Calls that leave authorization: to the OpenID providers whose tokens are accepted (R11).

mod openid;

pub use jsonwebtoken::Algorithm;
pub use openid::{BadIssuer, ClaimNames, Issuer, IssuerUrl, Providers, Roots};
