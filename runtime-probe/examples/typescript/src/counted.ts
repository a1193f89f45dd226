// A future that counts how often it is polled: the example's own witness of what the trace says.
import type { Context, Future, Poll } from 'wakeline';

export class Counted<T> implements Future<T> {
  polls = 0;
  private readonly inner: Future<T>;

  constructor(inner: Future<T>) {
    this.inner = inner;
  }

  poll(cx: Context): Poll<T> {
    this.polls++;
    return this.inner.poll(cx);
  }

  drop(): void {
    this.inner.drop?.();
  }
}
