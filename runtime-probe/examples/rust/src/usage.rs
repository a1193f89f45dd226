//! Owns what the system counts of this process: processor time and context switches, of
//! all its threads together. It must not know what is measured.

/// The counts at one instant, or between two. All 0 where the system does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Processor time in ns, in the program and in the kernel on its behalf.
    pub cpu_ns: u64,
    /// How often a thread gave up the processor or was taken off it.
    pub context_switches: u64,
}

impl Usage {
    /// What was counted since the process began.
    pub fn now() -> Self {
        #[cfg(unix)]
        return Self::of_process();
        #[cfg(not(unix))]
        Self::default()
    }

    /// What was counted since `before`.
    #[must_use]
    pub fn since(self, before: &Usage) -> Self {
        Usage {
            cpu_ns: self.cpu_ns.saturating_sub(before.cpu_ns),
            context_switches: self
                .context_switches
                .saturating_sub(before.context_switches),
        }
    }

    #[cfg(unix)]
    fn of_process() -> Self {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the structure lives through the call, which fills it or leaves it zero;
        // zero is a value of all its fields.
        let usage = unsafe {
            libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
            usage.assume_init()
        };
        let ns = |time: libc::timeval| {
            let us = i128::from(time.tv_sec) * 1_000_000 + i128::from(time.tv_usec);
            u64::try_from(us * 1000).unwrap_or(0)
        };
        let switches = usage.ru_nvcsw.saturating_add(usage.ru_nivcsw);
        Usage {
            cpu_ns: ns(usage.ru_utime) + ns(usage.ru_stime),
            context_switches: u64::try_from(switches).unwrap_or(0),
        }
    }
}
