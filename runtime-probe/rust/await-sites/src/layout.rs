//! Owns what the compiler's types mean for a chain of awaits: which hold futures, and where.
//! It must not know how debug information is encoded, nor how a plan is used.
//!
//! The facts about the compiler's output that stand here were read from that of rustc 1.95;
//! wherever something is otherwise, the plan ends there.

mod lists;

use std::collections::{HashMap, HashSet};

use gimli::UnitOffset;

use crate::dwarf::{Field, Program, Type, Unit, Unknown};
use crate::names::{readable, without_generics};
use crate::node::{Frame, Node, Part, Shape, Suspension, Tag, NODE_LIMIT};

/// How deep types may stand in each other. The walk of a plan has a limit of its own; this
/// one keeps the reading thread's stack small.
const DEPTH_LIMIT: usize = 96;

/// Types that hold what need not be there, or what other threads may change meanwhile.
const CLOSED: [&str; 6] = [
    "MaybeUninit",
    "ManuallyDrop",
    "UnsafeCell",
    "NonNull",
    "Arc",
    "Rc",
];
/// Futures of which the one field is named that they poll, although they hold others. Of
/// the second and third the field is a `ManuallyDrop`, which only their own `Drop` empties.
const INNER: [(&str, &str); 4] = [
    ("tokio::time::timeout::Timeout", "value"),
    ("wakeline::traced::Traced", "future"),
    ("tracing::instrument::Instrumented", "inner"),
    (
        "futures_util::stream::futures_ordered::OrderWrapper",
        "data",
    ),
];

/// Makes the plans of one unit's types.
pub(crate) struct Layout<'p, 'a> {
    pub(crate) program: &'p Program<'a>,
    pub(crate) unit: &'p Unit<'a>,
    /// By where the type stands in the unit; `None`: it leads to no future.
    pub(crate) known: &'p mut HashMap<usize, Option<&'static Node>>,
    pub(crate) frames: &'p mut Frames,
}

/// Every frame once, and how many nodes there are.
#[derive(Default)]
pub(crate) struct Frames {
    frames: HashSet<&'static Frame>,
    nodes: usize,
}

impl Frames {
    fn keep(&mut self, frame: Frame) -> &'static Frame {
        if let Some(known) = self.frames.get(&frame) {
            return known;
        }
        let kept: &'static Frame = Box::leak(Box::new(frame));
        self.frames.insert(kept);
        kept
    }

    fn node(&mut self, size_bytes: usize) -> Result<&'static Node, Unknown> {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            return Err(Unknown);
        }
        Ok(Box::leak(Box::new(Node {
            size_bytes,
            shape: Default::default(),
        })))
    }
}

