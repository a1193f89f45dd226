//! Owns what is kept of futures that suspended before it was known how to read them: a copy
//! of each one's own bytes, and of what its pointers may lead to. It must not know what stands
//! in them.
//!
//! A poll that ends copies and goes on; the thread that makes the plans reads the copy as
//! soon as it can. So nothing waits at the program's start, and what suspended there, or was
//! polled but once, is told all the same.
//!
//! Which of a future's words are pointers, and to how much, is not known yet: what looks like
//! one is followed for a part, by the system, which refuses what is not mapped. The
//! plan tells later which of it was a box.

use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::image::is_in_program;
use crate::own_memory::read_own_memory;
use crate::plans;
use crate::FutureType;

/// The most bytes of one future that are copied. Those of async functions take some hundred;
/// one that is larger is told from its next poll on.
const COPY_BYTES: usize = 16 << 10;
/// All copies together, until they are read. A usual future takes 2 to 4 KiB with what its
/// pointers lead to.
const TOTAL_BYTES: usize = 8 << 20;
/// What is copied behind a pointer: most boxed futures are smaller.
const BEHIND_BYTES: usize = 1024;
/// Pointers that are followed, those of the future itself first. One takes 0.3 µs.
const FOLLOWED: usize = 12;
/// Where no program has anything, below and above.
const ADDRESSES: std::ops::Range<usize> = 0x1_0000..1 << 47;

/// A future that is suspended, as it was at the end of a poll.
#[derive(Debug)]
pub struct Kept {
    /// Whose: what [`keep`] was given.
    pub task: u64,
    /// After which poll: what [`keep`] was given.
    pub epoch: u64,
    pub(crate) of: FutureType,
    /// Where each copied part was, and its bytes; that of the future first.
    pub(crate) parts: Vec<(usize, Box<[u8]>)>,
    /// What is counted for it in [`KEPT_BYTES`].
    counted_bytes: usize,
}

impl Kept {
    /// The copied bytes there, if they are all there.
    pub(crate) fn bytes(&self, at: usize, count: usize) -> Option<&[u8]> {
        self.parts.iter().find_map(|(start, bytes)| {
            let from = at.checked_sub(*start)?;
            bytes.get(from..from.checked_add(count)?)
        })
    }
}

struct Entry {
    kept: Kept,
    next: *mut Entry,
}

/// The newest, which leads to the others.
static NEWEST: AtomicPtr<Entry> = AtomicPtr::new(std::ptr::null_mut());
/// Bytes of what was kept and not let go of.
static KEPT_BYTES: AtomicUsize = AtomicUsize::new(0);

/// What a copy takes beside its bytes.
const ENTRY_BYTES: usize = size_of::<Entry>();

impl Drop for Kept {
    fn drop(&mut self) {
        // Ordering: Release, so that who sees nothing kept sees what was done with it.
        KEPT_BYTES.fetch_sub(self.counted_bytes, Ordering::Release);
    }
}

/// Whether something was kept that has not been read.
pub fn are_kept() -> bool {
    // Ordering: Acquire pairs with the drop.
    KEPT_BYTES.load(Ordering::Acquire) > 0 && plans::is_answered()
}

/// Copies a suspended future, to be read by the thread that answers. False when that is not
/// possible: it is too large, or there are too many.
///
/// # Safety
/// As for [`chains`](crate::chains).
#[cold]
#[inline(never)]
pub unsafe fn keep(of: FutureType, future: *const u8, task: u64, epoch: u64) -> bool {
    let size_bytes = of.size_bytes;
    if size_bytes > COPY_BYTES || !plans::is_answered() {
        return false;
    }
    let counted_bytes = size_bytes + FOLLOWED * BEHIND_BYTES + ENTRY_BYTES;
    let taken = KEPT_BYTES.fetch_add(counted_bytes, Ordering::Relaxed);
    if taken > TOTAL_BYTES {
        KEPT_BYTES.fetch_sub(counted_bytes, Ordering::Release);
        return false;
    }
    let mut bytes = vec![0_u8; size_bytes].into_boxed_slice();
    // SAFETY: told to the caller; the copy has room for it.
    unsafe { copy_bytes(future, bytes.as_mut_ptr(), size_bytes) };
    let mut kept = Kept {
        task,
        epoch,
        of,
        parts: vec![(future as usize, bytes)],
        counted_bytes,
    };
    follow_pointers(&mut kept);
    // What was not used is free for others.
    let used_bytes: usize = kept.parts.iter().map(|(_, bytes)| bytes.len()).sum();
    let unused_bytes = counted_bytes.saturating_sub(used_bytes + ENTRY_BYTES);
    kept.counted_bytes -= unused_bytes;
    KEPT_BYTES.fetch_sub(unused_bytes, Ordering::Relaxed);
    let next = NEWEST.load(Ordering::Relaxed);
    let entry = Box::into_raw(Box::new(Entry { kept, next }));
    let mut newest = next;
    // Ordering: Release, the entry is whole for who takes it.
    while let Err(now) =
        NEWEST.compare_exchange_weak(newest, entry, Ordering::Release, Ordering::Relaxed)
    {
        newest = now;
        // SAFETY: not published yet.
        unsafe { (*entry).next = newest };
    }
    plans::notify();
    true
}

