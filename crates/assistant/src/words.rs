//! Words for what is around the pages: tray, notifications, the terminal a window was started from.

use ycd_flows::messages::{Values, word_with};

use crate::settings::LanguageSetting;

/// A word of the catalogue (`window.quit`), with values filled in. What is not there is given back as it came.
pub fn word(name: &str, language: LanguageSetting, values: &Values) -> String {
    word_with(name, language.into(), values)
}
