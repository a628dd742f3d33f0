//! What a layer in memory was like.

use std::collections::BTreeMap;

use jmap_domain::ElementId;

use super::{Layer, Row};
use crate::{
    history::{AsOf, Version, VersionEnd},
    permit::Permit,
    query::CheckedQuery,
};

impl Layer {
    /// Keeps what an element is, because it changes now.
    pub(super) fn keep(&mut self, id: ElementId, permit: &Permit) {
        let end = VersionEnd {
            revision: self.revision,
            by: permit.actor(),
            time: self.edited,
        };
        if let Some(row) = self.rows.get(&id) {
            let version = (id, row.element.revision);
            self.replaced.insert(version, (row.clone(), end));
        }
    }

    /// The elements as they are, or as they were.
    pub(super) fn state(&self, as_of: Option<AsOf>) -> BTreeMap<ElementId, &Row> {
        let present = self.rows.values().map(|row| (row, None));
        let past = self.replaced.values();
        let all = present.chain(past.map(|(row, end)| (row, Some(*end))));
        let is_in = |(row, end): &(&Row, Option<VersionEnd>)| {
            let version = || Version {
                element: row.element.clone(),
                end: *end,
            };
            as_of.map_or(end.is_none(), |as_of| version().holds_at(as_of))
        };
        all.filter(is_in)
            .map(|(row, _)| (row.element.id, row))
            .collect()
    }

    /// Everything that is known of the element that a query names.
    pub(super) fn versions(&self, query: &CheckedQuery) -> Vec<Version> {
        let is_it = |row: &Row| query.ids() == Some(&[row.element.id]);
        let version = |row: &Row, end| Version {
            element: self.output(query, row),
            end,
        };
        let past = self.replaced.values().filter(|(row, _)| is_it(row));
        let past = past.map(|(row, end)| version(row, Some(*end)));
        let present = self.rows.values().filter(|row| is_it(row));
        past.chain(present.map(|row| version(row, None))).collect()
    }
}