/// Copies what the words of the copies look like pointers to, breadth first.
fn follow_pointers(kept: &mut Kept) {
    let mut part = 0;
    while part < kept.parts.len() {
        let words = 0..kept.parts[part].1.len() / size_of::<usize>();
        for word in words {
            if kept.parts.len() > FOLLOWED {
                return;
            }
            let from = word * size_of::<usize>();
            let bytes = kept.parts[part].1.get(from..from + size_of::<usize>());
            let Some(Ok(bytes)) = bytes.map(<[u8; size_of::<usize>()]>::try_from) else {
                continue;
            };
            let at = usize::from_ne_bytes(bytes);
            let may_be = ADDRESSES.contains(&at) && at % size_of::<usize>() == 0;
            if may_be && !is_in_program(at) && kept.bytes(at, 1).is_none() {
                kept.parts.extend(behind(at));
            }
        }
        part += 1;
    }
}

/// What is there, up to the end of what is mapped.
fn behind(at: usize) -> Option<(usize, Box<[u8]>)> {
    const PAGE: usize = 4096;
    let to_page_end = PAGE - at % PAGE;
    for count in [BEHIND_BYTES, BEHIND_BYTES.min(to_page_end)] {
        let mut bytes = vec![0_u8; count].into_boxed_slice();
        if read_own_memory(at, &mut bytes) {
            return Some((at, bytes));
        }
    }
    None
}

/// Takes what was kept so far, oldest first.
pub(crate) fn take() -> Vec<Kept> {
    // Ordering: Acquire pairs with `keep`.
    let mut at = NEWEST.swap(std::ptr::null_mut(), Ordering::Acquire);
    let mut taken = Vec::new();
    while !at.is_null() {
        // SAFETY: made by `keep` from a box; the swap has made the whole list ours.
        let entry = unsafe { Box::from_raw(at) };
        at = entry.next;
        taken.push(entry.kept);
    }
    taken.reverse();
    taken
}

/// Copies what other threads may change meanwhile, as the links of a timer: those bytes are
/// never asked for. By instructions of the machine, for which that is allowed, and which no
/// sanitizer takes for a race.
#[cfg(all(target_arch = "x86_64", not(miri)))]
unsafe fn copy_bytes(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: told to the caller: both have `count` bytes.
    unsafe {
        std::arch::asm!(
            "rep movsb",
            inout("rcx") count => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
}

/// As above, byte by byte.
#[cfg(all(target_arch = "aarch64", not(miri)))]
unsafe fn copy_bytes(from: *const u8, to: *mut u8, count: usize) {
    for index in 0..count {
        // SAFETY: told to the caller: both have `count` bytes.
        unsafe {
            let byte: u32;
            std::arch::asm!(
                "ldrb {byte:w}, [{from}]",
                from = in(reg) from.add(index),
                byte = out(reg) byte,
                options(nostack, preserves_flags, readonly),
            );
            to.add(index).write(byte as u8);
        }
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
unsafe fn copy_bytes(from: *const u8, to: *mut u8, count: usize) {
    for index in 0..count {
        // SAFETY: told to the caller: both have `count` bytes.
        unsafe { to.add(index).write(from.add(index).read_volatile()) };
    }
}
