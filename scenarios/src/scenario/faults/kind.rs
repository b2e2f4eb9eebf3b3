//! What the table of faults becomes: the types, and what is asked of every kind.

use super::argument::{Argument, Dice, Key, Reading};
use super::table::with_faults;
use super::{
    BrokerTarget, Direction, Factor, Failure, MemberTarget, PartitionCount, ResetTo, TopicNumber,
};
use crate::scenario::form::in_words;
use crate::scenario::value::written_as_words;
use crate::scenario::{ManualKey, Share};
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{ErrorName, Hindrance, MemberId, MessageId, RequestKind};
use std::time::Duration;

/// How long a fault of a kind lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// It is over at once, so a file says no `for`.
    AMoment,
    /// Until its duration is over; without one, until everything is healed.
    AWhile,
    /// Until the last member was restarted; the duration, which is needed, is the time from one
    /// member's stop to the next one's.
    MemberByMember,
    /// As [`MemberByMember`](Self::MemberByMember), with brokers.
    BrokerByBroker,
    /// From the start to the end: a file says neither when nor for how long.
    Always,
}

enum Hinders {
    Commits,
    Nothing,
}

#[derive(PartialEq)]
enum Breaks {
    Brokers,
    Nothing,
}

/// The columns of the table that are no arguments.
struct Row {
    lasts: Lasts,
    hinders: Hinders,
    breaks: Breaks,
}

/// Gives the default of an argument that has one.
macro_rules! default_of {
    () => {
        None
    };
    ($default:expr) => {
        Some($default)
    };
}

