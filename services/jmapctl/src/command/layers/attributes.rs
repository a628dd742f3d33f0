//! The attributes of a layer, changed while it has elements and is in use.

mod history;
mod policy;
mod rules;
mod view;
mod widen;

pub(crate) use history::KeepHistory;
pub(crate) use policy::GeometryPolicy;

use crate::{
    attribute::AttributeSpec,
    client::{Client, call},
    command::{Context, definition::DefinitionView, request_id},
    error::Failure,
    output::Report,
    resolve::{self, LayerReference},
};
use clap::{Args, Subcommand};
use jmap_proto::{
    layerdata::{
        AddAttribute, ChangeLayerDefinitionRequest, ConstrainAttribute, DefinitionChange,
        DescribeAttribute, DropAttribute, DroppedAttribute, GetLayerRequest, LayerDefinition,
        ListDroppedAttributesRequest, MoveAttribute, PurgeAttribute, RenameAttribute,
        RestoreAttribute, definition_change::Change,
    },
    types::AttributeDefinition,
};
use rules::Rules;
use view::DroppedView;
use widen::Widen;

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl layers attributes list Atlas/trees
  jmapctl layers attributes add Atlas/trees health:integer:required --default 3 --min 1 --max 5
  jmapctl layers attributes rename Atlas/trees health vigour
  jmapctl layers attributes set Atlas/trees vigour --max 10 --dry-run
  jmapctl layers attributes widen Atlas/trees vigour double
  jmapctl layers attributes drop Atlas/trees vigour
  jmapctl layers attributes restore Atlas/trees vigour
  jmapctl layers attributes purge Atlas/trees vigour --confirm vigour";

/// Change the attributes of a layer, which may have elements and be in use
#[derive(Debug, Subcommand)]
pub(crate) enum Attributes {
    /// List the attributes
    List {
        /// PROJECT/LAYER, @me/LAYER or id
        layer: LayerReference,
    },
    /// List the attributes that were dropped and can be restored
    Dropped {
        /// PROJECT/LAYER, @me/LAYER or id
        layer: LayerReference,
    },
    /// Add an attribute; elements that exist get its default
    Add(Box<Add>),
    /// Give an attribute another name; its values stay
    Rename {
        #[command(flatten)]
        target: Target,
        /// The new name
        name: String,
    },
    /// Say what people read of an attribute
    Describe {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        words: Words,
    },
    /// Put an attribute elsewhere in the form
    Move {
        #[command(flatten)]
        target: Target,
        /// The new place, from 1
        place: i32,
    },
    /// Change what values must satisfy; elements that exist must satisfy it as well
    Set(Box<Set>),
    /// Give the values of an attribute a wider type: integer double or string, date datetime or string, boolean and datetime
    /// string
    Widen(Widen),
    /// Hide an attribute with its values, until it is restored or purged
    Drop {
        #[command(flatten)]
        target: Target,
    },
    /// Bring a dropped attribute back with its values
    Restore {
        #[command(flatten)]
        target: Target,
        /// Another name, when somebody took the old one
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
    },
    /// Remove a dropped attribute with its values, for good
    Purge {
        #[command(flatten)]
        target: Target,
        /// The attribute's name, repeated
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
}

/// Which attribute, and whether in earnest.
#[derive(Args, Debug)]
pub(crate) struct Target {
    #[command(flatten)]
    place: Place,
    /// Name or id
    attribute: String,
}

/// Which layer, and whether in earnest.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// Check everything and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What people read of an attribute.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// What people read instead of the name; "" for the name
    #[arg(long)]
    label: Option<String>,
    /// What the attribute means
    #[arg(long)]
    description: Option<String>,
    /// How a form should ask for it, such as `slider`
    #[arg(long, value_name = "HINT")]
    input_hint: Option<String>,
}

/// Add an attribute
#[derive(Args, Debug)]
pub(crate) struct Add {
    #[command(flatten)]
    place: Place,
    /// The attribute, as name:type[:required][:read-only]
    attribute: AttributeSpec,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    rules: Rules,
}

/// Change what values must satisfy
#[derive(Args, Debug)]
pub(crate) struct Set {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    rules: Rules,
}

