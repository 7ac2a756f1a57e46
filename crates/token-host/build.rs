//! What Windows shows of the program.

use std::error::Error;

#[path = "../../packaging/windows/resources.rs"]
mod resources;

fn main() -> Result<(), Box<dyn Error>> {
    resources::embed("云采盾证书助手 驱动进程", include_str!("../../packaging/windows/host.manifest"))
}
