//! What belongs to one process, and not to the child that it forks.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A value that each process has of its own. A forked child begins with a new one: a lock in the one that it inherits
/// may be held by a thread that it has not. What was inherited stays where it is, and nobody looks at it.
pub struct OfProcess<T: 'static> {
    current: AtomicPtr<Owned<T>>,
}

struct Owned<T> {
    process: u32,
    value: T,
}

impl<T: Default + Send + Sync> OfProcess<T> {
    pub const fn new() -> Self {
        Self { current: AtomicPtr::new(null_mut()) }
    }

    pub fn get(&self) -> &'static T {
        let process = std::process::id();
        let mut current = self.current.load(Ordering::Acquire);
        loop {
            // SAFETY: NULL, or published below: then it is never freed, and only shared.
            if let Some(owned) = unsafe { current.as_ref() }
                && owned.process == process
            {
                return &owned.value;
            }
            let new = Box::into_raw(Box::new(Owned { process, value: T::default() }));
            match self.current.compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => current = new,
                Err(other) => {
                    // SAFETY: made above, and not published.
                    drop(unsafe { Box::from_raw(new) });
                    current = other;
                }
            }
        }
    }
}
