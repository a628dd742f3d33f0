//! Layers, as the registry and the storage know them together.

use jmap_domain::{ConnectionId, DataRevision};
use jmap_proto::layerdata::{Layer as WireLayer, LayerAvailability};
use jmap_wire::{effective_to_proto, timestamp};
use layer_data_core::{
    layers::LayerView,
    ports::{EditingSwitch, LayerPlacement, RegisteredLayer},
};

use super::definition::definition;

/// A layer.
pub(crate) fn layer(view: &LayerView) -> WireLayer {
    let LayerView {
        layer,
        registered,
        stored,
    } = view;
    let base = registration(registered);
    let connected = base.connection_id != 0;
    let availability = match stored {
        Some(_) => LayerAvailability::Available,
        None if connected => LayerAvailability::RemoteUnreachable,
        None => LayerAvailability::StorageMissing,
    };
    WireLayer {
        layer_id: layer.get(),
        definition: stored.as_ref().map(definition),
        availability: availability.into(),
        data_revision: stored
            .as_ref()
            .map_or(0, |stored| DataRevision::get(stored.revision)),
        history_start_revision: stored.as_ref().map(|stored| stored.history.revision.get()),
        history_start_time: stored
            .as_ref()
            .map(|stored| timestamp(stored.history.time.millis())),
        ..base
    }
}

fn registration(registered: &RegisteredLayer) -> WireLayer {
    let RegisteredLayer {
        layer: _,
        name,
        placement,
        connection,
        editing,
        permissions,
    } = registered;
    let (project_id, owner_user_id) = match placement {
        LayerPlacement::Project(project) => (project.get(), 0),
        LayerPlacement::Personal(owner) => (0, owner.get()),
    };
    WireLayer {
        name: name.clone(),
        project_id,
        owner_user_id,
        connection_id: connection.map_or(0, ConnectionId::get),
        editing_enabled: *editing == EditingSwitch::Enabled,
        permissions: Some(effective_to_proto(*permissions)),
        ..WireLayer::default()
    }
}
