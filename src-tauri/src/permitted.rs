//! Everything that a page may call: the assistant's commands, and the window's own. `build.rs` makes a permission of
//! each; `capabilities/main.json` gives them to the window. A test holds all three to one list.

/// In the order of `ycd_assistant::commands::NAMES`, then of `shell::NAMES`.
pub const COMMANDS: &[&str] = &[
    "start",
    "project",
    "products",
    "change_settings",
    "use_portal",
    "login_code",
    "login",
    "logout",
    "certificates",
    "certificate",
    "orders",
    "order",
    "create_order",
    "save_form",
    "fix_mode",
    "order_code",
    "confirm_order",
    "edit_order",
    "cancel_order",
    "delete_order",
    "request_refund",
    "refresh_tokens",
    "export_certificate",
    "start_renewal",
    "give_up",
    "start_unlock",
    "start_pin_change",
    "job",
    "answer",
    "stop_job",
    "dismiss_job",
    "unfinished",
    "forget_unfinished",
    "diagnose",
    "diagnosis_file",
    "unknown_token",
    "send_unknown_token",
    "watch",
    "save_text",
    "close_answer",
    "ui_ready",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_command_of_the_assistant_and_of_the_window_stands_in_the_list_and_nothing_else() {
        let all: Vec<&str> = [ycd_assistant::commands::NAMES, crate::shell::NAMES].concat();
        assert_eq!(COMMANDS, all);
    }

    #[test]
    fn the_window_is_granted_the_list_and_to_hear_events() {
        let capability: Value = serde_json::from_str(include_str!("../capabilities/main.json")).unwrap();
        let granted: BTreeSet<String> = serde_json::from_value(capability["permissions"].clone()).unwrap();
        let of_commands = COMMANDS.iter().map(|name| format!("allow-{}", name.replace('_', "-")));
        let of_events = ["core:event:allow-listen", "core:event:allow-unlisten"].map(String::from);
        assert_eq!(granted, of_commands.chain(of_events).collect());
        assert_eq!(capability["windows"], serde_json::json!(["main"]));
        assert!(capability.get("remote").is_none());
    }

    #[test]
    fn no_other_capability_exists() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/capabilities");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    }

    #[test]
    fn the_pages_are_kept_to_themselves() {
        let config: Value = serde_json::from_str(include_str!("../tauri.conf.json")).unwrap();
        let policy = config["app"]["security"]["csp"].as_str().unwrap();
        assert!(
            !policy.contains("unsafe") && !policy.contains("https:") && !policy.contains('*'),
            "{policy}"
        );
        assert!(policy.starts_with("default-src 'self';"));
        let window = &config["app"]["windows"][0];
        assert_eq!((&window["devtools"], &window["create"]), (&Value::Bool(false), &Value::Bool(false)));
    }
}
