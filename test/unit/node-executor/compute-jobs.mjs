// Work for compute.test.ts that a worker thread imports.

export async function doubleLater(n) {
  await new Promise((resolve) => setImmediate(resolve));
  return n * 2;
}

export function failing() {
  throw new RangeError('planned');
}
