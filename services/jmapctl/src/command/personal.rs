//! Personal layers: one's own, those shared with one, and everybody's for administrators.

mod figures;
mod handover;
mod view;
mod watch;

use clap::{Args, Subcommand};
use jmap_proto::{
    authorization::{
        LeavePersonalLayerRequest, ListOwnPersonalLayersRequest, ListPersonalLayerUsersRequest,
        ListPersonalLayersRequest, ListSharedPersonalLayersRequest, PersonalLayerOrder,
        PublishPersonalLayerRequest, ReassignPersonalLayerRequest,
        list_personal_layer_access_request::About,
    },
    layerdata::{CreateLayerRequest, create_layer_request::Placement},
    types::{InitialView, PersonalPlacement},
};
use serde_json::json;

use crate::{
    client::{Client, call},
    command::{Context, definition::LayerView, layers::Shape, request_id},
    error::Failure,
    output::Report,
    resolve::{self, LayerReference, Reference},
};
use view::{ListedView, OwnView, SharedView, UserView};
use watch::Watch;

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl personal create walks --geometry line --attribute length_km:double
  jmapctl grants grant ben view,modify --on @me/walks
  jmapctl personal list
  jmapctl personal shared
  jmapctl personal watch
  jmapctl personal leave 17
  jmapctl personal all --search walk --sort owner
  jmapctl personal show 17
  jmapctl personal access 17
  jmapctl personal publish 17 Atlas --name trails
  jmapctl personal reassign 17 ana
  jmapctl personal offer @me/walks ben
  jmapctl personal offers
  jmapctl personal accept 17 --as trails

One's own personal layers are written as @me/NAME wherever a layer is wanted, those of others by id. Sharing, renaming,
importing and deleting are done by the commands for all layers.";

/// Manage personal layers, which belong to a user and to no project
#[derive(Debug, Subcommand)]
pub(crate) enum Personal {
    /// Create a personal layer, which you alone see until you share it
    Create(Create),
    /// List your own
    List,
    /// List those of others that are shared with you
    Shared,
    /// Show a layer in detail, without its elements: attributes, figures, and for administrators who has access
    Show {
        /// Its id, or @me/LAYER
        layer: LayerReference,
    },
    /// Follow what changes for you: what is shared with you, changed, taken back, published or deleted
    Watch(Watch),
    /// Give up what somebody shared with you
    Leave {
        /// Its id
        layer: LayerReference,
    },
    /// List everybody's, for administrators
    All(All),
    /// List the users who own personal layers or have access to one, for administrators
    Users {
        /// What the name must hold
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// List who has access to a personal layer, and through what, for administrators
    Access {
        /// Its id
        layer: LayerReference,
    },
    /// List the personal layers that a user has access to, and through what, for administrators
    Of {
        /// A user's name or id
        user: Reference,
    },
    /// Make a personal layer a layer of a project, for good; for administrators of both
    Publish(Publish),
    /// Give a personal layer to another owner, for administrators
    Reassign {
        /// Its id
        layer: LayerReference,
        /// The new owner's name or id
        owner: Reference,
        /// Another name, where the new owner has a layer of that name
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
    },
    /// Offer your own to another user, who owns it from when it is accepted; you keep nothing then
    Offer {
        /// @me/NAME or its id
        layer: LayerReference,
        /// The user's name or id
        to: Reference,
    },
    /// Take an offer back
    Withdraw {
        /// @me/NAME or its id
        layer: LayerReference,
    },
    /// List what others offer to you
    Offers {
        /// List what you offer to others instead
        #[arg(long)]
        made: bool,
    },
    /// Accept what is offered to you: it is yours from then on, and its shares go on
    Accept {
        /// Its id
        layer: LayerReference,
        /// Another name, where you have a layer of that name
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
    },
    /// Decline what is offered to you
    Decline {
        /// Its id
        layer: LayerReference,
    },
}

/// Create a personal layer
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Its name
    name: String,
    #[command(flatten)]
    shape: Shape,
}

/// Which personal layers
#[derive(Args, Debug)]
pub(crate) struct All {
    /// What the name of the layer or of its owner must hold
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those of this user
    #[arg(long, value_name = "USER")]
    owner: Option<Reference>,
    /// The order
    #[arg(long, value_enum, default_value_t = Sort::Created)]
    sort: Sort,
    /// Turn the order round
    #[arg(long)]
    descending: bool,
}

/// By what personal layers are sorted
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Sort {
    /// When they were created
    Created,
    /// By name
    Name,
    /// By the owner's name
    Owner,
}

impl From<Sort> for PersonalLayerOrder {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Created => Self::Created,
            Sort::Name => Self::Name,
            Sort::Owner => Self::Owner,
        }
    }
}

/// Publish a personal layer
#[derive(Args, Debug)]
pub(crate) struct Publish {
    /// Its id
    layer: LayerReference,
    /// The project's name or id
    project: Reference,
    /// Its name in the project [default: the one that it has]
    #[arg(long)]
    name: Option<String>,
    /// Let nobody view it at first, instead of everyone who can open the project
    #[arg(long)]
    private: bool,
}

