//! Creating, changing and deleting elements.

mod delete_where;
mod upsert;

use std::str::FromStr;

use clap::{ArgGroup, Args, Subcommand};
use jmap_proto::{
    layerdata::{
        AttributeValue, CreateElementRequest, DeleteElementRequest, EditedElement, ElementChange,
        Layer, NewElement, UpdateElementRequest,
    },
    types::{AnyRevision, AttributeDefinition, ExpectedRevision, expected_revision},
};
use serde_json::json;

use delete_where::DeleteWhere;
use upsert::Upsert;

use crate::{
    client::call,
    command::{Context, layers, request_id},
    condition,
    error::Failure,
    geometry::wkb_of_wkt,
    output::Report,
    resolve::{self, LayerReference},
    value,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl edit create Atlas/cities --geometry 'POINT(2.35 48.85)' --set name=Paris --set population=2100000
  jmapctl edit update Atlas/cities 17 --revision 4 --set population=2200000
  jmapctl edit update Atlas/cities 17 --revision any --geometry 'POINT(2.36 48.86)' --unset region
  jmapctl edit upsert Atlas/cities --key code --set code=FR-75056 --set population=2200000 --geometry 'POINT(2.35 48.85)'
  jmapctl edit delete Atlas/cities 17 --revision 5
  jmapctl edit delete-where Atlas/cities --where 'population < 1000' --maximum 200 --dry-run

--revision is the element's revision as it was read (`jmapctl query` shows it): somebody else's newer edit is then
never overwritten. `any` overwrites whatever is there.";

/// Create, change and delete elements
#[derive(Debug, Subcommand)]
pub(crate) enum Edit {
    /// Create an element
    Create(Create),
    /// Change an element; what is not mentioned stays
    Update(Update),
    /// Create an element, or change the one that has the same value of a unique attribute
    Upsert(Upsert),
    /// Delete an element
    Delete(Delete),
    /// Delete the elements that conditions find: all of them, or none
    DeleteWhere(DeleteWhere),
}

/// Create an element
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The geometry as WKT, in the layer's reference system, x first
    #[arg(long, value_name = "WKT")]
    geometry: String,
    #[command(flatten)]
    values: Values,
}

/// Change an element
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("change").args(["geometry", "set", "unset"]).required(true).multiple(true)))]
pub(crate) struct Update {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The element's id
    element: i64,
    /// The element's revision as it was read, or `any`
    #[arg(long, value_name = "N|any")]
    revision: RevisionSpec,
    /// The new geometry as WKT
    #[arg(long, value_name = "WKT")]
    geometry: Option<String>,
    #[command(flatten)]
    values: Values,
}

/// Delete an element
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The element's id
    element: i64,
    /// The element's revision as it was read, or `any`
    #[arg(long, value_name = "N|any")]
    revision: RevisionSpec,
}

/// Attribute values
#[derive(Args, Debug)]
struct Values {
    /// A value; dates as 2024-02-29, datetimes as 2024-02-29T12:30:00Z, binary as base64; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<Assignment>,
    /// An attribute that shall have no value; may be repeated
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
}

/// An attribute and its value, still as text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Assignment {
    name: String,
    text: String,
}

impl FromStr for Assignment {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, text)) if !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                text: text.to_owned(),
            }),
            Some(_) | None => Err(format!("`{text}` is not written as NAME=VALUE")),
        }
    }
}

/// What the element's revision is believed to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RevisionSpec {
    Any,
    Exactly(i64),
}

impl FromStr for RevisionSpec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self::Any),
            number => {
                let revision = number.parse().ok().map(Self::Exactly);
                revision.ok_or_else(|| format!("`{text}` is neither a revision nor `any`"))
            }
        }
    }
}

impl From<RevisionSpec> for ExpectedRevision {
    fn from(spec: RevisionSpec) -> Self {
        let expected = match spec {
            RevisionSpec::Any => expected_revision::Expected::Any(AnyRevision {}),
            RevisionSpec::Exactly(revision) => expected_revision::Expected::Revision(revision),
        };
        Self {
            expected: Some(expected),
        }
    }
}

