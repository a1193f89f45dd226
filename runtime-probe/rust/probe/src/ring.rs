//! Owns the memory of the rings and which slots are in use. It must not know what slots
//! hold or when they are sent.
//!
//! On Linux the memory is an owner-only file on tmpfs, so that the collector can read what
//! was published after a debugger, a crash or a kill has stopped the program. Where such a
//! file cannot be made it is anonymous memory, and only the socket carries the trace.

use std::io;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{fence, AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

#[cfg(all(test, loom))]
use loom::sync::atomic::{fence, AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use wakeline_wire::ring::{
    ring_header, slot_offset, slot_state, RING_HEADER_BYTES, SLOT_BYTES, SLOT_HEADER_BYTES,
    SLOT_PAYLOAD_BYTES,
};

/// Where rings are kept: memory that outlives the process.
#[cfg(target_os = "linux")]
const RING_FOLDER: &str = "/dev/shm";

/// A slot: its place in the pool.
pub(crate) type SlotIndex = usize;

/// The memory and its pool of slots. Lives as long as the process: threads hold pointers
/// into it, so it is never unmapped.
pub(crate) struct Ring {
    memory: NonNull<u8>,
    #[cfg(target_os = "linux")]
    bytes: usize,
    slot_count: usize,
    file: Option<PathBuf>,
    /// One bit per slot: set while a writer or the flusher needs it.
    used: Vec<AtomicU64>,
    used_count: AtomicUsize,
    /// Where the next search begins: slots are freed in about the order they were taken.
    hint: AtomicUsize,
    /// Set while the dictionary is over its bound: no slot is handed out then.
    closed: AtomicBool,
}

// SAFETY: the memory is shared by design; who may write which part is told at `Slot`.
unsafe impl Send for Ring {}
// SAFETY: as above.
unsafe impl Sync for Ring {}

/// What the flusher reads of an event slot's header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotView {
    pub(crate) index: SlotIndex,
    pub(crate) thread: u32,
    pub(crate) sequence: u64,
    pub(crate) dropped: u64,
    pub(crate) first_tick: u64,
    pub(crate) last_tick: u64,
    pub(crate) context_bytes: usize,
    /// Published bytes of the payload, context included.
    pub(crate) committed: usize,
    pub(crate) sealed: bool,
}

impl Ring {
    /// Makes the memory: a file named after process and session where `shared` and the
    /// system allow it, anonymous memory otherwise. `recording` is the path of the file that
    /// the program itself writes; empty when it writes none.
    ///
    /// # Errors
    /// When the system gives no memory at all.
    pub(crate) fn new(
        memory_mib: usize,
        session: &str,
        shared: bool,
        recording: &str,
    ) -> io::Result<Self> {
        let slot_count = (memory_mib.clamp(1, 4096) << 20) / SLOT_BYTES;
        let bytes = RING_HEADER_BYTES + slot_count * SLOT_BYTES;
        let shared_memory = if shared {
            #[cfg(target_os = "linux")]
            if !recording.is_empty() {
                crate::left_over::keep_few(Path::new(RING_FOLDER));
            }
            map_file(session, bytes).ok()
        } else {
            None
        };
        let (memory, file) = match shared_memory {
            Some((memory, file)) => (memory, Some(file)),
            None => (own_memory(bytes)?, None),
        };
        let header = ring_header(slot_count as u32, session, recording);
        // SAFETY: the mapping has at least `RING_HEADER_BYTES`, more than the header, and
        // nobody else knows it yet.
        unsafe {
            memory
                .as_ptr()
                .copy_from_nonoverlapping(header.as_ptr(), header.len())
        };
        Ok(Self {
            memory,
            #[cfg(target_os = "linux")]
            bytes,
            slot_count,
            file,
            used: (0..slot_count.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
            used_count: AtomicUsize::new(0),
            hint: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// The ring file, if there is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Removes the file's name: nothing is left in it that a collector should read.
    pub(crate) fn remove_file(&self) {
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }

    /// Removes the file and gives its memory back, for a program that goes on unrecorded.
    /// What a late writer puts there is read by nobody.
    pub(crate) fn give_back(&self) {
        self.remove_file();
        #[cfg(target_os = "linux")]
        if self.file.is_some() {
            // SAFETY: the range is ours; the pages read as zero afterwards and may be
            // written again, which is harmless.
            unsafe { libc::madvise(self.memory.as_ptr().cast(), self.bytes, libc::MADV_REMOVE) };
        }
    }

    /// Stops or goes on handing out slots.
    pub(crate) fn set_closed(&self, closed: bool) {
        // Ordering: none needed, a slot more or less handed out is no harm.
        self.closed.store(closed, Ordering::Relaxed);
    }

    /// How many of the slots are in use, in parts of 256.
    pub(crate) fn fill_level(&self) -> usize {
        self.used_count.load(Ordering::Relaxed) * 256 / self.slot_count
    }

    /// Takes a free slot out of the pool; `None` when there is none. Lock-free: a search
    /// over one bit per slot, 16 words for 8 MiB.
    pub(crate) fn take(&self) -> Option<Slot> {
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let words = self.used.len();
        let start = self.hint.load(Ordering::Relaxed);
        for step in 0..words {
            let word = (start + step) % words;
            while let Some(bit) = self.free_bit(word) {
                // Ordering: Acquire pairs with the release in `free`: the flusher has
                // read all of the slot before it is written again.
                let before = self.used[word].fetch_or(1 << bit, Ordering::Acquire);
                if before & (1 << bit) == 0 {
                    self.hint.store(word, Ordering::Relaxed);
                    self.used_count.fetch_add(1, Ordering::Relaxed);
                    return Some(self.slot(word * 64 + bit));
                }
            }
        }
        None
    }

    fn free_bit(&self, word: usize) -> Option<usize> {
        let bit = (!self.used[word].load(Ordering::Relaxed)).trailing_zeros() as usize;
        (bit < 64 && word * 64 + bit < self.slot_count).then_some(bit)
    }

    /// Gives a slot back. Only the flusher does, or the dictionary under its lock, once
    /// the slot is sealed and sent.
    pub(crate) fn free(&self, index: SlotIndex) {
        let slot = self.slot(index);
        // Ordering: Release, so that whoever reads the file sees the slot free only
        // after it was of use; then the pool's bit, so that the next writer comes after.
        slot.header_u32(slot_offset::STATE)
            .store(slot_state::FREE, Ordering::Release);
        self.used[index / 64].fetch_and(!(1 << (index % 64)), Ordering::Release);
        self.used_count.fetch_sub(1, Ordering::Relaxed);
    }

    /// The slot at this place.
    pub(crate) fn slot(&self, index: SlotIndex) -> Slot {
        assert!(index < self.slot_count, "the ring has no slot {index}");
        // SAFETY: the mapping has `slot_count` slots behind its header.
        let base = unsafe { self.memory.add(slot_start(index)) };
        Slot { base, index }
    }

    /// The headers of all event slots in use.
    pub(crate) fn event_slots(&self, views: &mut Vec<SlotView>) {
        views.clear();
        for (word, bits) in self.used.iter().enumerate() {
            let mut rest = bits.load(Ordering::Acquire);
            while rest != 0 {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                views.extend(self.slot(word * 64 + bit).view());
            }
        }
    }
}

/// Where a slot begins, in bytes from the start of the memory.
#[cfg(not(all(test, loom)))]
fn slot_start(index: SlotIndex) -> usize {
    RING_HEADER_BYTES + index * SLOT_BYTES
}

/// A slot of the ring: raw memory with atomics in its header.
///
/// Who took it from the pool is its only writer until `seal`; everybody may read the
/// header, and of the payload the bytes below `committed`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    base: NonNull<u8>,
    pub(crate) index: SlotIndex,
}

// SAFETY: as at `Ring`; the dictionary's lock hands its slot from thread to thread.
unsafe impl Send for Slot {}

impl Slot {
    #[cfg(not(all(test, loom)))]
    #[inline(always)]
    fn header_u32(&self, offset: usize) -> &AtomicU32 {
        debug_assert!(offset + 4 <= SLOT_HEADER_BYTES);
        // SAFETY: inside the header, aligned to 4 (slots are page-aligned multiples of
        // 8192 behind a header of 4096), and accessed by atomics only.
        unsafe { AtomicU32::from_ptr(self.base.as_ptr().add(offset).cast()) }
    }

    #[cfg(not(all(test, loom)))]
    #[inline(always)]
    fn header_u64(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset + 8 <= SLOT_HEADER_BYTES && offset % 8 == 0);
        // SAFETY: as in `header_u32`; the offsets used are multiples of 8.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(offset).cast()) }
    }

    /// The start of the payload.
    #[inline(always)]
    pub(crate) fn payload(&self) -> *mut u8 {
        // SAFETY: the payload follows the header inside the slot.
        unsafe { self.base.as_ptr().add(SLOT_HEADER_BYTES) }
    }

    /// Writes the header of a slot of events and makes it visible. The context must be in
    /// the payload already.
    pub(crate) fn open_events(
        &self,
        thread: u32,
        sequence: u64,
        dropped: u64,
        first_tick: u64,
        context_bytes: usize,
    ) {
        self.header_u32(slot_offset::THREAD)
            .store(thread, Ordering::Relaxed);
        self.header_u64(slot_offset::DROPPED)
            .store(dropped, Ordering::Relaxed);
        self.header_u64(slot_offset::FIRST_TICK)
            .store(first_tick, Ordering::Relaxed);
        self.header_u32(slot_offset::CONTEXT_BYTES)
            .store(context_bytes as u32, Ordering::Relaxed);
        self.open(slot_state::EVENTS, sequence, context_bytes);
    }

    /// Writes the header of a slot of dictionary records and makes it visible.
    pub(crate) fn open_dictionary(&self, sequence: u64) {
        self.header_u32(slot_offset::THREAD)
            .store(0, Ordering::Relaxed);
        self.header_u32(slot_offset::CONTEXT_BYTES)
            .store(0, Ordering::Relaxed);
        self.open(slot_state::DICTIONARY, sequence, 0);
    }

    fn open(&self, state: u32, sequence: u64, committed: usize) {
        self.header_u64(slot_offset::SEQUENCE)
            .store(sequence, Ordering::Relaxed);
        self.header_u64(slot_offset::LAST_TICK)
            .store(0, Ordering::Relaxed);
        self.header_u32(slot_offset::COMMITTED)
            .store(committed as u32, Ordering::Relaxed);
        self.header_u32(slot_offset::SEALED)
            .store(0, Ordering::Relaxed);
        // Ordering: Release, the rest of the header comes before the state.
        self.header_u32(slot_offset::STATE)
            .store(state, Ordering::Release);
    }

    /// Publishes everything below `committed` bytes of the payload.
    #[inline(always)]
    pub(crate) fn commit(&self, committed: usize) {
        // Ordering: Release, the bytes come before their publication.
        self.header_u32(slot_offset::COMMITTED)
            .store(committed as u32, Ordering::Release);
    }

    /// The writer leaves the slot.
    pub(crate) fn seal(&self, last_tick: u64) {
        self.header_u64(slot_offset::LAST_TICK)
            .store(last_tick, Ordering::Relaxed);
        // Ordering: Release, who sees the slot sealed sees its last bytes and tick.
        self.header_u32(slot_offset::SEALED)
            .store(1, Ordering::Release);
    }

    /// What the header says now, if this is a slot of events.
    pub(crate) fn view(&self) -> Option<SlotView> {
        // Ordering: Acquire pairs with `open`: the header is written.
        if self.header_u32(slot_offset::STATE).load(Ordering::Acquire) != slot_state::EVENTS {
            return None;
        }
        // Ordering: Acquire, and before `committed`: a sealed slot's end is final.
        let sealed = self.header_u32(slot_offset::SEALED).load(Ordering::Acquire) == 1;
        // Ordering: Acquire pairs with `commit`: the bytes below it are written.
        let committed = self
            .header_u32(slot_offset::COMMITTED)
            .load(Ordering::Acquire);
        Some(SlotView {
            index: self.index,
            thread: self.header_u32(slot_offset::THREAD).load(Ordering::Relaxed),
            sequence: self
                .header_u64(slot_offset::SEQUENCE)
                .load(Ordering::Relaxed),
            dropped: self
                .header_u64(slot_offset::DROPPED)
                .load(Ordering::Relaxed),
            first_tick: self
                .header_u64(slot_offset::FIRST_TICK)
                .load(Ordering::Relaxed),
            last_tick: self
                .header_u64(slot_offset::LAST_TICK)
                .load(Ordering::Relaxed),
            context_bytes: self
                .header_u32(slot_offset::CONTEXT_BYTES)
                .load(Ordering::Relaxed) as usize,
            committed: committed as usize,
            sealed,
        })
    }

    /// Published bytes of the payload.
    pub(crate) fn published(&self, from: usize, to: usize) -> &[u8] {
        assert!(
            from <= to && to <= SLOT_PAYLOAD_BYTES,
            "{from}..{to} is outside a slot"
        );
        fence(Ordering::Acquire);
        // SAFETY: inside the slot. The caller read `committed >= to` from the header, and
        // the writer never touches published bytes again before the slot is freed, which
        // only the caller's side does.
        unsafe { std::slice::from_raw_parts(self.payload().add(from), to - from) }
    }
}

#[cfg(all(test, loom))]
mod interleavings;
#[cfg(all(test, loom))]
use interleavings::slot_start;

/// Makes the owner-only file on tmpfs and maps it.
#[cfg(target_os = "linux")]
fn map_file(session: &str, bytes: usize) -> io::Result<(NonNull<u8>, PathBuf)> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;

    let path = PathBuf::from(format!(
        "{RING_FOLDER}/wakeline-{}-{session}",
        std::process::id()
    ));
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(&path)?;
    // The pages are reserved now: a full tmpfs must be an error here, not a SIGBUS in
    // the middle of the program.
    // SAFETY: the descriptor is open for as long as `file` lives.
    let reserved = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, bytes as libc::off_t) };
    let mapped = if reserved == 0 {
        map_memory(bytes, Some(file.as_raw_fd()))
    } else {
        Err(io::Error::from_raw_os_error(reserved))
    };
    if mapped.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    Ok((mapped?, path))
}

