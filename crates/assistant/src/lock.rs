//! One way to lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was being changed when somebody panicked is whole: all changes are assignments.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
