//! The numbers a command ends with. `ycd help` and the README list them.

/// What stands in the help, in each language.
pub const TABLE_ZH: &str = "\
退出码：
  0  完成
  1  没有做成，代码见输出
  2  命令写法不对
  3  USBKEY 没有插入、插错、插了多支，或正被占用
  4  口令不对、已锁定、没有给出，或新口令不合要求
  5  连不上门户
  6  门户没有同意
  7  USBKEY 的驱动缺失或出错
  8  按要求停下，可以继续
  9  证书不可信或与订单不符";

pub const TABLE_EN: &str = "\
Exit codes:
  0  done
  1  not done; the output has the code
  2  the command was not written right
  3  the USBKEY is missing, the wrong one, one of several, or busy
  4  the PIN is wrong, locked, or was not given, or the new one is not taken
  5  the portal cannot be reached
  6  the portal refused
  7  the USBKEY's driver is missing or failed
  8  stopped as asked; can be gone on with
  9  a certificate is not trusted, or not what was ordered";

pub const USAGE: u8 = 2;

/// The number for a stable code.
pub fn code_of(code: &str) -> u8 {
    match code {
        "cli.argument" => USAGE,
        "flow.no_token"
        | "flow.several_tokens"
        | "flow.wrong_token"
        | "flow.token_busy"
        | "token.removed"
        | "order.wrong_token" => 3,
        "token.pin_incorrect"
        | "token.pin_locked"
        | "token.pin_invalid"
        | "token.not_logged_in"
        | "cli.no_input" => 4,
        "pin.stopped" | "unlock.stopped" => 8,
        "flow.other_portal" | "unlock.not_possible" | "unlock.so_pin_unknown" => 6,
        "unlock.not_locked" => 1,
        "unlock.no_certificate" => 3,
        "pin.outcome_unknown" => 1,
        "portal.unreachable"
        | "portal.timeout"
        | "portal.cut"
        | "portal.bad_answer"
        | "portal.tls"
        | "portal.address"
        | "portal.busy"
        | "portal.internal"
        | "authority.unavailable" => 5,
        "portal.not_initialized" | "portal.already_initialized" => 1,
        "flow.order_not_ready" | "flow.operator_needed" => 6,
        "flow.stopped" => 8,
        "flow.certificate_mismatch" | "flow.certificate_untrusted" => 9,
        "flow.journal" | "flow.file" | "flow.no_progress" => 1,
        "profile.invalid" | "profile.unreadable" => 7,
        _ => match code.split_once('.').map(|(area, _)| area) {
            Some("token" | "readers") => 7,
            Some("pin") => 4,
            Some("pki") => 9,
            Some("softkey" | "cli" | "flow" | "data_dir" | "app" | "store") => 1,
            // Whatever else there is, the portal said it.
            _ => 6,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_stands_in_both_tables() {
        for code in
            ["flow.no_token", "token.pin_locked", "portal.timeout", "order.not_found", "token.module_missing"]
        {
            let line = format!("\n  {}  ", code_of(code));
            assert!(TABLE_ZH.contains(&line) && TABLE_EN.contains(&line), "{code}");
        }
    }

    /// No area of this program's own codes is one of the portal's.
    #[test]
    fn whatever_the_portal_refuses_with_is_told_as_its_refusal() {
        for kind in ycd_portal_api::problem::all() {
            let expected = match kind.status {
                500.. => 5,
                _ if *kind == ycd_portal_api::problem::kinds::WRONG_TOKEN => 3,
                _ => 6,
            };
            assert_eq!(code_of(kind.code), expected, "{}", kind.code);
        }
    }

    #[test]
    fn a_refusal_that_this_program_does_not_know_is_the_portals() {
        assert_eq!(code_of("order.a_new_rule"), 6);
        assert_eq!(code_of("attempt.key_conflict"), 6);
    }
}
