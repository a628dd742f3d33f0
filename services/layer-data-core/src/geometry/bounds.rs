//! Bounding boxes in the units of one reference system.

/// A box with finite edges, x first, the least not above the greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The least x.
    pub min_x: f64,
    /// The least y.
    pub min_y: f64,
    /// The greatest x.
    pub max_x: f64,
    /// The greatest y.
    pub max_y: f64,
}

impl Bounds {
    /// The box around one position.
    #[must_use]
    pub const fn of(x: f64, y: f64) -> Self {
        Self {
            min_x: x,
            min_y: y,
            max_x: x,
            max_y: y,
        }
    }

    /// The box around this one and a position.
    #[must_use]
    pub const fn with(self, x: f64, y: f64) -> Self {
        Self {
            min_x: self.min_x.min(x),
            min_y: self.min_y.min(y),
            max_x: self.max_x.max(x),
            max_y: self.max_y.max(y),
        }
    }

    /// The box around both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        self.with(other.min_x, other.min_y)
            .with(other.max_x, other.max_y)
    }

    /// Whether the two share at least a point; touching is sharing.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.min_x <= other.max_x
            && self.max_x >= other.min_x
            && self.min_y <= other.max_y
            && self.max_y >= other.min_y
    }

    /// Whether all of the other is in this one.
    #[must_use]
    pub fn encloses(&self, other: &Self) -> bool {
        self.min_x <= other.min_x
            && self.max_x >= other.max_x
            && self.min_y <= other.min_y
            && self.max_y >= other.max_y
    }

    /// The area, in units of the reference system.
    #[must_use]
    pub fn area(&self) -> f64 {
        (self.max_x - self.min_x) * (self.max_y - self.min_y)
    }

    /// What both share; `None` when they share nothing.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        self.intersects(other).then(|| Self {
            min_x: self.min_x.max(other.min_x),
            min_y: self.min_y.max(other.min_y),
            max_x: self.max_x.min(other.max_x),
            max_y: self.max_y.min(other.max_y),
        })
    }

    /// Whether a position is inside or on the edge.
    #[must_use]
    pub fn contains(&self, x: f64, y: f64) -> bool {
        self.intersects(&Self::of(x, y))
    }

    /// A grid of positions over the box, edges included: `steps` + 1 in each direction.
    pub(crate) fn grid(self, steps: u32) -> impl Iterator<Item = (f64, f64)> {
        // Both ends are exact, so that an edge of the box stays an edge.
        let at = move |from: f64, to: f64, step: u32| {
            let share = f64::from(step) / f64::from(steps);
            from * (1.0 - share) + to * share
        };
        (0..=steps).flat_map(move |row| {
            let y = at(self.min_y, self.max_y, row);
            (0..=steps).map(move |column| (at(self.min_x, self.max_x, column), y))
        })
    }
}
