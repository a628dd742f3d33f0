//! Changes of a definition: some at once, all or nothing, by attribute id (R114).

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jmap_domain::AttributeId;

use super::{
    AttributeConstraints, AttributeDefinition, AttributeDraft, AttributeName, ChangeKey,
    ConstraintError, DefinitionVersion, DroppedAttribute, HistoryRetention, LayerDefinition,
    MAX_ATTRIBUTES, MAX_ATTRIBUTES_EVER, NameFault, RetentionError,
};
use crate::{
    geometry::InvalidPolygons,
    value::{AttributeType, DateTime, Value},
};

/// One change of a definition. What it does not mention stays.
#[derive(Clone, Debug)]
pub enum DefinitionChange {
    /// Add an attribute, behind the others. Elements that exist get its default.
    Add(AttributeDraft),
    /// Give an attribute another name.
    Rename {
        /// The attribute.
        attribute: AttributeId,
        /// Its new name (R64).
        name: String,
    },
    /// Change what people read of an attribute; `None` leaves it.
    Describe {
        /// The attribute.
        attribute: AttributeId,
        /// What people read instead of the name; empty means the name.
        label: Option<String>,
        /// What the attribute means.
        description: Option<String>,
        /// How a form should ask for it.
        input_hint: Option<String>,
    },
    /// Put an attribute elsewhere in the form.
    Move {
        /// The attribute.
        attribute: AttributeId,
        /// Its new place, from 0; beyond the last means behind the last.
        place: usize,
    },
    /// Change what the values of an attribute must satisfy. The elements that exist must satisfy it as well.
    Constrain {
        /// The attribute.
        attribute: AttributeId,
        /// The new rules.
        rules: AttributeRules,
    },
    /// Give the values of an attribute a wider type; its default, bounds and allowed values become values of it as well.
    Widen {
        /// The attribute.
        attribute: AttributeId,
        /// The wider type.
        to: AttributeType,
    },
    /// Hide an attribute with its values.
    Drop(AttributeId),
    /// Bring a dropped attribute back, behind the others. Elements created meanwhile have no value of it.
    Restore(AttributeId),
    /// Remove a dropped attribute with its values, for good.
    Purge(AttributeId),
    /// Change what becomes of polygons that are not valid. Where none is to be taken any more, those that exist must be
    /// valid as well.
    Judge(InvalidPolygons),
    /// Change how long history is kept; `None` is for ever. What is gone already does not come back.
    KeepHistory(Option<Duration>),
}

/// New rules for an attribute's values; `None` leaves a rule as it is.
#[derive(Clone, Debug, Default)]
pub struct AttributeRules {
    /// Whether null is refused.
    pub required: Option<bool>,
    /// Whether clients may not set it.
    pub read_only: Option<bool>,
    /// The value of elements that are created without one; null for none.
    pub default: Option<Value>,
    /// What values must satisfy, as a whole.
    pub constraints: Option<AttributeConstraints>,
}

/// Why a definition cannot be changed like that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("change {index}: {fault}")]
pub struct ChangeError {
    /// Which of the changes, from 0; the last one of the attribute that is at fault.
    pub index: usize,
    /// What is wrong.
    pub fault: ChangeFault,
}

/// What is wrong with a change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeFault {
    /// The layer has no such attribute.
    #[error("attribute `{0}` does not exist in the layer")]
    UnknownAttribute(AttributeId),
    /// No such attribute was dropped, or it was purged.
    #[error("the layer has no dropped attribute `{0}`")]
    NotDropped(AttributeId),
    /// A name that an attribute may not have (R64).
    #[error("{0}")]
    Name(NameFault),
    /// A name that another attribute has, whatever the case (R64).
    #[error("the name `{0}` is taken by another attribute")]
    NameTaken(String),
    /// Rules that contradict the type, each other or the default.
    #[error("attribute `{name}`: {fault}")]
    Constraint {
        /// The attribute's name.
        name: String,
        /// What is wrong.
        fault: ConstraintError,
    },
    /// A type whose values not every value of the attribute's type can become.
    #[error("attribute `{name}`: {from} does not widen to {to}")]
    NotWider {
        /// The attribute's name.
        name: String,
        /// Its type.
        from: AttributeType,
        /// The type that is not wider.
        to: AttributeType,
    },
    /// A default, a bound or an allowed value that is none of the wider type: an integer that no double is.
    #[error("attribute `{name}`: its default, a bound or an allowed value is no {to} exactly")]
    RuleNotWidened {
        /// The attribute's name.
        name: String,
        /// The wider type.
        to: AttributeType,
    },
    /// A time that history cannot be kept for.
    #[error("{0}")]
    Retention(RetentionError),
    /// An attribute that gets a wider type and is dropped: nobody would look at its values.
    #[error("attribute `{0}` is widened or dropped in one call, not both")]
    WidenedAndDropped(String),
    /// A new attribute that is required gives elements that exist no value.
    #[error("a required attribute can be added only with a default: `{0}`")]
    NeedsDefault(String),
    /// More attributes than a layer may have (R64).
    #[error("a layer has at most {MAX_ATTRIBUTES} attributes, dropped ones included")]
    TooManyAttributes,
    /// More attributes than a layer may have in its life.
    #[error("a layer has at most {MAX_ATTRIBUTES_EVER} attributes in its life")]
    TooManyEver,
}

