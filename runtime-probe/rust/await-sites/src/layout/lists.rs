//! Owns the types that hold many futures: boxed slices of a join, vectors of a select, the
//! linked list of `FuturesUnordered`. It must not know how a list is walked.

use gimli::UnitOffset;

use super::{fits, part, Layout};
use crate::dwarf::{Field, Type, Unknown};
use crate::names::{readable, without_generics};
use crate::node::{Part, Shape};

/// A future or the output that it had, as the branches of joins are kept.
pub(super) const MAYBE_DONE: [&str; 2] = ["MaybeDone", "TryMaybeDone"];
/// Futures that poll all elements of the vector in this field.
const VECTORS: [(&str, &str); 2] = [
    ("futures_util::future::select_all::SelectAll", "inner"),
    ("futures_util::future::select_ok::SelectOk", "inner"),
];
const UNORDERED: &str = "futures_util::stream::futures_unordered::FuturesUnordered";
/// Where futures are polled that stand in two and more fields.
const ALL_FIELDS: [&str; 4] = [
    "futures_util::future::join::Join",
    "futures_util::future::try_join::TryJoin",
    "futures_util::stream::stream::buffered::Buffered",
    "futures_util::stream::stream::buffer_unordered::BufferUnordered",
];

impl<'a> Layout<'_, 'a> {
    /// The shape of a type that holds many futures; none for any other type.
    pub(super) fn many(
        &mut self,
        at: UnitOffset,
        of: &Type<'a>,
        depth: usize,
    ) -> Result<Option<Shape>, Unknown> {
        let name = without_generics(of.name);
        if name == "alloc::boxed::Box" {
            return self.boxed_slice(of, depth);
        }
        let is_named = |path: &str| path.rsplit("::").next() == Some(name);
        // Of joins there are `Join`, `Join3` and so on.
        let family = name.trim_end_matches(|digit: char| digit.is_ascii_digit());
        let is_family = |path: &str| path.rsplit("::").next() == Some(family);
        let vector = VECTORS.iter().find(|(path, _)| is_named(path));
        let all = ALL_FIELDS.iter().any(|path| is_family(path));
        if vector.is_none() && !all && !is_named(UNORDERED) {
            return Ok(None);
        }
        let path = readable(&self.program.path(self.unit, at));
        if path == UNORDERED {
            return self.unordered(of, depth).map(Some);
        }
        if let Some((_, field)) = vector.filter(|(vector, _)| *vector == path) {
            let field = of.fields.iter().find(|each| each.name == *field);
            return self.vector(of, field.ok_or(Unknown)?, depth).map(Some);
        }
        let family = path.trim_end_matches(|digit: char| digit.is_ascii_digit());
        match ALL_FIELDS.contains(&family) {
            true => self.tuple(of, depth),
            false => Ok(None),
        }
    }

    /// `Box<[MaybeDone<F>]>`: the branches of a join, all of which are polled.
    fn boxed_slice(&mut self, of: &Type<'a>, depth: usize) -> Result<Option<Shape>, Unknown> {
        let named = |name: &str| of.fields.iter().find(|field| field.name == name);
        let (Some(data), Some(length)) = (named("data_ptr"), named("length")) else {
            return Ok(None);
        };
        let element = self.read(data.of_type)?.target.ok_or(Unknown)?;
        if !MAYBE_DONE.contains(&without_generics(self.read(element)?.name)) {
            return Ok(None);
        }
        let Some(node) = self.leading(element, depth + 1) else {
            return Ok(None);
        };
        for field in [data, length] {
            fits(field.offset_bytes, size_of::<usize>(), of.size_bytes)?;
        }
        Ok(Some(Shape::Slice {
            data_offset_bytes: data.offset_bytes,
            length_offset_bytes: length.offset_bytes,
            node,
        }))
    }

    /// A vector in a field, of which every element is a future that is polled.
    fn vector(&mut self, of: &Type<'a>, field: &Field<'a>, depth: usize) -> Result<Shape, Unknown> {
        let vector = self.read(field.of_type)?;
        let named = |name: &str| vector.fields.iter().find(|field| field.name == name);
        let (buffer, length) = (named("buf").ok_or(Unknown)?, named("len").ok_or(Unknown)?);
        let element = vector.element.ok_or(Unknown)?;
        let node = self.future(element, depth + 1)?;
        let (inside_bytes, _) = self.pointer_in(buffer.of_type)?;
        let base_bytes = field.offset_bytes;
        let offset_bytes = |inside: usize| base_bytes.checked_add(inside).ok_or(Unknown);
        let data_offset_bytes = offset_bytes(buffer.offset_bytes + inside_bytes)?;
        let length_offset_bytes = offset_bytes(length.offset_bytes)?;
        for offset_bytes in [data_offset_bytes, length_offset_bytes] {
            fits(offset_bytes, size_of::<usize>(), of.size_bytes)?;
        }
        Ok(Shape::Slice {
            data_offset_bytes,
            length_offset_bytes,
            node,
        })
    }

    /// The list of all futures of a `FuturesUnordered`, which its owner alone changes: what
    /// wakes one of them touches other fields.
    fn unordered(&mut self, of: &Type<'a>, depth: usize) -> Result<Shape, Unknown> {
        let head = of.fields.iter().find(|field| field.name == "head_all");
        let head = head.ok_or(Unknown)?;
        let (inside_bytes, target) = self.pointer_in(head.of_type)?;
        let head_offset_bytes = head.offset_bytes + inside_bytes;
        fits(head_offset_bytes, size_of::<usize>(), of.size_bytes)?;
        let task = self.read(target.ok_or(Unknown)?)?;
        let named = |name: &str| task.fields.iter().find(|field| field.name == name);
        let (future, next) = (
            named("future").ok_or(Unknown)?,
            named("next_all").ok_or(Unknown)?,
        );
        let (inside_bytes, _) = self.pointer_in(next.of_type)?;
        let next_offset_bytes = next.offset_bytes + inside_bytes;
        fits(next_offset_bytes, size_of::<usize>(), task.size_bytes)?;
        // `UnsafeCell<Option<F>>`
        let cell = self.read(future.of_type)?;
        let [option] = &cell.fields[..] else {
            return Err(Unknown);
        };
        let of_option = self.read(option.of_type)?;
        if without_generics(of_option.name) != "Option" {
            return Err(Unknown);
        }
        let node = self
            .choice(&of_option, depth + 1, Some("Some"))?
            .ok_or(Unknown)?;
        let future = Part {
            offset_bytes: future.offset_bytes,
            ..part(future.offset_bytes, option, node, task.size_bytes)?
        };
        Ok(Shape::Linked {
            head_offset_bytes,
            next_offset_bytes,
            element_bytes: task.size_bytes,
            future,
        })
    }

    /// Where in a type that is nothing but a pointer in wrappers this is, and to what.
    fn pointer_in(&self, at: UnitOffset) -> Result<(usize, Option<UnitOffset>), Unknown> {
        let mut at = at;
        let mut offset_bytes = 0_usize;
        // `RawVec`, its inner part, `Unique`, `NonNull`, the pointer; an atomic and its cell.
        for _ in 0..8 {
            let of = self.read(at)?;
            if of.tag == gimli::DW_TAG_pointer_type {
                return Ok((offset_bytes, of.target));
            }
            let pointers = ["inner", "ptr", "pointer", "p", "v", "value"];
            let field = of
                .fields
                .iter()
                .find(|field| pointers.contains(&field.name));
            let field = field.ok_or(Unknown)?;
            offset_bytes = offset_bytes
                .checked_add(field.offset_bytes)
                .ok_or(Unknown)?;
            at = field.of_type;
        }
        Err(Unknown)
    }
}
