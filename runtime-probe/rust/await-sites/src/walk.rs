//! Owns reading a suspended future: a few loads for each level. It must not know of debug
//! information.
//!
//! What does not fit what is known ends the chain there, and nothing deeper is told.

use crate::node::{Frame, Node, Part, Shape, Suspension, Tag};
use crate::plans;

/// The most awaits in one chain that are told; what lies deeper is left out.
pub const CHAIN_LIMIT: usize = 32;
/// The most chains of one future, as of the branches of a join.
pub const BRANCH_LIMIT: usize = 16;
/// Wrappers around futures that are passed on the way, at the most.
const DEPTH_LIMIT: usize = 128;
/// A table of functions of `dyn Future`: drop, size, alignment, poll.
const VTABLE_SIZE: usize = 1;
const VTABLE_POLL: usize = 3;

/// Reads one future.
pub(crate) struct Walk<'a> {
    /// Outermost first.
    chain: [Option<&'static Frame>; CHAIN_LIMIT],
    told: usize,
    tell: &'a mut dyn FnMut(&[Option<&'static Frame>]),
}

impl<'a> Walk<'a> {
    pub(crate) fn new(tell: &'a mut dyn FnMut(&[Option<&'static Frame>])) -> Self {
        Self {
            chain: [None; CHAIN_LIMIT],
            told: 0,
            tell,
        }
    }

    /// Tells the chains below `at`, which come after the first `length` frames of the
    /// chain. False when there is none to tell.
    ///
    /// # Safety
    /// `at` points to a live value of the node's type, and nothing changes it meanwhile.
    pub(crate) unsafe fn value(
        &mut self,
        node: &Node,
        at: *const u8,
        length: usize,
        depth: usize,
    ) -> bool {
        let Some(shape) = node.shape.get() else {
            return false;
        };
        if depth >= DEPTH_LIMIT || self.told >= BRANCH_LIMIT {
            return false;
        }
        // SAFETY: offsets and sizes were checked against the type's size when the node was
        // made; a part of a live value is one too where the tag says that it is there, and
        // what an owning or unique pointer of a live value points to is one as well.
        unsafe {
            match shape {
                Shape::Machine { tag, states } => {
                    let state = usize::try_from(read(*tag, at)).ok();
                    match state.and_then(|state| states.get(state)) {
                        Some(Some(suspension)) => self.suspended(suspension, at, length, depth),
                        _ => false,
                    }
                }
                Shape::Choice {
                    tag,
                    cases,
                    otherwise,
                } => {
                    let value = read(*tag, at);
                    let case = cases.iter().find(|(of, _)| *of == value);
                    let part = case.map_or(*otherwise, |(_, part)| *part);
                    part.is_some_and(|part| self.part(part, at, length, depth))
                }
                Shape::Pointer(to) => {
                    let to_at = at.cast::<*const u8>().read_unaligned();
                    !to_at.is_null() && self.value(to, to_at, length, depth + 1)
                }
                Shape::Dynamic => self.dynamic(at, length, depth),
                Shape::Inside(part) => self.part(*part, at, length, depth),
                Shape::Branches(parts) => self.branches(parts, 0, at, length, depth),
                Shape::Select { mask, branches } => {
                    let mask_at = at.add(mask.offset_bytes);
                    let mask_at = mask_at.cast::<*const u8>().read_unaligned();
                    let branches_at = at.add(branches.offset_bytes);
                    let branches_at = branches_at.cast::<*const u8>().read_unaligned();
                    if mask_at.is_null() || branches_at.is_null() {
                        return false;
                    }
                    let mask = Tag {
                        offset_bytes: 0,
                        ..*mask
                    };
                    match branches.node.shape.get() {
                        Some(Shape::Branches(parts)) => {
                            self.branches(parts, read(mask, mask_at), branches_at, length, depth)
                        }
                        _ => false,
                    }
                }
                Shape::Leaf(frame) => self.tell_with(frame, length),
            }
        }
    }

    /// # Safety
    /// As for [`Self::value`], of the value that holds the part.
    unsafe fn part(&mut self, part: Part, at: *const u8, length: usize, depth: usize) -> bool {
        // SAFETY: told to the caller.
        unsafe { self.value(part.node, at.add(part.offset_bytes), length, depth + 1) }
    }

    /// # Safety
    /// As for [`Self::value`].
    unsafe fn suspended(
        &mut self,
        suspension: &Suspension,
        at: *const u8,
        length: usize,
        depth: usize,
    ) -> bool {
        let Some(place) = self.chain.get_mut(length) else {
            return false;
        };
        *place = Some(suspension.frame);
        let deeper = match suspension.awaited {
            // SAFETY: told to the caller; what is awaited lives while it is.
            Some(part) => unsafe { self.part(part, at, length + 1, depth) },
            None => false,
        };
        if !deeper {
            self.tell_chain(length + 1);
        }
        true
    }

    /// # Safety
    /// As for [`Self::value`].
    unsafe fn branches(
        &mut self,
        parts: &[Part],
        done: u64,
        at: *const u8,
        length: usize,
        depth: usize,
    ) -> bool {
        let mut any = false;
        for (index, part) in parts.iter().enumerate() {
            if index < 64 && done >> index & 1 == 1 {
                continue;
            }
            // SAFETY: told to the caller.
            any |= unsafe { self.part(*part, at, length, depth) };
        }
        any
    }

    /// # Safety
    /// `at` holds a pointer to `dyn Future` that nobody else uses.
    unsafe fn dynamic(&mut self, at: *const u8, length: usize, depth: usize) -> bool {
        // SAFETY: told to the caller; the table of `dyn Future` has four entries.
        unsafe {
            let value = at.cast::<*const u8>().read_unaligned();
            let table = at.cast::<*const usize>().add(1).read_unaligned();
            if value.is_null() || table.is_null() || !table.is_aligned() {
                return false;
            }
            let (size, poll) = (table.add(VTABLE_SIZE).read(), table.add(VTABLE_POLL).read());
            match plans::plan_of(poll, size) {
                Some(node) => self.value(node, value, length, depth + 1),
                None => false,
            }
        }
    }

    fn tell_with(&mut self, frame: &'static Frame, length: usize) -> bool {
        let Some(place) = self.chain.get_mut(length) else {
            return false;
        };
        *place = Some(frame);
        self.tell_chain(length + 1);
        true
    }

    fn tell_chain(&mut self, length: usize) {
        self.told += 1;
        (self.tell)(&self.chain[..length]);
    }
}

/// # Safety
/// The tag lies inside of the value at `at`.
#[inline]
unsafe fn read(tag: Tag, at: *const u8) -> u64 {
    // SAFETY: told to the caller.
    unsafe {
        let at = at.add(tag.offset_bytes);
        match tag.size_bytes {
            1 => u64::from(at.read()),
            2 => u64::from(at.cast::<u16>().read_unaligned()),
            4 => u64::from(at.cast::<u32>().read_unaligned()),
            _ => at.cast::<u64>().read_unaligned(),
        }
    }
}
