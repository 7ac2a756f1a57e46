//! Which of the profile's mechanisms the inserted tokens report: what decides whether a profile fits a token.

use ycd_token::Result;
use ycd_token::wire::TokenMechanisms;

use super::Module;
use super::sign::has_mechanism;

impl Module {
    /// Opens no session.
    pub fn mechanisms(&mut self) -> Result<Vec<TokenMechanisms>> {
        let Some(numbers) = &self.profile.pkcs11 else { return Ok(Vec::new()) };
        let generates = [numbers.key_pair_gen.value];
        let all: Vec<u32> =
            generates.into_iter().chain(numbers.sign.iter().map(|sign| sign.mechanism)).collect();
        let mut tokens = Vec::new();
        for (slot, _, token_id) in self.tokens().map_err(|fault| fault.into_error())? {
            let reported = |number: u32| has_mechanism(&self.pkcs11, &self.raw, slot, number);
            let mechanisms = all.iter().map(|number| reported(*number).map(|there| (*number, there)));
            let mechanisms = mechanisms.collect::<std::result::Result<_, _>>();
            tokens.push(TokenMechanisms {
                token_id,
                mechanisms: mechanisms.map_err(|fault| fault.into_error())?,
            });
        }
        Ok(tokens)
    }
}
