//! Owns reading memory of this process that may not be there. It must not know what for.

/// Reads memory of this process that may not be there any more.
#[cfg(target_os = "linux")]
pub(crate) fn read_own_memory(at: usize, into: &mut [u8]) -> bool {
    let local = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: into.len(),
    };
    let remote = libc::iovec {
        iov_base: std::ptr::without_provenance_mut(at),
        iov_len: into.len(),
    };
    // SAFETY: the kernel writes into `into` at the most; what is not mapped it refuses.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) };
    usize::try_from(read) == Ok(into.len())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_own_memory(_at: usize, _into: &mut [u8]) -> bool {
    false
}
