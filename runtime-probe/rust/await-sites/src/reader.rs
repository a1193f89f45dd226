//! Owns the thread's side: makes the plans that were asked for. It must not know who polls.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::dwarf::{Program, Unit, Unknown};
use crate::image::{load_bias, map_executable, Sections, Unreadable};
use crate::layout::{Frames, Layout};
use crate::node::Node;
use crate::plans;

/// Units that stay read: a unit's tables take some 40 bytes for each of its types and
/// functions, which is up to 2 MB for a large one.
const UNITS_KEPT: usize = 16;

/// Reads the debug information of the executable. Belongs to one thread, not one of those
/// that poll: a unit takes milliseconds, in a debug build of this crate tens of them.
pub struct Reader {
    program: Program<'static>,
    bias: u64,
    units: VecDeque<Known>,
    frames: Frames,
}

struct Known {
    offset: usize,
    unit: Unit<'static>,
    types: HashMap<usize, Option<&'static Node>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// Maps the executable of this process.
    ///
    /// # Errors
    /// Why its futures cannot be read.
    pub fn open() -> Result<Self, Unreadable> {
        if cfg!(not(all(target_os = "linux", target_pointer_width = "64"))) {
            return Err(Unreadable::Format);
        }
        let sections = Sections::of(map_executable()?)?;
        Ok(Self::over(&sections, load_bias()))
    }

    pub(crate) fn over(sections: &Sections<'static>, bias: u64) -> Self {
        Self {
            program: Program::new(sections),
            bias,
            units: VecDeque::new(),
            frames: Frames::default(),
        }
    }

    /// From here on this thread answers what [`chains`](crate::chains) asks for, in
    /// [`answer`](Self::answer). False when another thread does.
    pub fn serve(&self) -> bool {
        plans::answer_here()
    }

    /// Makes the plans that were asked for. Tells how many could be made. To be called
    /// whenever the thread that serves is unparked; `pause` is waited between two plans, so
    /// that the program comes first.
    pub fn answer(&mut self, pause: Duration) -> usize {
        let mut made = 0;
        plans::answer(|poll, size_bytes| {
            let node = self.plan(poll, size_bytes).ok();
            made += usize::from(node.is_some());
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
            node
        });
        made
    }

    /// The plan of the future with this poll function.
    pub(crate) fn plan(
        &mut self,
        poll: usize,
        size_bytes: usize,
    ) -> Result<&'static Node, Unknown> {
        let address = (poll as u64).checked_sub(self.bias).ok_or(Unknown)?;
        let offset = self.program.unit_at(address).ok_or(Unknown)?;
        let known = match self.units.iter().position(|known| known.offset == offset) {
            Some(index) => index,
            None => {
                if self.units.len() >= UNITS_KEPT {
                    self.units.pop_front();
                }
                self.units.push_back(Known {
                    offset,
                    unit: self.program.unit(offset)?,
                    types: HashMap::new(),
                });
                self.units.len() - 1
            }
        };
        let Known { unit, types, .. } = &mut self.units[known];
        let parameter = self.program.first_parameter(unit, address)?;
        let mut layout = Layout {
            program: &self.program,
            unit,
            known: types,
            frames: &mut self.frames,
        };
        let node = layout.polled_by(parameter)?;
        match node.size_bytes == size_bytes {
            true => Ok(node),
            false => Err(Unknown),
        }
    }
}
