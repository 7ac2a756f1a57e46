//! A module that takes memory without end is refused more: it fails, or dies with this process, before the machine
//! begins to swap.

/// What this process and its module may take together. The host itself needs some MiB, modules some tens.
const MOST: u64 = 512 << 20;

/// Before a module is loaded. A system that refuses is no reason not to go on.
#[cfg(unix)]
pub fn limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    // Heap and private mappings that can be written. Address space is no measure: run-times reserve more than they use.
    let before = getrlimit(Resource::Data);
    let at_most = |limit: Option<u64>| Some(limit.map_or(MOST, |limit| limit.min(MOST)));
    let limit = Rlimit { current: at_most(before.current), maximum: at_most(before.maximum) };
    let _ = setrlimit(Resource::Data, limit);
}

/// Before a module is loaded. A system that refuses is no reason not to go on.
///
/// The job also takes along what the module has started when this process ends: its only handle is closed then.
#[cfg(windows)]
pub fn limit() {
    use windows_sys::Win32::System::JobObjects::{
        AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION,
        JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOB_OBJECT_LIMIT_PROCESS_MEMORY,
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
    };
    use windows_sys::Win32::System::Threading::GetCurrentProcess;

    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_PROCESS_MEMORY
        | JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
        | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
    limits.ProcessMemoryLimit = usize::try_from(MOST).unwrap_or(usize::MAX);
    let size = u32::try_from(size_of_val(&limits)).unwrap_or(0);
    // SAFETY: the structure has the size that is said and lives to the end of the call; NULL stands for no name and
    // no attributes. The job's handle stays open for the life of the process, which is this job's end.
    unsafe {
        let job = CreateJobObjectW(std::ptr::null(), std::ptr::null());
        let told = (&raw const limits).cast();
        if !job.is_null() && SetInformationJobObject(job, JobObjectExtendedLimitInformation, told, size) != 0
        {
            AssignProcessToJobObject(job, GetCurrentProcess());
        }
    }
}
