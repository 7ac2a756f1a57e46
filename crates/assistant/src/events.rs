//! Whoever listens is told, in the order in which things happen.

use std::sync::{Mutex, PoisonError};

use crate::view::Event;

/// Answers whether it wants to hear more.
type Listener = Box<dyn FnMut(&Event) -> bool + Send>;

#[derive(Default)]
pub struct Events(Mutex<Vec<Listener>>);

impl Events {
    pub fn listen(&self, listener: impl FnMut(&Event) -> bool + Send + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
    }

    /// Listeners are quick: they hand on and return.
    pub fn tell(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|listener| listener(event));
    }
}
