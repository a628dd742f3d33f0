//! Our own rules, as a library.

use authorization_core::{Facts, Snapshot, Standing, rules};
use jmap_domain::{Decision, LayerAct, Question, SessionKind};

use super::{
    engine::Engine,
    world::{Asked, World},
};

/// The rules on a snapshot.
pub(super) struct Ours(Snapshot);

impl Ours {
    pub(super) fn load(world: &World) -> anyhow::Result<Self> {
        world.snapshot().map(Self)
    }
}

impl Engine for Ours {
    fn decide(&self, asked: &Asked) -> anyhow::Result<bool> {
        let standing = Standing::User {
            user: asked.user,
            kind: SessionKind::Ordinary,
        };
        let question = Question::Layer(asked.layer, LayerAct::Elements(asked.permission));
        let facts = Facts::of(&self.0, standing);
        Ok(match rules::decide(&self.0, &facts, question) {
            Decision::All => true,
            Decision::Own { creator: _ } => asked.own,
            Decision::Denied(_) => false,
        })
    }
}
