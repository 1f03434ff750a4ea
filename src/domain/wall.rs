//! Walls: the evidence that two identifiers are to be kept apart.

use super::identifier::Identifier;
use super::link::Moment;

/// How many walls may stand at one identifier.
pub const MAX_WALLS: usize = 100;

/// "Never together": no profile of any kind has both identifiers.
///
/// A wall is not a step of the fold but one of its conditions: it counts for links of every moment up to `until`, also
/// for those before it was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wall {
    /// The two identifiers, in their order.
    pub between: [Identifier; 2],
    /// Links later than this may join the two again: the wall was raised by taking a link or a merge back. `None`: the
    /// two are to be kept apart for ever.
    pub until: Option<Moment>,
    /// True if both belong to one human, who is spoken to as two.
    pub same_human: bool,
    /// The fact that raised it.
    pub by: Moment,
    /// The system or the person that said so; may be empty.
    pub source: String,
}

impl Wall {
    /// True if it counts for a link said at `moment`.
    pub fn stands_at(&self, moment: &Moment) -> bool {
        self.until.as_ref().is_none_or(|until| moment <= until)
    }

    /// The identifier on the other side of `identifier`; `None` if it is on neither.
    pub fn beyond(&self, identifier: &Identifier) -> Option<&Identifier> {
        let [a, b] = &self.between;
        match identifier {
            _ if identifier == a => Some(b),
            _ if identifier == b => Some(a),
            _ => None,
        }
    }

    /// Takes in another wall between the same two: the one that stands longer counts, and once two are said to be one
    /// human they stay so.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let same_human = self.same_human || other.same_human;
        let longer = match (&self.until, &other.until) {
            (None, None) => {
                if self.by <= other.by {
                    self
                } else {
                    other
                }
            }
            (None, Some(_)) => self,
            (Some(_), None) => other,
            (Some(mine), Some(its)) => {
                if mine >= its {
                    self
                } else {
                    other
                }
            }
        };
        Self { same_human, ..longer }
    }
}

/// An identifier that joins nobody, because too many profiles could not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quarantine {
    /// It folds as if blocked, in links of every moment.
    Closed,
    /// It was released: it folds as if blocked in links up to this moment.
    ReleasedAt(Moment),
}

impl Quarantine {
    /// True if the identifier folds as if blocked in a link said at `moment`.
    pub fn holds_at(&self, moment: &Moment) -> bool {
        match self {
            Self::Closed => true,
            Self::ReleasedAt(released) => moment <= released,
        }
    }
}
