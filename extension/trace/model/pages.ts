// Owns finding a task's page by time, from the prefix records. Knows nothing of what pages hold.
import { SlotTable } from './columns.ts';
import type { Task } from './entities.ts';
import type { Model } from './model.ts';

/** Position of the last page entered at or before `atNs`; 0 when none was. Their prefix records must be valid. */
export function pageAt(model: Model, task: Task, atNs: number, from = 0): number {
  let low = from;
  let high = task.pages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const page = task.pages[middle] as number;
    const entryNs = model.slots.prefixBlock(page)[SlotTable.prefixAt(page)] as number;
    if (entryNs <= atNs) low = middle + 1;
    else high = middle;
  }
  return Math.max(from, low - 1);
}
