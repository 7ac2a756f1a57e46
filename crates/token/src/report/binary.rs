//! What the header of a module's file tells, without loading it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// 32 or 64: whose processes can load it. `None` where the file cannot be read or is neither ELF nor PE.
///
/// ELF: `EI_CLASS` at 4 (gABI, "ELF Identification"). PE: the machine's number behind the signature that `e_lfanew` at
/// 0x3C points at (PE Format, "COFF File Header").
pub fn bits(path: &Path) -> Option<u8> {
    let mut file = File::open(path).ok()?;
    let mut head = [0; 64];
    file.read_exact(&mut head).ok()?;
    match head {
        [0x7F, b'E', b'L', b'F', 1, ..] => Some(32),
        [0x7F, b'E', b'L', b'F', 2, ..] => Some(64),
        [b'M', b'Z', ..] => {
            let at = u32::from_le_bytes([head[0x3C], head[0x3D], head[0x3E], head[0x3F]]);
            file.seek(SeekFrom::Start(at.into())).ok()?;
            let mut start = [0; 6];
            file.read_exact(&mut start).ok()?;
            match start {
                // IMAGE_FILE_MACHINE_I386, _AMD64, _ARM64
                [b'P', b'E', 0, 0, 0x4C, 0x01] => Some(32),
                [b'P', b'E', 0, 0, 0x64, 0x86 | 0xAA] => Some(64),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_who_can_load_a_module() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("module");
        let bits_of = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            bits(&file)
        };
        let pe = |machine: [u8; 2]| {
            let mut bytes = vec![0; 0x80];
            bytes[..2].copy_from_slice(b"MZ");
            bytes[0x3C] = 0x70;
            bytes[0x70..0x76].copy_from_slice(&[b'P', b'E', 0, 0, machine[0], machine[1]]);
            bytes
        };
        let elf = |class: u8| [&[0x7F, b'E', b'L', b'F', class][..], &[0; 59]].concat();
        assert_eq!([bits_of(&elf(1)), bits_of(&elf(2)), bits_of(&elf(3))], [Some(32), Some(64), None]);
        assert_eq!([bits_of(&pe([0x4C, 1])), bits_of(&pe([0x64, 0x86]))], [Some(32), Some(64)]);
        assert_eq!([bits_of(&pe([0, 0])), bits_of(b"MZ"), bits_of(b"")], [None, None, None]);
        assert_eq!(bits(&std::env::current_exe().unwrap()), Some(usize::BITS.to_be_bytes()[3]));
        assert_eq!(bits(folder.path()), None);
    }
}
