//! A fresh pair with a world in it.

use crate::{Caller, Pair, ServedFloor, Tuning, world::World};

/// A pair, and the world that was made in it.
#[derive(Debug)]
pub struct Stage {
    /// The pair.
    pub pair: Pair,
    /// The world.
    pub floor: ServedFloor,
}

impl Stage {
    /// Makes a world, given as YAML, in a fresh pair.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn set(world: &str) -> Self {
        Self::set_with(Tuning::default(), world).await
    }

    /// Makes a world in a fresh pair with other settings.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn set_with(tuning: Tuning, world: &str) -> Self {
        let pair = Pair::start_with(tuning).await;
        let floor = ServedFloor::of(pair.house(), &World::parse(world)).await;
        Self { pair, floor }
    }

    /// Somebody of the world.
    pub async fn caller(&self, who: &str) -> Caller {
        self.floor.caller(who).await
    }

    /// The id of a layer of the world.
    #[must_use]
    pub fn layer(&self, name: &str) -> i64 {
        self.floor.layer(name)
    }
}
