//! `ycd doctor`: one page on whether this machine can work with a USBKEY.

use ycd_assistant::{
    diagnosis,
    view::{Diagnosis, Level},
};
use ycd_flows::messages::word;

use crate::{
    data_dir::DataDir,
    error::Result,
    exit,
    say::{Say, table},
};

/// The exit code of the worst line: 0 unless something is bad.
pub fn run(data_dir: &DataDir, say: &Say) -> Result<u8> {
    let diagnosis = diagnosis::of(data_dir, say.language);
    let mut bad = diagnosis.lines.iter().filter(|line| line.level == Level::Bad);
    let code = bad.find_map(|line| line.code.as_deref().map(exit::code_of)).unwrap_or(0);
    say.result(&diagnosis, || text(&diagnosis, say));
    Ok(code)
}

fn text(page: &Diagnosis, say: &Say) -> String {
    let level = |level: Level| word(&format!("level.{level:?}").to_lowercase(), say.language);
    let rows: Vec<Vec<String>> = page
        .lines
        .iter()
        .flat_map(|line| {
            let first = vec![level(line.level), line.title.clone(), line.says.clone()];
            let remedy = line.remedy.iter().map(|remedy| vec![String::new(), String::new(), remedy.clone()]);
            std::iter::once(first).chain(remedy)
        })
        .collect();
    table(&["", "", ""], &rows).trim_start().to_owned()
}
