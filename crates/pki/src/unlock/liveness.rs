use crate::text::Text;

/// Directly before each SO login: the portal's word that a release is the newest of an open order. Good for one login,
/// by the host's nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivenessCheck {
    pub portal: String,
    pub order: String,
    pub release: u32,
    pub token_id: String,
    /// The host's.
    pub nonce: [u8; 32],
}

impl LivenessCheck {
    /// What the portal signs.
    pub fn to_bytes(&self) -> Vec<u8> {
        Text::named("ycd-alive-v1")
            .field(self.portal.as_bytes())
            .field(self.order.as_bytes())
            .number(self.release)
            .field(self.token_id.as_bytes())
            .field(&self.nonce)
            .into_bytes()
    }
}