impl LayerDefinition {
    /// The definition after these changes, one version on. Only the outcome must be a definition, so that two
    /// attributes can exchange their names.
    ///
    /// # Errors
    /// [`ChangeError`], for the first thing that is wrong.
    pub fn changed(
        &self,
        changes: Vec<DefinitionChange>,
        made_by: Option<ChangeKey>,
        now: DateTime,
    ) -> Result<Self, ChangeError> {
        let mut work = Work {
            definition: self.clone(),
            touched: HashMap::new(),
            now,
        };
        let last = changes.len().saturating_sub(1);
        let kinds = self.stored_attributes().map(|one| (one.id, one.kind));
        let kinds: HashMap<AttributeId, AttributeType> = kinds.collect();
        for (index, change) in changes.into_iter().enumerate() {
            let fail = |fault| ChangeError { index, fault };
            let attribute = work.apply(change).map_err(fail)?;
            work.touched.extend(attribute.map(|id| (id, index)));
        }
        if work.definition.stored_attributes().count() > MAX_ATTRIBUTES {
            let fault = ChangeFault::TooManyAttributes;
            return Err(ChangeError { index: last, fault });
        }
        work.check()?;
        work.check_dropped(&kinds)?;
        let version = DefinitionVersion(self.version.0.saturating_add(1));
        let origin = match self.version {
            DefinitionVersion(1) => self.digest(),
            DefinitionVersion(_) => self.origin.clone(),
        };
        Ok(Self {
            version,
            made_by,
            origin,
            ..work.definition
        })
    }
}

/// A definition on its way.
struct Work {
    definition: LayerDefinition,
    /// The last change of each attribute.
    touched: HashMap<AttributeId, usize>,
    now: DateTime,
}

impl Work {
    /// Makes a change, and answers which attribute it was, if any.
    fn apply(&mut self, change: DefinitionChange) -> Result<Option<AttributeId>, ChangeFault> {
        match change {
            DefinitionChange::Add(draft) => self.add(draft).map(Some),
            DefinitionChange::Rename { attribute, name } => {
                self.found(attribute)?.name =
                    AttributeName::parse(&name).map_err(ChangeFault::Name)?;
                Ok(Some(attribute))
            }
            DefinitionChange::Describe {
                attribute,
                label,
                description,
                input_hint,
            } => {
                let found = self.found(attribute)?;
                replace(&mut found.label, label);
                replace(&mut found.description, description);
                replace(&mut found.input_hint, input_hint);
                Ok(Some(attribute))
            }
            DefinitionChange::Move { attribute, place } => {
                let moved = self.take(attribute)?;
                let attributes = &mut self.definition.attributes;
                attributes.insert(place.min(attributes.len()), moved);
                Ok(Some(attribute))
            }
            DefinitionChange::Constrain { attribute, rules } => {
                constrain(self.found(attribute)?, rules);
                Ok(Some(attribute))
            }
            DefinitionChange::Widen { attribute, to } => {
                widen(self.found(attribute)?, to)?;
                Ok(Some(attribute))
            }
            DefinitionChange::Drop(id) => {
                let (attribute, dropped) = (self.take(id)?, self.now);
                let dropped = DroppedAttribute { attribute, dropped };
                self.definition.dropped.push(dropped);
                Ok(Some(id))
            }
            DefinitionChange::Restore(id) => {
                let restored = self.take_dropped(id)?;
                self.definition.attributes.push(restored);
                Ok(Some(id))
            }
            DefinitionChange::Purge(id) => self.take_dropped(id).map(|purged| Some(purged.id)),
            DefinitionChange::Judge(policy) => {
                self.definition.geometry.invalid = policy;
                Ok(None)
            }
            DefinitionChange::KeepHistory(duration) => {
                let keep = duration.map(HistoryRetention::of).transpose();
                self.definition.keep_history = keep.map_err(ChangeFault::Retention)?;
                Ok(None)
            }
        }
    }

