//! Owns what is known of a future's layout, as a graph that a thread can read without a lock.
//! It must not know where the knowledge comes from, nor who reads.
//!
//! Nodes are never freed: they are one for each type that is part of a traced future, and
//! [`NODE_LIMIT`] bounds them.

use std::sync::OnceLock;

/// The most nodes that are made in a process: at about 100 bytes each, below 7 MB.
pub(crate) const NODE_LIMIT: usize = 65_536;

/// One level of a chain of awaits. There is one for each place, so that equal places have
/// equal addresses.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The function that awaits, or, at the inner end, the type of the future that was
    /// awaited and has no state that can be read.
    pub function: String,
    /// The source file as the compiler tells it: relative to where it ran, or absolute.
    /// Empty where there is none.
    pub file: String,
    /// The line of the await, from 1; 0 where there is none.
    pub line: u32,
    /// The file in which the function stands, which differs from `file` where a macro of
    /// another crate awaits: that tells lines of its own. Empty where there is none.
    pub defined_in: String,
}

/// What is known of one type.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) size_bytes: usize,
    /// Not set while it is being made, and for good where it could not be.
    pub(crate) shape: OnceLock<Shape>,
}

/// A part of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) offset_bytes: usize,
    pub(crate) node: &'static Node,
}

/// Where an integer is that tells which variant of a type is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag {
    pub(crate) offset_bytes: usize,
    /// 1, 2, 4 or 8.
    pub(crate) size_bytes: usize,
}

/// A place at which an async function can be suspended.
#[derive(Debug)]
pub(crate) struct Suspension {
    pub(crate) frame: &'static Frame,
    /// The future that it awaits there.
    pub(crate) awaited: Option<Part>,
}

/// How to find the next await below a value of this type.
#[derive(Debug)]
pub(crate) enum Shape {
    /// The future of an async function or block: by its tag's value, the suspensions.
    Machine {
        tag: Tag,
        states: Vec<Option<Suspension>>,
    },
    /// An enum: by its tag's value, the part of that variant that leads on.
    Choice {
        tag: Tag,
        cases: Vec<(u64, Option<Part>)>,
        otherwise: Option<Part>,
    },
    /// A pointer that is the only way to what it points to.
    Pointer(&'static Node),
    /// `dyn Future` behind such a pointer: address and table of functions.
    Dynamic,
    /// Leads on in one part only.
    Inside(Part),
    /// Several futures that are polled together.
    Branches(Vec<Part>),
    /// A slice of futures that are polled together: where its address and its length are.
    Slice {
        data_offset_bytes: usize,
        length_offset_bytes: usize,
        node: &'static Node,
    },
    /// A linked list of futures that are polled together: where its head is, and in each
    /// element the next one's address and the future.
    Linked {
        head_offset_bytes: usize,
        next_offset_bytes: usize,
        element_bytes: usize,
        future: Part,
    },
    /// The closure of a select: a pointer to a mask of the branches that are done, and one
    /// to the branches.
    Select { mask: Tag, branches: Part },
    /// A future without a state that can be read.
    Leaf(&'static Frame),
}
