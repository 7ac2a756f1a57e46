//! What the system tells of a program and its children.

use std::{collections::HashSet, fs};

/// By its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(pub u32);

impl Process {
    /// Itself and all that it has started, and what those have.
    pub fn family(self) -> Vec<Self> {
        let mut parents: Vec<(u32, u32)> = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Some(parent) = Self(id).field("PPid:").and_then(|parent| parent.parse().ok()) {
                parents.push((id, parent));
            }
        }
        let mut family = vec![self.0];
        let mut at = 0;
        while let Some(&member) = family.get(at) {
            family.extend(parents.iter().filter(|(_, parent)| *parent == member).map(|(id, _)| *id));
            at += 1;
        }
        family.into_iter().map(Self).collect()
    }

    /// Its program's name, as far as the system keeps it: 15 characters; empty where it has ended.
    pub fn name(self) -> String {
        if self.field("State:").is_none_or(|state| state.starts_with('Z')) {
            return String::new();
        }
        fs::read_to_string(format!("/proc/{}/comm", self.0)).unwrap_or_default().trim().to_owned()
    }

    /// Web processes among its family.
    pub fn web_processes(self) -> Vec<String> {
        let is_web = |name: &String| name.starts_with("WebKitWebP") || name.starts_with("msedgewebview2");
        self.family().into_iter().map(Self::name).filter(is_web).collect()
    }

    pub fn environment(self) -> String {
        let bytes = fs::read(format!("/proc/{}/environ", self.0)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', "\n")
    }

    fn field(self, name: &str) -> Option<String> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    }
}

/// Sockets on which one of a family waits for callers; empty where there is none.
pub fn listening(family: &[Process]) -> Vec<String> {
    let mut own = HashSet::new();
    for process in family {
        for entry in fs::read_dir(format!("/proc/{}/fd", process.0)).into_iter().flatten().flatten() {
            if let Ok(link) = fs::read_link(entry.path()) {
                let link = link.to_string_lossy().into_owned();
                own.extend(
                    link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')).map(String::from),
                );
            }
        }
    }
    let mut found = Vec::new();
    // Column of the state, what says "listens" there, column of the inode. UDP knows no listening: what is bound
    // counts.
    for (table, state_at, listens, inode_at) in [
        ("tcp", 3, "0A", 9),
        ("tcp6", 3, "0A", 9),
        ("udp", 3, "07", 9),
        ("udp6", 3, "07", 9),
        ("unix", 3, "00010000", 6),
    ] {
        let text = fs::read_to_string(format!("/proc/self/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_ours = words.get(inode_at).is_some_and(|inode| own.contains(*inode));
            if is_ours && words.get(state_at) == Some(&listens) {
                found.push(format!("{table}: {line}"));
            }
        }
    }
    found
}

/// Memory of a family in KiB, what is shared counted in shares (PSS).
pub fn proportional_kib(family: &[Process]) -> u64 {
    let of = |process: &Process| {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.0)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default()
    };
    family.iter().map(of).sum()
}

/// Voluntary context switches of all threads of a family, and their processor time in ticks of the system's clock.
pub fn switches_and_ticks(family: &[Process]) -> (u64, u64) {
    let mut switches = 0;
    let mut ticks = 0;
    for process in family {
        for task in fs::read_dir(format!("/proc/{}/task", process.0)).into_iter().flatten().flatten() {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let of = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            switches += of.and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or_default();
        }
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.0)).unwrap_or_default();
        // After the name, which may hold anything: utime and stime are the 12th and 13th words.
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let words: Vec<&str> = rest.split_whitespace().collect();
        for at in [11, 12] {
            ticks += words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
        }
    }
    (switches, ticks)
}
