//! What a layer makes of polygons whose inside is not clear.

/// What becomes of polygons that are not valid (OGC 06-103), such as one that crosses itself. What is no geometry at all,
/// like a ring that is not closed, is refused under each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidPolygons {
    /// They are refused.
    Reject,
    /// They are repaired, and the answer says so. What the lines of a polygon surround an odd number of times is its
    /// inside; overlapping polygons of a multipolygon become one.
    Repair,
    /// They are taken as they are, unless they cross themselves more often than any comparison could bear.
    Accept,
}

impl InvalidPolygons {
    /// All three, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Reject, Self::Repair, Self::Accept];

    /// The word that stored definitions use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Repair => "repair",
            Self::Accept => "accept",
        }
    }

    /// The policy that a word stands for; `None` for an unknown word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }

    /// Whether all polygons of a layer with this policy are valid.
    #[must_use]
    pub const fn demands_validity(self) -> bool {
        match self {
            Self::Reject | Self::Repair => true,
            Self::Accept => false,
        }
    }
}
