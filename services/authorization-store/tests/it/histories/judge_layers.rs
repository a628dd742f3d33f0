//! What the model says about acts on layers and their tables.

use std::collections::BTreeSet;

use jmap_domain::{GlobalPermission, LayerAct, Permission, ProjectAct, Question};

use super::{
    act::{Die, LayerRow, NewLayer, OnLayers, Read, Rows, TableChange},
    judge::{Author, Verdict, Why, all_differ, ensure, has_run_out, reordered, up_to_date},
    model::{
        ANONYMOUS, AUTHENTICATED, EVERYONE, Grant, Layer, Life, Model, Site, Stored, Who, key,
        name_of,
    },
};

impl Model {
    pub(super) fn on_layers(
        &mut self,
        Author { session: _, who }: Author,
        act: &OnLayers,
    ) -> Verdict {
        match act {
            OnLayers::Reserve(new) => self.reserve(who, new),
            OnLayers::Activate { layer } => self.activate(who, *layer),
            OnLayers::Abandon { layer } => self.abandon(who, *layer),
            OnLayers::Unregister { layer } => self.unregister(who, *layer),
            OnLayers::UpdateLayer {
                layer,
                read,
                name,
                editing,
            } => self.update_layer(who, *layer, (*read, *name, *editing)),
            OnLayers::OrderLayers { project, first } => self.order_layers(who, *project, first),
            OnLayers::EditTables(changes) => self.edit_tables(who, changes),
            OnLayers::Personal(act) => self.on_personal(who, act),
        }
    }

    pub(super) fn run_out(&mut self, swept: bool) {
        let reserved = self
            .stored
            .layers
            .iter()
            .filter(|(_, layer)| layer.life != Life::Active);
        let reserved: Vec<i64> = reserved.map(|(id, _)| *id).collect();
        for id in reserved {
            if swept {
                self.stored.bury(id);
            } else {
                self.stored.layers.get_mut(&id).unwrap().life = Life::RunOut;
            }
        }
    }

    /// R12, R17, R29, R83.
    fn reserve(&mut self, who: Who, new: &NewLayer) -> Verdict {
        let by = person(who)?;
        let site = match new.project {
            None => Site::Personal { owner: by },
            Some(die) => self.last_place_in(self.project(die)),
        };
        self.require_home(who, site)?;
        if new.project.is_none() {
            self.judge_room(by)?;
        }
        let name = name_of("layer", new.name);
        if let Some(holder) = self.stored.layer_named(site, &name) {
            ensure(has_run_out(self.stored.layers[&holder].life), Why::Wrong)?;
            self.stored.bury(holder);
        }
        let personal = new.project.is_none();
        let layer = Layer {
            name,
            site,
            editing: personal || new.editing,
            offered_to: None,
            life: Life::Reserved,
            by,
        };
        let id = self.last_layer + 1;
        self.last_layer = id;
        self.stored.layers.insert(id, layer);
        if personal {
            return Ok(());
        }
        let rows: Vec<_> = new.rows.iter().map(|row| self.row(row)).collect();
        let principals: Vec<i64> = rows.iter().map(|(principal, _)| *principal).collect();
        ensure(all_differ(&principals), Why::Wrong)?;
        for (principal, grant) in rows {
            self.judge_grant(who, id, (principal, &grant.permissions))?;
            self.stored.grants.insert((id, principal), grant);
        }
        if new.everyone_views {
            let row = self.stored.grants.entry((id, EVERYONE)).or_default();
            row.permissions.insert(Permission::View);
        }
        self.stored.drop_empty_rows();
        Ok(())
    }

    fn activate(&mut self, who: Who, layer: Die) -> Verdict {
        let id = self.reserved_by(who, layer)?;
        let Layer { life, site, .. } = self.stored.layers[&id];
        match life {
            Life::Active => return Ok(()),
            Life::RunOut => return Err(Why::Wrong),
            Life::Reserved => self.require_home(who, site)?,
        }
        self.stored.layers.get_mut(&id).unwrap().life = Life::Active;
        Ok(())
    }

    fn abandon(&mut self, who: Who, layer: Die) -> Verdict {
        let id = self.reserved_by(who, layer)?;
        ensure(self.stored.layers[&id].life != Life::Active, Why::Wrong)?;
        self.stored.bury(id);
        Ok(())
    }

    fn unregister(&mut self, who: Who, layer: Die) -> Verdict {
        let id = self.layer(layer);
        self.require_layer(who, id, LayerAct::Delete)?;
        self.stored.bury(id);
        Ok(())
    }

