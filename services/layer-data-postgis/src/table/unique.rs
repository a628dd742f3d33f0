//! Indexes of unique attributes, and what is looked for in them. Versions that were replaced have none (R105, R114).

use jmap_domain::AttributeId;
use jmap_postgres::quoted;
use layer_data_core::{definition::LayerDefinition, edit::Restored, value::Value};
use sqlx::{Postgres, QueryBuilder};

use super::{Column, Table};
use crate::{bucket, values::List};

/// A column that must stay unique, with its place among the values of a statement's rows.
pub(crate) type Placed<'a> = (usize, &'a Column);

impl Table {
    fn unique_index(&self, attribute: AttributeId) -> String {
        quoted(&format!("l_{}_unique_{attribute}", self.layer))
    }

    /// The attributes that have a unique index.
    pub(crate) fn unique(&self) -> &[AttributeId] {
        &self.unique
    }

    /// The statements that make the indexes of these attributes.
    pub(super) fn index_unique(&self, attributes: &[AttributeId]) -> Vec<String> {
        let statements = attributes.iter().filter_map(|id| {
            let (index, column) = (self.unique_index(*id), &self.column(*id)?.name);
            Some(format!(
                "create unique index {index} on {} ({column})",
                self.name
            ))
        });
        statements.collect()
    }

    /// The statements that remove them.
    pub(super) fn drop_unique(&self, attributes: &[AttributeId]) -> Vec<String> {
        let schema = quoted(&bucket::schema(self.layer));
        let drop = |id: &AttributeId| format!("drop index {schema}.{}", self.unique_index(*id));
        attributes.iter().map(drop).collect()
    }

    /// The elements that have one of these values, with their revisions.
    pub(crate) fn holders(&self, column: &Column, values: Vec<&Value>) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select t.\"fid\", t.\"_revision\", ");
        column.push(&mut sql);
        sql.push(" from ").push(&self.marked).push(" as t where ");
        column.push(&mut sql);
        sql.push(" = any (")
            .push_bind(List(column.kind, values))
            .push(")");
        sql
    }

    /// The elements whose value of an attribute another has as well, ascending.
    pub(crate) fn sharing(&self, column: &Column) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select t.\"fid\" from ");
        sql.push(&self.marked).push(" as t where ");
        column.push(&mut sql);
        sql.push(" in (select u.").push(&column.name);
        sql.push(" from ").push(&self.marked).push(" as u where u.");
        sql.push(&column.name).push(" is not null group by u.");
        sql.push(&column.name)
            .push(" having count(*) > 1) order by t.\"fid\"");
        sql
    }

    /// Those of a statement's columns that must stay unique.
    pub(crate) fn unique_among<'c>(&self, columns: &[&'c Column]) -> Vec<Placed<'c>> {
        let columns = columns.iter().copied().enumerate();
        let unique = columns.filter(|(_, column)| self.unique.contains(&column.attribute));
        unique.collect()
    }

    /// Limits a statement about elements to the case that no other has the values that they are to get.
    pub(super) fn only_free(&self, sql: &mut QueryBuilder<Postgres>, columns: &[Placed<'_>]) {
        for (place, column) in columns {
            self.push_other(sql, column);
            sql.push("e.v").push(place);
            sql.push(" and u.\"fid\" <> t.\"fid\")");
        }
    }

    /// Limits a statement that brings versions back to the case that no element has their values.
    pub(super) fn only_free_versions(&self, sql: &mut QueryBuilder<Postgres>) {
        for column in self.unique.iter().filter_map(|id| self.column(*id)) {
            self.push_other(sql, column);
            sql.push("h.").push(&column.name).push(")");
        }
    }

    fn push_other(&self, sql: &mut QueryBuilder<Postgres>, column: &Column) {
        sql.push(" and not exists (select from ").push(&self.marked);
        sql.push(" as u where u.").push(&column.name).push(" = ");
    }

    /// Whether an element has the value that a version has of an attribute.
    pub(crate) fn is_taken_from(
        &self,
        restored: &Restored,
        column: &Column,
    ) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select exists (select from ");
        sql.push(&self.versions).push(" as h, ").push(&self.marked);
        sql.push(" as u where u.").push(&column.name).push(" = h.");
        sql.push(&column.name).push(" and h.\"fid\" = ");
        sql.push_bind(restored.element.get())
            .push(" and h.\"_revision\" = ");
        sql.push_bind(restored.version.get()).push(")");
        sql
    }
}

/// The ids of the unique attributes.
pub(super) fn unique_of(definition: &LayerDefinition) -> Vec<AttributeId> {
    let unique = definition.unique();
    unique.map(|(_, attribute)| attribute.id).collect()
}