impl Attributes {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        match self {
            Self::List { layer } => list(client, &layer).await,
            Self::Dropped { layer } => {
                let layer_id = resolve::layer_id(client, &layer).await?;
                let dropped = dropped(client, layer_id).await?;
                Report::list(
                    &dropped
                        .into_iter()
                        .map(DroppedView::from)
                        .collect::<Vec<_>>(),
                )
            }
            Self::Add(add) => {
                let layer = Layer::read(client, &add.place).await?;
                let attribute = add.attribute()?;
                let attribute = Some(attribute);
                layer
                    .change(vec![Change::Add(AddAttribute { attribute })])
                    .await
            }
            Self::Set(set) => set.run(client).await,
            Self::Widen(widen) => widen.run(client).await,
            Self::Restore { target, name } => restore(client, &target, name).await,
            Self::Purge { target, confirm } => purge(client, &target, &confirm).await,
            Self::Rename { target, name } => {
                target
                    .change(client, |attribute_id| rename(attribute_id, name))
                    .await
            }
            Self::Describe { target, words } => {
                target
                    .change(client, |attribute_id| words.of(attribute_id))
                    .await
            }
            Self::Move { target, place } => {
                let place = place.saturating_sub(1);
                let change = |attribute_id| {
                    Change::Move(MoveAttribute {
                        attribute_id,
                        place,
                    })
                };
                target.change(client, change).await
            }
            Self::Drop { target } => {
                let change = |attribute_id| Change::Drop(DropAttribute { attribute_id });
                target.change(client, change).await
            }
        }
    }
}

async fn restore(
    client: &Client,
    target: &Target,
    name: Option<String>,
) -> Result<Report, Failure> {
    let layer = Layer::read(client, &target.place).await?;
    let attribute_id = layer.dropped(&target.attribute).await?.attribute_id;
    let mut changes = vec![Change::Restore(RestoreAttribute { attribute_id })];
    changes.extend(name.map(|name| rename(attribute_id, name)));
    layer.change(changes).await
}

async fn purge(client: &Client, target: &Target, confirm: &str) -> Result<Report, Failure> {
    let layer = Layer::read(client, &target.place).await?;
    let known = layer.dropped(&target.attribute).await?;
    if known.name != confirm {
        let message = format!("the attribute's name is `{}`", known.name);
        return Err(Failure::usage(message));
    }
    let attribute_id = known.attribute_id;
    let purge = Change::Purge(PurgeAttribute { attribute_id });
    layer.change(vec![purge]).await
}

impl Set {
    async fn run(self, client: &Client) -> Result<Report, Failure> {
        let layer = Layer::read(client, &self.target.place).await?;
        let known = layer.attribute(&self.target.attribute)?;
        let rules = self.rules.of(known)?;
        if rules == untouched(known.attribute_id) {
            return Err(Failure::usage("say what is to change, such as --max 10"));
        }
        layer.change(vec![Change::Constrain(rules)]).await
    }
}

/// New rules that leave every rule as it is.
fn untouched(attribute_id: i64) -> ConstrainAttribute {
    ConstrainAttribute {
        attribute_id,
        ..Default::default()
    }
}

fn rename(attribute_id: i64, name: String) -> Change {
    Change::Rename(RenameAttribute { attribute_id, name })
}

impl Words {
    fn of(self, attribute_id: i64) -> Change {
        let Self {
            label,
            description,
            input_hint,
        } = self;
        Change::Describe(DescribeAttribute {
            attribute_id,
            label,
            description,
            input_hint,
        })
    }
}

impl Add {
    fn attribute(self) -> Result<AttributeDefinition, Failure> {
        let AttributeSpec(stated) = self.attribute;
        let rules = self.rules.of(&stated)?;
        Ok(AttributeDefinition {
            label: self.words.label.unwrap_or_default(),
            description: self.words.description.unwrap_or_default(),
            input_hint: self.words.input_hint.unwrap_or_default(),
            required: rules.required.unwrap_or(stated.required),
            read_only: rules.read_only.unwrap_or(stated.read_only),
            default_value: rules.default_value,
            constraints: rules.constraints,
            ..stated
        })
    }
}

