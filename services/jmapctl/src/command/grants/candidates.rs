//! Who may be granted permissions on a layer.

use jmap_proto::authorization::{GrantCandidate, ListGrantCandidatesRequest};
use serde::Serialize;

use crate::{
    client::call,
    command::{Context, grantee::Grantee, listed},
    error::Failure,
    output::{Report, View},
    resolve::{self, LayerReference},
    words::layer_words,
};

/// A candidate as it is shown.
#[derive(Debug, Serialize)]
struct CandidateView {
    principal: Grantee,
    display_name: String,
    grantable: Vec<String>,
    granted: Vec<String>,
}

impl From<GrantCandidate> for CandidateView {
    fn from(candidate: GrantCandidate) -> Self {
        Self {
            principal: Grantee::named(candidate.principal, candidate.name),
            display_name: candidate.display_name,
            grantable: layer_words(&candidate.grantable),
            granted: layer_words(&candidate.granted),
        }
    }
}

impl View for CandidateView {
    const COLUMNS: &'static [&'static str] = &["who", "display name", "may be granted", "granted"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.principal.written(),
            self.display_name.clone(),
            listed(&self.grantable),
            listed(&self.granted),
        ]
    }
}

/// Lists them all.
pub(super) async fn list(
    context: &Context,
    layer: &LayerReference,
    search: String,
) -> Result<Report, Failure> {
    let client = &context.client;
    let layer_id = resolve::layer_id(client, layer).await?;
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListGrantCandidatesRequest {
            layer_id,
            search: search.clone(),
            page_size: 1000,
            page_token,
        };
        let page = call!(
            client,
            client.registrations(),
            list_grant_candidates,
            message
        );
        found.extend(page.candidates.into_iter().map(CandidateView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Report::list(&found);
        }
    }
}
