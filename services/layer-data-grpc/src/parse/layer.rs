//! Layers to be created: where, under which name, and with which first grants.

use jmap_domain::Name;
use jmap_proto::{
    layerdata::{CreateLayerRequest, create_layer_request::Placement as WirePlacement},
    types::{self as pb, principal},
};
use jmap_wire::{
    FieldPath, FieldViolation, enumeration, id, parse_permissions, request_id, required,
};
use layer_data_core::{
    definition::LayerDraft,
    ports::{
        EditingSwitch, GrantReach, Grantee, InitialGrant, InitialView, Placement, Reservation,
    },
};
use uuid::Uuid;

use super::draft;

/// Parses a layer to be created. A caller that chose no request id gets one, and with it no safe retry.
pub(crate) fn reservation(
    request: CreateLayerRequest,
) -> Result<(LayerDraft, Reservation), FieldViolation> {
    let CreateLayerRequest {
        name,
        definition,
        editing_enabled,
        initial_view: view_number,
        initial_grants,
        request_id: retry_id,
        placement: wanted,
    } = request;
    Name::parse(&name).map_err(|error| FieldPath::of("name").invalid(error))?;
    let path = FieldPath::of("definition");
    let draft = draft(&path, required(path.clone(), definition)?)?;
    let grants = initial_grants.into_iter().enumerate().map(grant);
    let retry_id = request_id("request_id", &retry_id)?;
    let reservation = Reservation {
        placement: placement(required("placement", wanted)?)?,
        name,
        editing: editing_enabled.map(switch),
        initial_view: enumeration("initial_view", view_number, |view| Some(initial_view(view)))?,
        grants: grants.collect::<Result<_, _>>()?,
        request_id: retry_id.unwrap_or_else(|| Uuid::new_v4().into_bytes()),
    };
    Ok((draft, reservation))
}

fn placement(wire: WirePlacement) -> Result<Placement, FieldViolation> {
    match wire {
        WirePlacement::ProjectId(number) => Ok(Placement::Project(id("project_id", number)?)),
        WirePlacement::Personal(pb::PersonalPlacement {}) => Ok(Placement::Personal),
    }
}

const fn switch(enabled: bool) -> EditingSwitch {
    if enabled {
        EditingSwitch::Enabled
    } else {
        EditingSwitch::Disabled
    }
}

const fn initial_view(wire: pb::InitialView) -> Option<InitialView> {
    match wire {
        pb::InitialView::Unspecified => None,
        pb::InitialView::Everyone => Some(InitialView::Everyone),
        pb::InitialView::Nobody => Some(InitialView::Nobody),
    }
}

fn grant((index, wire): (usize, pb::LayerGrant)) -> Result<InitialGrant, FieldViolation> {
    let path = FieldPath::of("initial_grants").item(index);
    let pb::LayerGrant {
        principal,
        permissions,
        only_own,
    } = wire;
    Ok(InitialGrant {
        grantee: grantee(&path.field("principal"), principal)?,
        permissions: parse_permissions(&path.field("permissions"), &permissions)?,
        reach: if only_own {
            GrantReach::Own
        } else {
            GrantReach::All
        },
    })
}

fn grantee(path: &FieldPath, wire: Option<pb::Principal>) -> Result<Grantee, FieldViolation> {
    let pb::Principal { principal } = required(path.clone(), wire)?;
    match required(path.clone(), principal)? {
        principal::Principal::UserId(number) => {
            Ok(Grantee::User(id(path.field("user_id"), number)?))
        }
        principal::Principal::GroupId(number) => {
            Ok(Grantee::Group(id(path.field("group_id"), number)?))
        }
    }
}
