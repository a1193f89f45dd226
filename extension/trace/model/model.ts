// Owns the tables of one session and the rules by which single facts (a spawn, a wake, a poll's end) enter them.
// Independent of the order in which threads are read: see MODEL.md. Knows nothing of frames, chunks or queries.
// Longer than other files: each rule marks the same pages as changed, and the order of these marks is what makes the
// model independent of the order of reading; they are to be read beside each other.
import {
  causeKind,
  type DictionaryRecord,
  detail,
  pollOutcome,
  runtimeFlavor,
  taskKind,
  wakeEffect,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { type LaneKind, laneKind } from '../../messages/lanes.ts';
import { IdTable, none, pageShift, SlotTable, slotBit, slotsPerPage, wakeBit, wakeRank } from './columns.ts';
import { type Counts, newCounts } from './counts.ts';
import {
  isHeld,
  type Job,
  type OpenPoll,
  type Resource,
  type Runtime,
  type Site,
  type Source,
  type Stop,
  type Submission,
  Task,
  Thread,
  type Timer,
} from './entities.ts';
import { type FoundChain, FoundWaits } from './found-waits.ts';
import type { FrameRow } from './frame-rows.ts';
import { Frames } from './frames.ts';
import { GapList } from './gaps.ts';
import { type PollSample, PollSamples } from './poll-samples.ts';
import { Pool } from './pool.ts';
import { Ring } from './ring.ts';
import { type SectionRow, Sections } from './sections.ts';
import { joinedWaits, SiteWaits, WaitTable } from './waits.ts';

export type LaneOwner = Thread | Task | Pool | Ring | SectionRow | FrameRow;

export interface Lane {
  readonly lane: number;
  readonly kind: LaneKind;
  readonly owner: LaneOwner;
}

type TaskEnd = Pick<Task, 'taskEndNs' | 'endOutcome' | 'endByKind' | 'endById'>;

/** What a wake says, without its target. */
export interface WakeFact {
  readonly ns: number;
  readonly thread: Thread;
  readonly log: number;
  readonly causeKind: number;
  readonly causeId: number;
}

/** An ambiguous wake may stand for this many polls at most: more come only from a stream that lies. */
const spreadLimit = 1024;

export class Model {
  readonly slots = new SlotTable();
  readonly waits = new WaitTable();
  readonly samples = new PollSamples();
  readonly foundWaits = new FoundWaits();
  readonly sections = new Sections();
  readonly tasks: Task[] = [];
  private readonly taskById = new IdTable<Task>();
  readonly threads: Thread[] = [];
  private readonly threadById = new IdTable<Thread>();
  readonly lanes: Lane[] = [];
  readonly pools = new Map<number, Pool>();
  readonly rings = new Map<number, Ring>();
  /** By resource: how much each task has of it, where that is not nothing. */
  private readonly holders = new Map<number, Map<number, number>>();
  readonly jobs = new IdTable<Job>();
  readonly timers = new IdTable<Timer>();
  readonly submissions = new IdTable<Submission>();
  readonly sources = new IdTable<Source>();
  readonly resources = new IdTable<Resource>();
  readonly runtimes = new IdTable<Runtime>();
  readonly frames = new Frames();
  /** By site. */
  private readonly packages = new Map<number, string>();
  readonly texts = new IdTable<string>();
  readonly sites = new IdTable<Site>();
  readonly stacks = new IdTable<readonly number[]>();
  /** Of a chain of awaits, by its stack, the site that stands for it. */
  private readonly shownSites = new IdTable<number>();
  /** Waits by the site of their await. */
  readonly waitsBySite = new IdTable<SiteWaits>();
  readonly gaps = new GapList();
  /** How much the program records, as it said last. */
  detail: number = detail.full;
  readonly stops: Stop[] = [];
  readonly counts: Counts = newCounts();
  /** Tasks that began a new page, so that pages before it may be summed; a task may stand here more than once. */
  readonly ripeTasks: Task[] = [];
  /** Tasks whose totals are out of date. */
  dirtyTasks: Task[] = [];
  /** False where pool threads cannot be seen: a job then counts as waiting until it ends. */
  jobThreadsRecorded = true;
  /** The memory budget is used up: events that come are counted, and neither kept nor drawn. */
  full = false;
  /** Bytes of all dictionary frames. */
  dictionaryBytes = 0;
  /** The highest tick of any event or watermark. */
  endNs = 0;
  /** Rises when a lane other than a task's is added. */
  laneVersion = 0;
  /** Rises when a task gets a lane below its own. */
  subLaneVersion = 0;
  /** Rises when the label of a known task changes. */
  labelVersion = 0;

  task(id: number): Task | undefined {
    return this.taskById.get(id);
  }

  /** The task, made and given its lane at the first event that names it. */
  taskFor(id: number, ns: number): Task {
    let task = this.taskById.get(id);
    if (task === undefined) {
      task = this.knownTask(id);
      this.tasks.push(task);
    }
    if (ns < task.firstNs) {
      task.firstNs = ns;
      if (Number.isNaN(task.spawnNs)) task.validPages = 0;
    }
    if (!task.dirty) this.markDirty(task);
    return task;
  }

  private knownTask(id: number): Task {
    const task = new Task(this.tasks.length, id, this.lanes.length);
    this.taskById.set(id, task);
    this.lanes.push({ lane: task.lane, kind: laneKind.task, owner: task });
    Object.assign(task, this.taskRecords.get(id), this.endsOfUnknown.get(id));
    for (const { epoch, sample } of this.samplesOfUnknown.get(id) ?? []) this.addSample(task, epoch, sample);
    this.samplesOfUnknown.delete(id);
    for (const { epoch, chain } of this.foundOfUnknown.get(id) ?? []) this.addFound(task, epoch, chain);
    this.foundOfUnknown.delete(id);
    return task;
  }

  /** What the dictionary says of tasks that no event has named yet; and their ends, read before their lives. */
  private readonly taskRecords = new IdTable<
    Pick<Task, 'parent' | 'site' | 'name' | 'taskKind' | 'runtime'>
  >();
  private readonly endsOfUnknown = new Map<number, TaskEnd>();
  private readonly samplesOfUnknown = new Map<number, { epoch: number; sample: PollSample }[]>();
  private readonly foundOfUnknown = new Map<number, { epoch: number; chain: FoundChain }[]>();

  /** The task is over; only the first end counts. An end alone does not make the task known. */
  taskEnds(id: number, end: TaskEnd): void {
    const task = this.taskById.get(id);
    if (task === undefined) {
      if (!this.endsOfUnknown.has(id)) this.endsOfUnknown.set(id, end);
    } else if (Number.isNaN(task.taskEndNs)) {
      Object.assign(task, end);
      // A clock that is behind may put the end before what was already summed.
      this.dropPagesEnteredAfter(task, end.taskEndNs);
      if (!task.dirty) this.markDirty(task);
    }
  }

  /** Whether a thread stands in block_on for this task: the root of a runtime that has its threads to itself. */
  isBlockedOn(id: number): boolean {
    const task = this.taskById.get(id);
    if (task?.taskKind !== taskKind.root && task?.taskKind !== taskKind.rootUnheard) return false;
    const flavor = this.runtimes.get(task.runtime)?.flavor;
    return flavor !== runtimeFlavor.wakelineNode && flavor !== runtimeFlavor.node;
  }

  /** Whether the program is Node's: then one thread of it polls tasks. */
  runsOnNode(): boolean {
    return [...this.runtimes.values()].some(
      ({ flavor }) => flavor === runtimeFlavor.node || flavor === runtimeFlavor.wakelineNode,
    );
  }

  private markDirty(task: Task): void {
    task.dirty = true;
    this.dirtyTasks.push(task);
  }

  thread(id: number): Thread | undefined {
    return this.threadById.get(id);
  }

  threadFor(id: number): Thread {
    const known = this.threadById.get(id);
    if (known !== undefined) return known;
    const thread = new Thread(this.threads.length, id, this.slots, (index) => this.tasks[index]?.id ?? 0);
    this.threads.push(thread);
    this.threadById.set(id, thread);
    return thread;
  }

  newLane(kind: LaneKind, owner: LaneOwner): number {
    const lane = this.lanes.length;
    this.lanes.push({ lane, kind, owner });
    this.laneVersion++;
    return lane;
  }

  poolFor(runtime: number): Pool {
    const known = this.pools.get(runtime);
    if (known !== undefined) return known;
    const pool = new Pool(runtime, this.lanes.length);
    this.pools.set(runtime, pool);
    this.newLane(laneKind.poolQueue, pool);
    return pool;
  }

  /** What a task has of a resource changes by so much. A sum, so that the order of reading does not matter. */
  holds(resource: number, task: number, amount: number): void {
    // The dictionary is complete before what refers to it; without a kind nothing is claimed.
    if (!isHeld(this.resources.get(resource)?.resourceKind ?? 0)) return;
    let holders = this.holders.get(resource);
    if (holders === undefined) {
      holders = new Map();
      this.holders.set(resource, holders);
    }
    const sum = (holders.get(task) ?? 0) + amount;
    if (sum === 0) holders.delete(task);
    else holders.set(task, sum);
    if (holders.size === 0) this.holders.delete(resource);
  }

  /** Tasks that have it (0: code outside any), by id; none where one gave back what another took, or took it unseen. */
  holdersOf(resource: number): number[] {
    const holders = [...(this.holders.get(resource) ?? [])];
    return holders.some(([, sum]) => sum < 0) ? [] : holders.map(([task]) => task).sort((x, y) => x - y);
  }

  ringFor(source: number): Ring {
    const known = this.rings.get(source);
    if (known !== undefined) return known;
    const ring = new Ring(source, this.lanes.length);
    this.rings.set(source, ring);
    this.newLane(laneKind.ring, ring);
    return ring;
  }

  /** Gives each new row of the program's own spans its lane: below its task's, or with the threads'. */
  layOutSections(): void {
    this.sections.layOut((row) => {
      row.lane = this.lanes.length;
      this.lanes.push({ lane: row.lane, kind: laneKind.section, owner: row });
      if (row.task === 0) this.laneVersion++;
      else this.subLaneVersion++;
    });
  }

  /** The rows of a task's frames, with a lane for each; with what packages call inside of themselves folded or not. */
  frameRowsOf(task: number, folds: boolean): readonly FrameRow[] {
    return this.frames.rowsOf(task, folds ? (frame) => this.packageOf(frame.site) : undefined, (row) => {
      row.lane = this.lanes.length;
      this.lanes.push({ lane: row.lane, kind: laneKind.frame, owner: row });
    });
  }

  /** The package that a site is in, "Node" for Node's own code; empty for the program's, and where it is not known. */
  packageOf(siteId: number): string {
    const known = this.packages.get(siteId);
    if (known !== undefined) return known;
    const file = this.texts.get(this.sites.get(siteId)?.file ?? 0);
    if (file === undefined) return '';
    const name = packageOfFile(file);
    this.packages.set(siteId, name);
    return name;
  }

  /** The slot of that epoch, made when missing. Call `touch` after a change. */
  slotFor(task: Task, epoch: number): number {
    const number = pageNumberOf(epoch);
    if (number === task.lastPageNumber) return task.lastPageSlot + (epoch & (slotsPerPage - 1));
    const at = positionOfPage(task, number);
    if (task.pageNumbers[at] !== number) {
      task.pages.splice(at, 0, this.slots.takePage());
      task.pageNumbers.splice(at, 0, number);
      task.validPages = Math.min(task.validPages, at);
      if (number > task.lastPageNumber) {
        task.lastPageNumber = number;
        task.lastPageSlot = (task.pages[at] as number) << pageShift;
        if (at > 1) this.ripeTasks.push(task);
      }
    }
    return ((task.pages[at] as number) << pageShift) | (epoch % slotsPerPage);
  }

  /** The slot of that epoch; `none` when there is none. */
  slotOf(task: Task, epoch: number): number {
    const number = pageNumberOf(epoch);
    const at = positionOfPage(task, number);
    if (task.pageNumbers[at] !== number) return none;
    return ((task.pages[at] as number) << pageShift) | (epoch % slotsPerPage);
  }

  /** Something in that epoch's page changed: prefix records of later pages no longer hold. */
  touch(task: Task, epoch: number): void {
    if (!task.dirty) this.markDirty(task);
    const number = pageNumberOf(epoch);
    if (task.lastPageNumber === number) return;
    const at = positionOfPage(task, number);
    if (task.validPages > at + 1) task.validPages = at + 1;
  }

  spawn(id: number, parent: number, ns: number, thread: Thread, log: number): Task {
    const task = this.taskFor(id, ns);
    if (!Number.isNaN(task.spawnNs)) return task;
    task.spawnNs = ns;
    task.spawnThread = thread.index;
    task.spawnLog = log;
    if (task.parent === 0) task.parent = parent;
    task.validPages = 0;
    return task;
  }

  /** Poll (task, epoch) begins; a poll that is known keeps what is known of it. */
  pollBegins(task: Task, epoch: number, ns: number, thread: Thread, log: number): OpenPoll {
    const slot = this.slotFor(task, epoch);
    const segment = this.slots.segmentOf(slot);
    const within = SlotTable.within(slot);
    if (((segment.bits[within] as number) & slotBit.hasStart) === 0) {
      segment.startNs[within] = ns;
      segment.thread[within] = thread.index;
      segment.logFrom[within] = log;
      segment.bits[within] = (segment.bits[within] as number) | slotBit.hasStart;
      task.polls++;
      this.counts.polls++;
      if (epoch > task.highestPollEpoch) task.highestPollEpoch = epoch;
      if (thread.workerLane < 0) thread.workerLane = this.newLane(laneKind.worker, thread);
      if (thread.open.length === 0) thread.polls.begin(slot, task.index);
      this.touch(task, epoch);
    }
    const { spare } = thread;
    if (spare === undefined) return { task, epoch, slot, lastWait: none };
    thread.spare = undefined;
    spare.task = task;
    spare.epoch = epoch;
    spare.slot = slot;
    spare.lastWait = none;
    return spare;
  }

  /** The poll ends with that outcome; with outcome 0 and `lost`, its end is not known and lies at or after `ns`. */
  pollEnds(poll: OpenPoll, ns: number, outcome: number, lost: boolean, log: number): void {
    const segment = this.slots.segmentOf(poll.slot);
    const within = SlotTable.within(poll.slot);
    const kept = (segment.bits[within] as number) & ~slotBit.outcomeMask & ~slotBit.endUnknown;
    segment.endNs[within] = Math.max(ns, segment.startNs[within] as number);
    segment.logTo[within] = log;
    // Returned is pending until it is settled otherwise.
    const told = outcome === pollOutcome.returned ? pollOutcome.pending : outcome;
    const known = told <= 3 ? told << slotBit.outcomeShift : 0;
    segment.bits[within] = kept | slotBit.hasEnd | known | (lost ? slotBit.endUnknown : 0);
    const final = outcome === pollOutcome.ready || outcome === pollOutcome.panicked;
    if (final && poll.epoch < poll.task.finalEpoch) {
      poll.task.finalEpoch = poll.epoch;
      // What its taskEnd clipped until now is clipped no more.
      if (!Number.isNaN(poll.task.taskEndNs)) poll.task.validPages = 0;
    }
    this.touch(poll.task, poll.epoch);
  }

  /** An ended poll turned out to have been ready, or to have been none. */
  pollSettles(id: number, epoch: number, outcome: number): void {
    const task = this.taskById.get(id);
    const slot = task === undefined ? none : this.slotOf(task, epoch);
    if (task === undefined || slot === none) return;
    const segment = this.slots.segmentOf(slot);
    const within = SlotTable.within(slot);
    const bits = segment.bits[within] as number;
    if ((bits & slotBit.hasStart) === 0 || (bits & slotBit.hasEnd) === 0) return;
    if (outcome === pollOutcome.ready) {
      const poll = { task, epoch, slot, lastWait: none };
      this.pollEnds(poll, segment.endNs[within] as number, outcome, false, segment.logTo[within] as number);
    } else if (outcome === pollOutcome.none) {
      segment.bits[within] =
        bits & ~(slotBit.hasStart | slotBit.hasEnd | slotBit.outcomeMask | slotBit.endUnknown);
      task.polls--;
      this.counts.polls--;
      if (task.highestPollEpoch === epoch) task.highestPollEpoch = epoch - 1;
      this.touch(task, epoch);
    }
  }

  wake(task: Task, epoch: number, epochAfter: number, effect: number, fact: WakeFact): void {
    if (effect === wakeEffect.redundant || effect === wakeEffect.afterCompletion) return;
    const ambiguous = epochAfter > epoch ? wakeBit.ambiguous : 0;
    this.offerWake(
      task,
      epoch,
      effect === wakeEffect.unknown ? wakeRank.unknownEffect : wakeRank.effectual,
      ambiguous,
      fact,
    );
    const last = Math.min(epochAfter, epoch + spreadLimit);
    for (let e = epoch + 1; e <= last; e++) this.offerWake(task, e, wakeRank.spread, wakeBit.ambiguous, fact);
  }

  /** Keeps the better of the wake that the slot holds and this one; the result does not depend on their order. */
  private offerWake(task: Task, epoch: number, rank: number, ambiguous: number, fact: WakeFact): void {
    const slot = this.slotFor(task, epoch);
    const segment = this.slots.segmentOf(slot);
    const within = SlotTable.within(slot);
    const held = segment.wakeBits[within] as number;
    const heldRank = held & wakeBit.rankMask;
    let several = 0;
    if (heldRank > rank) return;
    if (heldRank === rank) {
      const holder = segment.wakeThread[within] as number;
      if (rank === wakeRank.unknownEffect)
        several = holder === fact.thread.index ? held & wakeBit.severalThreads : wakeBit.severalThreads;
      const heldNs = segment.wakeNs[within] as number;
      const later =
        fact.ns > heldNs || (fact.ns === heldNs && fact.thread.id >= (this.threads[holder]?.id ?? 0));
      if (later) {
        if ((held & several) !== several) this.touch(task, epoch);
        segment.wakeBits[within] = held | several;
        return;
      }
    }
    segment.wakeBits[within] = rank | ambiguous | several;
    segment.wakeNs[within] = fact.ns;
    segment.wakeThread[within] = fact.thread.index;
    segment.wakeLog[within] = fact.log;
    segment.wakeCauseKind[within] = fact.causeKind;
    segment.wakeCauseId[within] = fact.causeId < none ? fact.causeId : 0;
    this.touch(task, epoch);
  }

  wait(
    poll: OpenPoll,
    frame: number,
    onKind: number,
    onId: number,
    interest: number,
    site: number,
    stack: number,
  ): void {
    const { waits } = this;
    if (onKind === causeKind.unknown && stack !== 0 && this.chainTold(poll, stack, onId)) return;
    const index = waits.push(onKind, onId, interest, frame, site, stack);
    if (poll.lastWait !== none) waits.setNext(poll.lastWait, index);
    else this.slots.segmentOf(poll.slot).firstWait[SlotTable.within(poll.slot)] = index;
    poll.lastWait = index;
    if (site !== 0) this.waitsAt(site).add(poll.task.index, poll.epoch);
    if (stack !== 0) this.noteStack(poll.task, poll.epoch, site, stack);
    this.touch(poll.task, poll.epoch);
  }

  /** The wait of a poll that ends with a chain of awaits. */
  awaits(poll: OpenPoll, stack: number): void {
    this.wait(poll, 0, causeKind.unknown, 0, 0, this.shownSiteOf(stack), stack);
  }

  /** The site that stands for a chain of awaits; 0 when none was named. */
  shownSiteOf(stack: number): number {
    return this.shownSites.get(stack) ?? 0;
  }

  /** Where the task awaits since that poll, found later. Alone it does not make the task known, as for a sample. */
  waitFound(id: number, epoch: number, chain: FoundChain): void {
    const task = this.taskById.get(id);
    if (task !== undefined) {
      this.addFound(task, epoch, chain);
      return;
    }
    const held = this.foundOfUnknown.get(id);
    if (held === undefined) this.foundOfUnknown.set(id, [{ epoch, chain }]);
    else held.push({ epoch, chain });
  }

  private addFound(task: Task, epoch: number, chain: FoundChain): void {
    if (!this.foundWaits.add(this.slotFor(task, epoch), chain)) return;
    this.noteStack(task, epoch, 0, chain.stack);
    this.touch(task, epoch);
  }

  /** A look at an open poll. Alone it does not make the task known: the poll's own thread may be read later. */
  sample(id: number, epoch: number, sample: PollSample): void {
    const task = this.taskById.get(id);
    if (task !== undefined) {
      this.addSample(task, epoch, sample);
      return;
    }
    const held = this.samplesOfUnknown.get(id);
    if (held === undefined) this.samplesOfUnknown.set(id, [{ epoch, sample }]);
    else held.push({ epoch, sample });
  }

  private addSample(task: Task, epoch: number, sample: PollSample): void {
    if (this.samples.add(this.slotFor(task, epoch), sample)) this.touch(task, epoch);
  }

  /**
   * A chain of awaits that is told at the end of a poll belongs to a wait that was told when it began, where one has no
   * chain yet: the first whose line is in the chain, else the only one of the poll; of a chain of several futures, so
   * many of them. False where it is a wait by itself.
   */
  private chainTold(poll: OpenPoll, stack: number, count: number): boolean {
    let told = 0;
    while (told < Math.min(Math.max(count, 1), joinedWaits) && this.joinChain(poll, stack)) told++;
    return told > 0;
  }

  private joinChain(poll: OpenPoll, stack: number): boolean {
    const { waits } = this;
    const first = this.slots.segmentOf(poll.slot).firstWait[SlotTable.within(poll.slot)] as number;
    if (first === none) return false;
    const chain = this.stacks.get(stack) ?? [];
    let found = none;
    let looked = 0;
    for (
      let wait = first;
      wait !== none && found === none && looked < joinedWaits;
      wait = waits.nextOf(wait)
    ) {
      looked++;
      if (waits.stackOf(wait) === 0 && this.isOnLineOf(waits.siteOf(wait), chain)) found = wait;
    }
    const onlyOne = waits.nextOf(first) === none && waits.stackOf(first) === 0;
    if (found === none && onlyOne) found = first;
    if (found === none) return false;
    waits.setStack(found, stack);
    this.noteStack(poll.task, poll.epoch, waits.siteOf(found), stack);
    return true;
  }

  isOnLineOf(site: number, chain: readonly number[]): boolean {
    const place = this.sites.get(site);
    return (
      place !== undefined &&
      chain.some((each) => {
        const other = this.sites.get(each);
        return other !== undefined && other.line === place.line && other.file === place.file;
      })
    );
  }

  /** Whether the program stood at some instant of the interval. */
  stopOverlaps(fromNs: number, toNs: number): boolean {
    let low = 0;
    let high = this.stops.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.stops[middle]?.toNs ?? 0) > fromNs) high = middle;
      else low = middle + 1;
    }
    return low < this.stops.length && (this.stops[low]?.fromNs ?? 0) < toNs;
  }

  private waitsAt(site: number): SiteWaits {
    const known = this.waitsBySite.get(site);
    if (known !== undefined) return known;
    const made = new SiteWaits();
    this.waitsBySite.set(site, made);
    return made;
  }

  /** A chain of awaits waits on each of its lines. */
  private noteStack(task: Task, epoch: number, site: number, stack: number): void {
    for (const each of this.stacks.get(stack) ?? [])
      if (each !== site && each !== 0) this.waitsAt(each).add(task.index, epoch);
  }

  private invalidFromNs = Number.POSITIVE_INFINITY;

  /** A gap or a stop changes what intervals after `fromNs` are. Done once before the next question, not per gap. */
  invalidateFrom(fromNs: number): void {
    this.invalidFromNs = Math.min(this.invalidFromNs, fromNs);
  }

  /** Drops the prefix records that gaps and stops read since have made wrong. */
  applyInvalidation(): void {
    const fromNs = this.invalidFromNs;
    if (fromNs === Number.POSITIVE_INFINITY) return;
    this.invalidFromNs = Number.POSITIVE_INFINITY;
    for (const task of this.tasks) {
      if (task.validPages === 0) continue;
      this.dropPagesEnteredAfter(task, fromNs);
      if (!task.dirty) this.markDirty(task);
    }
  }

  private dropPagesEnteredAfter(task: Task, ns: number): void {
    let valid = task.validPages;
    while (valid > 1 && this.entryNs(task.pages[valid - 1] as number) > ns) valid--;
    task.validPages = valid;
  }

  private entryNs(page: number): number {
    return this.slots.prefixBlock(page)[SlotTable.prefixAt(page)] as number;
  }

  define(record: DictionaryRecord): void {
    switch (record.record) {
      case 'text':
        this.texts.set(record.id, record.text);
        break;
      case 'site':
        this.sites.set(record.id, {
          file: record.file,
          line: record.line,
          column: record.column,
          functionName: record.function,
        });
        break;
      case 'stack':
        this.stacks.set(record.id, record.sites);
        this.shownSites.set(record.id, record.site);
        break;
      case 'runtime':
        this.runtimes.set(record.id, record);
        break;
      case 'thread':
        Object.assign(this.threadFor(record.id), {
          osId: record.osId,
          name: record.name,
          runtime: record.runtime,
          role: record.role,
        });
        break;
      case 'task':
        this.defineTask(record);
        break;
      case 'source':
        this.sources.set(record.id, record);
        break;
      case 'resource':
        this.resources.set(record.id, record);
        break;
    }
  }

  private defineTask(record: Extract<DictionaryRecord, { record: 'task' }>): void {
    const { parent, site, name, taskKind, runtime } = record;
    const facts = { parent, site, name, taskKind, runtime };
    const known = this.taskById.get(record.id);
    if (known === undefined) this.taskRecords.set(record.id, facts);
    else {
      if (known.name !== name) this.labelVersion++;
      Object.assign(known, facts);
      if (!known.dirty) this.markDirty(known);
    }
  }

  /** Memory of the tables that grow with the number of events. */
  get bytes(): number {
    let sum =
      2 * this.dictionaryBytes +
      this.slots.bytes +
      this.waits.bytes +
      this.samples.bytes +
      this.foundWaits.bytes +
      this.sections.bytes +
      this.frames.bytes +
      this.tasks.length * 600;
    sum += (this.jobs.size + this.timers.size + this.submissions.size) * 160;
    for (const thread of this.threads) sum += thread.bytes;
    for (const pool of this.pools.values()) sum += pool.bytes;
    for (const ring of this.rings.values()) sum += ring.bytes;
    return sum;
  }
}

function pageNumberOf(epoch: number): number {
  return epoch < 0x40000000 ? epoch >> pageShift : Math.floor(epoch / slotsPerPage);
}

/** Where that page stands, or would stand, among the task's pages. */
export function positionOfPage(task: Task, number: number): number {
  const numbers = task.pageNumbers;
  let low = 0;
  let high = numbers.length;
  // Nearly all accesses are to one of the last two pages.
  if (high > 1 && (numbers[high - 2] as number) <= number) low = high - 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The innermost of the packages that the file lies in, by the names of its folders. */
function packageOfFile(file: string): string {
  if (file.startsWith('node:')) return 'Node';
  const folders = file.split(/[\\/]/);
  const at = folders.lastIndexOf('node_modules');
  if (at < 0) return '';
  const name = folders[at + 1] ?? '';
  return name.startsWith('@') ? `${name}/${folders[at + 2] ?? ''}` : name;
}
