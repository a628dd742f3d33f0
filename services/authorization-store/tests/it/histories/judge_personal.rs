//! What the model says about acts on personal layers: published, given, offered, left (R74–R81).

use jmap_domain::{GlobalPermission, LayerAct, Permission, ProjectAct, Question};

use super::{
    act::{Die, OnPersonal},
    house::PERSONAL_LAYERS,
    judge::{Verdict, Why, ensure},
    judge_layers::person,
    model::{ANONYMOUS, EVERYONE, Layer, Life, Model, Site, Who, name_of},
};

impl Model {
    pub(super) fn on_personal(&mut self, who: Who, act: &OnPersonal) -> Verdict {
        match act {
            OnPersonal::Publish {
                layer,
                project,
                name,
                everyone_views,
            } => self.publish(who, *layer, (*project, *name, *everyone_views)),
            OnPersonal::Reassign { layer, owner, name } => {
                self.reassign(who, *layer, (*owner, *name))
            }
            OnPersonal::Leave { layer } => self.leave(who, *layer),
            OnPersonal::Offer { layer, to } => self.offer(who, *layer, *to),
            OnPersonal::Withdraw { layer } => self.withdraw(who, *layer),
            OnPersonal::Accept { layer, name } => self.accept(who, *layer, *name),
            OnPersonal::Decline { layer } => self.decline(who, *layer),
        }
    }

    /// R74, R76, R77.
    fn publish(
        &mut self,
        who: Who,
        layer: Die,
        (project, name, everyone_views): (Die, Option<Die>, bool),
    ) -> Verdict {
        let id = self.overseen(who, layer)?;
        let project = self.project(project);
        self.require_project(who, project, ProjectAct::Administrate)?;
        let site = self.last_place_in(project);
        self.put_elsewhere(id, site, name)?;
        self.stored.layers.get_mut(&id).unwrap().editing = true;
        self.stored.grants.retain(|(layer, _), _| *layer != id);
        if everyone_views {
            let row = self.stored.grants.entry((id, EVERYONE)).or_default();
            row.permissions.insert(Permission::View);
        }
        Ok(())
    }

    /// R79, R81.
    fn reassign(&mut self, who: Who, layer: Die, (owner, name): (Die, Option<Die>)) -> Verdict {
        let id = self.overseen(who, layer)?;
        let owner = self.user(owner);
        self.judge_owner(owner)?;
        self.give(id, owner, name)
    }

    fn leave(&mut self, who: Who, layer: Die) -> Verdict {
        let (person, id) = (person(who)?, self.layer(layer));
        self.require_personal(who, id)?;
        let row = self.stored.grants.remove(&(id, person));
        ensure(row.is_some(), Why::Wrong)
    }

    fn put_elsewhere(&mut self, id: i64, site: Site, name: Option<Die>) -> Verdict {
        let before = &self.stored.layers[&id].name;
        let name = name.map_or_else(|| before.clone(), |die| name_of("layer", die));
        let holder = self.stored.layer_named(site, &name);
        ensure(holder.is_none_or(|holder| holder == id), Why::Wrong)?;
        let layer = self.stored.layers.get_mut(&id).unwrap();
        (layer.site, layer.name) = (site, name);
        layer.offered_to = None;
        Ok(())
    }

    fn require_personal(&self, who: Who, id: i64) -> Verdict {
        self.require_layer(who, id, LayerAct::ReadConfiguration)?;
        let site = self.stored.layers[&id].site;
        ensure(matches!(site, Site::Personal { owner: _ }), Why::Wrong)
    }

    /// R80.
    fn overseen(&self, who: Who, layer: Die) -> Result<i64, Why> {
        let id = self.layer(layer);
        self.require_personal(who, id)?;
        let office = GlobalPermission::AdministerPersonalLayers;
        self.require(who, Question::Global(office))?;
        Ok(id)
    }

    /// R69, R81.
    fn offer(&mut self, who: Who, layer: Die, to: Die) -> Verdict {
        let id = self.owned(who, layer)?;
        let to = self.user(to);
        let own = self.stored.layers[&id].site == Site::Personal { owner: to };
        ensure(!own, Why::Wrong)?;
        self.judge_owner(to)?;
        self.stored.layers.get_mut(&id).unwrap().offered_to = Some(to);
        Ok(())
    }

    fn withdraw(&mut self, who: Who, layer: Die) -> Verdict {
        let id = self.owned(who, layer)?;
        let offered = self.stored.layers.get_mut(&id).unwrap().offered_to.take();
        ensure(offered.is_some(), Why::Wrong)
    }

    /// R81.
    fn accept(&mut self, who: Who, layer: Die, name: Option<Die>) -> Verdict {
        let (person, id) = self.offered(who, layer)?;
        self.give(id, person, name)
    }

    fn decline(&mut self, who: Who, layer: Die) -> Verdict {
        let (_, id) = self.offered(who, layer)?;
        self.stored.layers.get_mut(&id).unwrap().offered_to = None;
        Ok(())
    }

    fn give(&mut self, id: i64, owner: i64, name: Option<Die>) -> Verdict {
        let site = Site::Personal { owner };
        let former = self.stored.layers[&id].site;
        if former != site {
            self.judge_room(owner)?;
        }
        self.put_elsewhere(id, site, name)?;
        self.stored.grants.remove(&(id, owner));
        if let Site::Personal { owner: former } = former {
            self.stored.grants.remove(&(id, former));
        }
        Ok(())
    }

    /// Who has as many layers as it may have gets none.
    pub(super) fn judge_room(&self, owner: i64) -> Verdict {
        let counts =
            |layer: &&Layer| layer.site == Site::Personal { owner } && layer.life != Life::RunOut;
        let used = self.stored.layers.values().filter(counts).count();
        ensure(used < PERSONAL_LAYERS as usize, Why::Wrong)
    }

    fn judge_owner(&self, user: i64) -> Verdict {
        let account = self.stored.users.get(&user);
        let owns = user != ANONYMOUS && account.is_some_and(|user| !user.server);
        ensure(owns, Why::Wrong)
    }

    fn owned(&self, who: Who, layer: Die) -> Result<i64, Why> {
        let id = self.layer(layer);
        self.require_personal(who, id)?;
        self.require_layer(who, id, LayerAct::ChangeStructure)?;
        Ok(id)
    }

    fn offered(&self, who: Who, layer: Die) -> Result<(i64, i64), Why> {
        let (person, id) = (person(who)?, self.layer(layer));
        let layer = self.stored.layers.get(&id);
        if layer.is_some_and(|layer| layer.offered_to == Some(person)) {
            return Ok((person, id));
        }
        self.require_personal(who, id)?;
        Err(Why::Wrong)
    }
}
