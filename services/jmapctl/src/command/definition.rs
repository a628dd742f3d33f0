//! Layers and their definitions as they are shown.

use jmap_proto::{
    layerdata::{Layer, LayerDefinition},
    types::{AttributeConstraints, AttributeDefinition},
};
use serde::Serialize;

use crate::{
    command::listed,
    error::Failure,
    output::{Report, View, pairs, rows},
    span,
    value::{json, text, type_word},
    words::{effective_words, geometry_word, plain_word, policy_word},
};

/// A layer as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct LayerView {
    pub(super) layer_id: i64,
    pub(super) name: String,
    project_id: i64,
    owner_user_id: i64,
    editing_enabled: bool,
    permissions: Flags,
    availability: String,
    data_revision: i64,
    /// The first revision and time that history reaches back to.
    history_start: Option<HistoryStart>,
    definition: Option<DefinitionView>,
}

/// From where on history can be read.
#[derive(Debug, Serialize)]
struct HistoryStart {
    revision: i64,
    time: String,
}

/// What the caller may do on a layer.
#[derive(Debug, Serialize)]
pub(super) struct Flags {
    /// For every element.
    pub(super) all: Vec<String>,
    /// For own elements only.
    pub(super) own: Vec<String>,
}

impl Flags {
    /// In a line: `view, modify (own)`.
    pub(super) fn line(&self) -> String {
        let own = self.own.iter().map(|word| format!("{word} (own)"));
        listed(&self.all.iter().cloned().chain(own).collect::<Vec<_>>())
    }
}

#[derive(Debug, Serialize)]
pub(super) struct DefinitionView {
    pub(super) version: i32,
    geometry_type: String,
    z: bool,
    epsg: i32,
    geometry_policy: String,
    keep_history: String,
    attributes: Vec<AttributeView>,
}

#[derive(Debug, Serialize)]
struct AttributeView {
    attribute_id: i64,
    name: String,
    label: String,
    description: String,
    r#type: &'static str,
    required: bool,
    read_only: bool,
    default_value: serde_json::Value,
    /// What values must satisfy, in words.
    rules: String,
}

impl From<Layer> for LayerView {
    fn from(layer: Layer) -> Self {
        let availability = plain_word(layer.availability().as_str_name(), "LAYER_AVAILABILITY_");
        let (all, own) = effective_words(layer.permissions);
        Self {
            layer_id: layer.layer_id,
            name: layer.name,
            project_id: layer.project_id,
            owner_user_id: layer.owner_user_id,
            editing_enabled: layer.editing_enabled,
            permissions: Flags { all, own },
            availability,
            data_revision: layer.data_revision,
            history_start: layer.history_start_revision.map(|revision| HistoryStart {
                revision,
                time: layer
                    .history_start_time
                    .map(|time| time.to_string())
                    .unwrap_or_default(),
            }),
            definition: layer.definition.map(DefinitionView::from),
        }
    }
}

impl From<LayerDefinition> for DefinitionView {
    fn from(definition: LayerDefinition) -> Self {
        Self {
            version: definition.version,
            geometry_type: geometry_word(definition.geometry_type),
            z: definition.z_policy() == jmap_proto::types::ZPolicy::Mandatory,
            epsg: definition.epsg,
            geometry_policy: policy_word(definition.invalid_polygons),
            keep_history: span::words(definition.keep_history_for),
            attributes: definition
                .attributes
                .into_iter()
                .map(AttributeView::from)
                .collect(),
        }
    }
}

impl From<AttributeDefinition> for AttributeView {
    fn from(attribute: AttributeDefinition) -> Self {
        let r#type = type_word(attribute.r#type());
        let default_value = attribute
            .default_value
            .as_ref()
            .map_or(serde_json::Value::Null, json);
        let rules = attribute.constraints.as_ref().map(rules);
        Self {
            attribute_id: attribute.attribute_id,
            name: attribute.name,
            label: attribute.label,
            description: attribute.description,
            r#type,
            required: attribute.required,
            read_only: attribute.read_only,
            default_value,
            rules: rules.unwrap_or_default(),
        }
    }
}

impl View for LayerView {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "geometry", "epsg", "editing", "you may"];
    fn cells(&self) -> Vec<String> {
        let definition = self.definition.as_ref();
        vec![
            self.layer_id.to_string(),
            self.name.clone(),
            definition.map_or_else(|| self.availability.clone(), |d| d.geometry_type.clone()),
            definition.map_or_else(String::new, |d| d.epsg.to_string()),
            if self.editing_enabled { "on" } else { "off" }.to_owned(),
            self.permissions.line(),
        ]
    }
}

impl LayerView {
    /// The layer with its attributes.
    pub(super) fn report(&self) -> Result<Report, Failure> {
        let headings = Self::COLUMNS.iter().map(ToString::to_string);
        let mut shown = headings.zip(self.cells()).collect::<Vec<_>>();
        if let (Some(definition), Some(start)) = (&self.definition, &self.history_start) {
            let HistoryStart { revision, time } = start;
            let kept = &definition.keep_history;
            let told = format!("kept {kept}, from revision {revision} on, {time}");
            shown.push(("history".to_owned(), told));
        }
        let mut shown = pairs(shown.into_iter());
        if let Some(definition) = &self.definition {
            shown += "\n\n";
            shown += &definition.table();
        }
        Report::new(shown, self)
    }
}

impl DefinitionView {
    /// For how long history is.
    pub(super) fn kept(&self) -> &str {
        &self.keep_history
    }

    pub(super) fn table(&self) -> String {
        let cells = |attribute: &AttributeView| {
            vec![
                attribute.attribute_id.to_string(),
                attribute.name.clone(),
                attribute.r#type.to_owned(),
                attribute.flags(),
                attribute.default_value.to_string(),
                attribute.rules.clone(),
            ]
        };
        rows(
            &["id", "attribute", "type", "flags", "default", "rules"],
            self.attributes.iter().map(cells),
        )
    }
}

impl AttributeView {
    fn flags(&self) -> String {
        let flags = [(self.required, "required"), (self.read_only, "read-only")];
        let set = flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| (*name).to_owned());
        listed(&set.collect::<Vec<_>>())
    }
}

/// What values must satisfy: `1 to 5`, `length from 2`, `one of a, b`, `unique`.
fn rules(constraints: &AttributeConstraints) -> String {
    let AttributeConstraints {
        min_length,
        max_length,
        min_value,
        max_value,
        allowed_values,
        unique,
    } = constraints;
    let number = |length: &Option<i32>| length.map(|length| length.to_string());
    let allowed = allowed_values.iter().filter_map(|one| one.value.as_ref());
    let allowed: Vec<String> = allowed.map(text).collect();
    let ranges = [
        range(
            "",
            min_value.as_ref().map(text),
            max_value.as_ref().map(text),
        ),
        range("length ", number(min_length), number(max_length)),
        (!allowed.is_empty()).then(|| format!("one of {}", allowed.join(", "))),
        unique.then(|| "unique".to_owned()),
    ];
    ranges.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn range(of: &str, least: Option<String>, most: Option<String>) -> Option<String> {
    match (least, most) {
        (None, None) => None,
        (Some(least), None) => Some(format!("{of}from {least}")),
        (None, Some(most)) => Some(format!("{of}up to {most}")),
        (Some(least), Some(most)) => Some(format!("{of}{least} to {most}")),
    }
}

/// Values in the order of their attributes, for a row of a table.
pub(super) fn cells(values: &[jmap_proto::types::Value]) -> impl Iterator<Item = String> + '_ {
    values.iter().map(text)
}
