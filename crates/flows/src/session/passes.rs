//! The passes of a flow. Each begins at step 1 and goes as far as it comes; whenever something is not as expected (the
//! token was pulled, the driver died, another machine was quicker) there is another one, and nothing is lost.

use std::ops::ControlFlow;

use ycd_token::TokenError;

use super::{prompts::TokenProblem, token_in_flow::TokenInFlow};

/// How often a flow may begin again without a person having been asked in between: two machines that cross each other
/// need two passes, clearing away up to two abandoned attempts one each.
const MAX_PASSES: u32 = 12;

/// How often a driver may crash or hang before the person is told to do something about it.
const MAX_DRIVER_RESTARTS: u32 = 2;

/// How a pass ended.
pub(crate) enum Pass<T> {
    Ended(T),
    StartAgain { because: String },
}

/// Another pass.
#[expect(clippy::unnecessary_wraps, reason = "what every step of a flow answers")]
pub(crate) fn start_again<T, E>(because: &str) -> Result<Pass<T>, E> {
    Ok(Pass::StartAgain { because: because.to_owned() })
}

/// An error of a flow, as far as the passes look into it.
pub(crate) trait Failure: Sized {
    /// The token's own error, with the step's name.
    fn of_token(&self) -> Option<(&'static str, &TokenError)>;

    /// Whether the driver was killed or died, so that a fresh one sees what really happened.
    fn is_of_the_driver(source: &TokenError) -> bool;

    fn no_progress(passes: u32, last: String) -> Self;
}

/// A flow that is made of passes.
pub(crate) trait Passes {
    type Outcome;
    type Error: Failure;

    fn pass(&mut self) -> Result<Pass<Self::Outcome>, Self::Error>;

    /// What is remembered of the token between passes.
    fn token(&mut self) -> &mut TokenInFlow;

    /// The token was pulled: whether to look again.
    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()>;

    /// Tells that another pass begins.
    fn starts_again(&mut self, because: String) -> Result<(), Self::Error>;
}

/// Passes until the flow ends, or stops with an error after which the same call goes on where the work stands.
pub(crate) fn run<F: Passes>(mut flow: F) -> Result<F::Outcome, F::Error> {
    let (mut passes, mut driver_restarts) = (0, 0);
    loop {
        let because = match flow.pass() {
            Ok(Pass::Ended(outcome)) => return Ok(outcome),
            Ok(Pass::StartAgain { because }) => {
                passes += 1;
                if passes == MAX_PASSES {
                    return Err(F::Error::no_progress(passes, because));
                }
                because
            }
            Err(error) => match error.of_token() {
                Some((step, TokenError::Removed)) => {
                    let problem = flow.token().pulled(step);
                    if flow.token_again(&problem).is_break() {
                        return Err(error);
                    }
                    "the token was pulled".to_owned()
                }
                Some((step, source))
                    if driver_restarts < MAX_DRIVER_RESTARTS && F::Error::is_of_the_driver(source) =>
                {
                    driver_restarts += 1;
                    flow.token().broken_off(step);
                    source.to_string()
                }
                _ => return Err(error),
            },
        };
        flow.starts_again(because)?;
    }
}
