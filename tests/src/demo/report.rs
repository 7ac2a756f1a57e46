//! What the demonstration leaves: a page to read in a browser, and a log.

use std::{fmt::Write as _, io, path::Path};

use serde_json::Value;

use super::Step;

/// What stood in the portal at the end.
#[derive(Debug, Default)]
pub struct Ending {
    /// As an operator sees it.
    pub order: Value,
    /// Texts of SMS, their codes blotted out.
    pub messages: Vec<String>,
}

pub fn write(folder: &Path, steps: &[Step], ending: &Ending) -> io::Result<()> {
    std::fs::write(folder.join("report.html"), page(steps, ending))?;
    let mut log = String::new();
    for step in steps {
        // Writing to a String cannot fail.
        let _ = writeln!(log, "{} {} ms {}", if step.ok { "ok" } else { "FAILED" }, step.ms, step.name);
        for line in step.detail.lines() {
            let _ = writeln!(log, "    {line}");
        }
    }
    std::fs::write(folder.join("demo.log"), log)
}

const STYLE: &str = "body{font:16px/1.6 'Microsoft YaHei UI','PingFang SC','Noto Sans CJK SC',sans-serif;\
max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328}h1{font-size:1.5rem}h2{font-size:1.15rem;\
margin-top:2rem}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d0d7de;padding:.4rem;\
text-align:left;vertical-align:top}th{white-space:nowrap}td.n{text-align:right;font-variant-numeric:tabular-nums}\
.ok{color:#2b6e0f}.bad{color:#b3261e}small{color:#5b616b;white-space:pre-wrap}";

fn page(steps: &[Step], ending: &Ending) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"zh\"><meta charset=\"utf-8\"><title>证书更新演示</title><style>{STYLE}</style>\
         <h1>证书更新演示</h1><h2>经过与用时</h2><table><tr><th></th><th>步骤</th><th>毫秒</th></tr>"
    );
    for step in steps {
        let (class, mark) = if step.ok { ("ok", "✓") } else { ("bad", "✗") };
        let (name, detail) = (escape(&step.name), escape(&step.detail));
        let _ = write!(
            html,
            "<tr><td class=\"{class}\">{mark}</td><td>{name}<br><small>{detail}</small></td>\
             <td class=\"n\">{}</td></tr>",
            step.ms
        );
    }
    html.push_str(
        "</table><h2>订单经过</h2><table><tr><th>时间</th><th>事件</th><th>状态</th><th>谁</th></tr>",
    );
    for entry in ending.order["order"]["timeline"].as_array().into_iter().flatten() {
        html.push_str("<tr>");
        for name in ["at", "event", "state", "actor"] {
            let _ = write!(html, "<td>{}</td>", escape(entry[name].as_str().unwrap_or_default()));
        }
        html.push_str("</tr>");
    }
    html.push_str("</table><h2>短信</h2><table>");
    for message in &ending.messages {
        let _ = write!(html, "<tr><td>{}</td></tr>", escape(message));
    }
    html.push_str("</table></html>\n");
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
