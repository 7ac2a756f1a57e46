//! What the header of a module's file tells, without loading it: whose processes can load it.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// What a file's code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// 32 or 64.
    pub bits: u8,
    pub processor: Processor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    X86,
    X64,
    Arm64,
    Other,
}

impl Processor {
    /// This program's own.
    pub const OWN: Self = if cfg!(target_arch = "x86") {
        Self::X86
    } else if cfg!(target_arch = "x86_64") {
        Self::X64
    } else if cfg!(target_arch = "aarch64") {
        Self::Arm64
    } else {
        Self::Other
    };
}

impl Target {
    /// This program's own.
    pub const OWN: Self =
        Self { bits: if cfg!(target_pointer_width = "32") { 32 } else { 64 }, processor: Processor::OWN };
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.processor {
            Processor::X86 => f.write_str("x86-32"),
            Processor::X64 => f.write_str("x86-64"),
            Processor::Arm64 => f.write_str("ARM64"),
            Processor::Other => write!(f, "{}-bit", self.bits),
        }
    }
}

/// 32 or 64: whose processes can load it. `None` where the file cannot be read or is neither ELF nor PE.
pub fn bits(path: &Path) -> Option<u8> {
    Some(target(path)?.bits)
}

/// `None` where the file cannot be read or is neither ELF nor PE.
///
/// ELF: `EI_CLASS` at 4, `EI_DATA` at 5, `e_machine` at 18 (gABI, "ELF Header"). PE: the machine's number behind the
/// signature that `e_lfanew` at 0x3C points at (PE Format, "COFF File Header").
pub fn target(path: &Path) -> Option<Target> {
    let mut file = File::open(path).ok()?;
    let mut head = [0; 64];
    file.read_exact(&mut head).ok()?;
    match head {
        [0x7F, b'E', b'L', b'F', class @ (1 | 2), data, ..] => {
            let machine = [head[18], head[19]];
            let machine = if data == 2 { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
            let processor = match machine {
                3 => Processor::X86,
                62 => Processor::X64,
                183 => Processor::Arm64,
                _ => Processor::Other,
            };
            Some(Target { bits: 32 * class, processor })
        }
        [b'M', b'Z', ..] => {
            let at = u32::from_le_bytes([head[0x3C], head[0x3D], head[0x3E], head[0x3F]]);
            file.seek(SeekFrom::Start(at.into())).ok()?;
            let mut start = [0; 6];
            file.read_exact(&mut start).ok()?;
            let [b'P', b'E', 0, 0, low, high] = start else { return None };
            match u16::from_le_bytes([low, high]) {
                0x014C => Some(Target { bits: 32, processor: Processor::X86 }),
                0x8664 => Some(Target { bits: 64, processor: Processor::X64 }),
                0xAA64 => Some(Target { bits: 64, processor: Processor::Arm64 }),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pe(machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; 0x80];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3C] = 0x70;
        bytes[0x70..0x74].copy_from_slice(b"PE\0\0");
        bytes[0x74..0x76].copy_from_slice(&machine.to_le_bytes());
        bytes
    }

    fn elf(class: u8, data: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(&[0x7F, b'E', b'L', b'F', class, data]);
        bytes[18..20].copy_from_slice(&machine);
        bytes
    }

    fn told(bytes: &[u8]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("module");
        std::fs::write(&file, bytes).unwrap();
        target(&file).map(|target| format!("{target} {}", target.bits))
    }

    #[test]
    fn the_header_tells_who_can_load_a_module() {
        for (bytes, says) in [
            (elf(1, 1, [3, 0]), "x86-32 32"),
            (elf(2, 1, [62, 0]), "x86-64 64"),
            (elf(2, 1, [183, 0]), "ARM64 64"),
            (elf(2, 2, [0, 183]), "ARM64 64"),
            (elf(2, 1, [2, 1]), "64-bit 64"),
            (pe(0x014C), "x86-32 32"),
            (pe(0x8664), "x86-64 64"),
            (pe(0xAA64), "ARM64 64"),
        ] {
            assert_eq!(told(&bytes).as_deref(), Some(says));
        }
    }

    #[test]
    fn a_file_that_is_neither_or_is_cut_off_tells_nothing() {
        for bytes in [elf(3, 1, [62, 0]), pe(0), pe(0x8664)[..0x75].to_vec(), b"MZ".to_vec(), Vec::new()] {
            assert_eq!(told(&bytes), None);
        }
        let mut beyond = pe(0x8664);
        beyond[0x3F] = 0xFF;
        assert_eq!(told(&beyond), None);
        assert_eq!(target(&std::env::temp_dir()), None);
    }

    #[test]
    fn this_program_can_be_loaded_by_its_own_kind() {
        let own = target(&std::env::current_exe().unwrap());
        if cfg!(any(windows, target_os = "linux")) {
            assert_eq!(own, Some(Target::OWN));
        }
    }
}
