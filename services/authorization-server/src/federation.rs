//! The file with the OpenID providers whose tokens sign in (R11).

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use anyhow::{Context, bail, ensure};
use authorization_clients::{Algorithm, ClaimNames, Issuer, IssuerUrl, Providers, Roots};
use authorization_core::federation::{GroupRules, UnknownGroups};
use jmap_domain::Name;
use jmap_service::config::duration;
use serde::Deserialize;

/// The configured OpenID providers; none unless a file names some.
#[derive(Clone, Debug, Default)]
pub struct Federation(Vec<Issuer>);

/// The file as it is written. A key that is not known is a mistake and never passed over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuers: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    issuer: String,
    audience: String,
    #[serde(default = "rs256")]
    algorithms: Vec<String>,
    #[serde(default = "preferred_username")]
    name_claim: String,
    #[serde(default = "name")]
    display_name_claim: String,
    groups_claim: Option<String>,
    #[serde(default)]
    unknown_groups: Unknown,
    default_group: Option<String>,
    #[serde(default = "ten_minutes")]
    max_token_age: String,
    ca_file: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unknown {
    #[default]
    Ignore,
    Create,
}

fn rs256() -> Vec<String> {
    vec!["RS256".to_owned()]
}

fn preferred_username() -> String {
    "preferred_username".to_owned()
}

fn name() -> String {
    "name".to_owned()
}

fn ten_minutes() -> String {
    "10m".to_owned()
}

impl Federation {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence that names the file and the key.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let read = || Self::parse(&fs::read_to_string(file)?, file.parent());
        read().with_context(|| format!("--federation {}", file.display()))
    }

    /// Reads the text of a file; files that it names are relative to the folder.
    ///
    /// # Errors
    /// A sentence that names the key.
    pub fn parse(text: &str, folder: Option<&Path>) -> anyhow::Result<Self> {
        let File { issuers } = serde_yaml_ng::from_str(text)?;
        let mut seen = BTreeSet::new();
        let mut parsed = Vec::new();
        for (index, entry) in issuers.into_iter().enumerate() {
            let known = seen.insert(entry.issuer.clone());
            ensure!(known, "issuers[{index}].issuer: it is there already");
            let issuer = entry.parse(folder);
            parsed.push(issuer.with_context(|| format!("issuers[{index}]"))?);
        }
        Ok(Self(parsed))
    }

    /// Whoever verifies their tokens.
    #[must_use]
    pub fn providers(&self) -> Providers {
        Providers::new(self.0.iter().cloned())
    }
}

impl Entry {
    fn parse(self, folder: Option<&Path>) -> anyhow::Result<Issuer> {
        ensure!(!self.audience.is_empty(), "audience: it is empty");
        ensure!(!self.name_claim.is_empty(), "name_claim: it is empty");
        ensure!(!self.algorithms.is_empty(), "algorithms: there is none");
        let algorithms = self.algorithms.iter().map(|name| algorithm(name));
        let unknown = match self.unknown_groups {
            Unknown::Ignore => UnknownGroups::Ignored,
            Unknown::Create => UnknownGroups::Created,
        };
        let roots = self.ca_file.map_or(Ok(Roots::Public), |file| {
            let file = folder.unwrap_or(Path::new("")).join(file);
            read_roots(&file).with_context(|| format!("ca_file: {}", file.display()))
        });
        Ok(Issuer {
            issuer: IssuerUrl::parse(&self.issuer).context("issuer")?,
            audience: self.audience,
            algorithms: algorithms
                .collect::<anyhow::Result<_>>()
                .context("algorithms")?,
            claims: ClaimNames {
                name: self.name_claim,
                display_name: self.display_name_claim,
                groups: self.groups_claim,
            },
            groups: GroupRules {
                unknown,
                default_group: self.default_group.as_deref().map(group).transpose()?,
            },
            max_token_age: max_token_age(&self.max_token_age)?,
            roots: roots?,
        })
    }
}

/// An algorithm with a public key: whoever knows a shared secret could sign as well as the provider.
fn algorithm(name: &str) -> anyhow::Result<Algorithm> {
    match name.parse() {
        Ok(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) => {
            bail!("{name} proves nothing about who has signed")
        }
        Ok(algorithm) => Ok(algorithm),
        Err(_unknown) => {
            bail!("{name} is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA")
        }
    }
}

/// A name that a group can have, other than the special ones (R1).
fn group(text: &str) -> anyhow::Result<Name> {
    let name = Name::parse(text).context("default_group")?;
    ensure!(
        name.as_str() == text,
        "default_group: `{text}` has white space around it"
    );
    let is_special = ["everyone", "authenticated"].contains(&name.key().as_str());
    ensure!(!is_special, "default_group: `{text}` is special");
    Ok(name)
}

fn max_token_age(text: &str) -> anyhow::Result<Duration> {
    match duration(text) {
        Ok(age) if !age.is_zero() && age <= Duration::from_hours(24) => Ok(age),
        Ok(_) | Err(_) => bail!("max_token_age: `{text}` is not a duration from 1s to 24h"),
    }
}

fn read_roots(file: &Path) -> anyhow::Result<Roots> {
    let roots = Roots::of_pem(&fs::read(file)?);
    roots.context("it has to hold certificates in PEM, and nothing else")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
issuers:
  - issuer: https://login.example/city
    audience: jmap
";

    fn refused(text: &str) -> String {
        let error = Federation::parse(text, None).unwrap_err();
        format!("{error:#}")
    }

    #[test]
    fn an_issuer_and_an_audience_suffice() {
        let Federation(issuers) = Federation::parse(GOOD, None).unwrap();
        let [issuer] = issuers.as_slice() else {
            panic!("one issuer")
        };
        assert_eq!(issuer.algorithms, [Algorithm::RS256]);
        assert_eq!(issuer.claims.name, "preferred_username");
        assert_eq!(issuer.groups.unknown, UnknownGroups::Ignored);
        assert_eq!(issuer.max_token_age, Duration::from_mins(10));
    }

    #[test]
    fn a_mistake_is_named_by_its_key() {
        for (line, told) in [
            ("audiance: x", "unknown field `audiance`"),
            (
                "algorithms: [HS256]",
                "issuers[0]: algorithms: HS256 proves nothing",
            ),
            (
                "algorithms: [none]",
                "issuers[0]: algorithms: none is none of",
            ),
            ("algorithms: []", "issuers[0]: algorithms: there is none"),
            (
                "unknown_groups: maybe",
                "issuers[0].unknown_groups: unknown variant",
            ),
            (
                "default_group: Everyone",
                "issuers[0]: default_group: `Everyone` is special",
            ),
            ("default_group: ''", "issuers[0]: default_group"),
            ("max_token_age: 0s", "issuers[0]: max_token_age"),
            ("max_token_age: 48h", "issuers[0]: max_token_age"),
            ("ca_file: /nowhere.pem", "issuers[0]: ca_file: /nowhere.pem"),
            ("name_claim: ''", "issuers[0]: name_claim"),
        ] {
            let told_instead = refused(&format!("{GOOD}    {line}\n"));
            assert!(told_instead.contains(told), "{line}: {told_instead}");
        }
        let plain = GOOD.replace("https", "http");
        assert!(refused(&plain).contains("issuers[0]: issuer: it has to begin with https://"));
        let twice = format!(
            "{GOOD}{}",
            GOOD.replace("issuers:", "").trim_start_matches('\n')
        );
        assert!(refused(&twice).contains("issuers[1].issuer: it is there already"));
        assert!(refused("issuers:\n  - issuer: https://x\n").contains("missing field `audience`"));
    }
}
