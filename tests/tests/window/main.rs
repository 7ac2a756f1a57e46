//! The real window, on a desktop of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what is not as expected ends a test")]

mod closing;
mod journeys;
mod start;

use ycd_tests::window;

/// Whether this test is left out here; then it is counted with its reason.
fn is_left_out(test: &str) -> bool {
    match window::available() {
        Ok(()) => false,
        Err(reason) => {
            ycd_test_skips::skip(test, &reason);
            true
        }
    }
}
