//! The same rules in Casbin: each granted permission a policy line, each membership a role. What a use needs besides
//! *view* and *open* are questions of their own, as an application would ask them.

use anyhow::Context as _;
use authorization_core::model::Editing;
use casbin::{CoreApi as _, DefaultModel, Enforcer, MemoryAdapter, MgmtApi as _};
use futures::executor::block_on;
use jmap_domain::{GroupId, LayerId, Permission, ProjectId};

use super::{
    cedar::limit,
    engine::Engine,
    world::{Asked, World},
};

const MODEL: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.obj == p.obj && r.act == p.act && g(r.sub, p.sub)
";

/// Casbin with the world as policy lines. Which project a layer is in, and whether it may be edited, is the
/// application's to know.
pub(super) struct Casbin {
    enforcer: Enforcer,
    layers: Vec<(ProjectId, Editing)>,
}

impl Casbin {
    pub(super) fn load(world: &World) -> anyhow::Result<Self> {
        block_on(async {
            let model = DefaultModel::from_str(MODEL).await?;
            let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
            enforcer.add_policies(lines(world)).await?;
            enforcer.add_grouping_policies(roles(world)).await?;
            let layers = world
                .layers
                .iter()
                .map(|layer| (layer.project, layer.editing));
            Ok(Self {
                enforcer,
                layers: layers.collect(),
            })
        })
    }

    fn may(&self, subject: &str, object: &str, act: String) -> anyhow::Result<bool> {
        let asked = vec![subject.to_owned(), object.to_owned(), act];
        Ok(self.enforcer.enforce(asked)?)
    }
}

impl Engine for Casbin {
    fn decide(&self, asked: &Asked) -> anyhow::Result<bool> {
        let place = usize::try_from(asked.layer.get())? - 1;
        let (project, editing) = *self.layers.get(place).context("a layer of the world")?;
        let (who, layer) = (asked.user.get().to_string(), of_layer(asked.layer));
        let is_edit = !matches!(asked.permission, Permission::View | Permission::CopyExport);
        if is_edit && editing == Editing::Disabled
            || !self.may(&who, &of_project(project), "open".to_owned())?
            || !self.may(&who, &layer, act("", Permission::View))?
        {
            return Ok(false);
        }
        for giver in asked.permission.given_by().iter() {
            if self.may(&who, &layer, act("", giver))?
                || asked.own && self.may(&who, &layer, act("own_", giver))?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn lines(world: &World) -> Vec<Vec<String>> {
    let opened = world.projects.iter().flat_map(|opened| {
        let project = of_project(opened.project);
        let openers = opened.openers.iter();
        openers.map(move |who| vec![who.get().to_string(), project.clone(), "open".to_owned()])
    });
    let granted = world.layers.iter().flat_map(|granted| {
        let layer = of_layer(granted.layer);
        granted.rows.iter().flat_map(move |row| {
            let (who, layer) = (row.principal.get().to_string(), layer.clone());
            row.grant.permissions.iter().map(move |permission| {
                let act = act(limit(row.grant, permission), permission);
                vec![who.clone(), layer.clone(), act]
            })
        })
    });
    opened.chain(granted).collect()
}

fn roles(world: &World) -> Vec<Vec<String>> {
    let special = [GroupId::EVERYONE, GroupId::AUTHENTICATED];
    let joined = world.users.iter().flat_map(|member| {
        let groups = member.groups.iter().copied().chain(special);
        groups.map(|group| vec![member.user.get().to_string(), group.get().to_string()])
    });
    joined.collect()
}

fn of_layer(layer: LayerId) -> String {
    format!("layer {}", layer.get())
}

fn of_project(project: ProjectId) -> String {
    format!("project {}", project.get())
}

fn act(limit: &str, permission: Permission) -> String {
    format!("{limit}{permission:?}")
}