impl Edit {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::Upsert(upsert) => upsert.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
            Self::DeleteWhere(delete) => delete.run(context).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let layer = layers::get(client, &self.layer).await?;
        let element = NewElement {
            geometry: wkb_of_wkt(&self.geometry).map_err(Failure::usage)?.into(),
            values: self.values.bind(&layer)?,
        };
        let message = CreateElementRequest {
            layer_id: layer.layer_id,
            element: Some(element),
            request_id: request_id(),
        };
        let answer = call!(client, client.elements().await?, create_element, message);
        edited("created", answer.element)
    }
}

impl Update {
    async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let layer = layers::get(client, &self.layer).await?;
        let geometry = self.geometry.as_deref().map(wkb_of_wkt).transpose();
        let change = ElementChange {
            geometry: geometry.map_err(Failure::usage)?.map(Into::into),
            values: self.values.bind(&layer)?,
        };
        let message = UpdateElementRequest {
            layer_id: layer.layer_id,
            element_id: self.element,
            expected: Some(self.revision.into()),
            change: Some(change),
            request_id: request_id(),
        };
        let answer = call!(client, client.elements().await?, update_element, message);
        edited("changed", answer.element)
    }
}

impl Delete {
    async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let message = DeleteElementRequest {
            layer_id: resolve::layer_id(client, &self.layer).await?,
            element_id: self.element,
            expected: Some(self.revision.into()),
            request_id: request_id(),
        };
        let answer = call!(client, client.elements().await?, delete_element, message);
        edited("deleted", answer.element)
    }
}

fn edited(done: &str, element: Option<EditedElement>) -> Result<Report, Failure> {
    let EditedElement {
        element_id,
        revision,
        geometry_repaired,
        created,
    } = element.ok_or_else(|| Failure::incomplete("an element"))?;
    let mut text = format!("{done} element {element_id} at revision {revision}");
    if geometry_repaired {
        text.push_str("; its geometry was not valid, and was repaired");
    }
    let value = json!({
        "element_id": element_id,
        "revision": revision,
        "geometry_repaired": geometry_repaired,
        "created": created,
    });
    Report::new(text, &value)
}

impl Values {
    fn bind(&self, layer: &Layer) -> Result<Vec<AttributeValue>, Failure> {
        let definition = layer.definition.as_ref();
        let attributes = definition.map_or(&[][..], |definition| &definition.attributes);
        let set = self
            .set
            .iter()
            .map(|assignment| assignment.bind(attributes));
        let unset = self.unset.iter().map(|name| {
            let attribute = condition::find(name, attributes)?;
            Ok(attribute_value(attribute, value::null()))
        });
        set.chain(unset)
            .collect::<Result<_, _>>()
            .map_err(Failure::usage)
    }
}

impl Assignment {
    fn bind(&self, attributes: &[AttributeDefinition]) -> Result<AttributeValue, String> {
        let attribute = condition::find(&self.name, attributes)?;
        let value = value::parse(attribute.r#type(), &self.text);
        let value = value.map_err(|error| format!("{}: {error}", self.name))?;
        Ok(attribute_value(attribute, value))
    }
}

fn attribute_value(
    attribute: &AttributeDefinition,
    value: jmap_proto::types::Value,
) -> AttributeValue {
    AttributeValue {
        attribute: Some(condition::reference(attribute)),
        value: Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_the_sign_of_equality_and_may_be_empty() {
        let parse = |text: &str| text.parse::<Assignment>().map(|a| (a.name, a.text));
        assert_eq!(parse("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(parse("a="), Ok(("a".to_owned(), String::new())));
        assert!(parse("a").is_err() && parse("=b").is_err());
    }

    #[test]
    fn any_revision_is_said_and_never_assumed() {
        // R108.
        assert_eq!("any".parse(), Ok(RevisionSpec::Any));
        assert_eq!("7".parse(), Ok(RevisionSpec::Exactly(7)));
        assert!("".parse::<RevisionSpec>().is_err());
    }
}
