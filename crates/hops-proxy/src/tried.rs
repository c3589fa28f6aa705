//! Who could not be connected to in a request.

use smallvec::SmallVec;

use crate::{backend::Fault, member::Member};

/// How often all are tried once more that did not answer at all. With two seconds for each attempt that makes ten for a
/// single backend: a machine that is short of time loses a packet or two on the way, and such a request has reached nobody.
const ROUNDS: u8 = 4;

/// The members that were tried.
#[derive(Default)]
pub(crate) struct Tried {
    members: SmallVec<[u64; 4]>,
    rounds: u8,
    /// Whether one of them was silent, rather than refused the connection.
    is_silent: bool,
}

impl Tried {
    pub(crate) fn members(&self) -> &[u64] {
        &self.members
    }

    /// One that could not be connected to.
    pub(crate) fn push(&mut self, member: &Member, fault: &Fault) {
        self.members.push(member.id);
        self.is_silent |= fault.is_silence();
    }

    /// Once nobody is left: whether all of them may be tried again.
    pub(crate) fn again(&mut self) -> bool {
        let again = self.is_silent && self.rounds < ROUNDS;
        if again {
            *self = Self { rounds: self.rounds + 1, ..Self::default() };
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;
    use crate::{Backend, Balance, DrainTimes, Upstream};

    #[test]
    fn who_is_silent_is_tried_again_and_who_refuses_is_not() {
        let upstream = Upstream::with("web", Balance::default(), DrainTimes::default());
        drop(upstream.set(vec![Backend { address: ([127, 0, 0, 1], 1).into(), release: "1".into() }]));
        let in_flight = upstream.choose(&[], 0).unwrap();
        let member = in_flight.member();
        let rounds = |fault: &dyn Fn() -> Fault| {
            let mut tried = Tried::default();
            let mut rounds = 0;
            loop {
                tried.push(member, &fault());
                if !tried.again() {
                    return rounds;
                }
                assert!(tried.members().is_empty());
                rounds += 1;
            }
        };
        assert_eq!(rounds(&|| Fault::ConnectTimeout), ROUNDS);
        assert_eq!(rounds(&|| Fault::Connect(Error::from(ErrorKind::HostUnreachable))), ROUNDS);
        assert_eq!(rounds(&|| Fault::Connect(Error::from(ErrorKind::ConnectionRefused))), 0);
    }
}
