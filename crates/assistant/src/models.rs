//! Token models and their drivers, in words.

use ycd_flows::messages::Language;
use ycd_token::{Driver, ModuleHost, Profile, TokenError, default_host_exe, report::FoundModule};

/// What people call the token model.
pub fn model_name(profile: &Profile, language: Language) -> String {
    match language {
        Language::Zh => &profile.display.zh,
        Language::En => &profile.display.en,
    }
    .clone()
}

/// Where its driver is to be had, in words that go on after "from".
pub fn driver_from(profile: &Profile, language: Language) -> Option<String> {
    profile.display.driver_from.as_ref().map(|from| match language {
        Language::Zh => from.zh.clone(),
        Language::En => from.en.clone(),
    })
}

/// "The driver of … is not installed"; "get it from …".
pub fn not_installed(profile: &Profile, language: Language) -> (String, String) {
    let (says, remedy, somebody) = match language {
        Language::Zh => ("没有安装{}的驱动。", "请从{}下载并安装，再重新插入。", "USBKEY 的发放单位"),
        Language::En => (
            "The driver of {} is not installed.",
            "Get it from {}, install it, and insert the USBKEY again.",
            "whoever handed out the USBKEY",
        ),
    };
    let place = driver_from(profile, language).unwrap_or_else(|| somebody.to_owned());
    (says.replace("{}", &model_name(profile, language)), remedy.replace("{}", &place))
}

/// What a module says of itself and of its tokens.
pub struct Asked {
    pub found: FoundModule,
    pub tokens: Vec<ycd_token::wire::TokenMechanisms>,
    pub failure: Option<TokenError>,
}

/// Starts the module and asks what it can.
pub fn ask(driver: &Driver) -> Asked {
    let fails =
        |failure| Asked { found: FoundModule::new(driver, None), tokens: Vec::new(), failure: Some(failure) };
    let mut host = match ModuleHost::start(&default_host_exe(), driver) {
        Ok(host) => host,
        Err(error) => return fails(error),
    };
    let asked = host.mechanisms();
    let found = FoundModule::new(driver, host.module_info());
    match asked {
        Ok(tokens) => Asked { found, tokens, failure: None },
        Err(error) => Asked { found, tokens: Vec::new(), failure: Some(error) },
    }
}

/// Every module that is installed, with what it says of itself where it can be started.
pub fn found_modules(drivers: &ycd_token::Drivers) -> Vec<FoundModule> {
    drivers.find_modules().iter().map(|driver| ask(driver).found).collect()
}
