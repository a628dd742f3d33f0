//! What all services of layer-data share, and the routes that they make together.

use std::sync::Arc;

use jmap_domain::Caller;
use jmap_proto::layerdata::{
    ElementHeader,
    element_service_server::{ElementServiceServer, SERVICE_NAME as ELEMENTS},
    history_service_server::{HistoryServiceServer, SERVICE_NAME as HISTORY},
    layer_service_server::{LayerServiceServer, SERVICE_NAME as LAYERS},
    transfer_service_server::{SERVICE_NAME as TRANSFERS, TransferServiceServer},
};
use jmap_service::{
    call::CallScope,
    places::{WatchPlace, WatchPlaces},
};
use jmap_wire::{Failure, PageTokenKey};
use layer_data_core::{
    LayerData,
    element::AttributeRef,
    ports::{Authorizer, Call, LayerStore, Registry, StoredLayer},
    reads::FeedBegin,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status, service::Routes};

use crate::{answer::header, parse::Shape, position, status::RETRY_AFTER, transfer::Staging};

/// The error domain of this service's statuses.
pub const DOMAIN: &str = "layerdata.jmap";

/// The full names of the services, for health and reflection.
pub const SERVICE_NAMES: [&str; 4] = [LAYERS, ELEMENTS, TRANSFERS, HISTORY];

/// The services over the use cases. Cheap to clone.
#[derive(Debug)]
pub struct Api<S, A, R> {
    pub(crate) data: LayerData<S, A, R>,
    pub(crate) pages: PageTokenKey,
    pub(crate) staging: Arc<Staging>,
    watchers: Arc<WatchPlaces>,
    closing: CancellationToken,
}

impl<S, A, R> Clone for Api<S, A, R> {
    fn clone(&self) -> Self {
        Self {
            data: self.data.clone(),
            pages: self.pages.clone(),
            staging: Arc::clone(&self.staging),
            watchers: Arc::clone(&self.watchers),
            closing: self.closing.clone(),
        }
    }
}

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    /// The services over these use cases; page tokens are sealed with `pages`, uploads staged in `staging`. Of so many
    /// concurrent calls watchers take a part.
    #[must_use]
    pub fn new(
        data: LayerData<S, A, R>,
        pages: PageTokenKey,
        staging: Arc<Staging>,
        max_concurrent_calls: usize,
    ) -> Self {
        Self {
            data,
            pages,
            staging,
            watchers: WatchPlaces::of(max_concurrent_calls),
            closing: CancellationToken::new(),
        }
    }

    /// Cancelled by whoever ends the service: streams that would go on for long end then.
    #[must_use]
    pub const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// One of the caller's places for watchers.
    pub(crate) fn watching(&self, caller: &Caller) -> Result<WatchPlace, Failure> {
        let place = WatchPlaces::take(&self.watchers, caller);
        place.ok_or_else(|| {
            let message = "too many watch already, come back shortly";
            Failure::new(Code::ResourceExhausted, "OVERLOADED", message).retry_after(RETRY_AFTER)
        })
    }

    /// What the elements of a read have in common, and from where to follow the layer afterwards.
    pub(crate) fn read_header(
        &self,
        layer: &StoredLayer,
        (wanted, shape): (Option<&[AttributeRef]>, Shape),
        begin: &FeedBegin,
    ) -> ElementHeader {
        ElementHeader {
            feed_position: position::begin(&self.pages, layer.layer, begin),
            ..header(layer, wanted, shape)
        }
    }

    /// The routes of all services, for messages of at most so many bytes.
    #[must_use]
    pub fn routes(&self, max_message_bytes: usize) -> Routes {
        let layers = LayerServiceServer::new(self.clone());
        let elements = ElementServiceServer::new(self.clone());
        let transfers = TransferServiceServer::new(self.clone());
        let history = HistoryServiceServer::new(self.clone());
        Routes::new(layers.max_decoding_message_size(max_message_bytes))
            .add_service(elements.max_decoding_message_size(max_message_bytes))
            .add_service(transfers.max_decoding_message_size(max_message_bytes))
            .add_service(history.max_decoding_message_size(max_message_bytes))
    }
}

/// Takes a request apart into who calls, as the stack established it, and the message.
pub(crate) fn open<T>(request: Request<T>) -> Result<(Call, T), Status> {
    let CallScope {
        caller,
        token,
        request_id,
        deadline,
    } = CallScope::of(request.extensions(), DOMAIN)?;
    let call = Call {
        caller,
        deadline: deadline.0.into_std(),
        user_token: token.map(|token| token.secret().clone()),
        request_id: request_id.shared(),
    };
    Ok((call, request.into_inner()))
}