impl Personal {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        match self {
            Self::Create(create) => create.run(client).await,
            Self::List => own(client).await,
            Self::Shared => shared(client).await,
            Self::Show { layer } => figures::show(client, &layer).await,
            Self::Watch(watch) => watch.run(context).await,
            Self::Leave { layer } => leave(client, &layer).await,
            Self::All(all) => all.run(client).await,
            Self::Users { search } => users(client, &search.unwrap_or_default()).await,
            Self::Access { layer } => {
                let layer = resolve::layer_id(client, &layer).await?;
                Report::list(&figures::access(client, About::LayerId(layer)).await?)
            }
            Self::Of { user } => {
                let user = resolve::user_id(client, &user).await?;
                Report::list(&figures::access(client, About::UserId(user)).await?)
            }
            Self::Publish(publish) => publish.run(client).await,
            Self::Reassign { layer, owner, name } => reassign(client, &layer, &owner, name).await,
            Self::Offer { layer, to } => handover::offer(client, &layer, &to).await,
            Self::Withdraw { layer } => handover::withdraw(client, &layer).await,
            Self::Offers { made } => handover::offers(client, made).await,
            Self::Accept { layer, name } => handover::accept(client, &layer, name).await,
            Self::Decline { layer } => handover::decline(client, &layer).await,
        }
    }
}

impl Create {
    async fn run(self, client: &Client) -> Result<Report, Failure> {
        let message = CreateLayerRequest {
            placement: Some(Placement::Personal(PersonalPlacement {})),
            name: self.name,
            definition: Some(self.shape.definition()?),
            request_id: request_id(),
            ..Default::default()
        };
        let answer = call!(client, client.layers().await?, create_layer, message);
        let layer = answer.layer.ok_or_else(|| Failure::incomplete("a layer"))?;
        let view = LayerView::from(layer);
        let text = format!("created layer @me/{} with id {}", view.name, view.layer_id);
        Report::new(text, &view)
    }
}

async fn own(client: &Client) -> Result<Report, Failure> {
    let (mut layers, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListOwnPersonalLayersRequest {
            page_size: 0,
            page_token,
        };
        let page = call!(client, client.personal(), list_own_personal_layers, message);
        layers.extend(page.layers.into_iter().map(OwnView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            let ids: Vec<i64> = layers.iter().map(|layer| layer.layer_id).collect();
            let figures = figures::of(client, &ids).await?;
            let layers = layers.into_iter().map(|layer| layer.with(&figures));
            return Report::list(&layers.collect::<Vec<_>>());
        }
    }
}

async fn shared(client: &Client) -> Result<Report, Failure> {
    let (mut layers, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListSharedPersonalLayersRequest {
            page_size: 0,
            page_token,
        };
        let page = call!(
            client,
            client.personal(),
            list_shared_personal_layers,
            message
        );
        layers.extend(page.layers.into_iter().map(SharedView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&layers);
        }
    }
}

async fn leave(client: &Client, layer: &LayerReference) -> Result<Report, Failure> {
    let layer_id = resolve::layer_id(client, layer).await?;
    let message = LeavePersonalLayerRequest { layer_id };
    call!(client, client.personal(), leave_personal_layer, message);
    let text = format!("layer {layer_id} is no longer shared with you yourself");
    Report::new(text, &json!({"layer_id": layer_id}))
}

impl All {
    async fn run(self, client: &Client) -> Result<Report, Failure> {
        let owner_user_id = match &self.owner {
            Some(owner) => resolve::user_id(client, owner).await?,
            None => 0,
        };
        let search = self.search.unwrap_or_default();
        let (mut layers, mut page_token) = (Vec::new(), String::new());
        loop {
            let message = ListPersonalLayersRequest {
                search: search.clone(),
                owner_user_id,
                page_size: 0,
                page_token,
                order: PersonalLayerOrder::from(self.sort).into(),
                descending: self.descending,
            };
            let page = call!(client, client.personal(), list_personal_layers, message);
            layers.extend(page.layers.into_iter().map(ListedView::from));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                let ids: Vec<i64> = layers.iter().map(|layer| layer.layer_id).collect();
                let figures = figures::of(client, &ids).await?;
                let layers = layers.into_iter().map(|layer| layer.with(&figures));
                return Report::list(&layers.collect::<Vec<_>>());
            }
        }
    }
}

async fn users(client: &Client, search: &str) -> Result<Report, Failure> {
    let (mut users, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListPersonalLayerUsersRequest {
            page_size: 0,
            page_token,
            search: search.to_owned(),
        };
        let page = call!(
            client,
            client.personal(),
            list_personal_layer_users,
            message
        );
        users.extend(page.users.into_iter().map(UserView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&users);
        }
    }
}

impl Publish {
    async fn run(self, client: &Client) -> Result<Report, Failure> {
        let view = if self.private {
            InitialView::Nobody
        } else {
            InitialView::Everyone
        };
        let message = PublishPersonalLayerRequest {
            layer_id: resolve::layer_id(client, &self.layer).await?,
            project_id: resolve::project_id(client, &self.project).await?,
            name: self.name.unwrap_or_default(),
            initial_view: view.into(),
        };
        let answer = call!(client, client.personal(), publish_personal_layer, message);
        let layer = answer.layer.unwrap_or_default();
        let seen = if answer.rows.is_empty() {
            "nobody views it yet: grant `view` to those who should"
        } else {
            "everyone who can open the project views it now"
        };
        let text = format!(
            "published layer {} as {}; {seen}",
            layer.layer_id, layer.name
        );
        Report::new(text, &OwnView::from(layer))
    }
}

async fn reassign(
    client: &Client,
    layer: &LayerReference,
    owner: &Reference,
    name: Option<String>,
) -> Result<Report, Failure> {
    let message = ReassignPersonalLayerRequest {
        layer_id: resolve::layer_id(client, layer).await?,
        owner_user_id: resolve::user_id(client, owner).await?,
        name: name.unwrap_or_default(),
    };
    let answer = call!(client, client.personal(), reassign_personal_layer, message);
    let layer = answer.layer.unwrap_or_default();
    let text = format!(
        "layer {} belongs to user {} now, as {}",
        layer.layer_id, layer.owner_user_id, layer.name
    );
    Report::new(text, &OwnView::from(layer))
}
