//! Owns the thread's side: makes the plans that were asked for. It must not know who polls.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::dwarf::{Program, Unit, Unknown};
use crate::image::{load_bias, map_executable, Sections, Unreadable};
use crate::layout::{Frames, Layout};
use crate::names::is_own;
use crate::node::Node;
use crate::plans;

/// Units that stay read: a unit's tables take some 40 bytes for each of its types and
/// functions, which is up to 2 MB for a large one.
const UNITS_KEPT: usize = 16;
/// The most plans that are made before they are asked for: half of the table.
const SURVEYED: usize = plans::SLOTS / 2;

/// Reads the debug information of the executable. Belongs to one thread, not one of those
/// that poll: a unit takes milliseconds, in a debug build of this crate tens of them.
pub struct Reader {
    program: Program<'static>,
    bias: u64,
    units: VecDeque<Known>,
    frames: Frames,
}

/// What [`Reader::answer`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answered {
    /// Types of futures that were asked for.
    pub asked: usize,
    /// Those of them that can be read now.
    pub made: usize,
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

    /// Makes the plans that were asked for. To be called by the thread that serves whenever
    /// it is unparked; `pause` is waited between two plans.
    pub fn answer(&mut self, pause: Duration) -> Answered {
        let mut answered = Answered::default();
        plans::answer(|poll, size_bytes| {
            let node = self.plan(poll, size_bytes).ok();
            answered.asked += 1;
            answered.made += usize::from(node.is_some());
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
            node
        });
        answered
    }

    /// Makes the plans of all async functions and blocks of the program's own packages before
    /// they are asked for, so that a task is told from its first poll on: one that is stuck
    /// in its first await is polled but once. Tells how many could be made.
    pub fn survey(&mut self) -> usize {
        let mut made = 0;
        for unit in self.program.units_where(is_own) {
            // Who asks meanwhile does not wait for all units.
            made += self.answer(Duration::ZERO).made;
            let Ok(known) = self.known(unit) else {
                continue;
            };
            for address in self.units[known].unit.async_functions.clone() {
                if made >= SURVEYED {
                    return made;
                }
                let Ok(node) = self.plan_at(known, address) else {
                    continue;
                };
                let poll = address.wrapping_add(self.bias) as usize;
                made += usize::from(plans::enter_answered(poll, node));
            }
        }
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
        let known = self.known(offset)?;
        let node = self.plan_at(known, address)?;
        match node.size_bytes == size_bytes {
            true => Ok(node),
            false => Err(Unknown),
        }
    }

    /// Where in the list of units that stay read this one is now.
    fn known(&mut self, offset: usize) -> Result<usize, Unknown> {
        Ok(
            match self.units.iter().position(|known| known.offset == offset) {
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
            },
        )
    }

    fn plan_at(&mut self, known: usize, address: u64) -> Result<&'static Node, Unknown> {
        let Known { unit, types, .. } = &mut self.units[known];
        let parameter = self.program.first_parameter(unit, address)?;
        let mut layout = Layout {
            program: &self.program,
            unit,
            known: types,
            frames: &mut self.frames,
        };
        layout.polled_by(parameter)
    }
}