/// Gives the way in which an argument is drawn: as its type says, or always its default.
macro_rules! drawing_of {
    ($type:ty) => {
        <$type as Argument>::drawing()
    };
    (undrawn $type:ty = $default:expr) => {
        Some((|_| $default) as fn(&mut Dice<'_>) -> $type)
    };
    ($type:ty = $default:expr) => {
        drawing_of!($type)
    };
}

macro_rules! define {
    ($(
        #[doc = $about:literal]
        $(#[doc = $more:literal])*
        $kind:ident $word:literal $({
            $($(#[$undrawn:ident])? $key:ident: $type:ty $(= $default:expr)?,)+
        })? lasts $lasts:ident, hinders $hinders:ident, breaks $breaks:ident;
    )+) => {
        /// What happens.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "the type of an argument says what it is")]
        pub enum FaultKind {
            $(#[doc = $about] $(#[doc = $more])* $kind $({ $($key: $type),+ })?,)+
        }

        plimsoll_oracle::words! {
            /// The kind of a fault without its arguments: a word of `do`.
            pub enum FaultName: "fault" {
                $(#[doc = $about] $kind = $word,)+
            }
        }

        impl FaultName {
            const fn row(self) -> Row {
                match self {
                    $(Self::$kind => Row {
                        lasts: Lasts::$lasts,
                        hinders: Hinders::$hinders,
                        breaks: Breaks::$breaks,
                    },)+
                }
            }

            /// Lists its arguments, in the order of the table.
            pub(super) fn keys(self) -> Vec<Key> {
                match self {
                    $(Self::$kind => vec![$($(Key {
                        name: stringify!($key),
                        meaning: <$type as Argument>::meaning(),
                        schema: <$type as Argument>::schema,
                        default: default_of!($($default)?).map(|value: $type| value.told()),
                        is_drawable: drawing_of!($($undrawn)? $type $(= $default)?).is_some(),
                    }),+)?],)+
                }
            }
        }

        impl FaultKind {
            /// Returns the word of `do`.
            pub const fn name(&self) -> FaultName {
                match self {
                    $(Self::$kind { .. } => FaultName::$kind,)+
                }
            }

            /// Reads the arguments of a kind; what is wrong with them is a problem.
            pub(super) fn read(name: FaultName, reading: &mut Reading<'_>) -> Option<Self> {
                match name {
                    $(FaultName::$kind => {
                        $($(let $key: Option<$type> =
                            reading.argument(stringify!($key), default_of!($($default)?));)+)?
                        Some(Self::$kind $({ $($key: $key?),+ })?)
                    })+
                }
            }

            /// Draws the arguments of a kind, from left to right; `None` where it cannot be drawn.
            pub(crate) fn draw(name: FaultName, dice: &mut Dice<'_>) -> Option<Self> {
                match name {
                    $(FaultName::$kind => Some(Self::$kind $({
                        $($key: drawing_of!($($undrawn)? $type $(= $default)?)?(dice)),+
                    })?),)+
                }
            }

            /// Lists the arguments, from left to right.
            pub(crate) fn arguments(&self) -> Vec<Given<'_>> {
                match self {
                    $(Self::$kind $({ $($key),+ })? => vec![$($(Given {
                        key: stringify!($key),
                        value: $key,
                        is_default: default_of!($($default)?)
                            .is_some_and(|default: $type| default == *$key),
                    }),+)?],)+
                }
            }

            /// Lists the arguments, to change them.
            pub(crate) fn arguments_mut(&mut self) -> Vec<&mut dyn Argument> {
                match self {
                    $(Self::$kind $({ $($key),+ })? => vec![$($($key),+)?],)+
                }
            }
        }
    };
}

with_faults!(define);

written_as_words!(FaultName);

/// An argument of a fault.
pub(crate) struct Given<'a> {
    pub key: &'static str,
    pub value: &'a dyn Argument,
    pub is_default: bool,
}

impl FaultName {
    /// Returns how long it lasts.
    pub const fn lasts(self) -> Lasts {
        self.row().lasts
    }

    /// Returns what the manual says of the keys that it has beside those that all faults have.
    pub fn manual_keys(self) -> Vec<ManualKey> {
        let keys = self.keys().into_iter().map(|key| ManualKey {
            name: key.name.into(),
            values: in_words((key.schema)().as_value()),
            required: key.default.is_none(),
            default: key.default,
            about: key.meaning.into(),
        });
        keys.collect()
    }

    /// Tells whether `[faults.random]` can draw it: the others need an argument that cannot be
    /// guessed.
    pub fn is_drawable(self) -> bool {
        self.keys().iter().all(|key| key.is_drawable)
    }
}

impl FaultKind {
    /// Returns how long it lasts.
    pub const fn lasts(&self) -> Lasts {
        self.name().lasts()
    }

    /// Returns when it keeps members that are well from committing.
    pub(crate) fn hindrance(&self) -> Hindrance {
        let row = self.name().row();
        match (row.hinders, row.lasts) {
            (Hinders::Nothing, _) => Hindrance::Never,
            (Hinders::Commits, Lasts::AMoment | Lasts::Always) => Hindrance::AtOnce,
            (Hinders::Commits, Lasts::AWhile | Lasts::MemberByMember | Lasts::BrokerByBroker) => {
                Hindrance::WhileItLasts
            }
        }
    }

    /// Tells whether it breaks brokers, or their common state, under other runs on the same
    /// cluster.
    pub fn breaks_brokers(&self) -> bool {
        self.name().row().breaks == Breaks::Brokers
    }

    /// Returns the member that it is aimed at, if it is aimed at one that runs (so not the one of
    /// `join`).
    pub fn member(&self) -> Option<MemberTarget> {
        let mut kind = self.clone();
        let mut arguments = kind.arguments_mut().into_iter();
        arguments.find_map(|argument| argument.member_mut().copied())
    }

    /// Returns the broker that it is aimed at, if it is aimed at one.
    pub fn broker(&self) -> Option<BrokerTarget> {
        let mut kind = self.clone();
        let mut arguments = kind.arguments_mut().into_iter();
        arguments.find_map(|argument| argument.broker_mut().copied())
    }

    /// Returns the kind of requests that it is about, if it is about one.
    pub(crate) const fn request(&self) -> Option<RequestKind> {
        match self {
            Self::Error { request, .. } | Self::LoseResponse { request, .. } => Some(*request),
            _ => None,
        }
    }

    /// Returns the topic that gets more partitions, and their number.
    pub const fn added_partitions(&self) -> Option<(TopicNumber, PartitionCount)> {
        if let Self::AddPartitions { topic, count } = self {
            return Some((*topic, *count));
        }
        None
    }
}
