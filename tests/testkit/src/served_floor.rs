//! The floors with services: a world made by calls, and asked by calls.

mod acts;
mod lookups;
mod setup;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jmap_domain::{EffectivePermissions, LayerId, Permission, ProjectId, Question};
use jmap_proto::{
    authorization::{
        ExplainRequest, ExplainResponse, ExplainedGrant, GrantPath, IneffectiveReason, LayerIds,
        ListEffectivePermissionsRequest, ListProjectsRequest,
        list_effective_permissions_request::Layers,
    },
    layerdata::{AttributeValue, ElementChange, GetLayerRequest, ListLayersRequest},
};
use jmap_wire::{decision_from_proto, effective_from_proto, question_to_proto, reason_of};
use tonic::Status;

use crate::{
    Caller, Explanation, Floor, House, wire,
    world::{
        Added, Answer, Change, Check, Deed, Edit, Explained, Finds, Lookup, Names, Outcome,
        Updated, Wanted, WhoMay, World,
    },
};

/// A world in a running pair.
#[derive(Debug)]
pub struct ServedFloor {
    house: Arc<House>,
    users: BTreeMap<String, i64>,
    groups: BTreeMap<String, i64>,
    projects: BTreeMap<String, i64>,
    layers: BTreeMap<String, i64>,
    elements: BTreeMap<String, Place>,
}

/// Where an element is.
#[derive(Clone, Copy, Debug)]
struct Place {
    layer_id: i64,
    element_id: i64,
}

impl ServedFloor {
    /// Makes the world in a fresh pair.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn of(house: Arc<House>, world: &World) -> Self {
        setup::set_up(house, world).await
    }

    /// Somebody of the world, at both services.
    pub async fn caller(&self, who: &str) -> Caller {
        match who {
            "anonymous" => self.house.anonymous(),
            user => self.house.as_user(user).await,
        }
    }

    /// The id of a user.
    ///
    /// # Panics
    /// When the world has none of that name.
    #[must_use]
    pub fn user(&self, name: &str) -> i64 {
        *self
            .users
            .get(name)
            .unwrap_or_else(|| panic!("no user `{name}`"))
    }

    /// The id of a group.
    ///
    /// # Panics
    /// When the world has none of that name.
    #[must_use]
    pub fn group(&self, name: &str) -> i64 {
        *self
            .groups
            .get(name)
            .unwrap_or_else(|| panic!("no group `{name}`"))
    }

    /// The id of a project.
    ///
    /// # Panics
    /// When the world has none of that name.
    #[must_use]
    pub fn project(&self, name: &str) -> i64 {
        *self
            .projects
            .get(name)
            .unwrap_or_else(|| panic!("no project `{name}`"))
    }

    /// The id of a layer.
    ///
    /// # Panics
    /// When the world has none of that name.
    #[must_use]
    pub fn layer(&self, name: &str) -> i64 {
        *self
            .layers
            .get(name)
            .unwrap_or_else(|| panic!("no layer `{name}`"))
    }

    /// The layer and the id of an element.
    ///
    /// # Panics
    /// When the world has none of that name.
    #[must_use]
    pub fn element(&self, name: &str) -> (i64, i64) {
        let place = self.place(name);
        (place.layer_id, place.element_id)
    }

    fn place(&self, name: &str) -> Place {
        *self
            .elements
            .get(name)
            .unwrap_or_else(|| panic!("no element `{name}`"))
    }

    fn question(&self, may: Wanted, on: &str) -> Question {
        may.question(
            || LayerId::new(self.layer(on)).expect("an id"),
            || ProjectId::new(self.project(on)).expect("an id"),
        )
    }

    async fn add(&mut self, who: &str, added: &Added) -> Result<(), Status> {
        let layer_id = self.layer(&added.layer);
        let values = named(added.label.as_deref());
        let caller = self.caller(who).await;
        let element = caller.add_with(layer_id, &added.at, values).await?;
        if let Some(name) = &added.element {
            let element_id = element.element_id;
            let place = Place {
                layer_id,
                element_id,
            };
            self.elements.insert(name.clone(), place);
        }
        Ok(())
    }

    async fn update(&self, who: &str, updated: &Updated) -> Result<(), Status> {
        let Place {
            layer_id,
            element_id,
        } = self.place(&updated.element);
        let change = ElementChange {
            geometry: updated.at.as_deref().map(|at| wire::wkb(at).into()),
            values: named(updated.label.as_deref()),
        };
        let caller = self.caller(who).await;
        caller.change(layer_id, element_id, change).await.map(drop)
    }

    async fn delete(&self, who: &str, element: &str) -> Result<(), Status> {
        let Place {
            layer_id,
            element_id,
        } = self.place(element);
        let caller = self.caller(who).await;
        caller.delete(layer_id, element_id).await.map(drop)
    }

    async fn try_flags(&self, who: &str, layer_id: i64) -> Result<EffectivePermissions, Status> {
        let request = ListEffectivePermissionsRequest {
            subject: Some(wire::oneself()),
            layers: Some(Layers::LayerIds(LayerIds {
                layer_ids: vec![layer_id],
            })),
            ..ListEffectivePermissionsRequest::default()
        };
        let caller = self.caller(who).await;
        let answer = caller.checks().list_effective_permissions(request).await?;
        let row = answer.into_inner().layers.into_iter().next();
        let flags = effective_from_proto(row.and_then(|row| row.permissions));
        if flags.all.contains(Permission::View) {
            // R43: an application reads them where it reads the layer; they are the same.
            let answer = caller
                .layers()
                .get_layer(GetLayerRequest { layer_id })
                .await?;
            let layer = answer.into_inner().layer.expect("a layer");
            assert_eq!(
                effective_from_proto(layer.permissions),
                flags,
                "one answer from both services"
            );
        }
        Ok(flags)
    }

    fn explanation(response: ExplainResponse) -> Explanation {
        let ExplainResponse {
            decision,
            grants,
            missing: links,
            policy_token: _,
        } = response;
        let works = |grant: &&ExplainedGrant| grant.ineffective() == IneffectiveReason::Unspecified;
        let by: BTreeSet<_> = grants.iter().filter(works).map(path_word).collect();
        let word = |number: &i32| {
            let link = jmap_proto::authorization::MissingLink::try_from(*number).expect("a link");
            link.as_str_name()
                .trim_start_matches("MISSING_LINK_")
                .to_owned()
        };
        let missing: BTreeSet<_> = links.iter().map(word).collect();
        Explanation {
            answer: decision_from_proto(decision.unwrap_or_default()).into(),
            by: by.into_iter().collect(),
            missing: missing.into_iter().collect(),
        }
    }
}