impl<'a> Layout<'_, 'a> {
    /// The plan of the future that a poll function with this first parameter polls.
    pub(crate) fn polled_by(&mut self, parameter: UnitOffset) -> Result<&'static Node, Unknown> {
        // `Pin<&mut F>`: one field, a pointer.
        let pin = self.read(parameter)?;
        let [field] = &pin.fields[..] else {
            return Err(Unknown);
        };
        let pointer = self.read(field.of_type)?;
        let target = pointer.target.ok_or(Unknown)?;
        if !pointer.name.starts_with("&mut ") || pointer.tag != gimli::DW_TAG_pointer_type {
            return Err(Unknown);
        }
        self.future(target, 0)
    }

    fn read(&self, at: UnitOffset) -> Result<Type<'a>, Unknown> {
        self.program.type_at(self.unit, at)
    }

    /// The node of a type that is known to be a future.
    fn future(&mut self, at: UnitOffset, depth: usize) -> Result<&'static Node, Unknown> {
        if let Some(node) = self.leading(at, depth) {
            return Ok(node);
        }
        let path = self.program.path(self.unit, at);
        let function = match path.is_empty() {
            true => without_generics(self.read(at)?.name).to_owned(),
            false => readable(&path),
        };
        let frame = self.frames.keep(Frame {
            function,
            file: String::new(),
            line: 0,
            defined_in: String::new(),
        });
        let node = self.frames.node(self.read(at)?.size_bytes)?;
        let _ = node.shape.set(Shape::Leaf(frame));
        Ok(node)
    }

    /// The node of a type that leads to a suspended async function, if it is sure that it
    /// does.
    fn leading(&mut self, at: UnitOffset, depth: usize) -> Option<&'static Node> {
        if let Some(known) = self.known.get(&at.0) {
            return *known;
        }
        if depth > DEPTH_LIMIT {
            return None;
        }
        // Met again inside of itself it leads nowhere, unless it is an async function.
        self.known.insert(at.0, None);
        let node = self.make(at, depth).ok().flatten();
        self.known.insert(at.0, node);
        node
    }

    fn make(&mut self, at: UnitOffset, depth: usize) -> Result<Option<&'static Node>, Unknown> {
        let of = self.read(at)?;
        if of.tag == gimli::DW_TAG_pointer_type {
            return self.pointer(&of, depth);
        }
        if of.tag != gimli::DW_TAG_structure_type || of.size_bytes == 0 {
            return Ok(None);
        }
        if let Some(variants) = &of.variants {
            let tag_name = variants.tag.as_ref().map(|tag| tag.name);
            if of.name.starts_with("{async_") && tag_name == Some("__state") {
                return self.machine(at, &of, depth).map(Some);
            }
            return self.choice(&of, depth, None);
        }
        let shape = match is_dynamic_future(&of) {
            true => Some(Shape::Dynamic),
            false => self.inside(at, &of, depth)?,
        };
        self.with_shape(of.size_bytes, shape)
    }

    fn with_shape(
        &mut self,
        size_bytes: usize,
        shape: Option<Shape>,
    ) -> Result<Option<&'static Node>, Unknown> {
        let Some(shape) = shape else { return Ok(None) };
        let node = self.frames.node(size_bytes)?;
        let _ = node.shape.set(shape);
        Ok(Some(node))
    }

    /// Only pointers through which nobody else may change what they point to.
    fn pointer(&mut self, of: &Type<'a>, depth: usize) -> Result<Option<&'static Node>, Unknown> {
        let owns = of.name.starts_with("alloc::boxed::Box<") || of.name.starts_with("&mut ");
        let Some(target) = of.target.filter(|_| owns) else {
            return Ok(None);
        };
        let Some(node) = self.leading(target, depth + 1) else {
            return Ok(None);
        };
        self.with_shape(size_of::<usize>(), Some(Shape::Pointer(node)))
    }

    fn machine(
        &mut self,
        at: UnitOffset,
        of: &Type<'a>,
        depth: usize,
    ) -> Result<&'static Node, Unknown> {
        let variants = of.variants.as_ref().ok_or(Unknown)?;
        let tag = self.tag(variants.tag.as_ref(), of.size_bytes)?;
        let node = self.frames.node(of.size_bytes)?;
        // An async function that boxes itself meets itself.
        self.known.insert(at.0, Some(node));
        let function = readable(&self.program.path(self.unit, at));
        let own_file = variants.each.first().map(|(_, first)| first.file);
        let own_file = own_file.and_then(|file| self.program.file(self.unit, file));
        let own_file = own_file.unwrap_or_default();
        let mut states = Vec::new();
        for (value, variant) in &variants.each {
            let state = self.read(variant.of_type)?;
            let value = value.ok_or(Unknown)? as usize;
            if !state.name.starts_with("Suspend") || value > 0xffff {
                continue;
            }
            let file = self.program.file(self.unit, variant.file);
            let frame = self.frames.keep(Frame {
                function: function.clone(),
                file: file.unwrap_or_default(),
                line: variant.line,
                defined_in: own_file.clone(),
            });
            let awaited = state.fields.iter().find(|field| field.name == "__awaitee");
            let awaited = match awaited {
                Some(field) => {
                    let node = self.future(field.of_type, depth + 1)?;
                    Some(part(variant.offset_bytes, field, node, of.size_bytes)?)
                }
                None => None,
            };
            if states.len() <= value {
                states.resize_with(value + 1, || None);
            }
            states[value] = Some(Suspension { frame, awaited });
        }
        let _ = node.shape.set(Shape::Machine { tag, states });
        Ok(node)
    }

    fn tag(&self, tag: Option<&Field<'a>>, size_bytes: usize) -> Result<Tag, Unknown> {
        let tag = tag.ok_or(Unknown)?;
        let found = Tag {
            offset_bytes: tag.offset_bytes,
            size_bytes: self.read(tag.of_type)?.size_bytes,
        };
        let end = found.offset_bytes.checked_add(found.size_bytes);
        match found.size_bytes {
            1 | 2 | 4 | 8 if end.is_some_and(|end| end <= size_bytes) => Ok(found),
            _ => Err(Unknown),
        }
    }

    /// `future`: the variant of which the one field is known to be a future.
    fn choice(
        &mut self,
        of: &Type<'a>,
        depth: usize,
        future: Option<&str>,
    ) -> Result<Option<&'static Node>, Unknown> {
        let variants = of.variants.as_ref().ok_or(Unknown)?;
        // The branch of a join is a future of any type.
        let maybe_done = lists::MAYBE_DONE.contains(&without_generics(of.name));
        let future = future.or(maybe_done.then_some("Future"));
        let mut cases = Vec::new();
        let mut otherwise = None;
        for (value, variant) in &variants.each {
            let state = self.read(variant.of_type)?;
            let inner = match &state.fields[..] {
                [field] if future == Some(state.name) => {
                    Some((field, self.future(field.of_type, depth + 1)?))
                }
                fields => self.only_leading(fields, depth)?,
            };
            let inner = match inner {
                Some((field, node)) => {
                    Some(part(variant.offset_bytes, field, node, of.size_bytes)?)
                }
                None => None,
            };
            match value {
                Some(value) => cases.push((*value, inner)),
                None => otherwise = inner,
            }
        }
        if otherwise.is_none() && cases.iter().all(|(_, part)| part.is_none()) {
            return Ok(None);
        }
        let Ok(tag) = self.tag(variants.tag.as_ref(), of.size_bytes) else {
            return Ok(None);
        };
        // A value of a small tag may be told as a negative number.
        let bits = 8 * tag.size_bytes as u32;
        let mask = u64::MAX >> (64 - bits);
        for (value, _) in &mut cases {
            *value &= mask;
        }
        let shape = Shape::Choice {
            tag,
            cases,
            otherwise,
        };
        self.with_shape(of.size_bytes, Some(shape))
    }

    /// The way on from a struct, a tuple or a closure.
    fn inside(
        &mut self,
        at: UnitOffset,
        of: &Type<'a>,
        depth: usize,
    ) -> Result<Option<Shape>, Unknown> {
        let name = without_generics(of.name);
        if CLOSED.contains(&name) {
            return Ok(None);
        }
        if let Some(many) = self.many(at, of, depth)? {
            return Ok(Some(many));
        }
        let inner = INNER.iter().find(|(path, _)| path.ends_with(name));
        let inner = inner.filter(|(path, _)| readable(&self.program.path(self.unit, at)) == *path);
        if let Some((_, field)) = inner {
            let field = of.fields.iter().find(|each| each.name == *field);
            return self.inner(of, field.ok_or(Unknown)?, depth).map(Some);
        }
        if of.name.starts_with('(') {
            return self.tuple(of, depth);
        }
        if of.name.starts_with("{closure_env") {
            if let Some(select) = self.select(of, depth)? {
                return Ok(Some(select));
            }
        }
        let Some((field, node)) = self.only_leading(&of.fields, depth)? else {
            return Ok(None);
        };
        Ok(Some(Shape::Inside(part(0, field, node, of.size_bytes)?)))
    }

    /// The named field is the future that is polled; a `ManuallyDrop` around it is let go.
    fn inner(&mut self, of: &Type<'a>, field: &Field<'a>, depth: usize) -> Result<Shape, Unknown> {
        let mut offset_bytes = field.offset_bytes;
        let mut of_type = field.of_type;
        loop {
            let wrapped = self.read(of_type)?;
            match (without_generics(wrapped.name), &wrapped.fields[..]) {
                ("ManuallyDrop" | "MaybeDangling", [only]) => {
                    offset_bytes = offset_bytes.checked_add(only.offset_bytes).ok_or(Unknown)?;
                    of_type = only.of_type;
                }
                _ => break,
            }
        }
        let node = self.future(of_type, depth + 1)?;
        let field = Field {
            offset_bytes,
            ..*field
        };
        Ok(Shape::Inside(part(0, &field, node, of.size_bytes)?))
    }

    /// The field that leads on, if it is one only.
    fn only_leading<'f>(
        &mut self,
        fields: &'f [Field<'a>],
        depth: usize,
    ) -> Result<Option<(&'f Field<'a>, &'static Node)>, Unknown> {
        let mut found = None;
        for field in fields {
            if let Some(node) = self.leading(field.of_type, depth + 1) {
                if found.is_some() {
                    return Ok(None);
                }
                found = Some((field, node));
            }
        }
        Ok(found)
    }

    /// The branches of a join, which are all polled: those that lead on.
    fn tuple(&mut self, of: &Type<'a>, depth: usize) -> Result<Option<Shape>, Unknown> {
        let mut parts = Vec::new();
        for field in &of.fields {
            if let Some(node) = self.leading(field.of_type, depth + 1) {
                parts.push(part(0, field, node, of.size_bytes)?);
            }
        }
        Ok((!parts.is_empty()).then_some(Shape::Branches(parts)))
    }

    /// The closure of tokio's `select!`: it has the futures and which of them are done.
    fn select(&mut self, of: &Type<'a>, depth: usize) -> Result<Option<Shape>, Unknown> {
        let named = |name: &str| of.fields.iter().find(|field| field.name == name);
        let (Some(mask), Some(futures)) = (named("_ref__disabled"), named("_ref__futures")) else {
            return Ok(None);
        };
        let target = |layout: &Self, field: &Field<'a>| {
            let pointer = layout.read(field.of_type)?;
            let is_unique = pointer.name.starts_with("&mut ");
            pointer.target.filter(|_| is_unique).ok_or(Unknown)
        };
        let mask_type = self.read(target(self, mask)?)?;
        let tuple = self.read(target(self, futures)?)?;
        if !mask_type.name.starts_with('u') || !tuple.name.starts_with('(') {
            return Ok(None);
        }
        let mut parts = Vec::new();
        for field in &tuple.fields {
            // Every branch that is not done was polled, of whatever type it is.
            let node = self.future(field.of_type, depth + 1)?;
            parts.push(part(0, field, node, tuple.size_bytes)?);
        }
        let branches = self.frames.node(tuple.size_bytes)?;
        let _ = branches.shape.set(Shape::Branches(parts));
        for field in [mask, futures] {
            fits(field.offset_bytes, size_of::<usize>(), of.size_bytes)?;
        }
        if !matches!(mask_type.size_bytes, 1 | 2 | 4 | 8) {
            return Ok(None);
        }
        Ok(Some(Shape::Select {
            mask: Tag {
                offset_bytes: mask.offset_bytes,
                size_bytes: mask_type.size_bytes,
            },
            branches: Part {
                offset_bytes: futures.offset_bytes,
                node: branches,
            },
        }))
    }
}

