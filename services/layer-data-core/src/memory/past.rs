//! What a layer in memory was like.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use jmap_domain::{ActorId, DataRevision, ElementId};

use super::{Layer, Row};
use crate::{
    edit::{EditRefusal, Restored},
    history::{AsOf, HistoryStart, Pruned, Touched, Version, VersionEnd},
    permit::{Permit, Scope},
    query::CheckedQuery,
    value::DateTime,
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

    /// The versions of the elements that were touched, by element and revision.
    pub(super) fn trail(&self, query: &CheckedQuery, touched: &Touched) -> Vec<Version> {
        let past = self.replaced.values();
        let past = past.map(|(row, end)| (row, Some(*end)));
        let present = self.rows.values().map(|row| (row, None));
        let mut all: Vec<Version> = past
            .chain(present)
            .map(|(row, end)| Version {
                element: self.output(query, row),
                end,
            })
            .collect();
        all.sort_by_key(|version| (version.element.id, version.element.revision));
        match touched {
            Touched::Elements(ids) => all.retain(|version| ids.contains(&version.element.id)),
            Touched::By(deeds) => {
                let touched = all.iter().filter(|version| deeds.touch(version));
                let ids = touched.map(|version| version.element.id);
                let ids: BTreeSet<ElementId> = ids.collect();
                let is_before =
                    |version: &Version| version.end.is_some_and(|end| deeds.are_after(end));
                all.retain(|version| ids.contains(&version.element.id) && !is_before(version));
            }
        }
        all
    }

    /// Removes the oldest versions that are no longer to be kept.
    pub(super) fn prune(&mut self, now: DateTime, limit: NonZeroU32) -> Pruned {
        let Some(keep) = self.definition.keep_history() else {
            return Pruned::default();
        };
        let horizon = keep.horizon(now);
        let mut ends: Vec<VersionEnd> = self.replaced.values().map(|(_, end)| *end).collect();
        ends.sort_by_key(|end| end.revision);
        ends.truncate(limit.get() as usize);
        ends.retain(|end| end.time <= horizon);
        let Some(VersionEnd { revision, time, .. }) = ends.last().copied() else {
            return Pruned::default();
        };
        self.history = HistoryStart { revision, time };
        let before = self.replaced.len();
        self.replaced.retain(|_, (_, end)| end.revision > revision);
        Pruned {
            versions: (before - self.replaced.len()) as u64,
            more: ends.len() == limit.get() as usize,
        }
    }

    /// Brings back what was deleted.
    pub(super) fn restore(
        &mut self,
        restored: &Restored,
        permit: &Permit,
    ) -> Result<ElementId, EditRefusal> {
        let element = restored.element;
        let versions = self.replaced.range((element, DataRevision::default())..);
        let versions = versions.take_while(|((id, _), _)| *id == element);
        let last = versions.map(|(_, (_, end))| end.revision).last();
        let present = self.rows.get(&element).map(|row| row.element.revision);
        let current = present
            .or(last)
            .ok_or(EditRefusal::NoSuchElement(element))?;
        let version = self.replaced.get(&(element, restored.version));
        let creator = self.creator(element);
        if let Scope::Own(actor) = permit.scope()
            && creator != Some(actor)
        {
            return Err(EditRefusal::NotOwn(element));
        }
        let (Some((row, _)), None, true) = (version, present, current == restored.deleted) else {
            return Err(EditRefusal::Stale { element, current });
        };
        let mut row = row.clone();
        let unique = self.definition.unique();
        let values = unique.map(|(_, of)| (of, row.value(&self.definition, of.id)));
        self.is_free(element, values)?;
        row.element.revision = self.revision;
        row.element.stamps.updated_by = Some(permit.actor());
        row.element.stamps.update_time = self.edited;
        self.rows.insert(element, row);
        Ok(element)
    }

    /// Who created an element that there is or was.
    fn creator(&self, element: ElementId) -> Option<ActorId> {
        let past = self.replaced.values().map(|(row, _)| row);
        let mut rows = self.rows.values().chain(past);
        let found = rows.find(|row| row.element.id == element);
        found.and_then(|row| row.element.stamps.created_by)
    }
}
