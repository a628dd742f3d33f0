//! Rows of permission tables as the command line states them.

use std::str::FromStr;

use clap::ValueEnum;
use jmap_proto::types::LayerGrant;

use crate::{
    client::Client,
    error::Failure,
    resolve::{self, PrincipalReference},
    words::LayerWord,
};

/// A grant as the command line states it: `ana=view,add`, `group:editors=modify,only-own`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GrantSpec {
    principal: PrincipalReference,
    permissions: Vec<LayerWord>,
    only_own: bool,
}

impl FromStr for GrantSpec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (principal, words) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is not written as PRINCIPAL=PERMISSION,..."))?;
        let mut spec = Self {
            principal: principal.into(),
            permissions: Vec::new(),
            only_own: false,
        };
        for word in words.split(',').map(str::trim) {
            if word == "only-own" {
                spec.only_own = true;
            } else {
                let permission = LayerWord::from_str(word, false).ok();
                let unknown = || format!("`{word}` is no permission");
                spec.permissions.push(permission.ok_or_else(unknown)?);
            }
        }
        Ok(spec)
    }
}

impl GrantSpec {
    /// The row of the contract.
    pub(super) async fn resolve(&self, client: &Client) -> Result<LayerGrant, Failure> {
        let permissions = self.permissions.iter().map(|word| word.permission().into());
        Ok(LayerGrant {
            principal: Some(resolve::principal(client, &self.principal).await?),
            permissions: permissions.collect(),
            only_own: self.only_own,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::Reference;

    #[test]
    fn a_grant_names_a_principal_its_permissions_and_the_option() {
        let spec: GrantSpec = "group:editors=add, modify,only-own".parse().unwrap();
        let expected = GrantSpec {
            principal: PrincipalReference::Group(Reference::Name("editors".to_owned())),
            permissions: vec![LayerWord::Add, LayerWord::Modify],
            only_own: true,
        };
        assert_eq!(spec, expected);
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for wrong in ["ana", "ana=", "ana=view,fly"] {
            assert!(wrong.parse::<GrantSpec>().is_err(), "{wrong}");
        }
    }
}
