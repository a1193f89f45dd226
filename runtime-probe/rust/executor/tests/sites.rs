//! Every wait names the line of its `.await`, every spawn its own line.

mod support;

use std::time::Duration;

use support::{record, wait_for_wait, Event};
use wakeline_executor::net::TcpListener;
use wakeline_executor::observe::WaitTarget;
use wakeline_executor::sync::{channel, oneshot, Mutex, Notify};
use wakeline_executor::time::{sleep, timeout};
use wakeline_executor::{block_on, select, spawn, spawn_blocking};

#[test]
fn waits_and_spawns_carry_their_lines() {
    let first = line!() + 3;
    let ((), trace) = record(|| {
        block_on(async {
            sleep(Duration::from_millis(1)).await;
            let task = spawn(sleep(Duration::from_millis(1)));
            task.await.unwrap();
            spawn_blocking(|| wait_for_wait(|target| matches!(target, WaitTarget::Job(_))))
                .await
                .unwrap();
            let mutex = Mutex::new(());
            let _guard = mutex.lock().await;
            let _ = timeout(Duration::from_millis(1), mutex.lock()).await;
            let notify = Notify::new();
            let _ = select(sleep(Duration::from_millis(1)), notify.notified()).await;
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let _ = timeout(Duration::from_millis(1), listener.accept()).await;
            let (sender, mut receiver) = channel::<u8>(1);
            let _ = timeout(Duration::from_millis(1), receiver.recv()).await;
            drop(sender);
            let (_sender, receiver) = oneshot::<u8>();
            let _ = timeout(Duration::from_millis(1), receiver).await;
        });
    });
    trace.check();
    let mut lines: Vec<u32> = trace
        .events()
        .filter_map(|event| match event {
            Event::Wait { line, .. } => Some(*line - first),
            _ => None,
        })
        .collect();
    lines.sort_unstable();
    lines.dedup();
    // The line of `.await` where a handle is awaited, of the call otherwise. The
    // spawned sleep waits where it was made.
    assert_eq!(lines, [0, 1, 2, 4, 8, 10, 12, 14, 17]);
    let spawned =
        trace.count(|event| matches!(event, Event::Spawned { line, .. } if *line == first + 1));
    assert_eq!(spawned, 1);
}