    fn add(&mut self, draft: AttributeDraft) -> Result<AttributeId, ChangeFault> {
        let id = self.definition.next_attribute;
        if id.get() > MAX_ATTRIBUTES_EVER {
            return Err(ChangeFault::TooManyEver);
        }
        let next = AttributeId::new(id.get() + 1);
        self.definition.next_attribute = next.map_err(|_beyond| ChangeFault::TooManyEver)?;
        let attribute = draft.named(id).map_err(ChangeFault::Name)?;
        if attribute.required && attribute.default.is_null() {
            return Err(ChangeFault::NeedsDefault(attribute.name.to_string()));
        }
        self.definition.attributes.push(attribute);
        Ok(id)
    }

    fn found(&mut self, id: AttributeId) -> Result<&mut AttributeDefinition, ChangeFault> {
        let mut attributes = self.definition.attributes.iter_mut();
        let found = attributes.find(|attribute| attribute.id == id);
        found.ok_or(ChangeFault::UnknownAttribute(id))
    }

    fn take(&mut self, id: AttributeId) -> Result<AttributeDefinition, ChangeFault> {
        let attributes = &mut self.definition.attributes;
        let place = attributes.iter().position(|attribute| attribute.id == id);
        let place = place.ok_or(ChangeFault::UnknownAttribute(id))?;
        Ok(attributes.remove(place))
    }

    fn take_dropped(&mut self, id: AttributeId) -> Result<AttributeDefinition, ChangeFault> {
        let dropped = &mut self.definition.dropped;
        let place = dropped.iter().position(|one| one.attribute.id == id);
        let place = place.ok_or(ChangeFault::NotDropped(id))?;
        Ok(dropped.remove(place).attribute)
    }

    /// Whether the outcome is a definition: names are unique and what was changed is consistent.
    fn check(&self) -> Result<(), ChangeError> {
        let mut keys = HashSet::new();
        for attribute in self.untouched_first() {
            let touched = self.touched.get(&attribute.id);
            let fail = |fault| ChangeError {
                index: touched.copied().unwrap_or_default(),
                fault,
            };
            if !keys.insert(attribute.name.key()) {
                return Err(fail(ChangeFault::NameTaken(attribute.name.to_string())));
            }
            let consistent = attribute.consistent();
            consistent.map_err(|fault| {
                fail(ChangeFault::Constraint {
                    name: attribute.name.to_string(),
                    fault,
                })
            })?;
        }
        Ok(())
    }

    /// Whether what is dropped could come back as it is: it is stored like the others, and nobody looks at its values.
    fn check_dropped(
        &self,
        kinds: &HashMap<AttributeId, AttributeType>,
    ) -> Result<(), ChangeError> {
        for DroppedAttribute { attribute, .. } in &self.definition.dropped {
            let Some(index) = self.touched.get(&attribute.id).copied() else {
                continue;
            };
            let fail = |fault| ChangeError { index, fault };
            let name = attribute.name.to_string();
            if kinds
                .get(&attribute.id)
                .is_some_and(|kind| *kind != attribute.kind)
            {
                return Err(fail(ChangeFault::WidenedAndDropped(name)));
            }
            let consistent = attribute.consistent();
            consistent.map_err(|fault| fail(ChangeFault::Constraint { name, fault }))?;
        }
        Ok(())
    }

    /// The attributes in the order of their last changes, so that of two equal names the later one is at fault.
    fn untouched_first(&self) -> Vec<&AttributeDefinition> {
        let mut attributes: Vec<_> = self.definition.attributes.iter().collect();
        attributes.sort_by_key(|attribute| self.touched.get(&attribute.id));
        attributes
    }
}

fn replace<T>(place: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *place = new;
    }
}

fn constrain(attribute: &mut AttributeDefinition, rules: AttributeRules) {
    let AttributeRules {
        required,
        read_only,
        default,
        constraints,
    } = rules;
    replace(&mut attribute.required, required);
    replace(&mut attribute.read_only, read_only);
    replace(&mut attribute.default, default);
    replace(&mut attribute.constraints, constraints);
}

fn widen(attribute: &mut AttributeDefinition, to: AttributeType) -> Result<(), ChangeFault> {
    let (name, from) = (attribute.name.to_string(), attribute.kind);
    if !from.widens_to(to) {
        return Err(ChangeFault::NotWider { name, from, to });
    }
    let default = attribute.default.widened(to);
    let rules = default.zip(attribute.constraints.widened(to));
    let (default, constraints) = rules.ok_or(ChangeFault::RuleNotWidened { name, to })?;
    attribute.kind = to;
    attribute.default = default;
    attribute.constraints = constraints;
    Ok(())
}