impl Target {
    async fn change(
        &self,
        client: &Client,
        change: impl FnOnce(i64) -> Change,
    ) -> Result<Report, Failure> {
        let layer = Layer::read(client, &self.place).await?;
        let attribute_id = layer.attribute(&self.attribute)?.attribute_id;
        layer.change(vec![change(attribute_id)]).await
    }
}

/// A layer whose definition is to be changed, as it was read.
struct Layer<'a> {
    client: &'a Client,
    id: i64,
    definition: LayerDefinition,
    validate_only: bool,
}

impl<'a> Layer<'a> {
    async fn read(client: &'a Client, place: &Place) -> Result<Self, Failure> {
        let layer_id = resolve::layer_id(client, &place.layer).await?;
        Ok(Self {
            client,
            id: layer_id,
            definition: definition(client, layer_id).await?,
            validate_only: place.dry_run,
        })
    }

    fn attribute(&self, reference: &str) -> Result<&AttributeDefinition, Failure> {
        let attributes = self.definition.attributes.iter();
        found(attributes, reference).ok_or_else(|| unknown("attribute", reference))
    }

    async fn dropped(&self, reference: &str) -> Result<AttributeDefinition, Failure> {
        let dropped = dropped(self.client, self.id).await?;
        let attributes = dropped.iter().filter_map(|one| one.attribute.as_ref());
        let found = found(attributes.rev(), reference).cloned();
        found.ok_or_else(|| unknown("dropped attribute", reference))
    }

    async fn change(self, changes: Vec<Change>) -> Result<Report, Failure> {
        self.change_telling(changes, DefinitionView::table).await
    }

    /// Makes the changes, and tells what they are about.
    async fn change_telling(
        self,
        changes: Vec<Change>,
        told: impl FnOnce(&DefinitionView) -> String,
    ) -> Result<Report, Failure> {
        let client = self.client;
        let change = |change| DefinitionChange {
            change: Some(change),
        };
        let message = ChangeLayerDefinitionRequest {
            layer_id: self.id,
            expected_version: self.definition.version,
            changes: changes.into_iter().map(change).collect(),
            request_id: request_id(),
            validate_only: self.validate_only,
        };
        let stub = client.layers();
        let answer = call!(client, stub.await?, change_layer_definition, message);
        let definition = answer.definition;
        let view = DefinitionView::from(definition.unwrap_or_default());
        let would_be = if self.validate_only {
            "would be"
        } else {
            "is now"
        };
        let text = format!("the definition {would_be} version {}", view.version);
        Report::new(format!("{text}\n\n{}", told(&view)), &view)
    }
}

/// An attribute by name, or by id. Names come first: an attribute may be called `7`.
fn found<'d>(
    attributes: impl Iterator<Item = &'d AttributeDefinition> + Clone,
    reference: &str,
) -> Option<&'d AttributeDefinition> {
    let named = attributes.clone().find(|one| one.name == reference);
    let id: Option<i64> = reference.parse().ok();
    named.or_else(|| {
        attributes
            .into_iter()
            .find(|one| Some(one.attribute_id) == id)
    })
}

fn unknown(what: &str, reference: &str) -> Failure {
    Failure::not_found(format!("the layer has no {what} `{reference}`"))
}

async fn definition(client: &Client, layer_id: i64) -> Result<LayerDefinition, Failure> {
    let message = GetLayerRequest { layer_id };
    let answer = call!(client, client.layers().await?, get_layer, message);
    let definition = answer.layer.and_then(|layer| layer.definition);
    definition.ok_or_else(|| Failure::incomplete("a definition"))
}

async fn dropped(client: &Client, layer_id: i64) -> Result<Vec<DroppedAttribute>, Failure> {
    let message = ListDroppedAttributesRequest { layer_id };
    let stub = client.layers();
    let answer = call!(client, stub.await?, list_dropped_attributes, message);
    Ok(answer.attributes)
}

async fn list(client: &Client, layer: &LayerReference) -> Result<Report, Failure> {
    let layer_id = resolve::layer_id(client, layer).await?;
    let view = DefinitionView::from(definition(client, layer_id).await?);
    Report::new(view.table(), &view)
}
