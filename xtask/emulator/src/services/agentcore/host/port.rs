//! Free ports for containers.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// Below what systems give to outgoing connections (32768 on Linux, 49152 elsewhere), so that no
/// connection takes a port between our look and the container's bind.
const PORTS: Range<u16> = 20_000..32_000;
const TRIES: u32 = 500;

/// Ports are the machine's: several emulators of one process must not give the same one twice.
static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port that nobody else is given while this lives.
#[derive(Debug)]
pub(super) struct Port(u16);

/// No free port was found.
#[derive(Debug, thiserror::Error)]
#[error("no free port between {} and {} after {TRIES} tries", PORTS.start, PORTS.end)]
pub struct NoPort;

impl Port {
    pub(super) fn reserve() -> Result<Self, NoPort> {
        let span = u128::from(PORTS.end - PORTS.start);
        for _ in 0..TRIES {
            let offset = (uuid::Uuid::new_v4().as_u128() >> 64) % span;
            let port = PORTS.start + u16::try_from(offset).unwrap_or_default();
            let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
            if !taken.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                taken.insert(port);
                return Ok(Self(port));
            }
        }
        Err(NoPort)
    }

    pub(super) fn number(&self) -> u16 {
        self.0
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        TAKEN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_given_once_and_comes_back() {
        let ports: Vec<_> = (0..50).map(|_| Port::reserve().unwrap()).collect();
        let numbers: BTreeSet<_> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
        drop(ports);
        let taken = TAKEN.lock().unwrap();
        assert!(numbers.iter().all(|number| !taken.contains(number)));
    }
}
