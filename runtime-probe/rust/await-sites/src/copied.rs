//! Owns reading a copy of a future, and what lies behind its pointers as long as that is the
//! same. It must not know who was copied.
//!
//! What a pointer leads to, and was not copied, is fetched now: whether it was still the
//! future's is found out afterwards, by whoever knows whether that was polled or dropped
//! meanwhile.

use crate::image::is_in_program;
use crate::kept::Kept;
use crate::memory::Memory;
use crate::own_memory::read_own_memory;
use crate::plans::Planned;
use crate::reader::Plans;

/// What is fetched for one future at the most.
const FETCHED_BYTES: usize = 256 << 10;

pub(crate) struct Copied<'a, 'p> {
    plans: &'a mut Plans<'p>,
    kept: &'a Kept,
    /// Where each was, and its bytes.
    fetched: Vec<(usize, Box<[u8]>)>,
    fetched_bytes: usize,
    fetches: bool,
}

impl<'a, 'p> Copied<'a, 'p> {
    /// `fetches`: whether pointers that lead out of the copy are followed.
    pub(crate) fn new(plans: &'a mut Plans<'p>, kept: &'a Kept, fetches: bool) -> Self {
        Self {
            plans,
            kept,
            fetched: Vec::new(),
            fetched_bytes: 0,
            fetches,
        }
    }

    fn bytes(&self, at: usize, count: usize) -> Option<&[u8]> {
        let fetched = self.fetched.iter().find_map(|(start, bytes)| {
            let from = at.checked_sub(*start)?;
            bytes.get(from..from.checked_add(count)?)
        });
        self.kept.bytes(at, count).or(fetched)
    }

    fn fetch(&mut self, at: usize, count: usize) -> bool {
        // What belongs to the program itself never changes.
        let may_be_read = self.fetches || is_in_program(at);
        if at == 0 || !may_be_read || self.fetched_bytes + count > FETCHED_BYTES {
            return false;
        }
        let mut bytes = vec![0_u8; count].into_boxed_slice();
        if count > 0 && !read_own_memory(at, &mut bytes) {
            return false;
        }
        self.fetched_bytes += count;
        self.fetched.push((at, bytes));
        true
    }
}

impl Memory for Copied<'_, '_> {
    unsafe fn integer(&mut self, at: *const u8, size_bytes: usize) -> Option<u64> {
        let mut word = [0; 8];
        let bytes = self.bytes(at as usize, size_bytes)?;
        word.get_mut(..size_bytes)?.copy_from_slice(bytes);
        Some(u64::from_le_bytes(word))
    }

    unsafe fn follow(&mut self, at: *const u8, size_bytes: usize) -> Option<*const u8> {
        // SAFETY: told to the caller.
        let to = unsafe { self.integer(at, size_of::<usize>()) }? as usize;
        let known = self.bytes(to, size_bytes).is_some() || self.fetch(to, size_bytes);
        known.then(|| std::ptr::without_provenance(to))
    }

    fn plan_of(&mut self, poll: usize, size_bytes: usize) -> Planned {
        match self.plans.plan(poll, size_bytes) {
            Ok(node) => Planned::Made(node),
            Err(_) => Planned::Not,
        }
    }
}
