//! Owns reading a suspended future: a few loads for each level. It must not know of debug
//! information.
//!
//! What does not fit what is known ends the chain there, and nothing deeper is told.

use crate::memory::Memory;
use crate::node::{Frame, Node, Part, Shape, Suspension, Tag};
use crate::plans::Planned;

/// The most awaits in one chain that are told; what lies deeper is left out.
pub const CHAIN_LIMIT: usize = 32;
/// The most chains of one future, as of the branches of a join: what a pending poll of a long
/// list may cost, at some 20 ns each.
pub const BRANCH_LIMIT: usize = 64;
/// Wrappers around futures that are passed on the way, at the most.
const DEPTH_LIMIT: usize = 128;
/// Values that are looked at for one future: what a copy's pointers lead to may have become
/// anything, with ways that part again and again.
const STEPS: usize = 4096;
/// A table of functions of `dyn Future`: drop, size, alignment, poll.
const VTABLE_SIZE: usize = 1;
const VTABLE_POLL: usize = 3;
const VTABLE_WORDS: usize = 4;

/// Reads one future.
pub(crate) struct Walk<'a, M> {
    memory: M,
    /// Outermost first.
    chain: [Option<&'static Frame>; CHAIN_LIMIT],
    told: usize,
    steps: usize,
    /// A chain ended at a type of which it is not known yet how to read it.
    is_cut: bool,
    tell: &'a mut dyn FnMut(&[Option<&'static Frame>]),
}

