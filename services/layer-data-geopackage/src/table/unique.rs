//! Indexes of unique attributes, and what is looked for in them. Versions that were replaced have none (R105, R114).

use jmap_domain::AttributeId;
use layer_data_core::{
    definition::{AttributeDefinition, LayerDefinition},
    edit::Restored,
    value::Value,
};
use sqlx::{QueryBuilder, Sqlite};

use super::{Column, Table, quoted};
use crate::values::push_value;

impl Table {
    fn unique_index(&self, attribute: AttributeId) -> String {
        quoted(&format!("{}_unique_{attribute}", self.name))
    }

    /// The statements that make the indexes of these attributes.
    pub(crate) fn index_unique(&self, attributes: &[AttributeId]) -> Vec<QueryBuilder<Sqlite>> {
        let statements = attributes.iter().filter_map(|id| {
            let (index, column) = (self.unique_index(*id), self.column(*id)?);
            let on = format_args!("on {} ({})", self.quoted, column.name);
            Some(QueryBuilder::new(format!(
                "create unique index {index} {on}"
            )))
        });
        statements.collect()
    }

    /// The statements that remove them.
    pub(crate) fn drop_unique(&self, attributes: &[AttributeId]) -> Vec<QueryBuilder<Sqlite>> {
        let drop = |id: &AttributeId| format!("drop index {}", self.unique_index(*id));
        attributes.iter().map(drop).map(QueryBuilder::new).collect()
    }

    /// The elements that have one of these values, with their revisions.
    pub(crate) fn holders(&self, column: &Column, values: &[&Value]) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select t.\"fid\", t.\"_revision\", ");
        column.push(&mut sql);
        sql.push(" from ").push(&self.quoted).push(" as t where ");
        column.push(&mut sql);
        let mut between = " in (";
        for value in values {
            sql.push(between);
            push_value(&mut sql, value);
            between = ", ";
        }
        sql.push(")");
        sql
    }

    /// The elements whose value of an attribute another has as well, ascending.
    pub(crate) fn sharing(&self, column: &Column) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select t.\"fid\" from ");
        sql.push(&self.quoted).push(" as t where ");
        column.push(&mut sql);
        sql.push(" in (select u.").push(&column.name);
        sql.push(" from ").push(&self.quoted).push(" as u where u.");
        sql.push(&column.name).push(" is not null group by u.");
        sql.push(&column.name)
            .push(" having count(*) > 1) order by t.\"fid\"");
        sql
    }

    /// Limits a statement about an element to the case that no other has one of these values.
    pub(crate) fn only_free(
        &self,
        sql: &mut QueryBuilder<Sqlite>,
        values: &[(&AttributeDefinition, &Value)],
    ) {
        for (attribute, value) in values {
            if let Some(column) = self.column(attribute.id) {
                self.push_other(sql, column);
                push_value(sql, value);
                sql.push(" and u.\"fid\" <> t.\"fid\")");
            }
        }
    }

    /// Limits a statement that brings a version back to the case that no element has its values.
    pub(super) fn only_free_versions(&self, sql: &mut QueryBuilder<Sqlite>) {
        for column in self.unique.iter().filter_map(|id| self.column(*id)) {
            self.push_other(sql, column);
            sql.push("t.").push(&column.name).push(")");
        }
    }

    fn push_other(&self, sql: &mut QueryBuilder<Sqlite>, column: &Column) {
        sql.push(" and not exists (select 1 from ")
            .push(&self.quoted);
        sql.push(" as u where u.").push(&column.name).push(" = ");
    }

    /// Whether an element has the value that a version has of an attribute.
    pub(crate) fn is_taken_from(
        &self,
        restored: &Restored,
        column: &Column,
    ) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select exists (select 1 from ");
        sql.push(&self.versions).push(" as t, ").push(&self.quoted);
        sql.push(" as u where u.").push(&column.name).push(" = t.");
        sql.push(&column.name).push(" and t.\"fid\" = ");
        sql.push_bind(restored.element.get())
            .push(" and t.\"_revision\" = ");
        sql.push_bind(restored.version.get()).push(")");
        sql
    }
}

/// The ids of the unique attributes.
pub(super) fn unique_of(definition: &LayerDefinition) -> Vec<AttributeId> {
    let unique = definition.unique();
    unique.map(|(_, attribute)| attribute.id).collect()
}
