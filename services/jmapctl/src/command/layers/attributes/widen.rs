//! Wider types for the values of an attribute.

use clap::Args;
use jmap_proto::{
    layerdata::{ConstrainAttribute, WidenAttribute, definition_change::Change},
    types::{AttributeConstraints, AttributeDefinition, AttributeType},
};

use super::{Layer, Target};
use crate::{
    attribute::{make_unique, parse_type},
    client::Client,
    error::Failure,
    output::Report,
};

/// Give the values of an attribute a wider type
#[derive(Args, Debug)]
pub(crate) struct Widen {
    #[command(flatten)]
    target: Target,
    /// The wider type: double, string or datetime
    #[arg(value_name = "TYPE", value_parser = parse_type)]
    to: AttributeType,
    /// First lift every limit there is on range and values: strings have no range
    #[arg(long)]
    any: bool,
}

impl Widen {
    pub(super) async fn run(self, client: &Client) -> Result<Report, Failure> {
        let layer = Layer::read(client, &self.target.place).await?;
        let changes = self.changes(layer.attribute(&self.target.attribute)?);
        layer.change(changes).await
    }

    fn changes(&self, known: &AttributeDefinition) -> Vec<Change> {
        let attribute_id = known.attribute_id;
        let constrain = |constraints| {
            Change::Constrain(ConstrainAttribute {
                attribute_id,
                constraints: Some(constraints),
                ..Default::default()
            })
        };
        let limits = known.constraints.clone().unwrap_or_default();
        let unique = AttributeConstraints {
            unique: limits.unique,
            ..Default::default()
        };
        let mut changes = Vec::new();
        if self.any {
            changes.push(constrain(unique.clone()));
        }
        changes.push(Change::Widen(WidenAttribute {
            attribute_id,
            r#type: self.to.into(),
        }));
        // A unique string has a limited length, and the limits that there are would be lifted by saying so.
        if limits.unique && (self.any || limits == unique) {
            let mut limited = unique;
            make_unique(self.to, &mut limited);
            changes.push(constrain(limited));
        }
        changes
    }
}
