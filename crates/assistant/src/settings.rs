//! What a user may set. Kept as `settings.json` in the data folder; a file that does not read is as good as none.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use ycd_flows::messages::Language;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub language: LanguageSetting,
    pub text_size: TextSize,
    pub theme: Theme,
    /// Start hidden when the user logs in to the machine.
    pub autostart: bool,
    /// Tell of certificates that come to their end.
    pub reminders: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: LanguageSetting::Zh,
            text_size: TextSize::Normal,
            theme: Theme::System,
            autostart: false,
            reminders: true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LanguageSetting {
    Zh,
    En,
}

impl From<LanguageSetting> for Language {
    fn from(setting: LanguageSetting) -> Self {
        match setting {
            LanguageSetting::Zh => Self::Zh,
            LanguageSetting::En => Self::En,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextSize {
    Normal,
    /// 125 %
    Large,
    /// 150 %
    Largest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    System,
    Light,
    Dark,
}