    /// R26, R31, R83.
    fn update_layer(
        &mut self,
        who: Who,
        layer: Die,
        change: (Read, Option<Die>, Option<bool>),
    ) -> Verdict {
        let id = self.layer(layer);
        self.require_layer(who, id, LayerAct::ChangeStructure)?;
        let (read, name, editing) = change;
        up_to_date(read)?;
        let site = self.stored.layers[&id].site;
        let name = name.map(|die| name_of("layer", die));
        let holder = name
            .as_ref()
            .and_then(|name| self.stored.layer_named(site, name));
        ensure(holder.is_none_or(|holder| holder == id), Why::Wrong)?;
        let personal = matches!(site, Site::Personal { owner: _ });
        ensure(!personal || editing != Some(false), Why::Wrong)?;
        let layer = self.stored.layers.get_mut(&id).unwrap();
        layer.name = name.unwrap_or_else(|| layer.name.clone());
        layer.editing = editing.unwrap_or(layer.editing);
        Ok(())
    }

    fn order_layers(&mut self, who: Who, project: Die, first: &[Die]) -> Verdict {
        let project = self.project(project);
        self.require_project(who, project, ProjectAct::Administrate)?;
        let first: Vec<i64> = first.iter().map(|die| self.layer(*die)).collect();
        let order = reordered(self.stored.layers_of(project), &first)?;
        for (id, position) in order.into_iter().zip(0..) {
            let site = Site::Project { project, position };
            self.stored.layers.get_mut(&id).unwrap().site = site;
        }
        Ok(())
    }

    /// R28, R31, R41, R42, R67, R68, R100: what one edit does, the next one sees not yet, but no layer comes twice.
    fn edit_tables(&mut self, who: Who, changes: &[TableChange]) -> Verdict {
        let mut seen = BTreeSet::new();
        for TableChange { layer, read, rows } in changes {
            let id = self.layer(*layer);
            ensure(seen.insert(id), Why::Wrong)?;
            self.require_layer(who, id, LayerAct::ChangeStructure)?;
            up_to_date(*read)?;
            let wanted = self.wanted_rows(id, rows)?;
            for (principal, grant) in &wanted {
                let stored = self
                    .stored
                    .grants
                    .get(&(id, *principal))
                    .cloned()
                    .unwrap_or_default();
                let gained = gained(&stored, grant);
                let only_loses = gained.is_empty() && stored != Grant::default();
                if stored != *grant && !only_loses {
                    self.judge_grant(who, id, (*principal, &gained))?;
                }
            }
            for (principal, grant) in wanted {
                self.stored.grants.insert((id, principal), grant);
            }
            self.stored.drop_empty_rows();
        }
        Ok(())
    }

    fn wanted_rows(&self, id: i64, rows: &Rows) -> Result<Vec<(i64, Grant)>, Why> {
        let held = |principal| {
            self.stored
                .grants
                .get(&(id, principal))
                .cloned()
                .unwrap_or_default()
        };
        let mut wanted: Vec<(i64, Grant)> = match rows {
            Rows::Replace(rows) => rows.iter().map(|row| self.row(row)).collect(),
            Rows::Amend(rows) => {
                let amended = rows.iter().map(|(row, taken)| {
                    let (
                        principal,
                        Grant {
                            permissions,
                            own_only,
                        },
                    ) = self.row(row);
                    let mut permissions = &held(principal).permissions | &permissions;
                    permissions.retain(|permission| !taken.contains(permission));
                    (
                        principal,
                        Grant {
                            permissions,
                            own_only,
                        },
                    )
                });
                amended.collect()
            }
        };
        let named: Vec<i64> = wanted.iter().map(|(principal, _)| *principal).collect();
        ensure(all_differ(&named), Why::Wrong)?;
        if matches!(rows, Rows::Replace(_)) {
            let here = self.stored.grants.keys().filter(|(layer, _)| *layer == id);
            let others = here.filter(|(_, principal)| !named.contains(principal));
            wanted.extend(others.map(|(_, principal)| (*principal, Grant::default())));
        }
        Ok(wanted)
    }

    fn row(&self, row: &LayerRow) -> (i64, Grant) {
        let grant = Grant {
            permissions: row.permissions.iter().copied().collect(),
            own_only: row.own_only,
        };
        (self.principal(row.principal), grant)
    }

