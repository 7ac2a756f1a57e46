//! What a portal answers that no portal of ours would.

use ycd_portal_api::{ApiError, wire::Bytes};

use super::error::{FlowError, Result, StepName};

/// Bytes of the length that they must have.
pub(crate) fn array<const N: usize>(bytes: &Bytes) -> Result<[u8; N]> {
    bytes
        .0
        .as_slice()
        .try_into()
        .map_err(|_| bad_answer(format!("{N} bytes expected, {} came", bytes.0.len())))
}

pub(crate) fn bad_answer(detail: String) -> FlowError {
    FlowError::Portal { step: StepName("open"), source: ApiError::bad_answer(detail) }
}
