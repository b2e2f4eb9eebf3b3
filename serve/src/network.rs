//! The network between clients and brokers: what passes on it may be held up, or take longer.
//!
//! Connections themselves are accepted, as by the kernel of a broker whose packets are lost later.

use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::scenario::Direction;
use std::time::Duration;

/// Some of the clients' connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// The clients that call themselves so (`client.id`); `None`: all.
    pub client_id: Option<String>,
    /// The broker that they are connected with; `None`: any.
    pub broker: Option<BrokerId>,
}

/// A fault of the network, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NetworkFault(pub u32);

/// The two ends of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    pub(crate) client_id: Option<String>,
    pub(crate) broker: BrokerId,
}

/// The effect of a fault of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing passes this way; it is held.
    Hold(Direction),
    /// All that passes takes longer, each way.
    Delay(Duration),
}

/// Something that passes on its way, `T`, held up.
#[derive(Debug)]
struct Held<T> {
    /// The moment at which it goes on; `None`: as soon as nothing holds it any more.
    until: Option<Instant>,
    ends: Ends,
    way: Direction,
    passing: T,
}

/// The network between clients and brokers, and what is on its way there.
#[derive(Debug)]
pub(crate) struct Network<T> {
    faults: Vec<(NetworkFault, Clients, Effect)>,
    /// In the order in which it came.
    held: Vec<Held<T>>,
    begun: u32,
}

impl<T> Default for Network<T> {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            held: Vec::new(),
            begun: 0,
        }
    }
}

impl Clients {
    pub(crate) fn are_at(&self, ends: &Ends) -> bool {
        let is_meant = |id: &String| ends.client_id.as_ref() == Some(id);
        self.client_id.as_ref().is_none_or(is_meant)
            && self.broker.is_none_or(|broker| broker == ends.broker)
    }
}

impl<T> Network<T> {
    /// Begins a fault.
    pub(crate) fn begin(&mut self, clients: Clients, effect: Effect) -> NetworkFault {
        self.begun += 1;
        let number = NetworkFault(self.begun);
        self.faults.push((number, clients, effect));
        number
    }

    /// Ends a fault; what it held goes on with the next [`release`](Self::release). Returns whether
    /// there was one.
    pub(crate) fn end(&mut self, now: Instant, number: NetworkFault) -> bool {
        let before = self.faults.len();
        self.faults.retain(|(fault, ..)| *fault != number);
        self.let_go(now);
        self.faults.len() < before
    }

    /// Ends all faults.
    pub(crate) fn heal(&mut self, now: Instant) {
        self.faults.clear();
        self.let_go(now);
    }

    /// Takes something that passes this way, requests or responses. Returns it where it passes at
    /// once.
    pub(crate) fn pass(&mut self, now: Instant, ends: &Ends, way: Direction, it: T) -> Option<T> {
        if self.faults.is_empty() {
            return Some(it);
        }
        let delay = self.delay(ends);
        let until = match self.is_blocked(ends, way) {
            true => None,
            false if delay.is_zero() => return Some(it),
            false => Some(now + delay),
        };
        self.held.push(Held {
            until,
            ends: ends.clone(),
            way,
            passing: it,
        });
        None
    }

    /// Returns the moment at which the first of what is held goes on.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.held.iter().filter_map(|held| held.until).min()
    }

    /// Takes out what goes on by now.
    pub(crate) fn release(&mut self, now: Instant) -> Vec<T> {
        let is_due = |held: &mut Held<T>| held.until.is_some_and(|until| until <= now);
        let due = self.held.extract_if(.., is_due);
        due.map(|held| held.passing).collect()
    }

    /// Forgets what was on its way.
    pub(crate) fn forget(&mut self, is_lost: impl Fn(&T) -> bool) {
        self.held.retain(|held| !is_lost(&held.passing));
    }

    /// Lets go what nothing holds any more.
    fn let_go(&mut self, now: Instant) {
        let mut held = std::mem::take(&mut self.held);
        for held in &mut held {
            if held.until.is_none() && !self.is_blocked(&held.ends, held.way) {
                held.until = Some(now + self.delay(&held.ends));
            }
        }
        self.held = held;
    }

    fn is_blocked(&self, ends: &Ends, way: Direction) -> bool {
        let mut faults = self.faults.iter();
        faults.any(|(_, clients, effect)| match effect {
            Effect::Hold(held) => {
                clients.are_at(ends) && (*held == Direction::Both || *held == way)
            }
            Effect::Delay(_) => false,
        })
    }

    /// Returns the longest of the delays: one fault does not add to another.
    fn delay(&self, ends: &Ends) -> Duration {
        let delays = self.faults.iter().filter_map(|(_, clients, effect)| {
            let Effect::Delay(by) = effect else {
                return None;
            };
            clients.are_at(ends).then_some(*by)
        });
        delays.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Both, Requests, Responses};

    fn ends(client: &str, broker: u32) -> Ends {
        Ends {
            client_id: Some(client.into()),
            broker: BrokerId(broker),
        }
    }

    fn of(client: &str) -> Clients {
        Clients {
            client_id: Some(client.into()),
            broker: None,
        }
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn what_is_held_goes_on_when_the_last_fault_that_holds_it_ends() {
        let mut network = Network::default();
        let first = network.begin(of("a"), Effect::Hold(Requests));
        let second = network.begin(Clients::default(), Effect::Hold(Both));
        assert_eq!(network.pass(at(0), &ends("a", 1), Requests, 1), None);
        assert!(network.end(at(5), second));
        assert!(network.release(at(5)).is_empty());
        assert_eq!(network.pass(at(5), &ends("a", 1), Responses, 2), Some(2));
        assert_eq!(network.pass(at(5), &ends("b", 1), Requests, 3), Some(3));
        assert!(network.end(at(6), first) && !network.end(at(6), first));
        assert_eq!(network.release(at(6)), [1]);
    }

    #[test]
    fn what_is_delayed_goes_on_at_its_time_in_order() {
        let mut network = Network::default();
        let at_two = Clients {
            broker: Some(BrokerId(2)),
            ..Clients::default()
        };
        network.begin(at_two, Effect::Delay(Duration::from_millis(50)));
        assert_eq!(network.pass(at(0), &ends("a", 1), Requests, 0), Some(0));
        assert_eq!(network.pass(at(0), &ends("a", 2), Requests, 1), None);
        assert_eq!(network.pass(at(10), &ends("a", 2), Responses, 2), None);
        assert_eq!(network.next_at(), Some(at(50)));
        assert!(network.release(at(49)).is_empty());
        assert_eq!(network.release(at(60)), [1, 2]);
    }

    #[test]
    fn what_is_on_a_connection_that_is_gone_is_forgotten() {
        let mut network = Network::default();
        network.begin(Clients::default(), Effect::Hold(Both));
        for it in [1, 2] {
            network.pass(at(0), &ends("a", 1), Requests, it);
        }
        network.forget(|it| *it == 1);
        network.heal(at(1));
        assert_eq!(network.release(at(1)), [2]);
    }
}
