//! The same rules in Cedar: one policy for each permission, the grants as sets of principals on layers and projects.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    str::FromStr as _,
};

use anyhow::Context as _;
use authorization_core::model::{Editing, LayerGrant};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression as Value,
};
use jmap_domain::{GroupId, Permission, PrincipalId};

use super::{
    engine::Engine,
    world::{Asked, Granted, PERMISSIONS, World},
};

/// A permission's name in the policies.
const fn action(permission: Permission) -> &'static str {
    match permission {
        Permission::View => "view",
        Permission::AddElements => "add",
        Permission::ModifyElements => "modify",
        Permission::DeleteElements => "delete",
        Permission::ModifyAttributes => "values",
        Permission::CopyExport => "copy",
        Permission::RemoteAccess => "remote",
    }
}

/// Cedar with the world as its entities.
pub(super) struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
}

impl Cedar {
    pub(super) fn load(world: &World) -> anyhow::Result<Self> {
        let policies: String = PERMISSIONS.into_iter().map(policy).collect();
        let mut entities = Vec::new();
        for member in &world.users {
            let special = [GroupId::EVERYONE, GroupId::AUTHENTICATED];
            let groups = member.groups.iter().copied().chain(special);
            let parents: anyhow::Result<HashSet<_>> =
                groups.map(|g| uid("Principal", g.get())).collect();
            let user = uid("Principal", member.user.get())?;
            entities.push(Entity::new(user, HashMap::new(), parents?)?);
        }
        for opened in &world.projects {
            let openers = principals(opened.openers.iter().copied())?;
            let attributes = HashMap::from([("open".to_owned(), openers)]);
            entities.push(Entity::new(
                uid("Project", opened.project.get())?,
                attributes,
                HashSet::new(),
            )?);
        }
        for granted in &world.layers {
            let layer = uid("Layer", granted.layer.get())?;
            entities.push(Entity::new(layer, attributes(granted)?, HashSet::new())?);
        }
        Ok(Self {
            authorizer: Authorizer::new(),
            policies: PolicySet::from_str(&policies).context("read the policies")?,
            entities: Entities::from_entities(entities, None).context("load the entities")?,
        })
    }
}

impl Engine for Cedar {
    fn decide(&self, asked: &Asked) -> anyhow::Result<bool> {
        let own = ("own".to_owned(), Value::new_bool(asked.own));
        let request = Request::new(
            uid("Principal", asked.user.get())?,
            named("Action", action(asked.permission))?,
            uid("Layer", asked.layer.get())?,
            Context::from_pairs([own])?,
            None,
        )?;
        let response = self
            .authorizer
            .is_authorized(&request, &self.policies, &self.entities);
        if let Some(error) = response.diagnostics().errors().next() {
            anyhow::bail!("cedar could not decide: {error}");
        }
        Ok(response.decision() == Decision::Allow)
    }
}

/// One permission, by itself or by what implies it, with what any use of a layer needs besides.
fn policy(permission: Permission) -> String {
    let name = action(permission);
    let needs_editing = match permission {
        Permission::AddElements
        | Permission::ModifyElements
        | Permission::DeleteElements
        | Permission::ModifyAttributes => " && resource.editing",
        Permission::View | Permission::CopyExport | Permission::RemoteAccess => "",
    };
    let givers = permission.given_by().iter().map(|giver| {
        let name = action(giver);
        format!("principal in resource.{name} || (context.own && principal in resource.own_{name})")
    });
    let givers = givers.collect::<Vec<_>>().join(" || ");
    format!(
        "permit(principal, action == Action::\"{name}\", resource) when {{ \
         principal in resource.project.open && principal in resource.view{needs_editing} && ({givers}) }};\n"
    )
}

/// Who holds what on a layer. The option limits changes alone (R51, R52).
fn attributes(granted: &Granted) -> anyhow::Result<HashMap<String, Value>> {
    let mut holders: BTreeMap<String, Vec<PrincipalId>> = BTreeMap::new();
    for permission in PERMISSIONS {
        let name = action(permission);
        for limited in ["", "own_"] {
            holders.insert(format!("{limited}{name}"), Vec::new());
        }
    }
    for row in &granted.rows {
        for permission in row.grant.permissions.iter() {
            let limit = limit(row.grant, permission);
            let key = format!("{limit}{}", action(permission));
            holders.entry(key).or_default().push(row.principal);
        }
    }
    let mut attributes = HashMap::new();
    for (key, holders) in holders {
        attributes.insert(key, principals(holders)?);
    }
    let project = Value::new_entity_uid(uid("Project", granted.project.get())?);
    attributes.insert("project".to_owned(), project);
    let editing = Value::new_bool(granted.editing == Editing::Enabled);
    attributes.insert("editing".to_owned(), editing);
    Ok(attributes)
}

/// The prefix of what reaches own elements only.
pub(super) const fn limit(grant: LayerGrant, permission: Permission) -> &'static str {
    match permission {
        Permission::ModifyElements | Permission::DeleteElements | Permission::ModifyAttributes
            if grant.own_only =>
        {
            "own_"
        }
        Permission::ModifyElements
        | Permission::DeleteElements
        | Permission::ModifyAttributes
        | Permission::View
        | Permission::AddElements
        | Permission::CopyExport
        | Permission::RemoteAccess => "",
    }
}

fn principals(ids: impl IntoIterator<Item = PrincipalId>) -> anyhow::Result<Value> {
    let uids = ids.into_iter().map(|id| uid("Principal", id.get()));
    let values: anyhow::Result<Vec<_>> = uids.map(|uid| uid.map(Value::new_entity_uid)).collect();
    Ok(Value::new_set(values?))
}

fn uid(kind: &str, id: i64) -> anyhow::Result<EntityUid> {
    named(kind, &id.to_string())
}

fn named(kind: &str, name: &str) -> anyhow::Result<EntityUid> {
    let kind = EntityTypeName::from_str(kind)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(name)))
}
