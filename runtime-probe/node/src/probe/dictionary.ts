// Owns the ids of texts and sites, and putting dictionary records into the ring before any event that names them.
// Knows nothing of events or sockets.
import type { Site } from '../executor/site.ts';
import {
  ByteWriter,
  type DictionaryRecord,
  dictionaryKind,
  type ResourceRecord,
  type RuntimeRecord,
  type SourceRecord,
  type TaskRecord,
  type ThreadRecord,
  writeDictionaryRecord,
} from '../wire/index.ts';
import type { DictionaryRing } from './dictionary-ring.ts';
import { dictionaryEntryKind } from './ring-layout.ts';

/** Longer names are cut: 4 KiB holds the longest path that Linux has. */
const longestTextUnits = 1024;
/** Texts live as long as the session. Beyond this many UTF-16 units new ones are told as "not known" (id 0). */
const textBudgetUnits = 8 * 1024 * 1024;
/** Stacks too, by how many there are: each is 64 sites at most. Beyond it a look has none. */
const stackLimit = 1 << 14;

export class Dictionary {
  private readonly ring: DictionaryRing;
  private readonly writer = new ByteWriter();
  private readonly textIds = new Map<string, number>();
  private textUnits = 0;
  private readonly siteIds = new Map<Site, number>();
  private readonly stackIds = new Map<string, number>();

  constructor(ring: DictionaryRing) {
    this.ring = ring;
  }

  /** True while a record is made: whoever interrupts this thread then must make none. */
  get inUse(): boolean {
    return this.ring.inUse > 0;
  }

  /** The id of a text; 0 for the empty one. */
  text(value: string): number {
    if (value === '') return 0;
    const known = this.textIds.get(value);
    if (known !== undefined) return known;
    if (this.textUnits + value.length > textBudgetUnits) return 0;
    this.ring.inUse++;
    this.textUnits += value.length;
    const id = this.textIds.size + 1;
    this.textIds.set(value, id);
    this.put({ record: 'text', id, text: value.slice(0, longestTextUnits) });
    this.ring.inUse--;
    return id;
  }

  /** The id of a site. The executor gives the same object for the same place, so its identity is the key. */
  site(site: Site | undefined): number {
    if (site === undefined) return 0;
    const known = this.siteIds.get(site);
    if (known !== undefined) return known;
    const file = this.text(site.file);
    const functionName = this.text(site.functionName);
    this.ring.inUse++;
    const id = this.siteIds.size + 1;
    this.siteIds.set(site, id);
    this.put({ record: 'site', id, file, line: site.line, column: site.column, function: functionName });
    this.ring.inUse--;
    return id;
  }

  /** The id of a list of sites, innermost first; 0 for the empty one. */
  stack(sites: readonly number[]): number {
    if (sites.length === 0) return 0;
    const key = sites.join();
    const known = this.stackIds.get(key);
    if (known !== undefined) return known;
    if (this.stackIds.size >= stackLimit) return 0;
    const id = this.stackIds.size + 1;
    this.stackIds.set(key, id);
    this.put({ record: 'stack', id, sites, site: 0 });
    return id;
  }

  put(record: DictionaryRecord): void {
    const { ring, writer } = this;
    ring.inUse++;
    writeDictionaryRecord(writer, record);
    ring.put(dictionaryEntryKind.record, writer.buffer, writer.written);
    writer.clear();
    ring.inUse--;
  }

  /** As put, for what comes with each request: its fields in the order of the wire, without a look at the shape. */
  task(id: number, parent: number, site: number, name: number, kind: number, runtime: number): void {
    const { task } = dictionaryKind;
    this.ring.putNumbers(dictionaryEntryKind.record, 7, task, id, parent, site, name, kind, runtime);
  }

  /** Once the slot `sequence` is sent, no event refers to the record any more. */
  retire(record: RetirableRecord, id: number, sequence: number): void {
    this.ring.putNumbers(dictionaryEntryKind.retire, 3, dictionaryKind[record], id, sequence, 0, 0, 0, 0);
  }
}

type RetirableRecord = (RuntimeRecord | ThreadRecord | TaskRecord | SourceRecord | ResourceRecord)['record'];