#[cfg(not(target_os = "linux"))]
fn map_file(_session: &str, _bytes: usize) -> io::Result<(NonNull<u8>, PathBuf)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Memory of this process alone, all zero.
#[cfg(unix)]
fn own_memory(bytes: usize) -> io::Result<NonNull<u8>> {
    map_memory(bytes, None)
}

#[cfg(not(unix))]
fn own_memory(bytes: usize) -> io::Result<NonNull<u8>> {
    const ALIGNMENT_BYTES: usize = 4096;
    let layout = std::alloc::Layout::from_size_align(bytes, ALIGNMENT_BYTES)
        .map_err(|error| io::Error::new(io::ErrorKind::OutOfMemory, error))?;
    // SAFETY: the header alone makes it longer than nothing. It is never given back, as a
    // mapping is not.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })
        .ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

#[cfg(unix)]
fn map_memory(bytes: usize, file: Option<i32>) -> io::Result<NonNull<u8>> {
    let kind = match file {
        Some(_) => libc::MAP_SHARED,
        None => libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    };
    // SAFETY: a new mapping at an address of the system's choice; the descriptor, if any,
    // is open and has this many bytes.
    let address = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            kind,
            file.unwrap_or(-1),
            0,
        )
    };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(address.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

/// The name of the calling thread as the system knows it; empty when it has none.
#[cfg(target_os = "linux")]
pub(crate) fn os_thread_name() -> String {
    let mut name = [0_u8; 16];
    // SAFETY: the call writes at most 16 bytes, the last of them zero.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(&name[..length]).into_owned()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn os_thread_name() -> String {
    String::new()
}

/// The system's id of the calling thread, as debuggers show it; 0 when it has none.
#[cfg(target_os = "linux")]
pub(crate) fn os_thread_id() -> u64 {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) as u64 }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn os_thread_id() -> u64 {
    0
}