impl<'a, M: Memory> Walk<'a, M> {
    pub(crate) fn new(memory: M, tell: &'a mut dyn FnMut(&[Option<&'static Frame>])) -> Self {
        Self {
            memory,
            chain: [None; CHAIN_LIMIT],
            told: 0,
            steps: 0,
            is_cut: false,
            tell,
        }
    }

    /// Tells the chains of a future of this type. False when more can be told later, as a
    /// plan is still to be made.
    ///
    /// # Safety
    /// As for [`Self::value`].
    pub(crate) unsafe fn future(&mut self, poll: usize, size_bytes: usize, at: *const u8) -> bool {
        match self.memory.plan_of(poll, size_bytes) {
            // SAFETY: told to the caller; the plan's size is the type's.
            Planned::Made(node) => unsafe {
                self.value(node, at, 0, 0);
            },
            Planned::Not => {}
            Planned::Later => self.is_cut = true,
        }
        !self.is_cut
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
        self.steps += 1;
        if depth >= DEPTH_LIMIT || self.told >= BRANCH_LIMIT || self.steps > STEPS {
            return false;
        }
        // SAFETY: offsets and sizes were checked against the type's size when the node was
        // made; a part of a live value is one too where the tag says that it is there, and
        // what an owning or unique pointer of a live value points to is one as well.
        unsafe {
            match shape {
                Shape::Machine { tag, states } => {
                    let Some(state) = self.tag(*tag, at) else {
                        return false;
                    };
                    match usize::try_from(state)
                        .ok()
                        .and_then(|state| states.get(state))
                    {
                        Some(Some(suspension)) => self.suspended(suspension, at, length, depth),
                        _ => false,
                    }
                }
                Shape::Choice {
                    tag,
                    cases,
                    otherwise,
                } => {
                    let Some(value) = self.tag(*tag, at) else {
                        return false;
                    };
                    let case = cases.iter().find(|(of, _)| *of == value);
                    let part = case.map_or(*otherwise, |(_, part)| *part);
                    part.is_some_and(|part| self.part(part, at, length, depth))
                }
                Shape::Pointer(to) => {
                    let to_at = self.memory.follow(at, to.size_bytes);
                    to_at.is_some_and(|to_at| self.value(to, to_at, length, depth + 1))
                }
                Shape::Dynamic => self.dynamic(at, length, depth),
                Shape::Inside(part) => self.part(*part, at, length, depth),
                Shape::Branches(parts) => self.branches(parts, 0, at, length, depth),
                Shape::Select { mask, branches } => {
                    let mask_at = at.wrapping_add(mask.offset_bytes);
                    let mask_at = self.memory.follow(mask_at, mask.size_bytes);
                    let branches_at = at.wrapping_add(branches.offset_bytes);
                    let branches_at = self.memory.follow(branches_at, branches.node.size_bytes);
                    let (Some(mask_at), Some(branches_at)) = (mask_at, branches_at) else {
                        return false;
                    };
                    let mask = Tag {
                        offset_bytes: 0,
                        ..*mask
                    };
                    match (branches.node.shape.get(), self.tag(mask, mask_at)) {
                        (Some(Shape::Branches(parts)), Some(done)) => {
                            self.branches(parts, done, branches_at, length, depth)
                        }
                        _ => false,
                    }
                }
                Shape::Slice {
                    data_offset_bytes,
                    length_offset_bytes,
                    node,
                } => {
                    let length_at = at.wrapping_add(*length_offset_bytes);
                    let count = self.memory.integer(length_at, size_of::<usize>());
                    let data_at = at.wrapping_add(*data_offset_bytes);
                    self.slice(node, data_at, count.unwrap_or(0), length, depth)
                }
                Shape::Linked {
                    head_offset_bytes,
                    next_offset_bytes,
                    element_bytes,
                    future,
                } => {
                    let mut any = false;
                    let mut link = at.wrapping_add(*head_offset_bytes);
                    while let Some(element) = self.memory.follow(link, *element_bytes) {
                        if self.told >= BRANCH_LIMIT || self.steps > STEPS {
                            break;
                        }
                        any |= self.part(*future, element, length, depth);
                        link = element.wrapping_add(*next_offset_bytes);
                    }
                    any
                }
                Shape::Leaf(frame) => self.tell_with(frame, length),
            }
        }
    }

    /// # Safety
    /// As for [`Self::value`], of the value that holds the part.
    unsafe fn part(&mut self, part: Part, at: *const u8, length: usize, depth: usize) -> bool {
        // SAFETY: told to the caller.
        unsafe {
            self.value(
                part.node,
                at.wrapping_add(part.offset_bytes),
                length,
                depth + 1,
            )
        }
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
    /// As for [`Self::value`]; `at` holds the address of so many values of the node's type.
    unsafe fn slice(
        &mut self,
        node: &Node,
        at: *const u8,
        count: u64,
        length: usize,
        depth: usize,
    ) -> bool {
        let count = usize::try_from(count).map_or(STEPS, |count| count.min(STEPS));
        // SAFETY: told to the caller.
        let first = unsafe { self.memory.follow(at, count * node.size_bytes) };
        let Some(first) = first else { return false };
        let mut any = false;
        for index in 0..count {
            if self.told >= BRANCH_LIMIT || self.steps > STEPS {
                break;
            }
            let element = first.wrapping_add(index * node.size_bytes);
            // SAFETY: told to the caller.
            any |= unsafe { self.value(node, element, length, depth + 1) };
        }
        any
    }

    /// # Safety
    /// `at` holds a pointer to `dyn Future` that nobody else uses.
    unsafe fn dynamic(&mut self, at: *const u8, length: usize, depth: usize) -> bool {
        // SAFETY: told to the caller; the table of `dyn Future` has four entries, of which
        // the second is the size and the fourth the poll function.
        unsafe {
            let word = size_of::<usize>();
            let Some(table) = self
                .memory
                .follow(at.wrapping_add(word), VTABLE_WORDS * word)
            else {
                return false;
            };
            let size = self
                .memory
                .integer(table.wrapping_add(VTABLE_SIZE * word), word);
            let poll = self
                .memory
                .integer(table.wrapping_add(VTABLE_POLL * word), word);
            let (Some(size), Some(poll)) = (size, poll) else {
                return false;
            };
            let (size, poll) = (size as usize, poll as usize);
            match self.memory.plan_of(poll, size) {
                Planned::Made(node) => {
                    let value = self.memory.follow(at, size);
                    value.is_some_and(|value| self.value(node, value, length, depth + 1))
                }
                Planned::Not => false,
                Planned::Later => {
                    self.is_cut = true;
                    false
                }
            }
        }
    }

    /// # Safety
    /// The tag lies inside of the value at `at`.
    #[inline]
    unsafe fn tag(&mut self, tag: Tag, at: *const u8) -> Option<u64> {
        // SAFETY: told to the caller.
        unsafe {
            self.memory
                .integer(at.wrapping_add(tag.offset_bytes), tag.size_bytes)
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
