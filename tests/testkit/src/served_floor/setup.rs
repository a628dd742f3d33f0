//! Makes a world in a running pair, by calls alone.
//!
//! A world may hold what could not be granted as it stands: rights on a layer without *open*, or while editing is
//! disabled; elements of those who may not add. So everything is open while it is made, and closed at the end.

use std::{collections::BTreeMap, sync::Arc};

use jmap_proto::authorization::AccountPolicy;
use tonic::Status;

use super::{ServedFloor, acts::Direction};
use crate::{
    Caller, House,
    world::{
        Added, Grant, Layer, Member, ProjectGrant, ProjectRight, Registration, Right, Switch,
        ViewWord, Withdrawal, World,
    },
};

/// Makes the world.
pub(super) async fn set_up(house: Arc<House>, world: &World) -> ServedFloor {
    let administrator = house.as_administrator().await;
    let mut floor = ServedFloor {
        house,
        users: BTreeMap::from([("administrator".to_owned(), 1), ("anonymous".to_owned(), 2)]),
        groups: BTreeMap::from([("everyone".to_owned(), 3), ("authenticated".to_owned(), 4)]),
        projects: BTreeMap::new(),
        layers: BTreeMap::new(),
        elements: BTreeMap::new(),
    };
    let made = floor.make(&administrator, world).await;
    made.unwrap_or_else(|status| panic!("set world `{}` up: {status}", world.world));
    floor
}

impl ServedFloor {
    async fn make(&mut self, by: &Caller, world: &World) -> Result<(), Status> {
        self.make_principals(by, world).await?;
        self.make_projects(by, world).await?;
        self.make_layers(by, world).await?;
        self.make_elements(by, world).await?;
        for grant in &world.grants {
            self.make_row(by, grant).await?;
        }
        self.close(by, world).await
    }

    /// A row without permissions cannot be granted: it is what is left when they are taken away.
    async fn make_row(&self, by: &Caller, grant: &Grant) -> Result<(), Status> {
        if !grant.give.is_empty() {
            return self.grant(by, grant).await;
        }
        let give = vec![Right::Export];
        let taken = Withdrawal {
            layer: grant.layer.clone(),
            from: grant.to.clone(),
            take: give.clone(),
        };
        let row = Grant {
            give,
            ..grant.clone()
        };
        self.grant(by, &row).await?;
        self.revoke(by, &taken).await
    }

    async fn make_principals(&mut self, by: &Caller, world: &World) -> Result<(), Status> {
        for name in &world.users {
            self.create_user(by, name, AccountPolicy::Ordinary).await?;
        }
        for name in &world.servers {
            self.create_user(by, name, AccountPolicy::Server).await?;
        }
        for group in &world.groups {
            self.create_group(by, &group.group).await?;
            for user in &group.members {
                let (user, group) = (user.clone(), group.group.clone());
                let act = crate::world::Act::Join(Member { user, group });
                self.act(by, &act).await?;
            }
        }
        for global in &world.globals {
            self.grant_global(by, global).await?;
        }
        Ok(())
    }

    async fn make_projects(&mut self, by: &Caller, world: &World) -> Result<(), Status> {
        for project in &world.projects {
            self.create_project(by, &project.project).await?;
            let lists = [
                (ProjectRight::Open, &project.open),
                (ProjectRight::Access, &project.access),
                (ProjectRight::Administrate, &project.administrate),
                (ProjectRight::Own, &project.own),
            ];
            for (right, principals) in lists {
                for principal in principals {
                    let grant = on_project(&project.project, principal, right);
                    self.change_project(by, &grant, Direction::Give).await?;
                }
            }
            let opened = on_project(&project.project, "everyone", ProjectRight::Open);
            self.change_project(by, &opened, Direction::Give).await?;
        }
        Ok(())
    }

    async fn make_layers(&mut self, by: &Caller, world: &World) -> Result<(), Status> {
        for layer in &world.layers {
            let registration = Registration {
                layer: layer.layer.clone(),
                project: world.project_of(layer).to_owned(),
                view: layer.view,
            };
            self.create_layer(by, &registration, layer.geometry).await?;
            let on = Switch {
                layer: layer.layer.clone(),
                enabled: true,
            };
            self.switch(by, &on).await?;
        }
        Ok(())
    }

    /// Everyone adds for a while. All layers at once, because each revocation waits for what was permitted before.
    async fn make_elements(&mut self, by: &Caller, world: &World) -> Result<(), Status> {
        let holds = |layer: &&Layer| {
            world
                .elements
                .iter()
                .any(|element| element.layer == layer.layer)
        };
        let filled: Vec<_> = world.layers.iter().filter(holds).collect();
        for layer in &filled {
            let open = Grant {
                layer: layer.layer.clone(),
                to: "everyone".to_owned(),
                give: open_rights(layer),
                only_own: false,
            };
            self.grant(by, &open).await?;
        }
        for element in &world.elements {
            let added = Added {
                layer: element.layer.clone(),
                element: Some(element.element.clone()),
                at: element.at.clone(),
                label: None,
            };
            self.add(&element.by, &added).await?;
        }
        for layer in &filled {
            let opened = Withdrawal {
                layer: layer.layer.clone(),
                from: "everyone".to_owned(),
                take: open_rights(layer),
            };
            self.revoke(by, &opened).await?;
        }
        Ok(())
    }

    async fn close(&self, by: &Caller, world: &World) -> Result<(), Status> {
        for layer in world.layers.iter().filter(|layer| !layer.editing) {
            let off = Switch {
                layer: layer.layer.clone(),
                enabled: false,
            };
            self.switch(by, &off).await?;
        }
        for project in &world.projects {
            if !project.open.iter().any(|name| name == "everyone") {
                let opened = on_project(&project.project, "everyone", ProjectRight::Open);
                self.change_project(by, &opened, Direction::Take).await?;
            }
        }
        Ok(())
    }
}

/// What everyone holds on a layer while elements are made, beyond what it has from the start.
fn open_rights(layer: &Layer) -> Vec<Right> {
    match layer.view {
        ViewWord::Everyone => vec![Right::Add],
        ViewWord::Nobody => vec![Right::View, Right::Add],
    }
}

fn on_project(project: &str, principal: &str, right: ProjectRight) -> ProjectGrant {
    let (project, principal) = (project.to_owned(), principal.to_owned());
    ProjectGrant {
        project,
        principal,
        right,
    }
}