    /// Whether somebody may be granted these.
    fn judge_grant(&self, who: Who, id: i64, to: (i64, &BTreeSet<Permission>)) -> Verdict {
        let (principal, gained) = to;
        ensure(self.stored.is_principal(principal), Why::Wrong)?;
        let layer = &self.stored.layers[&id];
        let special = [EVERYONE, AUTHENTICATED, ANONYMOUS].contains(&principal);
        let remote = gained.contains(&Permission::RemoteAccess);
        let Site::Project {
            project,
            position: _,
        } = layer.site
        else {
            return ensure(!special && !remote, Why::Wrong);
        };
        ensure(self.stored.may_be_let_in(principal, project), Why::Wrong)?;
        let sleepless = [
            Permission::View,
            Permission::CopyExport,
            Permission::RemoteAccess,
        ];
        let edits = gained
            .iter()
            .any(|permission| !sleepless.contains(permission));
        ensure(layer.editing || !edits, Why::Wrong)?;
        let ordinary = self
            .stored
            .users
            .get(&principal)
            .is_some_and(|user| !user.server);
        let owner = self.stored.governs(who, project, ProjectAct::Own);
        ensure(!remote || (owner && !special && !ordinary), Why::Wrong)
    }

    fn reserved_by(&self, who: Who, layer: Die) -> Result<i64, Why> {
        let (by, id) = (person(who)?, self.layer(layer));
        let layer = self.stored.layers.get(&id).filter(|layer| layer.by == by);
        layer.map(|_| id).ok_or(Why::Wrong)
    }

    fn require_home(&self, who: Who, site: Site) -> Verdict {
        match site {
            Site::Project {
                project,
                position: _,
            } => self.require_project(who, project, ProjectAct::Administrate),
            Site::Personal { owner: _ } => self.require(
                who,
                Question::Global(GlobalPermission::CreatePersonalLayers),
            ),
        }
    }

    pub(super) fn last_place_in(&self, project: i64) -> Site {
        let next = self
            .stored
            .layers
            .values()
            .filter_map(|layer| match layer.site {
                Site::Project {
                    project: other,
                    position,
                } if other == project => Some(position + 1),
                Site::Project {
                    project: _,
                    position: _,
                }
                | Site::Personal { owner: _ } => None,
            });
        let position = next.max().unwrap_or(0);
        Site::Project { project, position }
    }
}

impl Stored {
    /// The layers of a project that exist for somebody, in their order (R23).
    pub(crate) fn layers_of(&self, id: i64) -> Vec<i64> {
        let mut layers: Vec<(u32, i64)> = self
            .layers
            .iter()
            .filter_map(|(layer, registered)| match registered.site {
                Site::Project { project, position }
                    if project == id && registered.life == Life::Active =>
                {
                    Some((position, *layer))
                }
                Site::Project {
                    project: _,
                    position: _,
                }
                | Site::Personal { owner: _ } => None,
            })
            .collect();
        layers.sort_unstable();
        layers.into_iter().map(|(_, id)| id).collect()
    }

    /// R26, R64: names are unique where a layer stands.
    pub(super) fn layer_named(&self, site: Site, name: &str) -> Option<i64> {
        let home = |site| match site {
            Site::Project {
                project,
                position: _,
            } => (Some(project), None),
            Site::Personal { owner } => (None, Some(owner)),
        };
        let same = |layer: &Layer| home(layer.site) == home(site) && key(&layer.name) == key(name);
        let mut found = self.layers.iter().filter(|(_, layer)| same(layer));
        found.next().map(|(id, _)| *id)
    }

    /// R4, R28: a user counts with all its paths, a group with its own row and those of what contains it.
    fn may_be_let_in(&self, principal: i64, project: i64) -> bool {
        let row = |id: i64| {
            let acts = self.offices.get(&(project, id));
            acts.is_some_and(|acts| acts.contains(&ProjectAct::Open))
        };
        let in_group = |group: &i64| self.members.contains(&(*group, principal)) && row(*group);
        match principal {
            EVERYONE => true,
            ANONYMOUS => row(ANONYMOUS) || row(EVERYONE),
            _ => {
                row(principal)
                    || row(AUTHENTICATED)
                    || row(EVERYONE)
                    || self.groups.keys().any(in_group)
            }
        }
    }

    fn drop_empty_rows(&mut self) {
        self.grants.retain(|_, grant| *grant != Grant::default());
    }
}

/// What a row gives that the one before did not: also what the option no longer narrows.
fn gained(before: &Grant, after: &Grant) -> BTreeSet<Permission> {
    let narrowed = [
        Permission::ModifyElements,
        Permission::ModifyAttributes,
        Permission::DeleteElements,
    ];
    let freed = before.own_only && !after.own_only;
    let gained = after.permissions.iter().filter(|permission| {
        !before.permissions.contains(permission) || (freed && narrowed.contains(permission))
    });
    gained.copied().collect()
}

/// Only ordinary sessions administer (R100).
pub(super) fn person(who: Who) -> Result<i64, Why> {
    match who {
        Who::Person(user) => Ok(user),
        Who::Anonymous | Who::Server(_) => Err(Why::Forbidden),
    }
}