impl Floor for ServedFloor {
    async fn change(&mut self, change: &Change) -> Option<Outcome> {
        let caller = self.caller(&change.by).await;
        Some(wire::outcome(&self.act(&caller, &change.does).await))
    }

    async fn check(&mut self, check: &Check) -> Answer {
        let question = question_to_proto(self.question(check.may, &check.on));
        match self.caller(&check.who).await.ask(question).await {
            Ok(decision) => decision_from_proto(decision).into(),
            // Who is nobody any more cannot even ask; the reason is the same.
            Err(status) => Answer::Denied(reason_of(&status).unwrap_or_default()),
        }
    }

    async fn flags(&mut self, who: &str, layer: &str) -> EffectivePermissions {
        let flags = self.try_flags(who, self.layer(layer)).await;
        flags.unwrap_or_else(|status| panic!("the flags of `{who}` on `{layer}`: {status}"))
    }

    async fn explain(&mut self, about: &Explained) -> Option<Explanation> {
        let question = self.question(about.may, &about.on);
        let request = ExplainRequest {
            subject: Some(wire::about(self.user(&about.who))),
            question: Some(question_to_proto(question)),
            freshness: None,
        };
        let administrator = self.house.as_administrator().await;
        let answer = administrator.checks().explain(request).await;
        let answer = answer.unwrap_or_else(|status| panic!("explain {about:?}: {status}"));
        Some(Self::explanation(answer.into_inner()))
    }

    async fn lookup(&mut self, lookup: &Lookup) -> Vec<String> {
        lookups::layers(&self.caller(&lookup.who).await, lookup.may).await
    }

    async fn who_may(&mut self, asked: &WhoMay) -> Vec<String> {
        let question = question_to_proto(self.question(asked.may, &asked.on));
        lookups::subjects(&self.house.as_administrator().await, question).await
    }

    async fn projects(&mut self, who: &str) -> Vec<String> {
        let caller = self.caller(who).await;
        let answer = caller
            .projects()
            .list_projects(ListProjectsRequest::default())
            .await;
        let projects = answer.expect("list projects").into_inner().projects;
        projects.into_iter().map(|project| project.name).collect()
    }

    async fn layers(&mut self, who: &str, project: &str) -> Names {
        let request = ListLayersRequest {
            project_id: self.project(project),
            ..ListLayersRequest::default()
        };
        match self.caller(who).await.layers().list_layers(request).await {
            Ok(answer) => {
                let layers = answer.into_inner().layers;
                Names::Are(layers.into_iter().map(|layer| layer.name).collect())
            }
            Err(status) => Names::Refused(wire::outcome_of(&status)),
        }
    }

    async fn read(&mut self, who: &str, layer: &str) -> Finds {
        found(self.caller(who).await.read(self.layer(layer)).await)
    }

    async fn export(&mut self, who: &str, layer: &str) -> Finds {
        let exported = self.caller(who).await.export(self.layer(layer)).await;
        found(exported.map(|(_, count)| u64::try_from(count).expect("a count")))
    }

    async fn edit(&mut self, edit: &Edit) -> Outcome {
        let done = match &edit.does {
            Deed::Add(added) => self.add(&edit.who, added).await,
            Deed::Update(updated) => self.update(&edit.who, updated).await,
            Deed::Delete(element) => self.delete(&edit.who, element).await,
        };
        wire::outcome(&done)
    }
}

fn found(result: Result<u64, Status>) -> Finds {
    match result {
        Ok(count) => Finds::Elements(count),
        Err(status) => Finds::Refused(wire::outcome_of(&status)),
    }
}

fn path_word(grant: &ExplainedGrant) -> String {
    match grant.path() {
        GrantPath::Direct => "direct".to_owned(),
        GrantPath::Group => grant.principal_name.clone(),
        GrantPath::Authenticated => "authenticated".to_owned(),
        GrantPath::Everyone => "everyone".to_owned(),
        GrantPath::LayerOwner => "layer owner".to_owned(),
        GrantPath::SuperAdministrator => "super administrator".to_owned(),
        GrantPath::Unspecified => "unspecified".to_owned(),
    }
}

/// A value for the attribute that every layer of a world has.
fn named(label: Option<&str>) -> Vec<AttributeValue> {
    let value = label.map(|text| wire::set_text("name", text));
    value.into_iter().collect()
}