/// `Box<dyn Future>` and `&mut dyn Future`, with whatever marker traits.
fn is_dynamic_future(of: &Type<'_>) -> bool {
    let owner = ["alloc::boxed::Box<", "&mut "];
    let Some(rest) = owner.iter().find_map(|owner| of.name.strip_prefix(owner)) else {
        return false;
    };
    let rest = rest.strip_prefix('(').unwrap_or(rest);
    let [first, second] = &of.fields[..] else {
        return false;
    };
    let word = size_of::<usize>();
    rest.starts_with("dyn core::future::future::Future<")
        && (first.name, first.offset_bytes) == ("pointer", 0)
        && (second.name, second.offset_bytes) == ("vtable", word)
        && of.size_bytes == 2 * word
}

fn part(
    base_bytes: usize,
    field: &Field<'_>,
    node: &'static Node,
    size_bytes: usize,
) -> Result<Part, Unknown> {
    let offset_bytes = base_bytes.checked_add(field.offset_bytes).ok_or(Unknown)?;
    fits(offset_bytes, node.size_bytes, size_bytes)?;
    Ok(Part { offset_bytes, node })
}

fn fits(offset_bytes: usize, part_bytes: usize, size_bytes: usize) -> Result<(), Unknown> {
    match offset_bytes.checked_add(part_bytes) {
        Some(end) if end <= size_bytes => Ok(()),
        _ => Err(Unknown),
    }
}
